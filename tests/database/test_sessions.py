"""Sessions: who is signed in on the pages."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from database.connection import Database
from database.sessions import SqlSessions, StoredSession
from orders.messages import Role

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANNA = StoredSession(
    "anna-1", Role.BUYER, "anna", NOW, NOW, NOW + HOUR, NOW, "sealed", "192.0.2.7", "Firefox"
)


async def test_a_session_is_there_until_it_is_ended(database: Database, other: Database) -> None:
    """Case 77: for every process at once."""
    here, there = SqlSessions(database), SqlSessions(other)
    await here.add(ANNA, NOW)
    assert await there.find("anna-1") == ANNA

    await there.end("anna-1")

    assert await here.find("anna-1") is None
    assert not await here.set_seen("anna-1", NOW)
    await here.end("anna-1")


async def test_all_sessions_of_one_party_in_one_role_end_together(database: Database) -> None:
    """Case 77."""
    store = SqlSessions(database)
    others = [
        replace(ANNA, session_id="as-seller", role=Role.SELLER),
        replace(ANNA, session_id="ben-1", party_id="ben"),
    ]
    for session in (ANNA, replace(ANNA, session_id="anna-2"), *others):
        await store.add(session, NOW)

    assert await store.end_all(Role.BUYER, "anna") == 2

    assert await store.find("anna-1") is None
    assert await store.find("anna-2") is None
    assert [await store.find(it.session_id) for it in others] == others


async def test_a_party_has_a_list_of_its_sessions_in_a_role(database: Database) -> None:
    """The newest first, without those that nobody has used for too long, and nobody else's."""
    store = SqlSessions(database)
    newer = replace(ANNA, session_id="anna-2", begun_at=NOW + HOUR / 4)
    for session in (
        *(ANNA, newer, replace(ANNA, session_id="idle", seen_at=NOW - HOUR)),
        *(
            replace(ANNA, session_id="seller", role=Role.SELLER),
            replace(ANNA, session_id="b", party_id="ben"),
        ),
    ):
        await store.add(session, NOW)

    assert await store.of_party(Role.BUYER, "anna", NOW - HOUR / 2) == [newer, ANNA]


async def test_a_party_has_no_more_than_so_many_sessions_in_a_role(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever signs in again and again ends the oldest of their own."""
    monkeypatch.setattr("database.sessions.MOST", 2)
    store = SqlSessions(database)
    seller = replace(ANNA, session_id="seller", role=Role.SELLER, begun_at=NOW - HOUR)
    mine = [
        replace(ANNA, session_id=f"anna-{it}", begun_at=NOW + it * HOUR / 10) for it in (1, 2, 3)
    ]
    for session in (seller, *mine):
        await store.add(session, NOW)

    assert await store.of_party(Role.BUYER, "anna", NOW) == [mine[2], mine[1]]
    assert await store.find("seller") == seller


async def test_sessions_that_are_over_are_removed(database: Database) -> None:
    store = SqlSessions(database)
    await store.add(ANNA, NOW)

    await store.add(replace(ANNA, session_id="later", ends_at=NOW + 2 * HOUR), NOW + HOUR)

    assert await store.find("anna-1") is None
    assert await store.find("later")


async def test_use_of_a_session_is_noted(database: Database) -> None:
    store = SqlSessions(database)
    await store.add(ANNA, NOW)

    assert await store.set_seen("anna-1", NOW + HOUR / 2)

    assert await store.find("anna-1") == replace(ANNA, seen_at=NOW + HOUR / 2)


async def test_one_process_asks_the_issuer_and_no_other(
    database: Database, other: Database
) -> None:
    """A refresh token may count once."""
    await SqlSessions(database).add(ANNA, NOW)

    asked = [
        await SqlSessions(it).begin_check(ANNA, NOW + HOUR / 2)
        for it in (database, other, database)
    ]

    assert asked == [True, False, False]
    await SqlSessions(other).set_refresh_token("anna-1", "sealed anew")
    found = await SqlSessions(database).find("anna-1")
    assert found == replace(ANNA, checked_at=NOW + HOUR / 2, refresh_token="sealed anew")
