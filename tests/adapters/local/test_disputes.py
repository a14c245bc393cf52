"""What every dispute desk keeps, ours and the one of the tests alike."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from activities.disputes import DisputeCase, DisputeCases
from adapters.local.disputes import LocalDisputeCases
from database.connection import Database
from orders.disputes import Dispute, DisputeReason
from tests.fakes import FakeDesk

START = datetime(2026, 1, 1, tzinfo=UTC)


class Desk(DisputeCases, Protocol):
    """A desk, and support's look at it."""

    async def open_cases(self) -> list[DisputeCase]: ...


@pytest.fixture(params=["ours", "fake"])
def desk(request: pytest.FixtureRequest, database: Database) -> Desk:
    return LocalDisputeCases(database) if request.param == "ours" else FakeDesk()


def case(number: int = 1, status: str = "open", note: str = "") -> DisputeCase:
    dispute = Dispute.model_validate(
        {
            "dispute_id": f"A-{number}-dispute-1",
            "status": status,
            "reason": DisputeReason.NO_PROOF,
            "note": note,
            "opened_at": START - timedelta(days=number),
            "due_by": START + timedelta(days=60),
        }
    )
    return DisputeCase(order_id=f"A-{number}", dispute=dispute)


async def test_open_cases_are_listed_longest_first(desk: Desk) -> None:
    for number in (1, 3, 2):
        await desk.file(case(number))

    assert await desk.open_cases() == [case(3), case(2), case(1)]


async def test_filing_again_replaces_what_was_filed(desk: Desk) -> None:
    await desk.file(case())
    await desk.file(case(note="with a photo"))

    assert await desk.open_cases() == [case(note="with a photo")]


async def test_a_resolved_case_is_off_the_desk_and_a_late_filing_does_not_reopen_it(
    desk: Desk,
) -> None:
    await desk.file(case())
    await desk.file(case(status="resolved"))
    await desk.file(case())

    assert await desk.open_cases() == []
