import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_extra_types.currency_code import Currency

from activities.refunds import ProviderRefusal
from adapters.stripe.money import MOST, from_stripe, to_stripe
from orders.values import MAX_AMOUNT, Money, decimals

# XSU and XUA have no minor units to count.
CURRENCIES = sorted(Currency.allowed_currencies - {"XSU", "XUA"})


def money(amount: int, currency: str) -> Money:
    return Money(amount=amount, currency=Currency(currency))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (money(2490, "EUR"), (2490, "eur")),
        (money(500, "JPY"), (500, "jpy")),
        (money(500, "ISK"), (50_000, "isk")),
        (money(500, "UGX"), (50_000, "ugx")),
        (money(5120, "KWD"), (5120, "kwd")),
        (money(1200, "MGA"), (12, "mga")),
        (money(MOST, "USD"), (MOST, "usd")),
    ],
)
def test_an_amount_is_written_as_stripe_writes_it(ours: Money, theirs: tuple[int, str]) -> None:
    assert to_stripe(ours) == theirs
    assert from_stripe(*theirs) == ours


@pytest.mark.parametrize(
    ("ours", "reason"),
    [
        (money(5124, "KWD"), r"last digit of 0, not 5\.124 KWD"),
        (money(1250, "MGA"), r"whole MGA only, not 12\.50 MGA"),
        (money(MOST + 1, "USD"), r"more than twelve digits: 10000000000\.00 USD"),
        (money(10_000_000_000, "ISK"), "more than twelve digits: 10000000000 ISK"),
        (money(100, "CLF"), "Stripe does not take CLF"),
        (money(1000, "IQD"), "Stripe does not take IQD"),
    ],
)
def test_an_amount_that_stripe_cannot_represent_exactly_is_refused(
    ours: Money, reason: str
) -> None:
    """R14: money is exact; nothing is ever rounded."""
    with pytest.raises(ProviderRefusal, match=reason):
        to_stripe(ours)


@pytest.mark.parametrize(
    ("amount", "currency"), [(50_050, "isk"), (-1, "eur"), (2490, "xxx"), (2490, "eu\x00" * 50)]
)
def test_an_unknown_currency_or_amount_is_refused(amount: int, currency: str) -> None:
    with pytest.raises(ProviderRefusal) as refusal:
        from_stripe(amount, currency)

    assert len(str(refusal.value)) < 100


@given(st.integers(0, MAX_AMOUNT) | st.integers(0, 10**7), st.sampled_from(CURRENCIES))
def test_an_amount_makes_the_round_trip_exactly_or_is_refused(amount: int, currency: str) -> None:
    """R5, R14: for every currency, never another sum."""
    ours = money(amount, currency)
    try:
        theirs = to_stripe(ours)
    except ProviderRefusal:
        return

    assert from_stripe(*theirs) == ours
    assert theirs[0] <= MOST


def taken(currency: str) -> bool:
    ten = money(10 * 10 ** decimals(currency), currency)
    try:
        return from_stripe(*to_stripe(ten)) == ten
    except ProviderRefusal:
        return False


def test_whole_units_of_every_currency_of_stripe_are_accepted() -> None:
    """Of these it does not say how many decimals they have there, and we do not guess."""
    assert {it for it in CURRENCIES if not taken(it)} == {"CLF", "IQD", "LYD", "UYI", "UYW"}
