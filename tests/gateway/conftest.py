"""A gateway on a real server: orders that tests place over HTTP, as the people whom they name."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr
from temporalio.client import Client

from client import orders
from database.connection import Database
from demo.system import DemoSystem, has_nothing_to_do, set_up
from demo.waiting import until
from gateway import bodies
from gateway import orders as orders_of_gateway
from gateway.access import Role
from gateway.app import build_app
from gateway.server import Server, server_config
from gateway.tokens import SecretTokens
from gateway.wiring import build_pages, build_services
from runtime.settings import Settings

SECRET = SecretStr("a secret of this test run, 32 or more")
_NUMBERS = count(1)


def token(role: str, sub: str, lifetime: timedelta = timedelta(hours=1)) -> str:
    """A token as `python starter.py token` makes it."""
    return SecretTokens(SECRET).issue(Role(role), sub, lifetime)


def settings(**changes: Any) -> Settings:
    """A gateway's settings for tests: nobody is slowed down unless the test is about that."""
    given: dict[str, Any] = {
        "token_secret": SECRET,
        "rate_limit": "100000/minute",
        "buyers_place_orders": True,
        "buyer_orders_limit": "100000/minute",
    }
    is_local = Settings(**(given | changes)).is_for_trying_out
    return Settings(**({"buyers_choose_policy": is_local} | given | changes))


@pytest.fixture(scope="session", autouse=True)
def _patient_gateway() -> Iterator[None]:
    """A busy machine may take its time; a test of the gateway's patience sets its own."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PATIENCE", "DATABASE_PATIENCE", "TEMPORAL_PATIENCE"):
            patch.setattr(orders_of_gateway, name, timedelta(seconds=15))
        patch.setattr(bodies, "WITHIN", timedelta(minutes=1))
        yield


@asynccontextmanager
async def serving(client: Client, database: Database, **changes: Any) -> AsyncIterator[str]:
    """A gateway on a port of its own, over TCP; its address."""
    most = changes.pop("most_connections", None)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        chosen = settings(**({"public_url": address} | changes))
        services = build_services(chosen, client, database)
        site = build_pages(chosen, services, client, database)
        app = build_app(
            services,
            chosen.cors_origins,
            site,
            codec=client.data_converter.payload_codec,
            trusted_proxies=chosen.trusted_proxies,
            is_https=chosen.is_https,
            secret=chosen.own_secret,
        )
        config = server_config(app, log_level="error", lifespan="off", limit_concurrency=most)
        server = Server(config, services.order_stream)
        task = asyncio.create_task(server.serve([listening]))
        try:
            yield address
        finally:
            server.stop()
            await task
            await services.close()


@dataclass(frozen=True)
class Person:
    """Somebody with a token."""

    http: httpx.AsyncClient
    role: str
    id: str

    async def get(self, path: str, **options: Any) -> httpx.Response:
        """A request of theirs."""
        return await self.http.get(path, headers=self._headers(options), **options)

    async def post(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        """A request of theirs, with a JSON body unless another is given."""
        if json is not None:
            options["json"] = json
        return await self.http.post(path, headers=self._headers(options), **options)

    def _headers(self, options: dict[str, Any]) -> dict[str, str]:
        more: dict[str, str] = options.pop("headers", {})
        return {"Authorization": f"Bearer {token(self.role, self.id)}", **more}


@dataclass(frozen=True)
class HttpStory:
    """An order over HTTP, in the verbs of stories, and its people; each test has its own."""

    http: httpx.AsyncClient
    system: DemoSystem
    number: int = field(default_factory=lambda: next(_NUMBERS))

    def person(self, role: str, sub: str = "") -> Person:
        """Somebody; of this test unless named."""
        return Person(self.http, role, sub or f"{role}-{self.number}")

    @property
    def buyer(self) -> Person:
        return self.person("buyer")

    @property
    def seller(self) -> Person:
        return self.person("seller")

    @property
    def support(self) -> Person:
        return self.person("support")

    @property
    def provider(self) -> Person:
        return self.person("provider")

    @property
    def order_id(self) -> str:
        return f"H-{self.number}"

    @property
    def path(self) -> str:
        """The order's address."""
        return f"/v1/orders/{self.order_id}"

    def body(self, **changes: Any) -> dict[str, Any]:
        """The contract's example, 24.90 EUR due, between this test's buyer and seller."""
        eur = {"amount": 1245, "currency": "EUR"}
        placed: dict[str, Any] = {
            "order_id": self.order_id,
            "buyer": {"id": self.buyer.id, "name": "Anna", "locale": "pl", "notify": []},
            "seller": {"id": self.seller.id, "name": "Shop 3", "locale": "en", "notify": []},
            "lines": [{"sku": "CAB-2", "title": "USB-C cable", "quantity": 2, "unit_price": eur}],
            "shipping_price": {"amount": 0, "currency": "EUR"},
        }
        return placed | changes

    async def events(self) -> int:
        """How many the order's history has."""
        history = await orders.handle(self.system.server.client, self.order_id).fetch_history()
        return len(history.events)

    async def settled_events(self) -> int:
        """As ``events``, once the order has done what it has to do by itself."""
        await until(
            orders.handle(self.system.server.client, self.order_id).describe, has_nothing_to_do
        )
        return await self.events()

    async def until(self, status: str) -> dict[str, Any]:
        """The order's view once it has this status."""

        async def view() -> dict[str, Any]:
            seen: dict[str, Any] = (await self.support.get(self.path)).json()
            return seen

        return await until(view, lambda seen: seen["status"] == status)

    async def place(self, **changes: Any) -> dict[str, Any]:
        """R1: the order is placed; its view."""
        answer = await self.buyer.post("/v1/orders", self.body(**changes))
        assert answer.status_code == 201, answer.text
        view: dict[str, Any] = answer.json()
        return view

    async def pay(self, amount: int = 2490, payment_id: str = "") -> httpx.Response:
        """R5: the provider reports a payment."""
        return await self.provider.post(
            f"{self.path}/payment",
            {
                "payment_id": payment_id or f"pay-{self.number}",
                "money": {"amount": amount, "currency": "EUR"},
                "method": "card",
                "paid_at": "2026-11-25T12:00:00Z",
            },
        )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DemoSystem]:
    async with set_up(tmp_path_factory.mktemp("gateway")) as system:
        yield system


@pytest.fixture(scope="session")
def proofs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The proof store of the gateway."""
    return tmp_path_factory.mktemp("proofs")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def address(system: DemoSystem, proofs: Path) -> AsyncIterator[str]:
    database = await Database.open(system.database_url)
    try:
        async with serving(system.server.client, database, proof_store=str(proofs)) as address:
            yield address
    finally:
        await database.close()


@pytest_asyncio.fixture(loop_scope="session")
async def order(system: DemoSystem, address: str) -> AsyncIterator[HttpStory]:
    # Certificates that nothing here uses take longer to read than most tests.
    async with httpx.AsyncClient(base_url=address, timeout=20, verify=False) as http:
        yield HttpStory(http, system)
