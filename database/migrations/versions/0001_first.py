"""The tables, and what the database itself refuses, whoever asks.

A ledger transaction's legs are inserted first, and its own row closes them: then they must sum to zero, and
no more are taken. SQLite has no check at the end of a transaction that could ask later.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# What stays as it was written, and the kind of update that would change it. What becomes of a refund is news.
_NEVER_CHANGED = {
    "ledger_transactions": "UPDATE",
    "ledger_legs": "UPDATE",
    "payments": "UPDATE",
    "refunds": "UPDATE OF refund_id, payment_id, amount, currency",
}

_SQLITE = (
    """
    CREATE TRIGGER ledger_legs_come_first BEFORE INSERT ON ledger_legs
    WHEN EXISTS (SELECT 1 FROM ledger_transactions WHERE key = NEW.transaction_key)
    BEGIN
        SELECT RAISE(ABORT, 'a ledger transaction takes no more legs');
    END
    """,
    # In two halves, as in `database.ledger`: sum() fails beyond 64 bits.
    """
    CREATE TRIGGER ledger_transactions_balance BEFORE INSERT ON ledger_transactions
    WHEN (
        SELECT sum(amount / 4294967296) * 4294967296 + sum(amount % 4294967296)
        FROM ledger_legs WHERE transaction_key = NEW.key
    ) IS NOT 0
    BEGIN
        SELECT RAISE(ABORT, 'the legs of a ledger transaction must sum to zero');
    END
    """,
    # After the insert: before it, it would also judge a refund that is there already and not inserted.
    """
    CREATE TRIGGER refunds_of_what_came_in AFTER INSERT ON refunds
    WHEN EXISTS (
        SELECT 1 FROM payments WHERE payment_id = NEW.payment_id AND (
            currency <> NEW.currency
            OR amount < (
                SELECT sum(amount / 4294967296) * 4294967296 + sum(amount % 4294967296)
                FROM refunds WHERE payment_id = NEW.payment_id
                AND (status NOT IN ('failed', 'canceled') OR refund_id = NEW.refund_id)
            )
        )
    )
    BEGIN
        SELECT RAISE(ABORT, 'more would go back than came in');
    END
    """,
    *(
        f"""
        CREATE TRIGGER {table}_{verb} BEFORE {event} ON {table}
        BEGIN
            SELECT RAISE(ABORT, '{table} are never changed');
        END
        """
        for table, update in _NEVER_CHANGED.items()
        for verb, event in (("update", update), ("delete", "DELETE"))
    ),
)

# Functions see what others have committed by the time each of their statements begins: with READ COMMITTED,
# that is after they have waited for a lock.
_POSTGRESQL = (
    """
    CREATE FUNCTION ledger_legs_come_first() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        -- Whoever writes the same transaction at once is waited for.
        PERFORM pg_advisory_xact_lock(hashtextextended(NEW.transaction_key, 0));
        IF EXISTS (SELECT 1 FROM ledger_transactions WHERE key = NEW.transaction_key) THEN
            RAISE EXCEPTION 'a ledger transaction takes no more legs'
            USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER ledger_legs_come_first BEFORE INSERT ON ledger_legs
    FOR EACH ROW EXECUTE FUNCTION ledger_legs_come_first()
    """,
    """
    CREATE FUNCTION ledger_transactions_balance() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (
            SELECT sum(amount) FROM ledger_legs WHERE transaction_key = NEW.key
        ) IS DISTINCT FROM 0 THEN
            RAISE EXCEPTION 'the legs of a ledger transaction must sum to zero'
            USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER ledger_transactions_balance BEFORE INSERT ON ledger_transactions
    FOR EACH ROW EXECUTE FUNCTION ledger_transactions_balance()
    """,
    """
    CREATE FUNCTION refunds_of_what_came_in() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        came_in payments;
    BEGIN
        IF current_setting('transaction_isolation') = 'repeatable read' THEN
            RAISE EXCEPTION 'this transaction cannot see other refunds: claim in READ COMMITTED';
        END IF;
        -- Refunds of one payment take turns. The lock is one that foreign keys to the row do not mind:
        -- this refund has such a lock already, and so may another one that waits here.
        SELECT * INTO came_in FROM payments
        WHERE payment_id = NEW.payment_id FOR NO KEY UPDATE;
        IF came_in.currency <> NEW.currency OR came_in.amount < (
            SELECT sum(amount) FROM refunds WHERE payment_id = NEW.payment_id
            AND (status NOT IN ('failed', 'canceled') OR refund_id = NEW.refund_id)
        ) THEN
            RAISE EXCEPTION 'more would go back than came in'
            USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
    END $$
    """,
    # After the insert: before it, it would also judge a refund that is there already and not inserted.
    """
    CREATE TRIGGER refunds_of_what_came_in AFTER INSERT ON refunds
    FOR EACH ROW EXECUTE FUNCTION refunds_of_what_came_in()
    """,
    """
    CREATE FUNCTION never_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% are never changed', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
    END $$
    """,
    *(
        f"""
        CREATE TRIGGER {table}_never_changed BEFORE {update} OR DELETE OR TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION never_changed()
        """
        for table, update in _NEVER_CHANGED.items()
    ),
)

_REFUSALS = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}


def upgrade() -> None:
    """Make everything."""
    _make_tables()
    for statement in _REFUSALS[op.get_context().dialect.name]:
        op.execute(statement)


def _make_tables() -> None:
    op.create_table(
        "orders",
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("process", sa.String(length=64), nullable=False),
        sa.Column("view", sa.Text(), nullable=False),
        sa.Column("buyer_id", sa.String(length=64), nullable=False),
        sa.Column("seller_id", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("placed_at", sa.String(length=32), nullable=False),
        sa.Column("updated_at", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "status in ('awaiting_payment', 'payment_review', 'awaiting_shipment', "
            "'cancellation_requested', 'proof_requested', 'disputed', 'shipped', 'closed')",
            name=op.f("ck_orders_status"),
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_orders")),
    )
    op.create_index(
        op.f("ix_orders_buyer_id_placed_at_order_id"),
        "orders",
        ["buyer_id", "placed_at", "order_id"],
    )
    op.create_index(
        op.f("ix_orders_seller_id_placed_at_order_id"),
        "orders",
        ["seller_id", "placed_at", "order_id"],
    )
    op.create_index(
        op.f("ix_orders_status_placed_at_order_id"), "orders", ["status", "placed_at", "order_id"]
    )

    op.create_table(
        "ledger_transactions",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("corrects", sa.Text(), nullable=True),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.ForeignKeyConstraint(
            ["corrects"], ["ledger_transactions.key"], name=op.f("fk_ledger_transactions_corrects")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_ledger_transactions")),
    )
    op.create_index(op.f("ix_ledger_transactions_order_id"), "ledger_transactions", ["order_id"])

    op.create_table(
        "ledger_legs",
        sa.Column("transaction_key", sa.Text(), nullable=False),
        sa.Column("account", sa.String(length=16), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "account in ('cash', 'held', 'refunds', 'seller', 'stray')",
            name=op.f("ck_ledger_legs_account"),
        ),
        sa.CheckConstraint(
            "amount <> 0 and amount between -9223372036854775807 and 9223372036854775807",
            name=op.f("ck_ledger_legs_amount"),
        ),
        sa.ForeignKeyConstraint(
            ["transaction_key"],
            ["ledger_transactions.key"],
            name=op.f("fk_ledger_legs_transaction_key"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("transaction_key", "account", name=op.f("pk_ledger_legs")),
    )

    op.create_table(
        "payments",
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.CheckConstraint(
            "amount between 1 and 9223372036854775807", name=op.f("ck_payments_amount")
        ),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_payments")),
    )

    op.create_table(
        "refunds",
        sa.Column("refund_id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "status in ('pending', 'requires_action', 'succeeded', 'failed', 'canceled')",
            name=op.f("ck_refunds_status"),
        ),
        sa.CheckConstraint(
            "amount between 1 and 9223372036854775807", name=op.f("ck_refunds_amount")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.payment_id"], name=op.f("fk_refunds_payment_id")
        ),
        sa.PrimaryKeyConstraint("refund_id", name=op.f("pk_refunds")),
    )
    op.create_index(op.f("ix_refunds_payment_id"), "refunds", ["payment_id"])

    op.create_table(
        "outbox",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("party", sa.Text(), nullable=True),
        sa.Column("what", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("delivered_at", sa.String(length=32), nullable=True),
        sa.CheckConstraint(
            "role in ('buyer', 'seller', 'support', 'provider', 'system')",
            name=op.f("ck_outbox_role"),
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    op.create_index(op.f("ix_outbox_order_id"), "outbox", ["order_id"])

    op.create_table(
        "disputes",
        sa.Column("dispute_id", sa.String(length=100), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("opened_at", sa.String(length=32), nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "status in ('open', 'under_review', 'resolved')", name=op.f("ck_disputes_status")
        ),
        sa.PrimaryKeyConstraint("dispute_id", name=op.f("pk_disputes")),
    )
    op.create_index(op.f("ix_disputes_order_id"), "disputes", ["order_id"])
    op.create_index(op.f("ix_disputes_status_opened_at"), "disputes", ["status", "opened_at"])

    op.create_table(
        "tracking_numbers",
        sa.Column("number", sa.String(length=50), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_tracking_numbers")),
    )

    op.create_table(
        "provider_refunds",
        sa.Column("refund_id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "status in ('pending', 'requires_action', 'succeeded', 'failed', 'canceled')",
            name=op.f("ck_provider_refunds_status"),
        ),
        sa.CheckConstraint(
            "amount between 1 and 9223372036854775807", name=op.f("ck_provider_refunds_amount")
        ),
        sa.PrimaryKeyConstraint("refund_id", name=op.f("pk_provider_refunds")),
    )
    op.create_index(op.f("ix_provider_refunds_payment_id"), "provider_refunds", ["payment_id"])

    op.create_table(
        "provider_events",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.String(length=32), nullable=False),
        sa.Column("delivered_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_provider_events")),
    )

    op.create_table(
        "provider_faults",
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_provider_faults")),
    )
