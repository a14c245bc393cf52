"""Stripe as payment provider, by its official SDK: refunds and records (R14-R17, R23).

Our ``payment_id`` is the id of Stripe's charge (``ch_…``): a PaymentIntent may fail and then succeed under
one id, while an order never accepts the id of a declined payment again. Before a refund is created, it is
looked up by its metadata: Stripe forgets an idempotency key after 24 hours
(docs.stripe.com/api/idempotent_requests), but not its refunds.

Only Temporal retries: neither the SDK nor this module repeats a failed request. Error texts are our own and
name Stripe's code; Stripe's response bodies never leave this module (case 23).
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal, TypeVar

import httpx
import stripe
from pydantic import SecretStr
from stripe.params import RefundCreateParams
from temporalio.exceptions import ApplicationError

from activities.provider_records import ProviderChargeback, ProviderPayment, ProviderRefund
from activities.refunds import ProviderRefusal, RefundQuestion, RefundRequest, RefundState
from adapters.stripe.codes import (
    REFUND_ID,
    WORKFLOW_ID,
    chargeback_status,
    in_utc,
    our_order,
    refund_status,
    word,
)
from adapters.stripe.money import from_stripe, to_stripe
from orders.messages import RefundStatus
from orders.sentences import sentence

# The SDK logs Stripe's error texts at INFO: response bodies must stay out of logs, too.
logging.getLogger("stripe").setLevel(logging.WARNING)

PATIENCE: Final = httpx.Timeout(15.0, connect=5.0)
"""Seconds for one request; three fit into the minute of ``workflows.options.MOVE_MONEY``."""

# As docs.stripe.com/api/refunds/create and …/payments/customer-balance/refunding say.
_REFUNDED_BY_EMAIL = frozenset({"customer_balance", "konbini", "promptpay"})

_T = TypeVar("_T")

# docs.stripe.com/api/idempotent_requests; an id that is made of a payment's may be longer.
_LONGEST_KEY = 255

# Idempotency keys to try in one attempt, past failures that Stripe has stored (case 21).
_MOST_KEYS = 5
_PAGE = 100

_MEANINGS = {
    "charge_already_refunded": sentence("everything that came in has gone back already"),
    "charge_disputed": sentence("the buyer's bank has taken the money back"),
    "refund_disputed_payment": sentence("the buyer's bank has taken the money back"),
    "resource_missing": sentence("there is no such payment"),
    "amount_too_large": sentence("more would go back than came in"),
}


class ProviderUnavailable(ApplicationError):
    """Stripe is unavailable, or its response does not say what happened; retried later."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, type="ProviderUnavailable")


class _StoredFailure(Exception):
    """Stripe replays a stored failure, and will until it forgets the idempotency key."""


class StripeProvider:
    """Implements ``activities.refunds.PaymentProvider`` and ``activities.provider_records.ProviderRecords``.

    ``api_base`` replaces Stripe's address, for tests. All methods raise ProviderUnavailable while Stripe is
    unavailable.
    """

    def __init__(
        self, api_key: SecretStr, api_base: str | None = None, patience: httpx.Timeout = PATIENCE
    ) -> None:
        self._http = stripe.HTTPXClient(timeout=patience)
        self._stripe = stripe.StripeClient(
            api_key.get_secret_value(),
            base_addresses={"api": api_base} if api_base else {},
            http_client=self._http,
            max_network_retries=0,
        ).v1

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def refund(self, request: RefundRequest) -> RefundState:
        """See ``PaymentProvider``; ProviderRefusal for a refund that Stripe refuses.

        Looks the refund up first. The register ensures that one id is not used for two payments; Stripe
        does, too, but only until it forgets the key.
        """
        amount, currency = to_stripe(request.money)
        with _translated_errors(
            sentence(
                "refund {refund_id} of {money}", refund_id=request.refund_id, money=request.money
            )
        ):
            for number in range(1, _MOST_KEYS + 1):
                found = await self._find(request.payment_id, request.refund_id)
                if found:
                    _must_be(found, request, amount, currency)
                    return _state(found)
                if number == 1:
                    email = _instructions_email(await self._charge_paid_in(currency, request))
                key = request.refund_id if number == 1 else f"{request.refund_id}:{number}"
                try:
                    return _state(await self._create_refund(request, amount, email, key))
                except _StoredFailure:
                    continue
        raise ProviderUnavailable(
            f"Stripe repeats an error of its own for refund {request.refund_id}."
        )

    async def refund_state(self, question: RefundQuestion) -> RefundState | None:
        """See ``PaymentProvider``."""
        with _translated_errors(
            sentence("the state of refund {refund_id}", refund_id=question.refund_id)
        ):
            found = await self._find(question.payment_id, question.refund_id)
        return _state(found) if found else None

    async def stop_refund(self, question: RefundQuestion) -> RefundState | None:
        """See ``PaymentProvider``; Stripe stops a refund only while it waits for the buyer.

        (docs.stripe.com/api/refunds/cancel: the status ``requires_action``.)
        """
        with _translated_errors(
            sentence("the stop of refund {refund_id}", refund_id=question.refund_id)
        ):
            found = await self._find(question.payment_id, question.refund_id)
            if found is None:
                return None
            if found.status != RefundStatus.REQUIRES_ACTION:
                return _state(found)
            try:
                return _state(await self._stripe.refunds.cancel_async(found.id))
            except stripe.InvalidRequestError:
                # Its status has changed meanwhile: return the new one.
                return _state(await self._stripe.refunds.retrieve_async(found.id))

    async def payments(self, since: datetime) -> AsyncIterator[ProviderPayment]:
        """See ``ProviderRecords``; the newest first."""
        with _translated_errors(sentence("the payments")):
            page = await self._stripe.charges.list_async(
                {"created": {"gte": int(since.timestamp())}, "limit": _PAGE}
            )
            async for charge in page.auto_paging_iter():
                yield _payment(charge)

    async def refunds(self, since: datetime) -> AsyncIterator[ProviderRefund]:
        """See ``ProviderRecords``; the newest first."""
        with _translated_errors(sentence("the refunds")):
            page = await self._stripe.refunds.list_async(
                {
                    "created": {"gte": int(since.timestamp())},
                    "limit": _PAGE,
                    "expand": ["data.charge"],
                }
            )
            async for refund in page.auto_paging_iter():
                if found := _refund(refund):
                    yield found

    async def chargebacks(self, since: datetime) -> AsyncIterator[ProviderChargeback]:
        """See ``ProviderRecords``; the newest first. An inquiry moves no money and is left out."""
        with _translated_errors(sentence("the chargebacks")):
            page = await self._stripe.disputes.list_async(
                {
                    "created": {"gte": int(since.timestamp())},
                    "limit": _PAGE,
                    "expand": ["data.charge"],
                }
            )
            async for dispute in page.auto_paging_iter():
                if found := _chargeback(dispute):
                    yield found

    async def find_payment(self, payment_id: str) -> ProviderPayment | None:
        """See ``ProviderRecords``."""
        with _translated_errors(sentence("payment {payment_id}", payment_id=payment_id)):
            charge = await _if_any(self._stripe.charges.retrieve_async(payment_id))
            return _payment(charge) if charge else None

    async def find_refund(self, provider_id: str) -> ProviderRefund | None:
        """See ``ProviderRecords``."""
        with _translated_errors(sentence("refund {refund_id}", refund_id=provider_id)):
            refund = await _if_any(
                self._stripe.refunds.retrieve_async(provider_id, {"expand": ["charge"]})
            )
            return _refund(refund) if refund else None

    async def refunds_of(self, payment_id: str) -> list[ProviderRefund]:
        """See ``ProviderRecords``."""
        with _translated_errors(
            sentence("the refunds of payment {payment_id}", payment_id=payment_id)
        ):
            page = await self._stripe.refunds.list_async(
                {"charge": payment_id, "limit": _PAGE, "expand": ["data.charge"]}
            )
            return [found async for refund in page.auto_paging_iter() if (found := _refund(refund))]

    async def find_chargeback(self, chargeback_id: str) -> ProviderChargeback | None:
        """See ``ProviderRecords``."""
        with _translated_errors(
            sentence("chargeback {chargeback_id}", chargeback_id=chargeback_id)
        ):
            dispute = await _if_any(
                self._stripe.disputes.retrieve_async(chargeback_id, {"expand": ["charge"]})
            )
            return _chargeback(dispute) if dispute else None

    async def _find(self, payment_id: str, refund_id: str) -> stripe.Refund | None:
        page = await _if_any(
            self._stripe.refunds.list_async({"charge": payment_id, "limit": _PAGE})
        )
        if page is None:
            return None
        made = [
            it async for it in page.auto_paging_iter() if _metadata(it).get(REFUND_ID) == refund_id
        ]
        # The first, should there be more: see ``activities.provider_messages.first_of_each_id``.
        return min(made, key=lambda it: (it.created, it.id), default=None)

    async def _charge_paid_in(self, currency: str, request: RefundRequest) -> stripe.Charge:
        # Stripe's refunds have no currency: it would refund 24.90 in whatever was paid.
        charge = await self._stripe.charges.retrieve_async(request.payment_id)
        if charge.currency != currency:
            raise ProviderRefusal(
                sentence(
                    "Payment {payment_id} was not made in {currency}.",
                    payment_id=request.payment_id,
                    currency=request.money.currency,
                )
            )
        return charge

    async def _create_refund(
        self, request: RefundRequest, amount: int, email: str | None, key: str
    ) -> stripe.Refund:
        wanted: RefundCreateParams = {
            "charge": request.payment_id,
            "amount": amount,
            "metadata": {REFUND_ID: request.refund_id, WORKFLOW_ID: request.workflow_id},
        }
        if email:
            wanted["instructions_email"] = email
        if len(key) > _LONGEST_KEY:
            key = sha256(key.encode()).hexdigest()
        try:
            return await self._stripe.refunds.create_async(wanted, {"idempotency_key": key})
        except stripe.APIError as error:
            headers = {name.lower(): value for name, value in (error.headers or {}).items()}
            if (error.http_status or 0) >= 500 and headers.get("idempotent-replayed") == "true":
                raise _StoredFailure from None
            raise


@contextmanager
def _translated_errors(what: str) -> Iterator[None]:
    """Raise the SDK's errors as ours, without Stripe's text, and so without a cause."""
    try:
        yield
    except stripe.IdempotencyError:
        raise ProviderRefusal(
            sentence(
                "Stripe refuses {what}: {meaning} ({code}).",
                what=what,
                meaning=sentence("it was asked for before, for something else"),
                code="idempotency_error",
            )
        ) from None
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        code = word(error.code) or "no code"
        meaning = _MEANINGS.get(code, sentence("it is not possible"))
        raise ProviderRefusal(
            sentence(
                "Stripe refuses {what}: {meaning} ({code}).", what=what, meaning=meaning, code=code
            )
        ) from None
    except stripe.StripeError as error:
        status = f"HTTP {error.http_status}" if error.http_status else "no answer"
        raise ProviderUnavailable(f"Stripe cannot be asked for {what} now ({status}).") from None


def _must_be(refund: stripe.Refund, request: RefundRequest, amount: int, currency: str) -> None:
    if (refund.amount, refund.currency) != (amount, currency):
        raise ProviderRefusal(
            sentence(
                "Refund {refund_id} was asked for before, for another amount or currency.",
                refund_id=request.refund_id,
            )
        )


def _instructions_email(charge: stripe.Charge) -> str | None:
    """Where Stripe asks the buyer for bank details, of a method whose money cannot go back by itself.

    None for other methods, and where the charge has no address: then Stripe takes its customer's, if any.
    """
    details = charge.payment_method_details
    if details is None or details.type not in _REFUNDED_BY_EMAIL:
        return None
    return charge.billing_details.email or charge.receipt_email


def _state(refund: stripe.Refund) -> RefundState:
    status = refund_status(refund.status)
    if status is RefundStatus.REQUIRES_ACTION:
        return RefundState(status=status, act_by=_act_by(refund))
    return RefundState(status=status, reason=word(getattr(refund, "failure_reason", None)))


def _act_by(refund: stripe.Refund) -> datetime | None:
    """Until when Stripe waits for the buyer to answer its e-mail; None where it does not say."""
    action = getattr(refund, "next_action", None)
    details = action.display_details if action else None
    expires_at = details.expires_at if details else None
    return None if expires_at is None else in_utc(expires_at)


def _payment(charge: stripe.Charge) -> ProviderPayment:
    """A charge as a payment, which comes in when it is captured."""
    status: Literal["pending", "succeeded", "failed"]
    amount, reason = charge.amount, word(charge.failure_code)
    if charge.status == "failed":
        status = "failed"
    elif charge.amount_captured:
        status, amount = "succeeded", charge.amount_captured
    elif charge.refunded:
        # What was authorised and never captured is let go as if it were refunded.
        status, reason = "failed", reason or "authorization_released"
    else:
        status = "pending"
    details = charge.payment_method_details
    return ProviderPayment(
        payment_id=charge.id,
        order_id=our_order(_metadata(charge)),
        money=from_stripe(amount, charge.currency),
        method=details.type if details else "unknown",
        status=status,
        at=in_utc(charge.created),
        expected_by=_expected_by(charge),
        reason=reason,
    )


def _expected_by(charge: stripe.Charge) -> datetime | None:
    """When an authorisation ends that is not captured; Stripe knows it of cards."""
    details = charge.payment_method_details
    card = getattr(details, details.type, None) if details else None
    end = getattr(card, "capture_before", None)
    return in_utc(end) if end else None


def _refund(refund: stripe.Refund) -> ProviderRefund | None:
    """A refund; None for one that gives nothing back of a payment that came in."""
    charge, metadata = refund.charge, _metadata(refund)
    if charge is None or isinstance(charge, str):
        return None
    refund_id = metadata.get(REFUND_ID)
    if refund_id is None and _only_releases(refund, charge):
        return None
    state = _state(refund)
    return ProviderRefund(
        refund_id=refund_id,
        provider_id=refund.id,
        payment_id=charge.id,
        order_id=our_order(_metadata(charge)),
        money=from_stripe(refund.amount, refund.currency),
        status=state.status,
        at=in_utc(refund.created),
        reason=state.reason,
        act_by=state.act_by,
    )


def _only_releases(refund: stripe.Refund, charge: stripe.Charge) -> bool:
    """Whether a refund only lets go what was authorised and not captured, of which nothing had come in."""
    is_booked = refund.balance_transaction is not None
    return charge.amount_captured < charge.amount and not is_booked


def _chargeback(dispute: stripe.Dispute) -> ProviderChargeback | None:
    """A dispute; None for one that moves no money."""
    status, charge = chargeback_status(dispute.status), dispute.charge
    if status is None or isinstance(charge, str):
        return None
    return ProviderChargeback(
        chargeback_id=dispute.id,
        payment_id=charge.id,
        order_id=our_order(_metadata(charge)),
        money=from_stripe(dispute.amount, dispute.currency),
        status=status,
        at=in_utc(dispute.created),
        reason=word(dispute.reason),
    )


async def _if_any(asking: Awaitable[_T]) -> _T | None:
    """What was asked for; None where Stripe has no such thing."""
    try:
        return await asking
    except stripe.InvalidRequestError as error:
        if error.code != "resource_missing":
            raise
        return None


def _metadata(made: stripe.Charge | stripe.Refund) -> dict[str, str]:
    return made.metadata.to_dict() if made.metadata else {}
