"""Accounts for unmatched money and what the marketplace bears of it (R23), and who caused a posting (R25)."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_ACCOUNTS = "account in ('cash', 'held', 'refunds', 'seller', 'stray', 'unmatched', 'marketplace')"
_CONSTRAINT = "ck_ledger_legs_account"


def upgrade() -> None:
    """Bring a database of the version before to this one."""
    op.add_column("ledger_transactions", sa.Column("by_id", sa.String(length=128), nullable=True))
    op.add_column(
        "ledger_transactions", sa.Column("first_run_id", sa.String(length=64), nullable=True)
    )
    if op.get_bind().dialect.name == "sqlite":
        _rebuild_legs()
        return
    op.drop_constraint(op.f(_CONSTRAINT), "ledger_legs", type_="check")
    op.create_check_constraint(op.f(_CONSTRAINT), "ledger_legs", _ACCOUNTS)


def _rebuild_legs() -> None:
    """SQLite changes no constraint: the table is made anew, and so are the triggers that name it."""
    connection = op.get_bind()
    triggers = connection.execute(
        sa.text(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%ledger_legs%'"
        )
    ).all()
    for name, _ in triggers:
        op.execute(f"DROP TRIGGER {name}")
    op.create_table(
        "new_ledger_legs",
        sa.Column("transaction_key", sa.Text(), nullable=False),
        sa.Column("account", sa.String(length=16), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(_ACCOUNTS, name=op.f(_CONSTRAINT)),
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
    op.execute(
        "INSERT INTO new_ledger_legs SELECT transaction_key, account, amount FROM ledger_legs"
    )
    op.drop_table("ledger_legs")
    op.rename_table("new_ledger_legs", "ledger_legs")
    for _, sql in triggers:
        op.execute(sql)
