"""Orders as a terminal shows them: in its user's language, with money in its currency's decimals.

Answers the product's questions (state, why, what happened, what comes, who can do what, where is the
money) from an ``OrderView`` alone, so that it shows open orders and ones long gone alike.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from adapters.notifications.render import NotificationRenderer
from cli.console import plain
from database.outbox import OutboxEntry
from i18n.current import current_locale, gettext, ngettext
from i18n.formats import days_text, money_text, whole_minute
from i18n.labels import LABELS, PHRASES, label, phrase
from i18n.sentences import localize
from orders.messages import Role
from orders.payments import Payment, PendingPayment
from orders.reopening import TERMINATED
from orders.schedule import COMING_PHRASES
from orders.status import Status
from orders.stray_payments import StrayPaymentState
from orders.timeline import TimelineEntry
from orders.values import Balance, Money
from orders.view import Action, OrderView

# The details that hold, or may hold, a code of the contract.
_CODES = ("reason", "outcome", "kind", "decision", "topic", "borne_by")
_KINDS = {
    "reason": ("refusal_code",),
    "decision": ("seller_decision", "dispute_decision"),
    "topic": ("topic",),
    "borne_by": ("borne_by",),
}


class TimelineLine(NamedTuple):
    """A line of a timeline: when, who or what it was, and what happened."""

    at: datetime
    who: str
    what: str


def instant(at: datetime) -> str:
    """A UTC instant, to the minute."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def from_instant(at: datetime) -> str:
    """A UTC instant from which something is possible: to the minute, and never a moment early."""
    return instant(whole_minute(at))


def money(value: Money | Balance) -> str:
    """An amount as people write it; a negative balance has its sign in front."""
    return money_text(value, current_locale())


def refusal(reason: str, available_from: datetime | None) -> str:
    """Why something cannot be done now and, where known, from when it can."""
    # With a time zone English has amounts as people write them, too.
    why = plain(localize(reason, current_locale(), UTC))
    if available_from is None:
        return why
    since = gettext("It is possible from {instant} on.", instant=from_instant(available_from))
    return f"{why} {since}"


def state(view: OrderView) -> str:
    """What the order waits for, or how it ended, and why."""
    payment, cancellation, shipment, dispute = (
        view.payment,
        view.cancellation,
        view.shipment,
        view.dispute,
    )
    match view.status:
        case Status.AWAITING_PAYMENT if isinstance(payment, PendingPayment):
            return gettext("a payment of {money} is on its way", money=money(payment.money))
        case Status.AWAITING_PAYMENT:
            return gettext("{money} is to be paid", money=money(view.amount_due))
        case Status.PAYMENT_REVIEW if isinstance(payment, Payment):
            return gettext(
                "the payment is being checked until {instant}",
                instant=instant(payment.review_ends_at),
            )
        case Status.AWAITING_SHIPMENT if shipment and shipment.ship_by:
            return gettext(
                "it is paid, and the seller has until {instant} to ship it",
                instant=instant(shipment.ship_by),
            )
        case Status.CANCELLATION_REQUESTED if cancellation and cancellation.due_by:
            why = (
                f" ({phrase(cancellation.reason, current_locale())})" if cancellation.reason else ""
            )
            return gettext(
                "the buyer wants to cancel{why}, and the seller has until {instant} to answer",
                why=why,
                instant=instant(cancellation.due_by),
            )
        case Status.PROOF_REQUESTED if cancellation and cancellation.due_by:
            return gettext(
                "the seller says that it is already shipped, and has until {instant} to prove it",
                instant=instant(cancellation.due_by),
            )
        case Status.DISPUTED if dispute:
            return gettext("a dispute is open: {why}", why=phrase(dispute.reason, current_locale()))
        case Status.CLOSED if view.close_reason:
            return phrase(view.close_reason, current_locale())
        case Status.SHIPPED:
            return gettext("its shipment is proved")
        case _:
            return gettext("it is paid, and the seller is to ship it")


def heading(view: OrderView) -> Text:
    """The order, its state, since when and why."""
    return Text.assemble(
        (gettext("Order {order}", order=view.order_id), "bold"),
        ": ",
        (named("status", view.status), "bold"),
        gettext(
            " since {instant}, because {state}.",
            instant=instant(view.status_since),
            state=state(view),
        ),
        (f" {localize(TERMINATED, current_locale())}" if view.terminated else "", "bold"),
    )


def whole(view: OrderView, *, everything: bool = False) -> RenderableType:
    """What a view says, for people; with ``everything`` also what is not possible, and why."""
    return Group(*_parts(view, everything))


def entries(timeline: Iterable[TimelineEntry]) -> list[TimelineLine]:
    """What happened, each with its details in brackets."""
    return [
        TimelineLine(entry.at, _who(entry), _event(entry.what, entry.details)) for entry in timeline
    ]


def _who(entry: TimelineEntry) -> str:
    """R25: the role, and who it was, where their token said so."""
    role = named("role", entry.by)
    return f"{role} {plain(entry.by_id)}" if entry.by_id else role


def refused_line(
    at: datetime, name: str, reason: str, available_from: datetime | None = None
) -> TimelineLine:
    """A message that was refused, and why."""
    return TimelineLine(
        at, gettext("refused"), f"{named('action', plain(name))}: {refusal(reason, available_from)}"
    )


def history(view: OrderView) -> list[TimelineLine]:
    """What happened and what was refused, oldest first."""
    refused = [refused_line(it.at, it.name, it.reason) for it in view.refused]
    return sorted([*entries(view.timeline), *refused], key=lambda line: line.at)


def timeline(lines: Iterable[TimelineLine]) -> Table:
    """Lines of history, their instants and actors aligned."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for line in lines:
        table.add_row(Text(f"  {instant(line.at)}", no_wrap=True), line.who, Text(line.what))
    return table


def words(key: str) -> str:
    """A stable key of the contract as words."""
    return key.replace("_", " ")


def named(kind: str, key: str) -> str:
    """What a key of the contract is called; in English by its own words, which are what commands take."""
    if current_locale() == "en":
        return words(key)
    name = label(kind, key, current_locale())
    return f"{name[:1].lower()}{name[1:]}"


def key_and_name(kind: str, key: str) -> str:
    """A key that commands take, and what it is called where that is not plain from the key."""
    return key if current_locale() == "en" else f"{key} ({named(kind, key)})"


def coming(view: OrderView) -> list[str]:
    """What happens next, soonest first, each on a line of its own."""
    return [f"{instant(due.at)}  {_coming(due.what)}" for due in view.next]


def money_table(view: OrderView) -> Table:
    """Where the money is."""
    table = Table.grid(padding=(0, 2))
    for name, amount in (
        (gettext("due"), view.amount_due),
        (gettext("paid"), view.amount_paid),
        (gettext("refunded"), view.amount_refunded),
        (gettext("charged back"), view.amount_charged_back),
        (gettext("held"), view.amount_held),
        (gettext("owed to the seller"), view.amount_owed_to_seller),
    ):
        table.add_row(f"  {name}", Text(money(amount), justify="right"))
    return table


def outbox_entries(outbox: Iterable[OutboxEntry], renderer: NotificationRenderer) -> Iterator[Text]:
    """Notifications in the words that people read, and whether they are delivered."""
    for entry in outbox:
        message = entry.message
        to = f"{named('role', message.to)}{f' {message.party.name}' if message.party else ''}"
        recipient = (
            gettext("to {to}", to=to)
            if entry.delivered_at
            else gettext("to {to}, not delivered yet", to=to)
        )
        refused = [
            gettext("Not by {channel}: {why}", channel=it.channel, why=it.reason)
            for it in entry.refused
        ]
        yield Text.assemble(
            (plain(f"{instant(message.at)}  {recipient}"), "bold"),
            f"\n  {plain(renderer.text_or_plain([message]))}",
            ("".join(f"\n  {plain(it)}" for it in refused), "yellow"),
        )


def _parts(view: OrderView, everything: bool) -> Iterator[RenderableType]:
    yield heading(view)
    yield Text(
        plain(
            gettext(
                "Buyer {buyer} ({buyer_id}), seller {seller} ({seller_id})",
                buyer=view.buyer.name,
                buyer_id=view.buyer.id,
                seller=view.seller.name,
                seller_id=view.seller.id,
            )
        )
    )
    for line in view.lines:
        yield Text(
            plain(
                gettext(
                    "  {quantity} x {title} ({sku}) at {price}",
                    quantity=line.quantity,
                    title=line.title,
                    sku=line.sku,
                    price=money(line.unit_price),
                )
            )
        )
    if view.shipping_price.amount:
        yield Text(gettext("  shipping {price}", price=money(view.shipping_price)))
    yield _title(gettext("Money"))
    yield money_table(view)
    if refund := view.refund:
        late = gettext(", overdue") if refund.overdue and refund.settled_at is None else ""
        why = f", {refund.failure_reason}" if refund.failure_reason else ""
        yield Text(
            plain(
                gettext(
                    "  refund {refund_id}: {money} by {method}, {status}{late}, due by {instant}{why}",
                    refund_id=refund.refund_id,
                    money=money(refund.money),
                    method=refund.method,
                    status=named("refund_status", refund.status),
                    late=late,
                    instant=instant(refund.due_by),
                    why=why,
                )
            )
        )
    yield from (Text(f"  {line}") for line in moved_by_the_provider(view))
    if dispute := view.dispute:
        outcome = f": {phrase(dispute.outcome, current_locale())}" if dispute.outcome else ""
        status = named("dispute_status", dispute.status)
        reason = phrase(dispute.reason, current_locale())
        yield _title(gettext("Dispute"))
        yield Text(f"  {dispute.dispute_id}: {status}{outcome}, {reason}")
    yield _title(gettext("What happened"))
    yield timeline(history(view))
    if view.messages:
        yield _title(gettext("Messages"))
        yield from (
            Text(plain(f"  {instant(it.at)}  {named('role', it.by):<8}  {it.text}"))
            for it in view.messages
        )
    if view.offers:
        yield _title(gettext("Offers"))
        for offer in view.offers:
            what = money(offer.money) if offer.money else (offer.bonus or "")
            yield Text(
                plain(
                    f"  {offer.offer_id}  {named('offer_kind', offer.kind)} {what}, "
                    f"{named('offer_status', offer.status)}: {offer.text}"
                )
            )
    yield _title(gettext("What happens next"))
    yield from (Text(f"  {line}") for line in coming(view) or [gettext("nothing")])
    for role, actions in view.actions.items():
        yield _title(_who_can(role))
        shown = [it for it in actions if everything or it.available or it.available_from]
        yield from (_action(action) for action in sorted(shown, key=lambda it: not it.available))
        if folded := len(actions) - len(shown):
            yield Text(
                "  "
                + ngettext(
                    "{number} more is not possible now; --all says why",
                    "{number} more are not possible now; --all says why",
                    folded,
                ),
                style="dim",
            )


def moved_by_the_provider(view: OrderView | StrayPaymentState) -> Iterator[str]:
    """Chargebacks, refunds that nobody here asked for, and what cannot be matched (R23, R24)."""
    for chargeback in view.chargebacks:
        yield gettext(
            "chargeback: {money}, {status} on {instant}",
            money=money(chargeback.money),
            status=named("chargeback_status", chargeback.status),
            instant=instant(chargeback.ended_at or chargeback.opened_at),
        )
    for refund in view.outside_refunds:
        yield gettext(
            "refund by the payment provider {refund_id}: {money}, {status}",
            refund_id=plain(refund.provider_refund_id),
            money=money(refund.money),
            status=named("refund_status", refund.status),
        )
    for amount in view.unmatched:
        yield gettext("unmatched: {money}, to be decided by support", money=money(amount))
    for it in view.unmatched_resolutions:
        yield gettext(
            "unmatched: {money}, borne by {who}: {note}",
            money=money(it.amount),
            who=named("borne_by", it.borne_by),
            note=plain(it.note),
        )


def _coming(what: str) -> str:
    return (
        localize(COMING_PHRASES[what], current_locale()) if what in COMING_PHRASES else words(what)
    )


def _who_can(role: Role) -> str:
    match role:
        case Role.BUYER:
            return gettext("What the buyer can do")
        case Role.SELLER:
            return gettext("What the seller can do")
        case _:
            return gettext("What support can do")


def _code(name: str, value: str) -> str:
    if value in PHRASES:
        return phrase(value, current_locale())
    if current_locale() == "en":
        return words(value)
    for kind in _KINDS.get(name, ()):
        if value in LABELS[kind]:
            return named(kind, value)
    return localize(value, current_locale())


def _title(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _action(action: Action) -> Text:
    if action.available:
        only = "".join(f" ({field}: {', '.join(taken)})" for field, taken in action.choices.items())
        return Text(f"  + {key_and_name('action', action.action)}{only}", style="green")
    return Text(
        f"  - {key_and_name('action', action.action)}: {refusal(action.reason or '', action.available_from)}",
        style="dim",
    )


def _event(what: str, details: Mapping[str, Any]) -> str:
    written = ", ".join(text for name, value in details.items() if (text := _detail(name, value)))
    name = named("event", what)
    return f"{name} ({written})" if written else name


def _detail(name: str, value: Any) -> str:
    match value:
        case {"amount": int(), "currency": str()}:
            return money(Balance.model_validate(value))
        case list():
            return ", ".join(_detail(name, each) for each in value)
        case True:
            return gettext("complaint") if name == "complaint" else words(name)
        case False | None | "":
            return ""
        case int() if name == "days":
            return days_text(timedelta(days=value), current_locale())
        case str() if name in _CODES:
            return plain(_code(name, value))
        case _:
            return plain(str(value))
