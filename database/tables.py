"""The tables, portable between SQLite and PostgreSQL.

Ledger entries are only ever inserted (``database.ledger``); everything else holds the latest state. A change
here needs a migration, and what triggers refuse stands there alone (``database/migrations``).
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)

from orders.accounting import ACCOUNTS
from orders.messages import RefundStatus, Role
from orders.search_terms import MAX_TERM
from orders.status import Status
from orders.values import MAX_AMOUNT


class UtcInstant(TypeDecorator[datetime]):
    """An instant as UTC ISO 8601 text of one width: it sorts as it reads, on every database."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """To text."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """From text."""
        return None if value is None else datetime.fromisoformat(value)


def _one_of(column: str, words: Iterable[str]) -> CheckConstraint:
    quoted = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} in ({quoted})", name=column)


def _currency() -> Column[str]:
    return Column("currency", String(3), nullable=False)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

orders = Table(
    "orders",
    metadata,
    Column("order_id", String(64), primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("process", String(64), key="first_run_id", nullable=False),
    Column("view", Text, nullable=False),
    Column("buyer_id", String(64), nullable=False),
    Column("seller_id", String(64), nullable=False),
    Column("status", String(32), nullable=False),
    Column("placed_at", UtcInstant, nullable=False),
    Column("updated_at", UtcInstant, nullable=False),
    Column("waits_since", UtcInstant, nullable=True),
    Column("due_at", UtcInstant, nullable=True, index=True),
    Column("refund_due_by", UtcInstant, nullable=True, index=True),
    Column("need", String(32), nullable=True),
    Column("need_due_by", UtcInstant, nullable=True),
    Column("buyer_asked", String(32), nullable=True),
    Column("buyer_due_by", UtcInstant, nullable=True),
    Column("seller_asked", String(32), nullable=True),
    Column("seller_due_by", UtcInstant, nullable=True),
    _one_of("status", Status),
    # A party's own orders, and support's list by status, newest first.
    Index(None, "buyer_id", "placed_at", "order_id"),
    Index(None, "seller_id", "placed_at", "order_id"),
    Index(None, "status", "placed_at", "order_id"),
    Index(None, "waits_since", "order_id"),
    # What is asked of a party, soonest first.
    Index(None, "buyer_id", "buyer_asked", "buyer_due_by"),
    Index(None, "seller_id", "seller_asked", "seller_due_by"),
)
"""The read model: each order's view as JSON; ``updated_at`` is by the order's own clock.

``waits_since`` is null for an order that does not wait for support; ``due_at`` is the next instant at which
it changes by itself, ``refund_due_by`` the due date of a refund that is not back yet, both null in old rows.
``need`` is what it needs of support, ``buyer_asked`` and ``seller_asked`` what it asks of each (``Ask``),
null where there is nothing. ``first_run_id`` is Temporal's.
"""

search_terms = Table(
    "search_terms",
    metadata,
    # Compared by their code points, so that a beginning is a range.
    Column(
        "term",
        String(MAX_TERM).with_variant(String(MAX_TERM, collation="C"), "postgresql"),
        primary_key=True,
    ),
    Column("order_id", ForeignKey(orders.c.order_id), primary_key=True, index=True),
)
"""The words by which orders are found (``orders.search_terms``); what an order had once it keeps."""

stray_payments = Table(
    "stray_payments",
    metadata,
    Column("payment_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("process", String(64), key="first_run_id", nullable=False),
    Column("state", Text, nullable=False),
)
"""R17: each stray payment's state as JSON, also when its workflow has ended."""

ledger_transactions = Table(
    "ledger_transactions",
    metadata,
    Column("key", Text, primary_key=True),
    Column("corrects", ForeignKey("ledger_transactions.key"), nullable=True),
    Column("order_id", Text, nullable=False, index=True),
    Column("step", Text, nullable=False),
    Column("at", UtcInstant, nullable=False),
    _currency(),
    Column("by_id", String(128), nullable=True),
    Column("first_run_id", String(64), nullable=True),
)
"""One row for each posting by its key, and one for each correction of a posting; never changed.

``by_id`` is who caused it (R25), ``first_run_id`` the run of a workflow that was started again to book it.
"""

UNSETTLED: Final = text("account IN ('stray', 'unmatched')")
"""The legs of money that belongs to no order: few among many, hence an index of their own."""

ledger_legs = Table(
    "ledger_legs",
    metadata,
    Column(
        "transaction_key",
        # Legs are inserted before their transaction, which closes them: none is accepted after it.
        ForeignKey(ledger_transactions.c.key, deferrable=True, initially="DEFERRED"),
        primary_key=True,
    ),
    Column("account", String(16), primary_key=True),
    Column("amount", BigInteger, nullable=False),
    _one_of("account", ACCOUNTS),
    CheckConstraint(
        f"amount <> 0 and amount between -{MAX_AMOUNT} and {MAX_AMOUNT}", name="amount"
    ),
    Index(
        "ix_ledger_legs_unsettled",
        "transaction_key",
        sqlite_where=UNSETTLED,
        postgresql_where=UNSETTLED,
    ),
)
"""A debit (positive) or credit (negative) in minor units; those of a transaction sum to zero, and stay."""

payments = Table(
    "payments",
    metadata,
    Column("payment_id", Text, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    _currency(),
    CheckConstraint(f"amount between 1 and {MAX_AMOUNT}", name="amount"),
)
"""The amount of each payment of which a refund was ever requested; never changed."""

refunds = Table(
    "refunds",
    metadata,
    Column("refund_id", Text, primary_key=True),
    Column("payment_id", ForeignKey(payments.c.payment_id), nullable=False, index=True),
    Column("amount", BigInteger, nullable=False),
    _currency(),
    Column("process", Text, key="workflow_id", nullable=False),
    Column("asked_at", UtcInstant, nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    CheckConstraint(f"amount between 1 and {MAX_AMOUNT}", name="amount"),
    _one_of("status", RefundStatus),
)
"""Every refund that was requested, and by which workflow."""

outbox = Table(
    "outbox",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("order_id", Text, nullable=False, index=True),
    Column("role", String(16), nullable=False),
    Column("party", Text, nullable=True),
    Column("what", String(64), nullable=False),
    Column("at", UtcInstant, nullable=False),
    Column("details", Text, nullable=False),
    Column("delivered_at", UtcInstant, nullable=True, index=True),
    _one_of("role", Role),
)
"""Notifications, oldest first; ``delivered_at`` is null until each is delivered or given up."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("letter", ForeignKey(outbox.c.key), key="message_key", primary_key=True),
    Column("address", String(64), primary_key=True),
    Column("channel", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", UtcInstant, nullable=False, index=True),
    Column("why", Text, key="reason", nullable=False),
    _one_of("state", ("sending", "delivered", "refused")),
)
"""The deliveries of a notification to each of its addresses, which are stored as digests."""

disputes = Table(
    "disputes",
    metadata,
    Column("dispute_id", String(100), primary_key=True),
    Column("order_id", String(64), nullable=False, index=True),
    Column("status", String(16), nullable=False),
    Column("opened_at", UtcInstant, nullable=False),
    Column("case", Text, nullable=False),
    _one_of("status", ("open", "under_review", "resolved")),
    Index(None, "status", "opened_at"),
)
"""Disputes as last filed, as JSON; ``adapters.local.disputes`` stands in for an external system."""

tracking_numbers = Table(
    "tracking_numbers",
    metadata,
    Column("number", String(50), primary_key=True),
    Column("order_id", String(64), nullable=False),
    Column("seller_id", String(64), nullable=True),
    Column("buyer_id", String(64), nullable=True),
)
"""R11: tracking numbers, each with the order that used it first; its parties are null in old rows."""

provider_events = Table(
    "provider_events",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("type", Text, nullable=True),
    Column("delivered_at", UtcInstant, nullable=False, index=True),
)
"""A provider's events that a workflow has accepted, by the provider's id; old ones have no type."""

provider_refunds = Table(
    "provider_refunds",
    metadata,
    Column("refund_id", Text, primary_key=True),
    Column("payment_id", Text, nullable=False, index=True),
    Column("amount", BigInteger, nullable=False),
    _currency(),
    Column("method", Text, nullable=False),
    Column("asked_at", UtcInstant, nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    CheckConstraint(f"amount between 1 and {MAX_AMOUNT}", name="amount"),
    _one_of("status", RefundStatus),
)
"""The local payment provider's own records; ``refund_id`` is the idempotency key."""

provider_faults = Table(
    "provider_faults",
    metadata,
    Column("payment_id", Text, primary_key=True),
    Column("reason", Text, nullable=False),
)
"""Payments whose refunds the local provider is to fail, and why."""

requests = Table(
    "requests",
    metadata,
    Column("order_id", String(64), primary_key=True),
    Column("message", String(32), primary_key=True),
    Column("message_id", String(64), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("received_at", UtcInstant, nullable=False, index=True),
)
"""Messages sent over HTTP by idempotency key: reusing a key for another message is refused."""

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("party_id", Text, nullable=False),
    Column("seen_at", UtcInstant, nullable=False),
    Column("checked_at", UtcInstant, nullable=False),
    Column("ends_at", UtcInstant, nullable=False, index=True),
    Column("refresh_token", Text, nullable=True),
    Column("begun_at", UtcInstant, nullable=False),
    Column("address", Text, nullable=False),
    Column("browser", Text, nullable=False),
    Index(None, "party_id", "role"),
)
"""Who is signed in on the pages: a session without its row has ended. ``refresh_token`` is encrypted."""

support_notes = Table(
    "support_notes",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("order_id", String(64), nullable=False, index=True),
    Column("by_id", String(128), nullable=False),
    Column("at", UtcInstant, nullable=False, index=True),
    Column("text", Text, nullable=False),
)
"""What support notes of orders for itself, oldest first."""

support_assignments = Table(
    "support_assignments",
    metadata,
    Column("order_id", String(64), primary_key=True),
    Column("by_id", String(128), nullable=False),
    Column("at", UtcInstant, nullable=False),
)
"""Who of support has taken which order."""

muted_reminders = Table(
    "muted_reminders",
    metadata,
    Column("role", String(16), primary_key=True),
    Column("party_id", String(64), primary_key=True),
    Column("at", UtcInstant, nullable=False),
    _one_of("role", (Role.BUYER, Role.SELLER)),
)
"""Buyers and sellers who want no reminders."""
