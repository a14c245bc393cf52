"""What every dispute system keeps, the local one and that of the tests alike."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest
from sqlalchemy import select

from activities.disputes import DisputeCase, DisputeCases
from adapters.local.disputes import LocalDisputeCases
from database.connection import Database
from database.tables import disputes
from orders.disputes import Dispute, DisputeReason
from tests.fakes import FakeDisputeCases

START = datetime(2026, 1, 1, tzinfo=UTC)


class Cases(DisputeCases, Protocol):
    """The dispute system, and support's look at it."""

    async def open_cases(self) -> list[DisputeCase]: ...


class LocalCases(LocalDisputeCases):
    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._opened = database

    async def open_cases(self) -> list[DisputeCase]:
        query = (
            select(disputes.c["case"])
            .where(disputes.c.status != "resolved")
            .order_by(disputes.c.opened_at, disputes.c.dispute_id)
        )
        async with self._opened.reading() as connection:
            rows = (await connection.execute(query)).scalars().all()
        return [DisputeCase.model_validate_json(row) for row in rows]


@pytest.fixture(params=["local", "fake"])
def cases(request: pytest.FixtureRequest, database: Database) -> Cases:
    return LocalCases(database) if request.param == "local" else FakeDisputeCases()


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


async def test_open_cases_are_listed_longest_first(cases: Cases) -> None:
    for number in (1, 3, 2):
        await cases.file(case(number))

    assert await cases.open_cases() == [case(3), case(2), case(1)]


async def test_filing_again_replaces_what_was_filed(cases: Cases) -> None:
    await cases.file(case())
    await cases.file(case(note="with a photo"))

    assert await cases.open_cases() == [case(note="with a photo")]


async def test_a_late_filing_does_not_reopen_a_resolved_case(
    cases: Cases,
) -> None:
    await cases.file(case())
    await cases.file(case(status="resolved"))
    await cases.file(case())

    assert await cases.open_cases() == []
