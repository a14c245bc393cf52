"""When orders change by themselves, when refunds are due, and money of no order: what is watched."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_UNSETTLED = sa.text("account IN ('stray', 'unmatched')")


def upgrade() -> None:
    """Bring a database of the version before to this one."""
    with op.batch_alter_table("orders", schema=None) as batch_op:
        for name in ("due_at", "refund_due_by"):
            batch_op.add_column(sa.Column(name, sa.String(length=32), nullable=True))
            batch_op.create_index(batch_op.f(f"ix_orders_{name}"), [name], unique=False)
    op.create_index(
        "ix_ledger_legs_unsettled",
        "ledger_legs",
        ["transaction_key"],
        sqlite_where=_UNSETTLED,
        postgresql_where=_UNSETTLED,
    )
