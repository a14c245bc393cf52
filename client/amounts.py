"""Amounts that the payment provider could neither pay nor take, refused before they are decided (R4, R16).

An order does not know its provider. Once decided, such a refund would fail for good, and such a price would
never be paid.
"""

from collections.abc import Awaitable, Callable

from client.errors import UnknownOrder
from orders.errors import NotAllowedNow, RefusalCode
from orders.messages import DisputeDecision, Message, SellerMessage, SettlementOffer
from orders.sentences import sentence
from orders.values import Money
from orders.view import OrderView

AmountRule = Callable[[Money], str | None]
"""Why a provider can neither take nor pay an amount, as a sentence; None where it can."""


def any_amount(money: Money) -> None:
    """The rule of a provider that moves every amount."""


async def refuse_unpayable(
    message: Message, problem_of: AmountRule, show: Callable[[], Awaitable[OrderView]]
) -> None:
    """Raise NotAllowedNow for a message by which such an amount would go back, or be left to pay.

    ``show`` gets the order's view. What the order refuses anyway is left to it.
    """
    if problem_of is any_amount or not isinstance(
        message, DisputeDecision | SettlementOffer | SellerMessage
    ):
        return
    try:
        view = await show()
    except UnknownOrder:
        return
    problem = _problem(message, problem_of, view)
    if problem and _is_allowed(message, view):
        raise NotAllowedNow(message.name, RefusalCode.WRONG_AMOUNT, view.status.value, problem)


def _problem(message: Message, problem_of: AmountRule, view: OrderView) -> str | None:
    match message:
        case DisputeDecision(money=Money() as money) | SettlementOffer(money=money):
            return problem_of(money)
        case SellerMessage(discount=Money(amount=less, currency=currency)) if (
            currency == view.amount_due.currency and less < view.amount_due.amount
        ):
            rest = view.amount_due.of(view.amount_due.amount - less)
            if problem := problem_of(rest):
                return sentence(
                    "What would be left to pay, {rest}, cannot be paid: {problem}",
                    rest=rest,
                    problem=problem,
                )
    return None


def _is_allowed(message: Message, view: OrderView) -> bool:
    listed = (it for actions in view.actions.values() for it in actions)
    return any(it.action == message.name and it.available for it in listed)
