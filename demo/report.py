"""What the demo prints and checks: each story's timeline, the table of outcomes, and the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli import rendering
from database.ledger import AccountBalance, totals_by_currency
from demo.scenarios import Ending, Scenario
from demo.story import RefusedMessage
from demo.system import Cost
from i18n.catalogues import NC_, translator
from i18n.current import current_locale, gettext, ngettext
from i18n.formats import amount_text
from orders.status import CloseReason, Status
from orders.stray_payments import StrayPaymentState
from orders.values import Balance, Money
from orders.view import OrderView

# Narrow: both tables are to fit a terminal of 80 columns.
BOX = box.SIMPLE_HEAD
NOTHING = "\N{EM DASH}"

# Headings are broken by "\n" to keep columns narrow.
_SUMS = (
    NC_("column", "paid"),
    NC_("column", "refunded"),
    NC_("column", "charged\nback"),
    NC_("column", "held"),
    NC_("column", "owed to\nseller"),
    NC_("column", "sent\nback"),
)


@dataclass(frozen=True)
class Outcome:
    """The outcome of a scenario: the order's view, the ledger, and the cost to the server.

    ``balances`` and ``stray_balances`` are the ledger's, by account, in minor units. ``problem`` says
    where its story failed.
    """

    scenario: Scenario
    view: OrderView
    refused: tuple[RefusedMessage, ...]
    stray_payments: tuple[StrayPaymentState, ...]
    balances: dict[str, int]
    stray_balances: tuple[dict[str, int], ...]
    cost: Cost
    problem: str | None = None


def print_outcome(console: Console, outcome: Outcome) -> None:
    """Print a story as a timeline with its virtual dates."""
    console.print()
    console.print(Text.assemble((_title(outcome), "bold"), f"  ({outcome.view.order_id})"))
    refused = [
        rendering.refused_line(it.at, it.name, it.reason, it.available_from)
        for it in outcome.refused
    ]
    lines = sorted([*rendering.history(outcome.view), *refused], key=lambda line: line.at)
    console.print(rendering.timeline(lines))
    for stray_payment in outcome.stray_payments:
        money = rendering.money(stray_payment.payment.money)
        console.print(
            gettext(
                "  Payment {payment_id} of {money}, by a process and a clock of its own:",
                payment_id=stray_payment.payment.payment_id,
                money=money,
            )
        )
        console.print(rendering.timeline(rendering.entries(stray_payment.timeline)))
    console.print(
        gettext(
            "  In the end it is {status}: {state}.",
            status=rendering.named("status", outcome.view.status),
            state=rendering.state(outcome.view),
        )
    )
    if outcome.problem:
        console.print(
            Text(gettext("  It went another way: {problem}", problem=outcome.problem), style="red")
        )


def outcome_table(outcomes: Sequence[Outcome]) -> Table:
    """How each story ended, and what it cost."""
    made = Table(
        title=gettext("Outcomes"),
        caption=gettext(
            "Events and workflow tasks are those of the order's own process. The events by which this "
            "demo skips its time (WORKFLOW_EXECUTION_OPTIONS_UPDATED, "
            "WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED) are not counted: an order that lives at its "
            "own pace has none."
        ),
        caption_justify="left",
        title_style="bold",
        box=BOX,
    )
    for name in (gettext("story"), gettext("status"), gettext("close reason")):
        made.add_column(name)
    made.add_column(gettext("events"), justify="right")
    made.add_column(gettext("tasks"), justify="right")
    for outcome in outcomes:
        view = outcome.view
        made.add_row(
            _title(outcome),
            rendering.named("status", view.status),
            rendering.named("close_reason", view.close_reason) if view.close_reason else NOTHING,
            str(outcome.cost.events),
            str(outcome.cost.workflow_tasks),
            style="red" if faults(outcome) else None,
        )
    return made


def money_table(outcomes: Sequence[Outcome]) -> Table:
    """Where each story's money is."""
    made = Table(title=gettext("Money"), title_style="bold", box=BOX, padding=(0, 1, 0, 0))
    made.add_column(gettext("story"))
    # For translators: a currency stands below it, as in "in EUR".
    made.add_column(_column(NC_("column", "in")))
    for name in _SUMS:
        made.add_column(_column(name), justify="right", no_wrap=True)
    for outcome in outcomes:
        view = outcome.view
        made.add_row(
            _title(outcome),
            view.amount_paid.currency,
            *(
                _number(amount)
                for amount in (
                    view.amount_paid,
                    view.amount_refunded,
                    view.amount_charged_back,
                    view.amount_held,
                    view.amount_owed_to_seller,
                    view.amount_paid.of(_sent_back(outcome.stray_payments)),
                )
            ),
            style="red" if faults(outcome) else None,
        )
    return made


def _number(money: Money | Balance) -> str:
    return amount_text(money, current_locale()) if money.amount else NOTHING


def _column(name: str) -> str:
    return str(translator(current_locale()).pgettext("column", name))


def _title(outcome: Outcome) -> str:
    return str(translator(current_locale()).gettext(outcome.scenario.title))


def faults(outcome: Outcome) -> list[str]:
    """The faults of one story: a wrong ending, or money that does not add up."""
    return [
        f"{_title(outcome)}: {fault}"
        for fault in (*_problem(outcome), *_wrong_ending(outcome), *_wrong_money(outcome))
    ]


def ledger_faults(trial_balance: Sequence[AccountBalance]) -> list[str]:
    """The faults of the whole ledger: each currency must sum to zero."""
    sums = totals_by_currency(trial_balance)
    if not sums:
        return [gettext("The ledger is empty.")]
    return [
        gettext(
            "The ledger's accounts in {currency} sum to {money} instead of zero.",
            currency=currency,
            money=rendering.money(Balance.booked(total, currency)),
        )
        for currency, total in sums.items()
        if total
    ]


def endings_not_seen(outcomes: Sequence[Outcome]) -> list[str]:
    """The endings of the order workflow that no story reached."""
    seen = {outcome.view.close_reason or outcome.view.status.value for outcome in outcomes}
    endings = (*(("close_reason", it) for it in CloseReason), ("status", Status.SHIPPED))
    missing = [rendering.key_and_name(kind, it) for kind, it in endings if it not in seen]
    return [gettext("No story ended as {endings}.", endings=", ".join(missing))] if missing else []


def conclude(console: Console, outcomes: Sequence[Outcome], wrong: Sequence[str]) -> None:
    """Print how the stories ended, where their money is, and all faults or that there are none."""
    for table in (outcome_table(outcomes), money_table(outcomes)):
        console.print()
        console.print(table)
    for fault in wrong:
        console.print(Text(gettext("WRONG: {fault}", fault=fault), style="red"))
    if not wrong:
        console.print(
            ngettext(
                "{number} story ended as it must.",
                "All {number} stories ended as they must.",
                len(outcomes),
            ),
            gettext(
                "Every ending of the process is among them. For each order paid = refunded + charged "
                "back + held + owed to the seller, the ledger says the same, and its accounts sum to "
                "zero."
            ),
        )


def ending_of(view: OrderView, stray_payments: Sequence[StrayPaymentState]) -> Ending:
    """How an order and its stray payments ended."""
    return Ending(
        status=view.status,
        close_reason=view.close_reason,
        paid=view.amount_paid.amount,
        refunded=view.amount_refunded.amount,
        charged_back=view.amount_charged_back.amount,
        to_seller=view.amount_owed_to_seller.amount,
        sent_back=_sent_back(stray_payments),
    )


def _sent_back(stray_payments: Sequence[StrayPaymentState]) -> int:
    refunds = (stray_payment.refund for stray_payment in stray_payments)
    return sum(refund.money.amount for refund in refunds if refund and refund.is_settled)


def _problem(outcome: Outcome) -> list[str]:
    return [outcome.problem] if outcome.problem else []


def _wrong_ending(outcome: Outcome) -> list[str]:
    ending, wanted = ending_of(outcome.view, outcome.stray_payments), outcome.scenario.ends
    if ending == wanted:
        return []
    return [gettext("it ended as {ending}, but should as {wanted}", ending=ending, wanted=wanted)]


def _wrong_money(outcome: Outcome) -> list[str]:
    view = outcome.view
    paid, refunded = view.amount_paid.amount, view.amount_refunded.amount
    back, held = view.amount_charged_back.amount, view.amount_held.amount
    owed = view.amount_owed_to_seller.amount
    wrong = []
    if paid != refunded + back + held + owed:
        wrong.append(
            gettext(
                "paid {paid} is not refunded {refunded} + charged back {back} + held {held} + owed {owed}",
                paid=paid,
                refunded=refunded,
                back=back,
                held=held,
                owed=owed,
            )
        )
    book = outcome.balances
    cash, buyer = book.get("cash", 0), -book.get("held", 0) - book.get("refunds", 0)
    seller = -book.get("seller", 0)
    if sum(book.values()) or (cash, buyer, seller) != (paid - refunded - back, held, owed):
        wrong.append(
            gettext(
                "the ledger has {book}, but the order says: paid {paid}, refunded {refunded}, "
                "charged back {back}, held {held}, owed to the seller {owed}",
                book=book,
                paid=paid,
                refunded=refunded,
                back=back,
                held=held,
                owed=owed,
            )
        )
    wrong += [
        gettext("money sent back is still in the ledger: {left}", left=left)
        for left in outcome.stray_balances
        if any(left.values())
    ]
    return wrong
