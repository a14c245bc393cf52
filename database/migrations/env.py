"""What alembic runs: the migrations, on the connection and in the transaction of ``database.schema``."""

from typing import Any, Literal

from alembic import context

from database.tables import UtcInstant, metadata


def _as_plain_type(kind: str, item: Any, _autogenerate: object) -> str | Literal[False]:
    # A migration stays what it was when our own types change: it names none of them.
    if kind == "type" and isinstance(item, UtcInstant):
        return "sa.String(length=32)"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=_as_plain_type,
    render_as_batch=True,  # SQLite alters a constraint only by copying its table
)
context.run_migrations()
