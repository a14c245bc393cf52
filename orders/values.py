"""The values everything else is made of: money, instants, durations, texts and ids."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Self
from unicodedata import category

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_extra_types.currency_code import Currency

from orders.sentences import Written, sentence

# A ledger column is a signed 64-bit integer on every database we know.
MAX_AMOUNT = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_DURATION = timedelta(days=3650)
_ALLOWED_CONTROLS = frozenset("\n\r\t")
_ISO_DURATION = re.compile(
    r"P(?=.)(\d+Y)?(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?", re.ASCII
)


class Frozen(BaseModel):
    """An immutable value that refuses unknown fields, as the contract asks."""

    # A field that has another name in histories and in the database than here has an alias.
    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_by_name=True, serialize_by_alias=True
    )


class Mutable(BaseModel):
    """A part of the order's state: changed in place, still refusing unknown fields."""

    model_config = ConfigDict(
        extra="forbid", validate_assignment=False, validate_by_name=True, serialize_by_alias=True
    )


def _printable(text: str) -> str:
    # NUL cannot be stored in PostgreSQL; the other controls only ever hide something.
    if any(category(char) == "Cc" and char not in _ALLOWED_CONTROLS for char in text):
        raise ValueError(sentence("must not contain control characters"))
    return text


def _reasonable(duration: timedelta) -> timedelta:
    if not timedelta(0) < duration <= _LONGEST_DURATION:
        raise ValueError(sentence("must be more than zero and at most 10 years"))
    return duration


def _iso_duration(value: object) -> object:
    # A bare number would be taken for seconds, and "P1M" for 30 days: a month has no length.
    if isinstance(value, timedelta) or (isinstance(value, str) and _ISO_DURATION.fullmatch(value)):
        return value
    raise ValueError(sentence("must be an ISO 8601 duration without months, such as P20D or PT36H"))


def _iso_instant(value: object) -> object:
    if isinstance(value, datetime) or (isinstance(value, str) and "T" in value.upper()):
        return value
    raise ValueError(
        sentence("must be an ISO 8601 instant with a time zone, such as 2026-11-23T12:00:00Z")
    )


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError(sentence("must be between the years 1 and 9999 in UTC")) from None


# Not by the process's locale.
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip


def next_multiple(since: datetime, every: timedelta, after: datetime) -> datetime:
    """The first instant past ``after`` that lies whole intervals, one at the least, behind ``since``."""
    return since + every * (max(after - since, timedelta(0)) // every + 1)


def microseconds(at: datetime) -> int:
    """Since 1970, exactly: a number that grows with time."""
    return (at - _EPOCH) // timedelta(microseconds=1)


Instant = Annotated[AwareDatetime, BeforeValidator(_iso_instant), AfterValidator(_in_utc)]
"""An instant with a time zone, kept in UTC; a naive one is refused."""


def said_before(one: datetime | None, other: datetime | None) -> bool:
    """Whether the provider said one thing before another, as far as both instants are known."""
    return one is not None and other is not None and one < other


# In schemas: what validators say of a value, as far as a schema can. (The format ``duration`` is RFC 3339's,
# which has months and no fractions.)
_SECONDS = r"[0-9]+(\.[0-9]+)?S"
_TIME = rf"T([0-9]+H([0-9]+M)?({_SECONDS})?|[0-9]+M({_SECONDS})?|{_SECONDS})"
_DATE = r"([0-9]+Y([0-9]+W)?([0-9]+D)?|[0-9]+W([0-9]+D)?|[0-9]+D)"
_AS_DURATION = WithJsonSchema(
    {"type": "string", "pattern": rf"^P({_DATE}({_TIME})?|{_TIME})$", "examples": ["P20D"]}
)
_AS_PRINTABLE = Field(json_schema_extra={"pattern": r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"})
_AS_POSITIVE = Field(json_schema_extra={"properties": {"amount": {"minimum": 1}}})

Duration = Annotated[
    timedelta, BeforeValidator(_iso_duration), AfterValidator(_reasonable), _AS_DURATION
]
"""A positive ISO 8601 duration of at most 10 years."""

ShortText = Annotated[
    str, StringConstraints(max_length=200), AfterValidator(_printable), _AS_PRINTABLE
]
LongText = Annotated[
    str, StringConstraints(max_length=1000), AfterValidator(_printable), _AS_PRINTABLE
]

OrderId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
"""Any that an order was ever placed under: `.` and `..` too, once."""
_NEW_ORDER_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
NewOrderId = Annotated[OrderId, Field(json_schema_extra={"pattern": _NEW_ORDER_ID})]
"""What ``orders.place_order.must_be_placeable`` takes: one that begins with a letter or digit."""
PartyId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:|@+-]{1,64}$")]
TimeZoneName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_+/-]{0,63}$")]
"""As the IANA database names time zones; rules without a clock do not know which there are."""
# As long as Stripe's ids may be (docs.stripe.com/upgrades).
PaymentId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,255}$")]
MessageId = Annotated[
    str, StringConstraints(min_length=1, max_length=64), AfterValidator(_printable), _AS_PRINTABLE
]
ProviderId = Annotated[
    str, StringConstraints(min_length=1, max_length=255), AfterValidator(_printable), _AS_PRINTABLE
]
"""The provider's own id of a chargeback or of a refund."""
PersonId = Annotated[
    str, StringConstraints(min_length=1, max_length=128), AfterValidator(_printable), _AS_PRINTABLE
]
"""Who did something, as their token names them (R25)."""
# Ours are made of an order's or a payment's id and a few words more.
RefundId = Annotated[
    str, StringConstraints(min_length=1, max_length=300), AfterValidator(_printable), _AS_PRINTABLE
]

MinorUnits = Annotated[int, Field(strict=True, ge=0, le=MAX_AMOUNT)]


# The Sucre and the African Development Bank's unit of account: ISO 4217 gives them no minor unit to count.
_UNCOUNTED = ("XSU", "XUA")


def _counted(currency: Currency) -> Currency:
    if currency in _UNCOUNTED:
        raise ValueError(sentence("must be a currency with minor units"))
    return currency


ANY_CASE: Final = {"currencies": "any case"}
"""The validation context of what a workflow was told: histories have codes that were read in any case."""


def _in_capitals(code: object, info: ValidationInfo) -> object:
    if isinstance(code, str) and code != code.upper() and info.context != ANY_CASE:
        raise ValueError(sentence("must be in capitals, such as EUR"))
    return code


_CODES = TypeAdapter(Currency).json_schema()
_AS_COUNTED = WithJsonSchema(
    {**_CODES, "enum": [code for code in _CODES["enum"] if code not in _UNCOUNTED]}
)

# ISO 4217, list one: all currencies not named here have two decimals. (Unicode's CLDR has the digits
# that prices are usually written with, fewer for some: wrong for exact amounts.)
_DECIMALS = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0,
    "RWF": 0, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
    "CLF": 4, "UYW": 4,
}  # fmt: skip


def decimals(currency: str) -> int:
    """How many decimals a currency has: 2 for EUR, none for JPY, 3 for KWD."""
    return _DECIMALS.get(currency, 2)


def decimal(amount: int, currency: str) -> str:
    """An amount in minor units as people write it, exact: 2490 EUR is ``24.90``."""
    places = decimals(currency)
    sign, digits = "-" if amount < 0 else "", str(abs(amount)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


class Money(Written, Frozen):
    """Whole minor units (cents for EUR, yen for JPY) of an ISO 4217 currency; never a float."""

    amount: MinorUnits
    currency: Annotated[
        Currency, BeforeValidator(_in_capitals), AfterValidator(_counted), _AS_COUNTED
    ]

    @classmethod
    def zero(cls, currency: Currency) -> Self:
        """Nothing, in a currency."""
        return cls(amount=0, currency=currency)

    def of(self, amount: int) -> "Money":
        """Another amount of the same currency."""
        return Money(amount=amount, currency=self.currency)

    def same_currency(self, others: Iterable["Money"]) -> bool:
        """Whether all of these are in this currency."""
        return all(other.currency == self.currency for other in others)

    def __str__(self) -> str:
        """For sentences: ``24.90 EUR``, ``500 JPY``, ``1.250 KWD``."""
        return f"{decimal(self.amount, self.currency)} {self.currency}"


class Balance(Written, Frozen):
    """Like Money, but it may be negative: what somebody is owed, or owes."""

    amount: int
    currency: Currency

    @classmethod
    def booked(cls, amount: int, currency: str) -> Self:
        """As books have it: the currency is a text, and judged here."""
        return cls.model_validate({"amount": amount, "currency": currency})

    def __str__(self) -> str:
        """Like that of Money; a negative one has its sign: ``-0.50 EUR``."""
        return f"{decimal(self.amount, self.currency)} {self.currency}"


def _not_zero(money: Money) -> Money:
    if money.amount == 0:
        raise ValueError(sentence("must be more than zero"))
    return money


PositiveMoney = Annotated[Money, AfterValidator(_not_zero), _AS_POSITIVE]


class WrittenInstant(Written, Frozen):
    """An instant within a sentence."""

    at: Instant

    def __str__(self) -> str:
        """For sentences: ``5 March 2026, 14:30 UTC``."""
        return f"{self.at.day} {_MONTHS[self.at.month - 1]} {self.at:%Y, %H:%M} UTC"
