"""Indexes by which old rows are found."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Bring a database of the version before to this one."""
    op.create_index(op.f("ix_requests_received_at"), "requests", ["received_at"])
    op.create_index(op.f("ix_provider_events_delivered_at"), "provider_events", ["delivered_at"])
    op.create_index(op.f("ix_outbox_delivered_at"), "outbox", ["delivered_at"])
    op.create_index(op.f("ix_deliveries_at"), "deliveries", ["at"])
