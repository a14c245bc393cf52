"""What became of each letter at each of its addresses."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Bring a database of the version before to this one."""
    op.create_table(
        "deliveries",
        sa.Column("letter", sa.Text(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state in ('sending', 'delivered', 'refused')", name=op.f("ck_deliveries_state")
        ),
        sa.ForeignKeyConstraint(["letter"], ["outbox.key"], name=op.f("fk_deliveries_letter")),
        sa.PrimaryKeyConstraint("letter", "address", name=op.f("pk_deliveries")),
    )
