"""A chargeback of an order whose process has ended (R23): months later, with nothing held any more.

The order's last view is all that is left of it, and it is enough: what the bank takes now the seller owes,
and what it gives back the seller owes no more.
"""

from datetime import datetime

from orders import keys
from orders.accounting import Posting
from orders.chargebacks import (
    CHARGEBACK_EVENTS,
    CHARGEBACK_NOTIFICATIONS,
    chargeback_problem,
    note_chargeback,
    repeats_chargeback,
    taken_by_bank,
)
from orders.errors import NotAllowedNow
from orders.messages import ChargebackReported, Role
from orders.notifications import RECIPIENTS, Notification
from orders.timeline import TimelineEntry
from orders.values import Balance, Frozen
from orders.view import OrderView


class LateOutcome(Frozen):
    """What late news makes of a finished order: its view, and what is to be booked and told."""

    view: OrderView
    posting: Posting | None
    notifications: tuple[Notification, ...]


def charged_back(view: OrderView, message: ChargebackReported, at: datetime) -> LateOutcome | None:
    """R23: take the news; None when it is known already. Raises NotAllowedNow when it can't be right."""
    if repeats_chargeback(view.payment, message):
        return None
    if problem := chargeback_problem(view.payment, message):
        raise NotAllowedNow(message.name, problem.code, view.status.value, problem.reason)
    after = view.model_copy(deep=True)
    if after.payment is None:
        raise AssertionError("what has not been paid is not charged back")
    taken = taken_by_bank(after.payment, message)
    notifications: list[Notification] = []
    for status in note_chargeback(after.payment, message, at):
        after.timeline.append(
            TimelineEntry(
                at=at,
                what=CHARGEBACK_EVENTS[status],
                by=Role.PROVIDER,
                details={"money": message.money.model_dump(mode="json")},
            )
        )
        what = CHARGEBACK_NOTIFICATIONS[status]
        number = keys.late_chargeback_number(len(after.timeline))
        notifications += [
            Notification(
                key=f"{view.order_id}:{number}:{what}:{role}",
                to=role,
                what=what,
                at=at,
            )
            for role in RECIPIENTS[what]
        ]
    charged, owed = view.amount_charged_back, view.amount_owed_to_seller
    posting = Posting(
        order_id=view.order_id,
        step=keys.chargeback_step(
            message.payment_id, keys.late_chargeback_number(len(after.timeline))
        ),
        at=at,
        currency=message.money.currency,
        legs={"seller": taken, "cash": -taken},
    )
    return LateOutcome(
        view=after.model_copy(
            update={
                "amount_charged_back": charged.of(charged.amount + taken),
                "amount_owed_to_seller": Balance(
                    amount=owed.amount - taken, currency=owed.currency
                ),
            }
        ),
        posting=posting if taken else None,
        notifications=tuple(notifications),
    )
