"""Buyers and sellers say on a page whether they want reminders (R21)."""

import pytest
from pydantic import SecretStr

from adapters.notifications.unsubscribe import UnsubscribeLinks
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


async def test_a_mails_link_turns_them_off_without_signing_in(
    order: HttpStory, database: Database
) -> None:
    """R21, RFC 8058: a mailbox posts to it; looking at it changes nothing, nor does a wrong one."""
    secret = SecretStr("for these tests alone, and long enough")
    link = f"/reminders/off?whose={UnsubscribeLinks(secret).sign(Role.BUYER, 'party-2')}"
    preferences = SqlReminderPreferences(database)
    async with (
        serving(
            order.system.server.client, database, unsubscribe_secret=secret.get_secret_value()
        ) as address,
        browser_at(address) as http,
    ):
        page = await http.get(link)
        must_be_safe(page)
        assert "Turn reminders off" in page.text
        for wrong in (f"{link[:-1]}x", f"{link}x", "/reminders/off?whose=\u0142", "/reminders/off"):
            assert (await http.post(wrong)).status_code == 404
        assert not await preferences.are_muted(Role.BUYER, "party-2")

        pressed = await http.post(link, data={"List-Unsubscribe": "One-Click"})

        assert (pressed.status_code, pressed.headers.get("location")) == (200, None)
        assert "You are sent no reminders." in pressed.text
        assert await preferences.are_muted(Role.BUYER, "party-2")
        assert not await preferences.are_muted(Role.SELLER, "party-2")
