"""Since when an order waits for support."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Bring a database of the version before to this one."""
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.add_column(sa.Column("waits_since", sa.String(length=32), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_orders_waits_since_order_id"), ["waits_since", "order_id"], unique=False
        )
