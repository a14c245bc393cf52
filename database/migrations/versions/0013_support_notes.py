"""Support's notes and who has taken an order."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Bring a database of the version before to this one."""
    op.create_table(
        "support_assignments",
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("by_id", sa.String(length=128), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_support_assignments")),
    )
    op.create_table(
        "support_notes",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("by_id", sa.String(length=128), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_support_notes")),
    )
    with op.batch_alter_table("support_notes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_support_notes_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_support_notes_order_id"), ["order_id"], unique=False)
