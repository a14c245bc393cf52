"""The pages: my orders, one order, support's desk. They ask the same desk as the API, and know no rule.

Everything works without script: reading, and every action as a form. Script only keeps the page fresh.
"""

import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode
from uuid import uuid4

from fastapi.sse import format_sse_event
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from gateway import bodies
from gateway.access import PEOPLE, Caller, Role, seen_by
from gateway.desk import asking_the_database
from gateway.limits import address_of
from gateway.pages.clock import Clock
from gateway.pages.forms import FORMS, OFFERS, PAID, asked_of, read
from gateway.pages.sessions import Session, Sessions
from gateway.pages.sign_in import BACK, SignIn
from gateway.pages.templates import STATIC, page
from gateway.problems import (
    Away,
    Conflict,
    Failed,
    Invalid,
    Malformed,
    NotFound,
    NotSignedIn,
    Problem,
    Refused,
    TooLarge,
    WrongRole,
    WrongType,
    as_problem,
)
from gateway.services import Services
from languages.catalogues import Locale, translator
from languages.choice import known, of_browser
from ledger.waiting import SqlWaiting
from orders.errors import InvalidInput
from orders.messages import PaymentReceived
from orders.model import Status
from orders.sentences import sentence
from orders.view import OrderView

log = logging.getLogger("unbuy.gateway")

MOST_LISTED: Final = 50
_LANGUAGE: Final = "unbuy-lang"
_A_YEAR: Final = 365 * 24 * 3600
_DONE: Final = "done"
_PAID: Final = "pay_now"


@dataclass(frozen=True, slots=True)
class Links:
    """Where else the pages lead. In each, ``{order_id}`` stands for the order's id."""

    pay: str | None
    temporal: str | None


class _Static(StaticFiles):
    """Browsers keep these files for good: what changes has another address (``templates.static``)."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        """See base class."""
        response = super().file_response(*args, **options)
        response.headers["Cache-Control"] = f"public, max-age={_A_YEAR}, immutable"
        return response


class Site:
    """All pages, for whoever is signed in."""

    def __init__(
        self,
        works: Services,
        sessions: Sessions,
        sign_in: SignIn,
        waiting: SqlWaiting,
        links: Links,
        clock: Clock | None,
    ) -> None:
        """``clock``: only where orders' time can be skipped; with it buyers pay by a test payment."""
        self._works = works
        self._sessions = sessions
        self._sign_in = sign_in
        self._waiting = waiting
        self._links = links
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        """Where each page is."""
        order = "/orders/{order_id}"
        playing = [
            self._page(f"{order}/pay", self._pay, "POST"),
            self._page(f"{order}/clock", self._skip, "POST"),
        ]
        return [
            self._page("/", self._home),
            self._page(order, self._order),
            self._page(f"{order}/changes", self._changes),
            self._page(f"{order}/reorder", self._reorder, "POST"),
            self._page(f"{order}/shipment-proof", self._prove, "POST"),
            self._page(f"{order}/proofs/{{sha256}}", self._proof),
            *(playing if self._clock else []),
            self._page(f"{order}/{{message}}", self._act, "POST"),
            self._page("/language", self._choose_language, "POST"),
            self._page("/sign-in", self._show_sign_in),
            self._page("/sign-in", self._take_token, "POST"),
            self._page(BACK, self._signed_in),
            self._page("/sign-out", self._sign_out, "POST"),
            self._page("/signed-out", self._show_signed_out),
            Mount("/static", _Static(directory=STATIC), name="static"),
        ]

    def _page(
        self, path: str, serve: Callable[[Request], Awaitable[Response]], method: str = "GET"
    ) -> Route:
        async def served(request: Request) -> Response:
            request.scope["unbuy.route"] = path
            try:
                session = self._sessions.of(request)
                who = f"{session.caller.role.value} {session.caller.id}" if session else None
                await self._works.limits.count(f"page {who or address_of(request)}")
                if method == "POST" and _is_from_elsewhere(request):
                    raise WrongRole(sentence("This form is from another site: open the page here."))
                return await serve(request)
            except NotSignedIn as problem:
                if _is_a_way_to_go(request):
                    return RedirectResponse(f"/sign-in?to={quote(request.url.path)}", 303)
                return self._not_signed_in(request, problem)
            except Exception as error:
                return self._failed(request, as_problem(error))

        return Route(path, served, methods=[method])

    def _failed(self, request: Request, problem: Problem) -> Response:
        if isinstance(problem, Failed):
            log.exception("A page failed")
        context = self._about(request, None) | {"problem": problem}
        response = page("error", self._locale(request), context, problem.status)
        response.headers.update(problem.headers)
        return response

    async def _home(self, request: Request) -> Response:
        session = self._signed(request)
        caller, query = session.caller, request.query_params
        if caller.role is Role.SUPPORT:
            sought = query.get("q", "").strip()[:64]
            async with asking_the_database():
                context = {
                    "waiting": [] if sought else await self._waiting.first(MOST_LISTED),
                    "found": await self._waiting.search(sought, MOST_LISTED) if sought else [],
                    "sought": sought,
                    "temporal": self._links.temporal,
                }
            return self._show("desk", request, session, context)
        status = _status(query.get("status"))
        orders = await self._works.desk.newest(caller, status, None, MOST_LISTED)
        return self._show("orders", request, session, {"orders": orders, "chosen": status})

    async def _order(self, request: Request) -> Response:
        session = self._signed(request)
        view = await self._works.desk.visible(session.caller, request.path_params["order_id"])
        done = request.query_params.get(_DONE, "")
        said = PAID if done == _PAID else FORMS[done].done if done in FORMS else ""
        said = translator(self._locale(request)).gettext(said) if said else ""
        return await self._show_order(request, session, view, {"done": said})

    async def _act(self, request: Request) -> Response:
        """A form of an order's page, whose name is a message's with hyphens."""
        session, entered = await self._posted(request)
        name = request.path_params["message"].replace("-", "_")
        if name not in FORMS:
            raise NotFound(sentence("There is no such form."))
        _must_be_for(session, name)
        order_id = request.path_params["order_id"]
        view = await self._works.desk.visible(session.caller, order_id)
        try:
            message = read(name, entered, view)
            if FORMS[name].grave and not entered.get("confirmed"):
                here = f"/orders/{order_id}"
                context = {"view": view, "name": name, "entered": entered, "here": here}
                return self._show("confirm", request, session, context)
            await self._works.desk.tell(session.caller, order_id, message)
        except (InvalidInput, Invalid, Conflict) as error:
            wrong = {"entered": entered, "entered_for": name}
            return await self._show_refused(request, session, order_id, error, wrong)
        return _to_order(order_id, name)

    async def _prove(self, request: Request) -> Response:
        """The upload of a photo or scan; its form's secret is in its address, as the file is read last."""
        session = self._signed(request)
        self._must_be_ours(session, request.query_params.get("form_secret", ""))
        _must_be_for(session, "upload")
        order_id = request.path_params["order_id"]
        try:
            await self._works.proofs.take(session.caller, order_id, request)
        except (InvalidInput, Invalid, Conflict, WrongType, TooLarge, Malformed) as error:
            wrong = {"entered_for": "shipment_proof"}
            return await self._show_refused(request, session, order_id, error, wrong)
        return _to_order(order_id, "shipment_proof")

    async def _proof(self, request: Request) -> Response:
        session, found = self._signed(request), request.path_params
        return await self._works.proofs.open(session.caller, found["order_id"], found["sha256"])

    async def _reorder(self, request: Request) -> Response:
        """R3: "Add to cart again". The page has no catalogue: the prices are those of then."""
        session, entered = await self._posted(request)
        _must_be_for(session, "reorder")
        order_id = request.path_params["order_id"]
        view = await self._works.desk.visible(session.caller, order_id)
        prices = {line.sku: line.unit_price for line in view.lines}
        new_id = f"{order_id[:52]}-{entered.get('message_id', '')[:8] or uuid4().hex[:8]}"
        placed = await self._works.desk.reorder(
            session.caller, view, new_id, prices, view.shipping_price
        )
        return _to_order(placed.view.order_id)

    async def _pay(self, request: Request) -> Response:
        """Pay without a provider: for trying things out (``clock``)."""
        session, entered = await self._posted(request)
        order_id = request.path_params["order_id"]
        view = await self._works.desk.visible(session.caller, order_id)
        if session.caller.role is not Role.BUYER:
            raise WrongRole(sentence("Only the buyer pays."))
        payment = PaymentReceived(
            payment_id=f"test-{entered.get('message_id') or uuid4()}",
            money=view.amount_due,
            method="card",
            paid_at=await self._now(order_id),
        )
        provider = Caller("test", Role.PROVIDER, session.caller.until)
        try:
            await self._works.desk.tell(provider, order_id, payment)
        except Refused as problem:
            return await self._show_refused(request, session, order_id, problem, {})
        return _to_order(order_id, _PAID)

    async def _skip(self, request: Request) -> Response:
        """Let an order's time pass at once: for trying things out."""
        session, entered = await self._posted(request)
        order_id = request.path_params["order_id"]
        view = await self._works.desk.visible(session.caller, order_id)
        assert self._clock
        await self._clock.skip(view, entered.get("skip", ""))
        return _to_order(order_id)

    async def _changes(self, request: Request) -> Response:
        """Server-sent events that say only that the order has changed; the script reads it anew."""
        session = self._signed(request)
        order_id = request.path_params["order_id"]
        await self._works.desk.must_be_visible(session.caller, order_id)
        stack = AsyncExitStack()
        # Entered before the answer begins: one watcher too many is told so.
        news = await stack.enter_async_context(
            self._works.lookout.watching(order_id, session.caller)
        )

        async def events() -> AsyncIterator[bytes]:
            async with stack:
                async for _, view in news:
                    yield format_sse_event(event="order", data_str=_digest(view))

        return StreamingResponse(events(), media_type="text/event-stream")

    async def _choose_language(self, request: Request) -> Response:
        entered = await _form(request)
        to = _inside(entered.get("to"))
        if self._sessions.of(request) is None and not to.startswith("/sign"):
            to = "/signed-out"  # no form's answer may lead to another site (form-action)
        response = RedirectResponse(to, 303)
        if chosen := known(entered.get("locale")):
            response.set_cookie(
                _LANGUAGE,
                chosen,
                max_age=_A_YEAR,
                httponly=True,
                samesite="lax",
                secure=self._sessions.is_secure,
            )
        return response

    async def _show_sign_in(self, request: Request) -> Response:
        to, token = _onward(request.query_params.get("to")), request.query_params.get("token")
        if token and not _is_from_elsewhere(request):
            return await self._sign_in_with(token, to, request)
        elsewhere = await self._sign_in.elsewhere(to)
        return elsewhere or self._show("sign_in", request, None, {"to": to})

    async def _take_token(self, request: Request) -> Response:
        entered = await _form(request)
        to = _onward(entered.get("to"))
        return await self._sign_in_with(entered.get("token", ""), to, request)

    async def _sign_in_with(self, token: str, to: str, request: Request) -> Response:
        try:
            return self._welcome(await self._sign_in.by_token(token.strip()), to)
        except NotSignedIn as problem:
            context = {"to": to, "problem": problem}
            return self._show("sign_in", request, None, context, problem.status)

    async def _signed_in(self, request: Request) -> Response:
        try:
            caller, to = await self._sign_in.back(request)
        except (NotSignedIn, WrongRole, Away) as problem:
            response = self._not_signed_in(request, problem)
        else:
            response = self._welcome(caller, to)
        self._sessions.forget(response)
        return response

    def _welcome(self, caller: Caller, to: str) -> Response:
        if caller.role not in PEOPLE:
            raise WrongRole(sentence("The pages are for buyers, sellers and support."))
        response = RedirectResponse(_onward(to), 303)
        self._sessions.begin(response, caller)
        return response

    async def _sign_out(self, request: Request) -> Response:
        await self._posted(request)
        response = RedirectResponse("/signed-out", 303)
        self._sessions.end(response)
        return response

    async def _show_signed_out(self, request: Request) -> Response:
        """Not straight to signing in: an issuer that still knows them would sign them in again."""
        return self._show("signed_out", request, None, {})

    def _not_signed_in(self, request: Request, problem: Problem) -> Response:
        """Why, and a link to sign in: browsers let no form's answer lead to another site (form-action)."""
        return self._show("signed_out", request, None, {"problem": problem}, problem.status)

    async def _show_refused(
        self,
        request: Request,
        session: Session,
        order_id: str,
        error: Exception,
        more: Mapping[str, Any],
    ) -> Response:
        """The order as it is now, and why it did not take what was sent."""
        problem = as_problem(error)
        view = await self._works.desk.visible(session.caller, order_id)
        wrong = {"problem": problem, **more}
        return await self._show_order(request, session, view, wrong, problem.status)

    async def _show_order(
        self,
        request: Request,
        session: Session,
        view: OrderView,
        more: Mapping[str, Any],
        status: int = 200,
    ) -> Response:
        caller = session.caller
        context = {
            "view": seen_by(caller, view),
            "seen": _digest(view),
            "here": f"/orders/{view.order_id}",
            # What one click does, before what asks for more.
            "actions": sorted(
                view.actions.get(caller.role, []),
                key=lambda it: it.action in FORMS and it.action not in OFFERS,
            ),
            "asked": asked_of(caller.role, view),
            "done": "",
            "entered": {},
            "entered_for": "",
            "links": self._links,
            "clock": self._clock,
            "now": await self._now(view.order_id),
            "message_id": uuid4().hex,
        }
        return self._show("order", request, session, {**context, **more}, status)

    def _show(
        self,
        name: str,
        request: Request,
        session: Session | None,
        context: Mapping[str, Any],
        status: int = 200,
    ) -> Response:
        whole = {**self._about(request, session), **context}
        return page(name, self._locale(request), whole, status)

    def _about(self, request: Request, session: Session | None) -> dict[str, Any]:
        path, query = request.url.path, f"?{request.url.query}" if request.url.query else ""
        return {
            "me": session.caller if session else None,
            "form_secret": session.form_secret if session else "",
            # Nobody comes back from the issuer twice.
            "here": f"{path}{query}" if request.method == "GET" and path != BACK else "/",
            "now": datetime.now(UTC),
            "problem": None,
        }

    async def _now(self, order_id: str) -> datetime:
        return await self._clock.now(order_id) if self._clock else datetime.now(UTC)

    def _locale(self, request: Request) -> Locale:
        chosen = known(request.cookies.get(_LANGUAGE))
        return chosen or of_browser(request.headers.get("accept-language"))

    def _signed(self, request: Request) -> Session:
        if (session := self._sessions.of(request)) is None:
            raise NotSignedIn(sentence("Sign in first."))
        request.scope["unbuy.role"] = session.caller.role.value
        return session

    async def _posted(self, request: Request) -> tuple[Session, dict[str, str]]:
        """Who sent a form of ours, and what is in it. Raises WrongRole for another site's (CSRF)."""
        session = self._signed(request)
        entered = await _form(request)
        self._must_be_ours(session, entered.get("form_secret", ""))
        return session, entered

    @staticmethod
    def _must_be_ours(session: Session, form_secret: str) -> None:
        if not hmac.compare_digest(form_secret.encode(), session.form_secret.encode()):
            raise WrongRole(
                sentence(
                    "This form is from another session: open the page again, and send it anew."
                )
            )


def _must_be_for(session: Session, action: str) -> None:
    if not session.caller.may(action):
        raise WrongRole(sentence("That is not for you to do."))


async def _form(request: Request) -> dict[str, str]:
    body = await bodies.read(request)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50))
    except ValueError:
        raise Invalid(sentence("The form cannot be read.")) from None


def _digest(view: OrderView) -> str:
    """Tells one state of an order from the next."""
    return sha256(view.model_dump_json().encode()).hexdigest()[:16]


def _inside(to: str | None) -> str:
    """An address of ours and no other's, to go on to."""
    is_ours = to and to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable()
    return to if is_ours and to else "/"


def _onward(to: str | None) -> str:
    """As ``_inside``, once somebody is signed in: not to signing in again."""
    inside = _inside(to)
    return "/" if inside.startswith("/sign-in") else inside


def _to_order(order_id: str, done: str = "") -> Response:
    query = f"?{urlencode({_DONE: done})}" if done else ""
    return RedirectResponse(f"/orders/{quote(order_id)}{query}", 303)


def _is_from_elsewhere(request: Request) -> bool:
    """Whether another site's page sent this, as browsers say to who is asked over HTTPS or on this machine.

    Where there is no session yet, and so no form secret, nobody must be signed in as somebody else unawares.
    """
    return request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin")


def _is_a_way_to_go(request: Request) -> bool:
    """Whether somebody opens a page: a script that is sent to sign in would disturb who does."""
    return request.method == "GET" and request.headers.get("sec-fetch-mode", "") in ("", "navigate")


def _status(text: str | None) -> Status | None:
    return next((status for status in Status if status == text), None)
