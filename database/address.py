"""A database's address as an operator writes it, and what must hold of it before anything is opened."""

from typing import Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from orders.sentences import sentence

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
}
_POSTGRESQL_OPTIONS: Final = frozenset(
    ("host", "krbsrvname", "passfile", "port", "prepared_statement_cache_size", "ssl", "sslmode")
)
"""Those that SQLAlchemy and asyncpg take as text; what they do not know is a TypeError to them."""


def parse(text: str) -> URL:
    """The address with our drivers. Raises ValueError, whose text never repeats what may be a password."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError(
            sentence(
                "no address such as postgresql://user:password@host:5432/name; what a password has beside "
                "letters and digits must be percent-encoded"
            )
        ) from None
    url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
    if url.drivername not in _DRIVERS.values():
        raise ValueError(sentence("it must begin with sqlite:/// or postgresql://"))
    is_sqlite = url.get_backend_name() == "sqlite"
    if is_sqlite and url.database in (None, "", ":memory:"):
        raise ValueError(sentence("SQLite needs a file, as in sqlite:///var/unbuy.db"))
    if unknown := url.query.keys() - (() if is_sqlite else _POSTGRESQL_OPTIONS):
        raise ValueError(
            sentence("it has an option that is not known here: {name}", name=min(unknown))
        )
    if "sslmode" in url.query:  # libpq's name, which other programs take
        mode = url.query["sslmode"]
        url = url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
    return url
