"""Stray payments (R17) for support and the provider: read, and told what became of their money."""

from typing import Final, get_args

from pydantic import TypeAdapter, ValidationError
from temporalio.client import Client

from client import stray_payments
from database.connection import Database
from database.stray_payments import SqlStrayPayments
from gateway.access import Caller
from gateway.orders import asking_temporal, asking_the_database, sent_by
from gateway.problems import NotFound
from orders.chargebacks import Chargeback
from orders.choices import Choices, refund_update_choices
from orders.messages import Message
from orders.outside_refunds import OutsideRefund
from orders.refunds import Refund, refunds_of
from orders.sentences import sentence
from orders.stray_payments import StrayPaymentInput, StrayPaymentMessage, StrayPaymentState
from orders.timeline import TimelineEntry
from orders.unmatched import ResolvedAmount
from orders.values import Balance, Frozen, PaymentId
from orders.view import Action

STRAY_MESSAGES: Final[dict[str, type[Message]]] = {
    it.name: it for it in get_args(StrayPaymentMessage)
}
"""What a stray payment is told, by name."""

_ID: Final = TypeAdapter[str](PaymentId)


class StrayPaymentView(Frozen):
    """A stray payment as support sees it.

    ``held`` is what is still here for its payer, negative for what the payer has twice; ``actions`` are
    support's, as an order's.
    """

    payment: StrayPaymentInput
    held: Balance
    refund: Refund | None
    earlier_refunds: list[Refund]
    chargebacks: list[Chargeback]
    outside_refunds: list[OutsideRefund]
    was_reversed: bool
    unmatched: list[Balance]
    unmatched_resolutions: list[ResolvedAmount]
    timeline: list[TimelineEntry]
    actions: list[Action]


class StrayPaymentService:
    """What support and the provider do with stray payments; who may is checked before."""

    def __init__(self, client: Client, database: Database) -> None:
        self._client = client
        self._stored = SqlStrayPayments(database)

    async def find(self, payment_id: str) -> StrayPaymentView:
        """A stray payment as it is now, or as it ended. Raises NotFound."""
        _must_be_possible(payment_id)
        async with asking_temporal():
            state = await stray_payments.show(self._client, payment_id)
        if state is None:
            async with asking_the_database():
                state = await self._stored.find(payment_id)
        if state is None:
            raise _unknown(payment_id)
        return _view(state)

    async def tell(self, caller: Caller, payment_id: str, message: Message) -> StrayPaymentView:
        """Tell a stray payment what has become of its money, and return its view.

        Raises NotFound, and InvalidInput as ``StrayPaymentState.check``.
        """
        _must_be_possible(payment_id)
        said = sent_by(caller, message)
        assert isinstance(said, StrayPaymentMessage), "nothing else has a route"
        async with asking_temporal():
            if not await stray_payments.send(self._client, payment_id, said, self._stored):
                raise _unknown(payment_id)
        return await self.find(payment_id)


def _view(state: StrayPaymentState) -> StrayPaymentView:
    shown = StrayPaymentView.model_fields.keys() - {"held", "actions"}
    return StrayPaymentView(
        held=Balance(amount=state.held, currency=state.received.currency),
        actions=_actions(state),
        **{name: getattr(state, name) for name in shown},
    )


def _actions(state: StrayPaymentState) -> list[Action]:
    """What support can say of it now."""
    listed = []
    if state.unmatched:
        only: Choices = {"borne_by": ("marketplace",)}
        listed.append(Action(action="unmatched_resolution", available=True, choices=only))
    if refunds_of(state):
        says = refund_update_choices(state)
        listed.append(Action(action="refund_update", available=True, choices=says))
    return listed


def _must_be_possible(payment_id: str) -> None:
    """Raise NotFound for what no payment can be called: a path can contain what no database can store."""
    try:
        _ID.validate_python(payment_id)
    except ValidationError:
        raise _unknown(payment_id) from None


def _unknown(payment_id: str) -> NotFound:
    return NotFound(sentence("There is no stray payment {payment_id}.", payment_id=payment_id[:64]))
