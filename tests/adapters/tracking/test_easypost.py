"""EasyPost as the carrier service (R11), asked over loopback: a peer that speaks its Tracker."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr
from temporalio.testing import WorkflowEnvironment

from activities.tracking import CarrierRecord, NotKnownYet
from adapters.tracking.easypost import FIRST_SCAN_WITHIN, CarrierUnavailable, EasyPostCarrier
from database.connection import Database
from demo.waiting import until
from deploy.ports import LOOPBACK, free_port
from runtime.settings import Settings
from runtime.wiring import Adapters

KEY = SecretStr("EZTK_canary")
NUMBER = "RR473124829PL"


def place(country: str | None) -> dict[str, Any]:
    return {
        "object": "TrackingLocation",
        "city": "Anywhere",
        "state": None,
        "country": country,
        "zip": None,
    }


def scan(status: str, country: str | None = None) -> dict[str, Any]:
    return {
        "object": "TrackingDetail",
        "message": "…",
        "status": status,
        "status_detail": "status_update",
        "datetime": "2026-11-20T10:00:00Z",
        "source": "carrier",
        "tracking_location": place(country),
    }


def tracker(status: str, *scans: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "trk_1",
        "object": "Tracker",
        "mode": "production",
        "tracking_code": NUMBER,
        "status": status,
        "status_detail": "status_update",
        "created_at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "updated_at": "2026-11-21T10:00:00Z",
        "signed_by": None,
        "carrier": "PolishPost",
        "tracking_details": list(scans),
        "carrier_detail": None,
        "fees": [],
        **more,
    }


@dataclass
class Peer:
    """Answers as it is told to, and remembers what it was asked."""

    status: int = 201
    body: Any = None
    hangs: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    url: str = ""

    async def trackers(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        self.keys.append(request.headers["Authorization"])
        await until(lambda: not self.hangs, within=None)
        if isinstance(self.body, str):
            return web.Response(text=self.body, status=self.status)
        return web.json_response(self.body, status=self.status)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer = Peer()
    app = web.Application()
    app.router.add_post("/v2/trackers", peer.trackers)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, LOOPBACK, port).start()
    peer.url = f"http://{LOOPBACK}:{port}/v2"
    yield peer
    peer.hangs = False
    await runner.cleanup()


@pytest.fixture
def carrier(peer: Peer) -> EasyPostCarrier:
    return EasyPostCarrier(KEY, peer.url, timeout=1)


@pytest.mark.parametrize(
    "status", ["pre_transit", "in_transit", "out_for_delivery", "return_to_sender", "failure"]
)
async def test_a_number_with_tracking_events_is_known(
    peer: Peer, carrier: EasyPostCarrier, status: str
) -> None:
    """R11."""
    peer.body = tracker(status, scan(status, "DE"))

    assert await carrier.find(NUMBER, "postal service (Poland)") == CarrierRecord()
    assert peer.asked == [{"tracker": {"tracking_code": NUMBER}}]
    assert peer.keys == [f"Bearer {KEY.get_secret_value()}"]


async def test_a_carrier_that_both_name_alike_is_returned(
    peer: Peer, carrier: EasyPostCarrier
) -> None:
    peer.body = tracker("pre_transit")

    await carrier.find("71123456789123456787", "United States Postal Service")

    assert peer.asked[0]["tracker"]["carrier"] == "USPS"


async def test_a_number_that_is_new_to_its_carrier_is_retried(
    peer: Peer, carrier: EasyPostCarrier
) -> None:
    """R11, R12: a seller gives the number when the label is printed, before the carrier's first scan."""
    peer.body = tracker("unknown")

    with pytest.raises(NotKnownYet):
        await carrier.find(NUMBER, None)


@pytest.mark.parametrize("scans", [[], None])
async def test_a_number_that_stays_unknown_is_invalid(
    peer: Peer, carrier: EasyPostCarrier, scans: list[Any] | None
) -> None:
    """R11."""
    since = (datetime.now(UTC) - FIRST_SCAN_WITHIN - timedelta(minutes=1)).isoformat()
    peer.body = tracker("unknown", created_at=since, tracking_details=scans)

    assert await carrier.find(NUMBER, None) is None


@pytest.mark.parametrize(
    ("body", "country"),
    [
        (tracker("delivered", scan("in_transit", "PL"), scan("delivered", "DE")), "DE"),
        (
            tracker(
                "delivered",
                scan("delivered"),
                carrier_detail={"destination_tracking_location": place("FR")},
            ),
            "FR",
        ),
        (tracker("delivered", scan("delivered")), None),
        (
            tracker("in_transit", carrier_detail={"destination_tracking_location": place("FR")}),
            None,
        ),
    ],
)
async def test_the_place_of_delivery_is_as_exact_as_the_carriers_answer(
    peer: Peer, carrier: EasyPostCarrier, body: dict[str, Any], country: str | None
) -> None:
    """R11."""
    peer.body = body

    assert await carrier.find(NUMBER, None) == CarrierRecord(delivered_in=country)


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_an_uncovered_carrier_gives_no_verdict(
    peer: Peer, carrier: EasyPostCarrier, status: int
) -> None:
    """R11: that nobody knows how to ask is no reason against the number."""
    peer.status = status
    peer.body = {"error": {"code": "TRACKER.CREATE.ERROR", "message": "…", "errors": []}}

    assert await carrier.find("YT2212345678901234", "YunExpress") == CarrierRecord(is_covered=False)


@pytest.mark.parametrize("status", [401, 402, 403, 408, 429, 500, 503, 504])
async def test_an_error_is_reported_as_unavailable(
    peer: Peer, carrier: EasyPostCarrier, status: int
) -> None:
    peer.status = status
    peer.body = {"error": {"code": "SOME.CODE", "message": "…", "errors": []}}

    with pytest.raises(CarrierUnavailable, match="cannot be asked now"):
        await carrier.find(NUMBER, None)


@pytest.mark.parametrize(
    "body", ["<html>" + "x" * 5_000_000, "[]", "null", '"x"', '{"status": "delivered"}', "{}"]
)
@pytest.mark.parametrize("status", [200, 502])
async def test_a_malformed_answer_counts_as_unavailable_and_is_not_repeated(
    peer: Peer, carrier: EasyPostCarrier, status: int, body: str
) -> None:
    """Case 23: neither into the error nor into what it came from."""
    peer.status = status
    peer.body = body

    with pytest.raises(CarrierUnavailable) as raised:
        await carrier.find(NUMBER, None)

    assert len(str(raised.value)) < 200
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


async def test_a_hanging_service_times_out(peer: Peer, carrier: EasyPostCarrier) -> None:
    peer.hangs = True

    async with asyncio.timeout(10):
        with pytest.raises(CarrierUnavailable):
            await carrier.find(NUMBER, None)


async def test_an_unreachable_service_is_unavailable() -> None:
    carrier = EasyPostCarrier(KEY, f"http://{LOOPBACK}:{free_port()}/v2", timeout=1)

    with pytest.raises(CarrierUnavailable):
        await carrier.find(NUMBER, None)


async def test_the_settings_choose_whether_carriers_are_asked(
    environment: WorkflowEnvironment, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = Adapters.from_settings(Settings(), database, environment.client)
    monkeypatch.setenv("UNBUY_EASYPOST_API_KEY", KEY.get_secret_value())
    settings = Settings()
    with_it = Adapters.from_settings(settings, database, environment.client)

    assert without.carrier_service is None
    assert isinstance(with_it.carrier_service, EasyPostCarrier)
    assert "canary" not in repr(settings) + str(settings) + settings.model_dump_json()
