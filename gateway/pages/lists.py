"""The lists: a buyer's or a seller's orders by what they ask, and what waits for support."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from database.order_lists import ListReader, SqlOrderLists
from database.support_queue import QueueOrder, SqlSupportQueue
from gateway.access import Role
from gateway.orders import asking_the_database
from gateway.pages.base import PageRenderer
from gateway.pages.links import Links
from gateway.pages.sessions import Session
from gateway.pages.templates import NEEDS
from gateway.pages.time_skipping import Clock
from gateway.paging import SHOWN, PageOf
from gateway.problems import Invalid
from i18n.catalogues import N_
from orders.asked import Ask
from orders.listed import ListedOrder
from orders.sentences import sentence
from orders.status import Status
from orders.support_queue import Need

_MOST_SOUGHT: Final = 100
_Choice = TypeVar("_Choice", bound=StrEnum)

_Section = tuple[str, str, frozenset[Ask]]
_ANSWER: Final[_Section] = ("answer", N_("Needs your answer"), Ask.answers())
_SECTIONS: Final[Mapping[Role, Sequence[_Section]]] = {
    Role.BUYER: (_ANSWER, ("pay", N_("To pay"), frozenset({Ask.PAY}))),
    Role.SELLER: (_ANSWER, ("ship", N_("To ship"), frozenset({Ask.SHIP}))),
}
"""What a list has before the rest: its name in addresses, its title, and what its orders ask."""

_OTHERS: Final = N_("All others")

_QUEUE_ORDERS: Final = {
    QueueOrder.AGE: N_("Waiting longest"),
    QueueOrder.DEADLINE: N_("Ending soonest"),
}


@dataclass(frozen=True, slots=True)
class Tab:
    """A part of a list that can be shown alone, and how many orders it has."""

    title: str
    count: int
    address: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Section:
    """Orders under a heading of their own; ``count`` is of all, of which this page may show some."""

    name: str
    title: str
    count: int
    orders: Sequence[ListedOrder]


class ListPages:
    """The start page of everybody who is signed in."""

    def __init__(
        self,
        lists: SqlOrderLists,
        queue: SqlSupportQueue,
        renderer: PageRenderer,
        links: Links,
        clock: Clock | None,
        front_page: Callable[[Request], Awaitable[Response]] | None,
    ) -> None:
        """``clock``: orders have times of their own, by which their deadlines are near or far.

        ``front_page`` is for whoever is not signed in, where there is one.
        """
        self._front_page = front_page
        self._lists = lists
        self._queue = queue
        self._renderer = renderer
        self._links = links
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        """The routes of these pages."""
        return [self._renderer.route("/", self._start)]

    async def _start(self, request: Request) -> Response:
        if self._front_page and self._renderer.session(request) is None:
            return await self._front_page(request)
        session = self._renderer.signed(request)
        if session.caller.role is Role.SUPPORT:
            return await self._support_queue(request, session)
        return await self._orders(request, session)

    async def _orders(self, request: Request, session: Session) -> Response:
        """A party's orders, by what they ask; or what they look for, newest first."""
        query = request.query_params
        sought, status = _sought(request), _one_of(Status, query.get("status"))
        reader = ListReader(session.caller.role, session.caller.id)
        async with asking_the_database():
            counts = await self._lists.counts(reader)
            if sought or status:
                tabs, sections, page = await self._found(request, reader, sought, status)
            else:
                tabs, sections, page = await self._by_what_they_ask(request, reader, counts)
        shown = [order for section in sections for order in section.orders]
        context = {
            "sections": sections,
            "tabs": tabs,
            "all": sum(counts.values()),
            "sought": sought,
            "chosen": status,
            "times": await self._times(it.order_id for it in shown if it.due_by),
        }
        return self._list("orders", request, session, page, context)

    async def _found(
        self, request: Request, reader: ListReader, sought: str, status: Status | None
    ) -> tuple[list[Tab], list[Section], PageOf]:
        total = await self._lists.count(reader, sought, status)
        page = PageOf.at(_number(request), total)
        found = await self._lists.search(reader, sought, status, skip=page.skip, most=SHOWN)
        return [], [Section("found", "", total, found)] if found else [], page

    async def _by_what_they_ask(
        self, request: Request, reader: ListReader, counts: Mapping[str | None, int]
    ) -> tuple[list[Tab], list[Section], PageOf]:
        named = _SECTIONS[reader.role]
        wanted = request.query_params.get("show", "")
        chosen = [it for it in named if it[0] == wanted] or named
        is_whole = chosen == named
        sizes = {name: sum(counts.get(ask, 0) for ask in asks) for name, _, asks in named}
        others = counts.get(None, 0)
        total = sum(sizes[name] for name, _, _ in chosen) + (others if is_whole else 0)
        page = PageOf.at(_number(request), total)
        skip, left, sections = page.skip, SHOWN, []
        for name, title, asks in chosen:
            if left and sizes[name] > skip:
                found = await self._lists.asking(reader, asks, skip=skip, most=left)
                sections.append(Section(name, title, sizes[name], found))
                left -= len(found)
            skip = max(0, skip - sizes[name])
        if is_whole and left and others > skip:
            found = await self._lists.asking_nothing(reader, skip=skip, most=left)
            sections.append(Section("others", _OTHERS, others, found))
        tabs = [Tab(N_("All"), sum(sizes.values()) + others, "/", is_whole)]
        tabs += [
            Tab(title, sizes[name], f"/?show={name}", not is_whole and name == wanted)
            for name, title, _ in named
        ]
        return tabs, sections, page

    async def _support_queue(self, request: Request, session: Session) -> Response:
        """What waits for support, or the results of a search."""
        query, sought, number = request.query_params, _sought(request), _number(request)
        need = _one_of(Need, query.get("need"))
        by = _one_of(QueueOrder, query.get("by")) or QueueOrder.AGE
        async with asking_the_database():
            counts = await self._queue.counts()
            strays = await self._queue.stray_payments(sought) if number == 1 and not need else []
            if sought:
                page = PageOf.at(number, await self._queue.count(sought))
                cases = await self._queue.search(sought, skip=page.skip, most=SHOWN)
            else:
                page = PageOf.at(number, counts.get(need, 0) if need else sum(counts.values()))
                cases = await self._queue.waiting(need, by, skip=page.skip, most=SHOWN)
        due = (it.view.order_id for it in cases if it.waiting)
        context = {
            "cases": cases,
            "strays": strays,
            "tabs": _need_tabs(counts, need, by),
            "queue_orders": _order_links(need, by),
            "sought": sought,
            "temporal": self._links.temporal,
            "temporal_list": self._links.temporal_list(need),
            "times": await self._times(due),
        }
        return self._list("support_queue", request, session, page, context)

    async def _times(self, order_ids: Iterable[str]) -> dict[str, datetime]:
        """The time of each of these orders, where it is not everybody's."""
        if self._clock is None:
            return {}
        asked = list(order_ids)
        return dict(zip(asked, await asyncio.gather(*map(self._clock.now, asked)), strict=True))

    def _list(
        self,
        name: str,
        request: Request,
        session: Session,
        page: PageOf,
        context: Mapping[str, Any],
    ) -> Response:
        """A page of a list; 304 to a script that has it as it is."""
        query = {key: text for key, text in request.query_params.items() if key != "page" and text}
        to = {number: _address({**query, "page": str(number)}) for number in page.near}
        more = {
            "page": page,
            "to": {**to, 1: _address(query)},
            "before": _address({**query, "page": str(page.number - 1)}),
            "after": _address({**query, "page": str(page.number + 1)}),
        }
        response = self._renderer.show(name, request, session, {**context, **more})
        tag = f'"{sha256(response.body).hexdigest()[:24]}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        response.headers["ETag"] = tag
        return response


def _need_tabs(counts: Mapping[Need, int], need: Need | None, by: QueueOrder) -> list[Tab]:
    """All that waits, and each kind of it that there is or that is shown."""
    order = {"by": by.value} if by is not QueueOrder.AGE else {}
    tabs = [Tab(N_("All"), sum(counts.values()), _address(order), need is None)]
    for it in Need:
        if it in counts or it is need:
            address = _address({"need": it.value, **order})
            tabs.append(Tab(NEEDS[it], counts.get(it, 0), address, it is need))
    return tabs


def _order_links(need: Need | None, by: QueueOrder) -> list[tuple[str, str, bool]]:
    """By what the queue can be sorted, and the address of each."""
    kind = {"need": need.value} if need else {}
    return [(_QUEUE_ORDERS[it], _address({**kind, "by": it.value}), it is by) for it in QueueOrder]


def _sought(request: Request) -> str:
    # PostgreSQL takes no NUL in a text, and nothing that is kept has one.
    return request.query_params.get("q", "").replace("\0", "").strip()[:_MOST_SOUGHT]


def _number(request: Request) -> int:
    """The number of the page that is asked for. Raises Invalid."""
    text = request.query_params.get("page", "1")
    if not re.fullmatch("[1-9][0-9]{0,5}", text):
        raise Invalid(sentence("There is no such page of the list: start from the first one."))
    return int(text)


def _one_of(choices: type[_Choice], text: str | None) -> _Choice | None:
    return next((it for it in choices if it.value == text), None)


def _address(query: Mapping[str, str]) -> str:
    return f"/?{urlencode(query)}" if query else "/"
