"""What is kept of stray payments (R17) when their process has ended."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Bring a database of the version before to this one."""
    op.create_table(
        "stray_payments",
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("process", sa.String(length=64), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_stray_payments")),
    )
