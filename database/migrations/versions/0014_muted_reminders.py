"""Who wants no reminders."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Bring a database of the version before to this one."""
    op.create_table(
        "muted_reminders",
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("party_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.CheckConstraint("role in ('buyer', 'seller')", name=op.f("ck_muted_reminders_role")),
        sa.PrimaryKeyConstraint("role", "party_id", name=op.f("pk_muted_reminders")),
    )
