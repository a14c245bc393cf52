"""The page of one order: its forms, its upload, its changes as they come, and the demo's clock.

Everything works without script, every action as a form. Script only keeps the page up to date.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote
from uuid import NAMESPACE_OID, uuid4, uuid5

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute

from activities.tracking import NumberRules, form_problem
from client.proofs import Upload
from gateway.access import Caller, Role, view_for
from gateway.pages import done
from gateway.pages.banner import banner, primary_action
from gateway.pages.base import PageRenderer, check_form_secret
from gateway.pages.consequences import consequences, is_grave, placed_again
from gateway.pages.form_input import WrongFields, read, wrong_fields
from gateway.pages.forms import FORMS, OFFERS
from gateway.pages.links import Links
from gateway.pages.naming import DECIDED, decision_name
from gateway.pages.ready_texts import ready_text
from gateway.pages.sessions import Session
from gateway.pages.time_skipping import Clock
from gateway.problems import (
    BadRequest,
    Conflict,
    ContentTooLarge,
    Forbidden,
    Invalid,
    MessageRefused,
    NotFound,
    TooManyRequests,
    WrongType,
    as_problem,
)
from gateway.services import Services
from i18n.catalogues import translator
from i18n.labels import label
from orders.errors import InvalidInput
from orders.messages import DisputeEvidence, Message, PaymentReceived, ShipmentProof, SupportMessage
from orders.sentences import sentence
from orders.view import OrderView

_AS_IT_IS: Final = "as_it_is"


class OrderPage:
    """One order's page."""

    def __init__(
        self,
        services: Services,
        renderer: PageRenderer,
        number_rules: NumberRules,
        links: Links,
        clock: Clock | None,
    ) -> None:
        """``clock``: only where time can be skipped; it also enables test payments."""
        self._services = services
        self._renderer = renderer
        self._number_rules = number_rules
        self._links = links
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        """The routes of an order's page and its forms."""
        at, order = self._renderer.route, "/orders/{order_id}"
        playing = [
            at(f"{order}/pay", self._pay, "POST"),
            at(f"{order}/clock", self._skip, "POST"),
        ]
        return [
            at(order, self._order),
            at(f"{order}/changes", self._changes),
            at(f"{order}/reorder", self._reorder, "POST"),
            at(f"{order}/shipment-proof", self._prove, "POST"),
            at(f"{order}/dispute-evidence", self._add_evidence, "POST"),
            at(f"{order}/proofs/{{sha256}}", self._proof),
            *(playing if self._clock else []),
            at(f"{order}/{{message}}", self._act, "POST"),
        ]

    async def _order(self, request: Request) -> Response:
        session = self._renderer.signed(request)
        view = await self._services.orders.visible(session.caller, request.path_params["order_id"])
        sent = done.remembered(request, session, _address(view.order_id), self._renderer.is_secure)
        said: dict[str, Any] = {"done": done.done_text(sent, view), "sent": sent}
        if text := ready_text(request.query_params.get("text", ""), view):
            said |= {"entered": {"text": text}, "entered_for": SupportMessage.name}
        response = await self._show_order(request, session, view, said)
        if sent:
            done.forget(response, self._renderer.is_secure)
        return response

    async def _act(self, request: Request) -> Response:
        """A submitted form, named after its message with hyphens."""
        session, entered = await self._renderer.posted(request)
        name = request.path_params["message"].replace("-", "_")
        if name not in FORMS:
            raise NotFound(sentence("There is no such form."))
        _must_be_for(session, name)
        order_id = request.path_params["order_id"]
        view = await self._services.orders.visible(session.caller, order_id)
        filled = {"entered": entered, "entered_for": name}
        if entered.get("back"):
            return await self._show_order(request, session, view, filled)
        try:
            message = read(name, entered, view.amount_due.currency)
            if not entered.get(_AS_IT_IS) and (why := form_problem(self._number_rules, message)):
                field = "tracking_number" if name == "seller_reply" else "number"
                filled["unconfirmed"] = _AS_IT_IS
                raise WrongFields({field: why})
            is_asked = not entered.get("confirmed") and _is_possible(session, name, view)
            if is_asked and is_grave(name, message, view):
                return self._confirm(request, session, view, name, entered, message)
            await self._services.orders.tell(session.caller, order_id, message)
        except (InvalidInput, Invalid, Conflict) as error:
            return await self._show_refused(request, session, order_id, error, filled)
        return self._to_order(session, order_id, name)

    def _confirm(
        self,
        request: Request,
        session: Session,
        view: OrderView,
        name: str,
        entered: Mapping[str, str],
        message: Message | None,
    ) -> Response:
        """What the form does, to be confirmed or gone back from."""
        locale = self._renderer.locale(request)
        context = {
            "view": view_for(session.caller, view),
            "name": name,
            "title": decision_name(name, entered, view, locale),
            "subject": f"{translator(locale).gettext('Order')} {view.order_id}",
            "entered": entered,
            "decided": DECIDED.get(name),
            "here": _address(view.order_id),
            "will": consequences(message, view) if message else placed_again(view),
        }
        return self._renderer.show("confirm", request, session, context)

    async def _prove(self, request: Request) -> Response:
        return await self._upload(request, ShipmentProof)

    async def _add_evidence(self, request: Request) -> Response:
        return await self._upload(request, DisputeEvidence)

    async def _upload(self, request: Request, message: type[Upload]) -> Response:
        """The upload of a photo or scan, whose secret comes before the file."""
        session = self._renderer.signed(request)
        _must_be_for(session, message.name)
        order_id = request.path_params["order_id"]
        entered: dict[str, str] = {}
        filled: dict[str, Any] = {"entered": entered, "entered_for": message.name}

        def check(fields: Mapping[str, str]) -> None:
            check_form_secret(session.form_secret, fields["form_secret"])
            entered.update(fields)

        try:
            await self._services.proofs.take(
                session.caller, order_id, request, message, check=check
            )
        except (WrongType, ContentTooLarge, Invalid) as error:
            problem = WrongFields({"file": error.detail}, error.status)
            return await self._show_refused(request, session, order_id, problem, filled)
        except (InvalidInput, Conflict, BadRequest, TooManyRequests) as error:
            return await self._show_refused(request, session, order_id, error, filled)
        return self._to_order(session, order_id, message.name)

    async def _proof(self, request: Request) -> Response:
        session, found = self._renderer.signed(request), request.path_params
        return await self._services.proofs.open(session.caller, found["order_id"], found["sha256"])

    async def _reorder(self, request: Request) -> Response:
        """R3: "Add to cart again". There is no catalogue here, so the prices are the old order's."""
        session, entered = await self._renderer.posted(request)
        _must_be_for(session, "reorder")
        self._services.orders.must_place(session.caller)
        order_id = request.path_params["order_id"]
        view = await self._services.orders.visible(session.caller, order_id)
        if entered.get("back"):
            return self._to_order(session, order_id)
        if not entered.get("confirmed"):
            return self._confirm(request, session, view, "reorder", entered, None)
        prices = {line.sku: line.unit_price for line in view.lines}
        new_id = f"{order_id[:52]}-{entered.get('message_id', '')[:8] or uuid4().hex[:8]}"
        placed = await self._services.orders.reorder(
            session.caller, view, new_id, prices, view.shipping_price
        )
        return self._to_order(session, placed.view.order_id, done.REORDERED)

    async def _pay(self, request: Request) -> Response:
        """A test payment without a provider (``clock``)."""
        session, entered = await self._renderer.posted(request)
        order_id = request.path_params["order_id"]
        view = await self._services.orders.visible(session.caller, order_id)
        if session.caller.role is not Role.BUYER:
            raise Forbidden(sentence("Only the buyer pays."))
        payment = PaymentReceived(
            payment_id=f"test-{uuid5(NAMESPACE_OID, entered.get('message_id') or uuid4().hex)}",
            money=view.amount_due,
            method="card",
            paid_at=await self._now(order_id),
        )
        provider = Caller("test", Role.PROVIDER, session.caller.expires_at)
        try:
            await self._services.orders.tell(provider, order_id, payment)
        except MessageRefused as problem:
            return await self._show_refused(request, session, order_id, problem, {})
        return self._to_order(session, order_id, done.PAID)

    async def _skip(self, request: Request) -> Response:
        """Skip an order's time (``clock``)."""
        session, entered = await self._renderer.posted(request)
        order_id = request.path_params["order_id"]
        view = await self._services.orders.visible(session.caller, order_id)
        assert self._clock
        await self._clock.skip(view, entered.get("skip", ""))
        return self._to_order(session, order_id)

    async def _changes(self, request: Request) -> Response:
        """Server-sent events that the order has changed; the script then reloads it."""
        session = self._renderer.signed(request)
        order_id = request.path_params["order_id"]
        await self._services.orders.must_be_visible(session.caller, order_id)
        stack = AsyncExitStack()
        # Entered before the response begins, so that the limit of watchers is a proper error.
        changes = await stack.enter_async_context(
            self._services.order_stream.watching(
                order_id, session.caller, is_open=partial(self._renderer.is_open, session)
            )
        )

        async def events() -> AsyncIterator[bytes]:
            async with stack:
                async for change in changes:
                    if change is None:
                        yield KEEPALIVE_COMMENT
                    else:
                        yield format_sse_event(event="order", data_str=_digest(change[1]))

        return StreamingResponse(events(), media_type="text/event-stream")

    async def _show_refused(
        self,
        request: Request,
        session: Session,
        order_id: str,
        error: Exception,
        more: Mapping[str, Any],
    ) -> Response:
        """The current order, and why it refused the message."""
        problem = as_problem(error)
        view = await self._services.orders.visible(session.caller, order_id)
        wrong = wrong_fields(more.get("entered_for", ""), problem)
        said = {"problem": problem, "wrong": wrong, **more}
        status = problem.answered if isinstance(problem, WrongFields) else problem.status
        return await self._show_order(request, session, view, said, status)

    async def _show_order(
        self,
        request: Request,
        session: Session,
        view: OrderView,
        more: Mapping[str, Any],
        status: int = 200,
    ) -> Response:
        caller, role = session.caller, session.caller.role
        shown = view_for(caller, view)
        locale = self._renderer.locale(request)
        context = {
            "view": shown,
            "seen": _digest(view),
            "news": label("event", view.timeline[-1].what, locale),
            "here": _address(view.order_id),
            "banner": banner(shown, role),
            "primary": primary_action(shown, role),
            # Single-click actions before those with fields.
            "actions": sorted(
                shown.actions.get(role, []),
                key=lambda it: it.action in FORMS and it.action not in OFFERS,
            ),
            "done": None,
            "sent": "",
            "entered": {},
            "entered_for": "",
            "unconfirmed": "",
            "wrong": {},
            "links": self._links,
            "buyers_place_orders": self._services.orders.buyers_place_orders,
            "clock": self._clock,
            "now": await self._now(view.order_id),
            "message_id": uuid4().hex,
        }
        return self._renderer.show("order", request, session, {**context, **more}, status)

    def _to_order(self, session: Session, order_id: str, sent: str = "") -> Response:
        address = _address(order_id)
        response = RedirectResponse(address, 303)
        if sent:
            done.remember(response, session, address, sent, self._renderer.is_secure)
        return response

    async def _now(self, order_id: str) -> datetime:
        return await self._clock.now(order_id) if self._clock else datetime.now(UTC)


def _must_be_for(session: Session, action: str) -> None:
    if not session.caller.may(action):
        raise Forbidden(sentence("You don't have permission for this."))


def _digest(view: OrderView) -> str:
    """A digest that differs between states of an order."""
    return sha256(view.model_dump_json().encode()).hexdigest()[:16]


def _address(order_id: str) -> str:
    return f"/orders/{quote(order_id)}"


def _is_possible(session: Session, name: str, view: OrderView) -> bool:
    return any(it.action == name and it.available for it in view.actions[session.caller.role])
