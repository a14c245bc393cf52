"""Support's page beside an order's: both sides, decisions, notes, notifications, the case file.

Nothing here reaches the order: who has taken it and what was noted of it are support's own.
"""

from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from adapters.notifications.render import NotificationRenderer
from database.outbox import SqlOutbox
from database.support_cases import MOST_ORDERS, SqlSupportCases, SupportNote
from gateway.access import Role, to_hand_over, view_for
from gateway.case_files import CaseFile, SentNotification, as_pdf, sent_notifications
from gateway.orders import OrderService, asking_the_database
from gateway.pages.base import PageRenderer
from gateway.pages.sessions import Session
from gateway.problems import Forbidden, Invalid
from orders.decision_preview import decision_previews
from orders.sentences import sentence
from orders.values import LongText
from orders.view import OrderView

_TEXT: Final = TypeAdapter[str](LongText)
_YES: Final = "yes"


class SupportCasePages:
    """The pages of a case."""

    def __init__(
        self,
        orders: OrderService,
        cases: SqlSupportCases,
        outbox: SqlOutbox,
        notifications: NotificationRenderer,
        renderer: PageRenderer,
    ) -> None:
        self._orders = orders
        self._cases = cases
        self._outbox = outbox
        self._notifications = notifications
        self._renderer = renderer

    def routes(self) -> list[BaseRoute]:
        """The routes of these pages."""
        at, case = self._renderer.route, "/orders/{order_id}/case"
        return [
            at(case, self._show),
            at(f"{case}/notes", self._note, "POST"),
            at(f"{case}/assignment", self._assign, "POST"),
            at(f"{case}/file", self._file),
        ]

    async def _show(self, request: Request) -> Response:
        session, view = await self._visible(request)
        return await self._page(request, session, view)

    async def _note(self, request: Request) -> Response:
        """Note something for support alone."""
        _, entered = await self._renderer.posted(request)
        session, view = await self._visible(request)
        text = entered.get("text", "").strip()
        try:
            note = _TEXT.validate_python(text)
        except ValidationError:
            note = ""
        if not note:
            problem = Invalid(sentence("Write a note of 1 to 1000 characters."))
            return await self._page(request, session, view, problem, text)
        async with asking_the_database():
            await self._cases.add_note(
                view.order_id, SupportNote(at=datetime.now(UTC), by_id=session.caller.id, text=note)
            )
        return _to_case(view)

    async def _assign(self, request: Request) -> Response:
        """Take the order, or leave it to others."""
        _, entered = await self._renderer.posted(request)
        session, view = await self._visible(request)
        async with asking_the_database():
            if entered.get("leave") == _YES:
                await self._cases.unassign(view.order_id)
            else:
                await self._cases.assign(view.order_id, session.caller.id, datetime.now(UTC))
        return _to_case(view)

    async def _file(self, request: Request) -> Response:
        """The case file: JSON, or else a PDF."""
        case = await self._case(request)
        ending = "json" if request.query_params.get("format") == "json" else "pdf"
        body: str | bytes = (
            case.model_dump_json(indent=2)
            if ending == "json"
            else await as_pdf(case, self._renderer.locale(request), self._renderer.zone(request))
        )
        name = f"case-{case.order.order_id}.{ending}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(body, media_type=f"application/{ending}", headers=headers)

    async def _case(self, request: Request) -> CaseFile:
        session, view = await self._visible(request)
        async with asking_the_database():
            notifications = await self._sent(view)
            with_notes = request.query_params.get("notes") == _YES
            notes = await self._cases.notes(view.order_id) if with_notes else []
        return CaseFile(
            exported_at=datetime.now(UTC),
            exported_by=session.caller.id,
            order=to_hand_over(view_for(session.caller, view)),
            notifications=notifications,
            notes=tuple(notes),
        )

    async def _sent(self, view: OrderView) -> tuple[SentNotification, ...]:
        return sent_notifications(await self._outbox.entries(view.order_id), self._notifications)

    async def _visible(self, request: Request) -> tuple[Session, OrderView]:
        session = self._renderer.signed(request)
        if not session.caller.may("read_case"):
            raise Forbidden(sentence("You don't have permission for this."))
        return session, await self._orders.visible(session.caller, request.path_params["order_id"])

    async def _page(
        self,
        request: Request,
        session: Session,
        view: OrderView,
        problem: Invalid | None = None,
        entered: str = "",
    ) -> Response:
        async with asking_the_database():
            context = {
                "view": view_for(session.caller, view),
                "previews": decision_previews(view),
                "notes": await self._cases.notes(view.order_id),
                "assignment": await self._cases.assignment(view.order_id),
                "notifications": await self._sent(view),
                "histories": {
                    Role.BUYER: await self._cases.history(Role.BUYER, view.buyer.id),
                    Role.SELLER: await self._cases.history(Role.SELLER, view.seller.id),
                },
                "MOST_ORDERS": MOST_ORDERS,
                "here": _address(view),
                "entered": entered,
                "problem": problem,
            }
        status = problem.status if problem else 200
        return self._renderer.show("support_case", request, session, context, status)


def _address(view: OrderView) -> str:
    return f"/orders/{quote(view.order_id)}/case"


def _to_case(view: OrderView) -> Response:
    return RedirectResponse(_address(view), 303)
