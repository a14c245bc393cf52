"""Signing somebody out of the pages, at the command line (case 77)."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from database.sessions import SqlSessions, StoredSession
from gateway.access import Role
from gateway.observability import digests
from gateway.tokens import party_of
from tests.cli.terminal import Terminal

SECRET = "Jo7rGbLi5bDYSCoCXHqKdRSnJdTRaE4g"
NOW = datetime.now(UTC)
SESSION = StoredSession("anna-1", Role.BUYER, "anna", NOW, NOW, NOW + timedelta(hours=1), NOW)


async def test_an_operator_ends_all_sessions_of_somebody(terminal: Terminal) -> None:
    """And the security log has it, with the digest that the gateway's lines have of them."""
    store = SqlSessions(terminal.database)
    others = [
        replace(SESSION, session_id="as-seller", role=Role.SELLER),
        replace(SESSION, session_id="ben-1", party_id="ben"),
    ]
    for session in (SESSION, replace(SESSION, session_id="anna-2"), *others):
        await store.add(session, NOW)

    ended = await terminal.run("end-sessions", "buyer", "anna", UNBUY_SESSION_SECRET=SECRET)

    assert (ended.status, ended.out) == (0, "2 sessions have ended.\n")
    line = json.loads(ended.err)
    assert (line["log"], line["event"], line["sessions"]) == ("security", "sessions_ended", 2)
    assert (line["role"], line["party"]) == ("buyer", digests(SECRET.encode())("anna"))
    assert await store.find("anna-1") is await store.find("anna-2") is None
    assert [await store.find(it.session_id) for it in others] == others

    again = await terminal.run("end-sessions", "buyer", "anna", "--json")
    assert json.loads(again.out) == {"role": "buyer", "sub": "anna", "ended": 0}


@pytest.mark.parametrize("named", [lambda sub: sub, party_of])
async def test_somebody_is_named_as_the_issuer_does_or_as_orders_do(
    terminal: Terminal, named: Callable[[str], str]
) -> None:
    """Case 95: an issuer's subject may be no party's id."""
    sub = "CN=Anna, O=Example Marketplace, C=PL"
    await SqlSessions(terminal.database).add(replace(SESSION, party_id=party_of(sub)), NOW)

    ended = await terminal.run("end-sessions", "buyer", named(sub), "--json")

    assert json.loads(ended.out) == {"role": "buyer", "sub": party_of(sub), "ended": 1}


async def test_somebody_who_cannot_be_is_refused(terminal: Terminal) -> None:
    refused = await terminal.run("end-sessions", "seller", "Łucja")

    assert refused.status == 2
    assert "There can be no seller of this id" in refused.err
