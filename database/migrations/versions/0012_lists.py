"""What orders ask of whom and until when, and the words by which they are found."""

import sqlalchemy as sa
from alembic import op

from database.orders import listed_by, searched_by
from database.tables import orders, search_terms
from orders.view import OrderView

revision = "0012"
down_revision = "0011"

_COLUMNS = ("need", "buyer_asked", "seller_asked", "need_due_by", "buyer_due_by", "seller_due_by")
_AT_ONCE = 500


def upgrade() -> None:
    """Bring a database of the version before to this one."""
    with op.batch_alter_table("orders", schema=None) as batch_op:
        for name in _COLUMNS:
            batch_op.add_column(sa.Column(name, sa.String(length=32), nullable=True))
        for role in ("buyer", "seller"):
            columns = [f"{role}_id", f"{role}_asked", f"{role}_due_by"]
            batch_op.create_index(
                batch_op.f(f"ix_orders_{'_'.join(columns)}"), columns, unique=False
            )
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    op.create_table(
        "search_terms",
        sa.Column("term", sa.String(64, collation="C" if is_postgresql else None), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.order_id"], name=op.f("fk_search_terms_order_id")
        ),
        sa.PrimaryKeyConstraint("term", "order_id", name=op.f("pk_search_terms")),
    )
    op.create_index(op.f("ix_search_terms_order_id"), "search_terms", ["order_id"], unique=False)
    _fill()


def _fill() -> None:
    """Orders that are there already are listed and found like those to come."""
    connection, last = op.get_bind(), ""
    query = sa.select(orders.c.order_id, orders.c.view).order_by(orders.c.order_id).limit(_AT_ONCE)
    while rows := connection.execute(query.where(orders.c.order_id > last)).all():
        last = rows[-1].order_id
        for row in rows:
            view = OrderView.model_validate_json(row.view)
            listed = {name: value for name, value in listed_by(view).items() if name in _COLUMNS}
            connection.execute(
                sa.update(orders).where(orders.c.order_id == row.order_id).values(**listed)
            )
            connection.execute(sa.insert(search_terms), searched_by(view))
