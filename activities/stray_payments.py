"""Stray money (R17): a process of its own is started for it, and its books are kept."""

from typing import Protocol

from temporalio import activity

from activities.notifications import Notifications, OutboxMessage
from activities.orders import Recorded
from orders.accounting import Posting
from orders.messages import Role
from orders.stray_payments import StrayPaymentInput, StrayPaymentState
from orders.values import Frozen


class StoredStrayPayment(Frozen):
    """What has come of stray money, to be kept when its process has ended.

    ``process`` and ``revision`` are as in ``activities.orders.OrderSnapshot``.
    """

    process: str
    revision: int
    stray: StrayPaymentState


class StrayPaymentSnapshot(Frozen):
    """What has come of stray money so far: all its postings, and whom to tell.

    ``kept`` is None in a step that an earlier version has left behind.
    """

    postings: tuple[Posting, ...]
    letters: tuple[OutboxMessage, ...]
    kept: StoredStrayPayment | None = None


def letters_of(stray: StrayPaymentState) -> tuple[OutboxMessage, ...]:
    """The letters of its notices; the payer is known where the money came for an order."""
    return tuple(
        OutboxMessage(
            key=notice.key,
            order_id=stray.about,
            to=notice.to,
            party=stray.payment.payer if notice.to is Role.BUYER else None,
            what=notice.what,
            at=notice.at,
            details=notice.details,
        )
        for notice in stray.notices
    )


class StrayPaymentStarter(Protocol):
    """Whoever can start a durable process."""

    async def start(self, stray: StrayPaymentInput) -> None:
        """Start the process for this payment; one that was started before is left alone."""


class StrayPaymentStore(Protocol):
    """Where stray money is booked."""

    async def record_stray(
        self, kept: StoredStrayPayment, letters: tuple[OutboxMessage, ...]
    ) -> None:
        """Keep the money's state, its postings and its letters in one transaction, as an order's step.

        Another process of the same payment than the first changes nothing.
        """

    async def post(self, posting: Posting) -> None:
        """Book a posting, once by its key."""

    async def tell(self, letter: OutboxMessage) -> None:
        """Put a letter into the outbox, once by its key."""


class StrayPayments:
    """Starts and books the way back of money that no order could take."""

    def __init__(
        self,
        processes: StrayPaymentStarter,
        journal: StrayPaymentStore,
        notifications: Notifications,
    ) -> None:
        self._processes = processes
        self._journal = journal
        self._notifications = notifications

    @activity.defn
    async def start_stray(self, stray: StrayPaymentInput) -> None:
        """Leave the money to a process of its own."""
        await self._processes.start(stray)

    @activity.defn
    async def record_stray(self, step: StrayPaymentSnapshot) -> Recorded:
        """Book what happened, and make a first try at telling whom it concerns."""
        if step.kept:
            await self._journal.record_stray(step.kept, step.letters)
        else:
            for posting in step.postings:
                await self._journal.post(posting)
            for letter in step.letters:
                await self._journal.tell(letter)
        # What a channel does not take now waits in the outbox: money never waits for mail.
        told = [
            await self._notifications.try_to_deliver(order_id)
            for order_id in dict.fromkeys(letter.order_id for letter in step.letters)
        ]
        return Recorded(delivered=all(told))
