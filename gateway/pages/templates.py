"""The Jinja templates, localized."""

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.responses import HTMLResponse

from adapters.tracking.links import tracking_link
from gateway.pages.charts import money_bar, time_line
from gateway.pages.forms import CONVERSATION, FORMS, NO, OFFERS, YES, offered_fields, open_offers
from gateway.pages.naming import action_name, cancellation_status, part_name, refused_alike
from gateway.pages.ready_texts import READY_TEXTS
from gateway.pages.sample_orders import PEOPLE
from gateway.pages.stream import entries, stream
from i18n import formats
from i18n.catalogues import LOCALES, N_, Locale, translator
from i18n.labels import coming, label, payment_method, phrase
from i18n.quoting import without_directions
from i18n.sentences import localize
from orders.lifecycle import DEADLINES
from orders.listed import ListedOrder
from orders.reopening import TERMINATED
from orders.shipments import ProofEvidence
from orders.status import Status
from orders.support_queue import Need
from orders.values import Balance, Money
from orders.view import OrderView

STATIC: Final = Path(__file__).with_name("static")

_MAY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


NEEDS: Final = {
    Need.TERMINATED: N_("Process terminated"),
    Need.REFUND_FAILED: N_("Refund failed"),
    Need.REFUND_OVERDUE: N_("Refund overdue"),
    Need.UNMATCHED: N_("Unmatched money"),
    Need.PROOF: N_("Proof to review"),
    Need.DISPUTE: N_("Dispute to decide"),
}
"""What an order needs from support."""

NEWEST: Final = 10
"""Entries of the stream shown at once; earlier ones are collapsed."""

MOST_RADIOS: Final = 4
"""Up to this many choices are radio buttons; more are a drop-down list."""


@cache
def _environment(locale: Locale) -> Environment:
    translations = translator(locale)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=without_directions,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]
    environment.globals |= {
        "locale": locale,
        "locales": LOCALES,
        "CONVERSATION": CONVERSATION,
        "FORMS": FORMS,
        "OFFERS": OFFERS,
        "READY_TEXTS": READY_TEXTS,
        "offered_fields": offered_fields,
        "open_offers": open_offers,
        "time_line": time_line,
        "money_bar": money_bar,
        "tracking_link": tracking_link,
        "refused_alike": refused_alike(locale),
        "stream": lambda view: stream(view, locale),
        "history": lambda timeline: entries(timeline, locale),
        "part_name": lambda name, view: translations.gettext(part_name(name, view)),
        "payment_method": lambda name: _standing_alone(payment_method(name, locale)),
        "cancellation_status": lambda view: cancellation_status(view, locale),
        "DEADLINES": DEADLINES,
        "YES": translations.pgettext("answer", YES),
        "NO": translations.pgettext("answer", NO),
        "said": lambda text: translations.gettext(text) if text else "",
        "label": lambda kind, key: label(kind, str(key), locale),
        "coming": lambda what, reader: coming(what, locale, reader),
        "action_name": lambda name, view: action_name(name, view, locale),
        "NEEDS": NEEDS,
        "PEOPLE": PEOPLE,
        "NEWEST": NEWEST,
        "MOST_RADIOS": MOST_RADIOS,
        "STATUSES": tuple(Status),
        "TERMINATED": TERMINATED,
        "why": why,
        "at_stake": at_stake,
        "need_reason": lambda need, view: need_reason(need, view, locale),
        "static": static,
        "phrase": lambda code: phrase(str(code), locale),
        "localize": _localize(locale),
    }
    environment.filters |= {
        "money": lambda money: formats.money_text(money, locale),
        "instant": _in_readers_zone(formats.instant_text, locale),
        "moment": datetime.fromisoformat,
        "symbol": lambda currency: formats.currency_symbol(currency, locale),
        "day": _in_readers_zone(formats.day_text, locale),
        "date": _in_readers_zone(formats.date_text, locale),
        "since": _in_readers_zone(formats.from_text, locale),
        "until": _until(locale),
        "left": lambda left: formats.left_text(left, locale),
        "deadline": _in_readers_zone(formats.deadline_text, locale),
    }
    return environment


def _standing_alone(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def why(view: OrderView | ListedOrder) -> tuple[str, str]:
    """The reason for an order's status: a kind of label, and its key."""
    if view.close_reason:
        return "close_reason", view.close_reason.value
    if view.status is Status.DISPUTED and view.dispute:
        return "dispute_reason", view.dispute.reason.value
    if (
        view.cancellation
        and view.cancellation.reason
        and view.status is Status.CANCELLATION_REQUESTED
    ):
        return "cancel_reason", view.cancellation.reason.value
    if view.status is Status.PROOF_REQUESTED:
        return "cancellation_status", "shipment_claimed"
    moved = [it.what for it in view.timeline if it.at <= view.status_since]
    return "event", (moved or ["placed"])[-1]


def at_stake(need: Need, view: OrderView) -> Money | Balance:
    """The money that something support has to do is about."""
    match need:
        case Need.REFUND_FAILED | Need.REFUND_OVERDUE if view.refund:
            return view.refund.money
        case Need.UNMATCHED if view.unmatched:
            return view.unmatched[0]
        case Need.DISPUTE | Need.PROOF:
            return view.amount_held
        case _:
            return view.amount_due


def need_reason(need: Need, view: OrderView, locale: Locale) -> str:
    """Why support has something to do; empty where there is no more to say."""
    match need:
        case Need.REFUND_FAILED | Need.REFUND_OVERDUE if view.refund and view.refund.failure_reason:
            return localize(view.refund.failure_reason, locale)
        case Need.PROOF if view.shipment and (unseen := view.shipment.under_review):
            kind = unseen[0].kind if isinstance(unseen[0], ProofEvidence) else "tracking_number"
            return phrase(kind, locale)
        case Need.DISPUTE if view.dispute:
            return phrase(view.dispute.reason, locale)
        case _:
            return ""


@cache
def static(name: str) -> str:
    """The address of a static file, unique to its content."""
    return f"/static/{name}?{sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def _until(locale: Locale) -> Any:
    def until(at: datetime, now: datetime) -> str:
        return formats.until_text(at - now, locale)

    return until


def _localize(locale: Locale) -> Any:
    @pass_context
    def local(context: Context, text: str | None) -> str:
        return localize(text, locale, context["zone"]) if text else ""

    return local


def _in_readers_zone(text: Callable[[datetime, str, tzinfo], str], locale: Locale) -> Any:
    @pass_context
    def local(context: Context, at: datetime) -> str:
        return text(at, locale, context["zone"])

    return local


def page(name: str, locale: Locale, context: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """Render a page whose Content-Security-Policy allows this server's own files only.

    Instants are in the context's ``zone``.
    """
    body = _environment(locale).get_template(f"{name}.jinja").render(context)
    headers = {"Content-Security-Policy": _MAY, "Content-Language": locale, "Vary": "Cookie"}
    return HTMLResponse(body, status, headers=headers)
