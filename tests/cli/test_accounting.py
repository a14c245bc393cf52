"""The commands ``reconcile`` and ``books``, on a real server with the local provider."""

import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from rich.console import Console

from activities.reconciliation import Report
from cli import accounting
from cli.failure import Failure
from client import orders, reconciliation
from database.connection import Database
from database.ledger import SqlLedger
from database.orders import SqlOrders
from demo.waiting import until
from deploy.embedded import embedded_server
from i18n.current import use_locale
from orders.accounting import Posting
from orders.messages import CancelReason, CancelRequest
from runtime.wiring import Adapters
from runtime.worker import build_worker
from tests.database.samples import START, book
from tests.orders.builders import message, payment, place


class Screen:
    """A terminal's width of text that is kept."""

    def __init__(self) -> None:
        self.console = Console(file=io.StringIO(), width=240, color_system=None)

    @property
    def text(self) -> str:
        assert isinstance(self.console.file, io.StringIO)
        return re.sub(r" +", " ", self.console.file.getvalue())


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """What the commands print on."""
    screen = Screen()
    monkeypatch.setattr(accounting, "out", screen.console)
    return screen


@pytest_asyncio.fixture(loop_scope="session")
async def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """A server, a worker and a database, found by the environment; one order is paid, one closed."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'unbuy.db'}"
    monkeypatch.setenv("UNBUY_DATABASE_URL", url)
    async with embedded_server() as server:
        monkeypatch.setenv("TEMPORAL_ADDRESS", server.address)
        database = await Database.open(url)
        async with build_worker(
            server.client, Adapters.local(database, server.client).activities()
        ):
            await orders.place(server.client, place(order_id="paid"))
            await orders.update(server.client, "paid", message("payment", **payment()))
            await orders.place(server.client, place(order_id="closed"))
            await orders.update(server.client, "closed", CancelRequest(reason=CancelReason.OTHER))
            await until(lambda: SqlLedger(database).balances("paid"))
            await until(lambda: SqlOrders(database).find("closed"))
            await orders.handle(server.client, "closed").result()
            yield database
        await database.close()


async def _differs(database: Database) -> None:
    """Book by hand what the order knows nothing of."""
    legs = {"cash": -7, "held": 7}
    await book(
        database,
        Posting(order_id="paid", step="by-hand", at=START, currency="EUR", legs=legs),  # type: ignore[arg-type]
    )


async def test_the_balances_and_a_reconciliation_without_differences_are_printed(
    database: Database, screen: Screen
) -> None:
    """Case 26: the trial balance is zero, and what is held is told by status."""
    assert await accounting.books() == 0
    assert await accounting.reconcile() == 0

    for line in (
        "EUR cash at the provider 24.90",
        "EUR held for orders 24.90",
        "EUR sum 0.00",
        "EUR payment review 24.90",
        "0 payments, 0 refunds, 0 chargebacks and 2 orders of the last 35 days: no differences.",
    ):
        assert line in screen.text


async def test_a_difference_is_printed_and_fails_the_command(
    database: Database, screen: Screen
) -> None:
    """Case 24: the order, what ought to be, what is, and since when."""
    await _differs(database)
    assert await accounting.reconcile() == 1

    assert "paid ledger differs from order cash €24.90, held €24.90" in screen.text
    assert "cash €24.83, held €24.83" in screen.text
    assert "1 difference." in screen.text


async def test_an_invalid_period_is_refused() -> None:
    with pytest.raises(Failure, match="between 1 and 3650"):
        await accounting.reconcile(days=0)


async def test_an_empty_ledger_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, screen: Screen
) -> None:
    monkeypatch.setenv("UNBUY_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}")
    assert await accounting.books() == 0
    assert screen.text == "The ledger is empty.\n"


async def test_the_balances_and_a_reconciliation_are_printed_in_polish(
    database: Database, screen: Screen
) -> None:
    await _differs(database)
    with use_locale("pl"):
        assert await accounting.books() == 0
        assert await accounting.reconcile() == 1

    for line in (
        "EUR środki u operatora płatności 24,83",
        "EUR wstrzymane na poczet zamówień 24,83",
        "EUR suma 0,00",
        "EUR płatność jest sprawdzana 24,83",
        "paid księga różni się od zamówienia środki 24,90\N{NO-BREAK SPACE}€, wstrzymane 24,90",
        "Porównano 0 płatności, 0 zwrotów, 0 obciążeń zwrotnych i 2 zamówienia z ostatnich 35 dni: "
        "1 różnica.",
    ):
        assert line in screen.text


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (
            0,
            "0 płatności, 0 zwrotów, 0 obciążeń zwrotnych i 0 zamówień z ostatnich 35 dni: brak ró",
        ),
        (
            1,
            "1 płatność, 1 zwrot, 1 obciążenie zwrotne i 1 zamówienie z ostatnich 35 dni: 1 różnica.",
        ),
        (
            2,
            "2 płatności, 2 zwroty, 2 obciążenia zwrotne i 2 zamówienia z ostatnich 35 dni: 2 różnice.",
        ),
        (
            5,
            "5 płatności, 5 zwrotów, 5 obciążeń zwrotnych i 5 zamówień z ostatnich 35 dni: 5 różnic.",
        ),
        (12, "i 12 zamówień z ostatnich 35 dni: 12 różnic."),
        (22, "i 22 zamówienia z ostatnich 35 dni: 22 różnice."),
    ],
)
async def test_a_number_takes_its_plural(
    monkeypatch: pytest.MonkeyPatch, screen: Screen, number: int, said: str
) -> None:
    @asynccontextmanager
    async def connected() -> AsyncIterator[None]:
        yield

    async def compared(_client: object, _days: int) -> Report:
        return Report(
            payments=number,
            refunds=number,
            chargebacks=number,
            orders=number,
            findings=(),
            more=number,
        )

    monkeypatch.setattr(accounting, "connection", connected)
    monkeypatch.setattr(reconciliation, "reconcile", compared)
    with use_locale("pl"):
        await accounting.reconcile()

    assert said in screen.text
