"""Conversion of money to and from Stripe's units; never rounded (docs.stripe.com/currencies).

Our amounts are in the minor units of ISO 4217. Stripe's differ for a few currencies, and it accepts at most
twelve digits. (Some payment methods take less: all but IDR's eight to ten. What came in by one of them can go
back by it, so the widest limit is the one to judge by.)
"""

from pydantic import ValidationError

from activities.refunds import ProviderRefusal
from orders.sentences import sentence
from orders.values import Money, decimals

MOST = 999_999_999_999
"""The largest amount Stripe accepts, in its own units."""

_NO_DECIMALS = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF"}
    | {"VND", "VUV", "XAF", "XOF", "XPF"}
)
_THREE_DECIMALS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
# These no longer have decimals, but Stripe still uses two.
_STILL_TWO_DECIMALS = frozenset({"ISK", "UGX"})


def amount_problem(money: Money) -> str | None:
    """Why Stripe can neither take nor pay this amount, as a sentence; None where it can."""
    try:
        to_stripe(money)
    except ProviderRefusal as refusal:
        return refusal.message
    return None


def to_stripe(money: Money) -> tuple[int, str]:
    """The amount in Stripe's units, and the currency as Stripe spells it (``eur``).

    Raises ProviderRefusal for an amount that Stripe cannot represent exactly.
    """
    ours, theirs = decimals(money.currency), _decimals(money.currency)
    amount, rest = money.amount * 10 ** max(theirs - ours, 0), 0
    if theirs < ours:
        amount, rest = divmod(money.amount, 10 ** (ours - theirs))
    if rest:
        raise ProviderRefusal(
            sentence(
                "Stripe takes whole {currency} only, not {money}.",
                currency=money.currency,
                money=money,
            )
        )
    if money.currency in _THREE_DECIMALS and amount % 10:
        raise ProviderRefusal(
            sentence(
                "Stripe takes {currency} only with a last digit of 0, not {money}.",
                currency=money.currency,
                money=money,
            )
        )
    if amount > MOST:
        raise ProviderRefusal(
            sentence("Stripe takes no amount of more than twelve digits: {money}.", money=money)
        )
    return amount, money.currency.lower()


def from_stripe(amount: int, currency: str) -> Money:
    """Stripe's amount and currency (``eur``) as our money.

    Raises ProviderRefusal for an amount that ``Money`` cannot represent.
    """
    code = currency.upper()
    try:
        ours, theirs = decimals(code), _decimals(code)
        units, rest = amount * 10 ** max(ours - theirs, 0), 0
        if theirs > ours:
            units, rest = divmod(amount, 10 ** (theirs - ours))
        if rest:
            raise ProviderRefusal(
                sentence("Stripe reports a part of the smallest unit of {currency}.", currency=code)
            )
        return Money.model_validate({"amount": units, "currency": code})
    except ValidationError:
        raise ProviderRefusal(
            sentence("Stripe reports an amount that is not money of ours.")
        ) from None


def _decimals(currency: str) -> int:
    """The number of decimals of a currency at Stripe. Raises ProviderRefusal."""
    if currency in _NO_DECIMALS:
        return 0
    if currency in _THREE_DECIMALS:
        return 3
    if currency in _STILL_TWO_DECIMALS or decimals(currency) == 2:
        return 2
    raise ProviderRefusal(sentence("Stripe does not take {currency}.", currency=currency[:3]))
