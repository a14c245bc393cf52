"""Orders as a terminal shows them: readable English, with money in its currency's decimals.

Answers the product's questions (state, why, what happened, what comes, who can do what, where is the
money) from an ``OrderView`` alone, so that it shows open orders and ones long gone alike.
"""

import io
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from unicodedata import category

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from adapters.formats import days_text, money_text
from adapters.wording import wording
from adapters.wording_en import WORDS
from ledger.journal import OutboxEntry
from orders.lifecycle import COMING_PHRASES
from orders.model import Status, TimelineEntry
from orders.values import Balance, Money
from orders.view import Action, OrderView

_LOCALE = "en"

# The details that hold, or may hold, a code of the contract.
_CODES = ("reason", "outcome", "kind", "decision", "topic")


# A pipe has no width: lines are wrapped for people only.
UNWRAPPED = 10_000


class Piped(io.StringIO):
    """Standard output for programs: without the blanks by which tables fill their last column."""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of standard output."""
        return sys.stdout.encoding or "utf-8"

    def write(self, text: str) -> int:
        """Write whole lines, as a console does."""
        sys.stdout.write(re.sub(r" +$", "", text, flags=re.MULTILINE))
        return len(text)

    def flush(self) -> None:
        """Hand on what was written."""
        sys.stdout.flush()


class Line(NamedTuple):
    """A line of a timeline: when, who or what it was, and what happened."""

    at: datetime
    who: str
    what: str


def instant(at: datetime) -> str:
    """A UTC instant, to the minute."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def from_instant(at: datetime) -> str:
    """A UTC instant from which something is possible: to the second, and never a moment early."""
    second = at.astimezone(UTC).replace(microsecond=0)
    return f"{second if second == at else second + timedelta(seconds=1):%Y-%m-%d %H:%M:%S} UTC"


def money(value: Money | Balance) -> str:
    """An amount as people write it; a negative balance has its sign in front."""
    amount = Money.model_validate({"amount": abs(value.amount), "currency": value.currency})
    return f"{'-' if value.amount < 0 else ''}{money_text(amount, _LOCALE)}"


def plain(text: str) -> str:
    """Somebody's text without what would steer a terminal: control and formatting characters."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if category(char).startswith("C") else char for char in text
    )


def refusal(reason: str, available_from: datetime | None) -> str:
    """Why something cannot be done now and, where known, from when it can."""
    since = f" It is possible from {from_instant(available_from)} on." if available_from else ""
    return f"{plain(reason)}{since}"


def state(view: OrderView) -> str:
    """What the order waits for, or how it ended, and why."""
    payment, cancellation, shipment, dispute = (
        view.payment,
        view.cancellation,
        view.shipment,
        view.dispute,
    )
    match view.status:
        case Status.AWAITING_PAYMENT:
            return f"{money(view.amount_due)} is to be paid"
        case Status.PAYMENT_REVIEW if payment:
            return f"the payment is being checked until {instant(payment.review_ends_at)}"
        case Status.AWAITING_SHIPMENT if shipment and shipment.ship_by:
            return f"it is paid, and the seller has until {instant(shipment.ship_by)} to ship it"
        case Status.CANCELLATION_REQUESTED if cancellation and cancellation.due_by:
            why = f" ({WORDS[cancellation.reason]})" if cancellation.reason else ""
            return (
                f"the buyer wants to cancel{why}, and the seller has until "
                f"{instant(cancellation.due_by)} to answer"
            )
        case Status.PROOF_REQUESTED if cancellation and cancellation.due_by:
            return (
                "the seller says that it is already shipped, and has until "
                f"{instant(cancellation.due_by)} to prove it"
            )
        case Status.DISPUTED if dispute:
            return f"a dispute is open: {WORDS[dispute.reason]}"
        case Status.CLOSED if view.close_reason:
            return WORDS[view.close_reason]
        case Status.SHIPPED:
            return "its shipment is proved"
        case _:
            return "it is paid, and the seller is to ship it"


def heading(view: OrderView) -> Text:
    """The order, its state, since when and why."""
    return Text.assemble(
        (f"Order {view.order_id}", "bold"),
        ": ",
        (words(view.status), "bold"),
        f" since {instant(view.status_since)}, because {state(view)}.",
    )


def whole(view: OrderView) -> RenderableType:
    """All that a view says, for people."""
    return Group(*_parts(view))


def entries(timeline: Iterable[TimelineEntry]) -> list[Line]:
    """What happened, each with its details in brackets."""
    return [Line(entry.at, entry.by, _event(entry.what, entry.details)) for entry in timeline]


def refused_line(
    at: datetime, name: str, reason: str, available_from: datetime | None = None
) -> Line:
    """A message that was refused, and why."""
    return Line(at, "refused", f"{words(plain(name))}: {refusal(reason, available_from)}")


def history(view: OrderView) -> list[Line]:
    """What happened and what was refused, oldest first."""
    refused = [refused_line(it.at, it.name, it.reason) for it in view.refused]
    return sorted([*entries(view.timeline), *refused], key=lambda line: line.at)


def timeline(lines: Iterable[Line]) -> Table:
    """Lines of history, their instants and actors aligned."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for line in lines:
        table.add_row(Text(f"  {instant(line.at)}", no_wrap=True), line.who, Text(line.what))
    return table


def words(key: str) -> str:
    """A stable key of the contract as words."""
    return key.replace("_", " ")


def coming(view: OrderView) -> list[str]:
    """What happens next by itself, soonest first, each on a line of its own."""
    return [
        f"{instant(due.at)}  {COMING_PHRASES.get(due.what, words(due.what))}" for due in view.next
    ]


def money_table(view: OrderView) -> Table:
    """Where the money is."""
    table = Table.grid(padding=(0, 2))
    for name, amount in (
        ("due", view.amount_due),
        ("paid", view.amount_paid),
        ("refunded", view.amount_refunded),
        ("charged back", view.amount_charged_back),
        ("held", view.amount_held),
        ("owed to the seller", view.amount_owed_to_seller),
    ):
        table.add_row(f"  {name}", Text(money(amount), justify="right"))
    return table


def letters(outbox: Iterable[OutboxEntry]) -> Iterator[Text]:
    """Letters in the words that people read, and whether they are delivered."""
    for entry in outbox:
        letter = entry.letter
        name = f" {letter.party.name}" if letter.party else ""
        delivered = "" if entry.delivered_at else ", not delivered yet"
        refused = "".join(f"\n  {plain(f'Not by {it.channel}: {it.why}')}" for it in entry.refused)
        yield Text.assemble(
            (plain(f"{instant(letter.at)}  to {letter.to}{name}{delivered}"), "bold"),
            f"\n  {plain(wording(letter))}",
            (refused, "yellow"),
        )


def _parts(view: OrderView) -> Iterator[RenderableType]:
    yield heading(view)
    yield Text(
        plain(
            f"Buyer {view.buyer.name} ({view.buyer.id}), seller {view.seller.name} ({view.seller.id})"
        )
    )
    for line in view.lines:
        yield Text(
            plain(f"  {line.quantity} x {line.title} ({line.sku}) at {money(line.unit_price)}")
        )
    if view.shipping_price.amount:
        yield Text(f"  shipping {money(view.shipping_price)}")
    yield _title("Money")
    yield money_table(view)
    if refund := view.refund:
        late = ", overdue" if refund.overdue and refund.settled_at is None else ""
        why = f", {refund.failure_reason}" if refund.failure_reason else ""
        yield Text(
            plain(
                f"  refund {refund.refund_id}: {money(refund.money)} by {refund.method}, "
                f"{words(refund.status)}{late}, due by {instant(refund.due_by)}{why}"
            )
        )
    if dispute := view.dispute:
        outcome = f": {WORDS[dispute.outcome]}" if dispute.outcome else ""
        yield _title("Dispute")
        yield Text(
            f"  {dispute.dispute_id}: {words(dispute.status)}{outcome}, {WORDS[dispute.reason]}"
        )
    yield _title("What happened")
    yield timeline(history(view))
    if view.messages:
        yield _title("Messages")
        yield from (
            Text(plain(f"  {instant(said.at)}  {said.by:<8}  {said.text}"))
            for said in view.messages
        )
    if view.offers:
        yield _title("Offers")
        for offer in view.offers:
            what = money(offer.money) if offer.money else (offer.bonus or "")
            yield Text(
                plain(f"  {offer.offer_id}  {offer.kind} {what}, {offer.status}: {offer.text}")
            )
    yield _title("What comes next by itself")
    yield from (Text(f"  {line}") for line in coming(view) or ["nothing"])
    for role, actions in view.actions.items():
        yield _title(f"What {'support' if role == 'support' else f'the {role}'} can do")
        yield from (_action(action) for action in sorted(actions, key=lambda it: not it.available))


def _title(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _action(action: Action) -> Text:
    if action.available:
        return Text(f"  + {action.action}", style="green")
    return Text(
        f"  - {action.action}: {refusal(action.reason or '', action.available_from)}", style="dim"
    )


def _event(what: str, details: Mapping[str, Any]) -> str:
    written = ", ".join(text for name, value in details.items() if (text := _detail(name, value)))
    return f"{words(what)} ({written})" if written else words(what)


def _detail(name: str, value: Any) -> str:
    match value:
        case {"amount": int(), "currency": str()}:
            return money(Money.model_validate(value))
        case True:
            return words(name)
        case False | None | "":
            return ""
        case int() if name == "days":
            return days_text(timedelta(days=value), _LOCALE)
        case str() if name in _CODES:
            return plain(WORDS.get(value) or words(value))
        case _:
            return plain(str(value))
