"""Tracking numbers (R11): how they are read, and what verifying one came to."""

import re
from typing import Annotated, Any, Final
from unicodedata import normalize

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, StringConstraints

from orders.lifecycle import Verdict
from orders.sentence_fields import Text, WithSentences
from orders.sentences import sentence
from orders.values import Frozen

MOST_PASTED: Final = 500
"""How many characters may be pasted, a carrier's web address included."""

# As in schemas, whose dialect of patterns has no names for these: letters and digits, also of full width;
# what people and programs put between them (blanks, hyphens and dashes, dots, brackets, quotation marks and
# what is invisible); and what separates the parts of a web address.
_LETTER = r"[0-9A-Za-z\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]"
_BETWEEN = (
    r"(?:[\t-\r \u00a0\u00ad\u034f\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff"
    r"\-\u2010-\u2015\u2043\u2212\ufe58\ufe63\uff0d._\u00b7\u2022\uff0e()\[\]{}\uff08\uff09"
    r"'\"\u2018-\u201f*+|~]|%20)"
)
_NUMBER = rf"{_BETWEEN}*(?:{_LETTER}{_BETWEEN}*){{4,50}}"
_SEPARATOR = "[/?&=#]"
_PASTED = rf"^(?:[\s\S]*{_SEPARATOR})?{_NUMBER}(?:{_SEPARATOR}[\s\S]*)?$"


def read_number(text: str) -> str:
    """The tracking number in what somebody pasted: capital letters and digits.

    Of a carrier's web address it is the part with the most digits. Raises ValueError.
    """
    numbers = [
        re.sub(_BETWEEN, "", part).upper()
        for part in re.split(_SEPARATOR, text)
        if re.fullmatch(_NUMBER, part)
    ]
    if not numbers:
        raise ValueError(sentence("must be a tracking number of 4 to 50 letters and digits"))
    return normalize("NFKC", max(numbers, key=lambda it: sum(map(str.isdigit, it))))


TrackingText = Annotated[
    str,
    StringConstraints(max_length=MOST_PASTED),
    AfterValidator(read_number),
    Field(json_schema_extra={"pattern": _PASTED}),
]
"""A tracking number as people paste it (R11)."""

_SERIALISED: Final = {
    Verdict.TRACKING_VALID: True,
    Verdict.TRACKING_INVALID: False,
    Verdict.TRACKING_UNKNOWN: None,
}


def _read(value: Any) -> Any:
    # Histories from before there were three have true and false.
    return next((verdict for verdict, it in _SERIALISED.items() if it is value), value)


class TrackingVerdict(WithSentences, Frozen):
    """R11: whether a number is good, wrong, or unknown and for support to judge; and its carrier.

    ``reason`` is a sentence: why it is not good or, for a good one, a remark. ``other_order_id`` is another
    seller's order that has the same number.
    """

    verdict: Annotated[
        Verdict, BeforeValidator(_read), PlainSerializer(_SERIALISED.__getitem__)
    ] = Field(alias="valid")
    carrier: Text | None = None
    reason: Text | None = None
    other_order_id: str | None = None
