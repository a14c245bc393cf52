"""A provider's events are known by id and type, and only once a workflow has accepted them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Bring a database of the version before to this one."""
    op.execute("DELETE FROM provider_events WHERE delivered_at IS NULL")
    with op.batch_alter_table("provider_events", schema=None) as batch_op:
        batch_op.add_column(sa.Column("type", sa.Text(), nullable=True))
        batch_op.alter_column("delivered_at", existing_type=sa.String(length=32), nullable=False)
        batch_op.drop_column("digest")
        batch_op.drop_column("received_at")
