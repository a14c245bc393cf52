"""Buyers and sellers say on a page whether they want reminders (R21)."""

import pytest

from database.connection import Database
from database.reminder_preferences import SqlReminderPreferences
from orders.messages import Role
from tests.gateway.browsing import browser_at, sign_in
from tests.gateway.conftest import HttpStory, serving
from tests.gateway.test_page_safety import must_be_safe


@pytest.mark.parametrize("role", [Role.BUYER, Role.SELLER])
async def test_reminders_are_turned_off_and_on(
    role: Role, order: HttpStory, database: Database
) -> None:
    """For one party in one role; the other who has the same id keeps theirs."""
    preferences = SqlReminderPreferences(database)
    other = Role.SELLER if role is Role.BUYER else Role.BUYER
    async with (
        serving(order.system.server.client, database) as address,
        browser_at(address) as http,
    ):
        person = await sign_in(http, role, "party-1")
        assert 'href="/reminders"' in (await http.get("/")).text
        page = await http.get("/reminders")
        must_be_safe(page)
        assert "You are reminded before a deadline of yours ends." in page.text

        await person.post("/reminders", reminders="off")
        assert "You are sent no reminders." in (await http.get("/reminders")).text
        assert await preferences.are_muted(role, "party-1")
        assert not await preferences.are_muted(other, "party-1")

        await person.post("/reminders", reminders="on")
        assert not await preferences.are_muted(role, "party-1")


async def test_support_has_none_to_turn_off(address: str) -> None:
    async with browser_at(address) as http:
        await sign_in(http, "support", "support-1")
        assert (await http.get("/reminders")).status_code == 403
