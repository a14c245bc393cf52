"""When and from where each session began."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Bring a database of the version before to this one."""
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("begun_at", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("address", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("browser", sa.Text(), nullable=True))
    op.execute("UPDATE sessions SET begun_at = checked_at, address = '', browser = ''")
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        for name, kind in (
            ("begun_at", sa.String(length=32)),
            ("address", sa.Text()),
            ("browser", sa.Text()),
        ):
            batch_op.alter_column(name, existing_type=kind, nullable=False)
