"""Stray payments (R17): each is refunded by a workflow of its own, and recorded in the database."""

from typing import Protocol

from pydantic import Field
from temporalio import activity

from activities.notifications import Notifications, OutboxMessage
from activities.orders import Recorded
from orders.accounting import Posting
from orders.messages import Role
from orders.stray_payments import StrayPaymentInput, StrayPaymentState
from orders.values import Frozen


class StoredStrayPayment(Frozen):
    """A stray payment's state, stored permanently.

    ``first_run_id`` and ``revision`` are as in ``activities.orders.OrderSnapshot``.
    """

    first_run_id: str = Field(alias="process")
    reopened: bool = False
    """Whether the payment's own workflow was started again."""
    revision: int
    state: StrayPaymentState = Field(alias="stray")


class StrayPaymentSnapshot(Frozen):
    """A stray payment's current state: all postings so far, new messages, and what to store.

    ``stored`` is None in a snapshot of an earlier version; then only its postings are recorded.
    """

    postings: tuple[Posting, ...]
    messages: tuple[OutboxMessage, ...] = Field(alias="letters")
    stored: StoredStrayPayment | None = Field(default=None, alias="kept")


def outbox_messages(state: StrayPaymentState) -> tuple[OutboxMessage, ...]:
    """Its notifications, addressed; the payer is known if the payment was for an order."""
    return tuple(
        OutboxMessage(
            key=it.key,
            order_id=state.about,
            to=it.to,
            party=state.payment.payer if it.to is Role.BUYER else None,
            what=it.what,
            at=it.at,
            details=it.details,
        )
        for it in state.notifications
    )


class StrayPaymentStarter(Protocol):
    """Starts the workflows of stray payments."""

    async def start(self, payment: StrayPaymentInput) -> None:
        """Start the workflow for this payment; repeats change nothing."""


class StrayPaymentStore(Protocol):
    """Stray payments as they were last recorded."""

    async def find(self, payment_id: str) -> StrayPaymentState | None:
        """A stray payment's latest state, also years after its refund; None if there is none."""

    async def record(self, snapshot: StrayPaymentSnapshot, *, delivered: bool = False) -> None:
        """Record the state with its postings and notifications, in one transaction.

        ``delivered``: the notifications are delivered by that.

        The same snapshot again changes nothing, an older revision never replaces a newer state, and nor
        does the snapshot of another workflow than the first for this payment.
        """


class StrayPayments:
    """Starts the workflows of stray payments, and records their state."""

    def __init__(
        self,
        starter: StrayPaymentStarter,
        store: StrayPaymentStore,
        notifications: Notifications,
    ) -> None:
        self._starter = starter
        self._store = store
        self._notifications = notifications

    @activity.defn
    async def start_stray(self, payment: StrayPaymentInput) -> None:
        """Start the payment's own workflow."""
        await self._starter.start(payment)

    @activity.defn
    async def find_stray(self, payment_id: str) -> StrayPaymentState | None:
        """The stray payment as it was last recorded."""
        return await self._store.find(payment_id)

    @activity.defn
    async def record_stray(self, snapshot: StrayPaymentSnapshot) -> Recorded:
        """Record the snapshot and make a first attempt to notify everyone concerned (R21)."""
        notifications = self._notifications
        await self._store.record(snapshot, delivered=notifications.deliver_with_the_record)
        messages: dict[str, list[OutboxMessage]] = {}
        for message in snapshot.messages:
            messages.setdefault(message.order_id, []).append(message)
        # What cannot be delivered now stays in the outbox: money never waits for a notification.
        delivered = [
            await notifications.try_to_deliver(order_id, recorded)
            for order_id, recorded in messages.items()
        ]
        return Recorded(delivered=all(delivered))
