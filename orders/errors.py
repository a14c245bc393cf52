"""Broken rules, as errors whose text is a sentence that a person can act on.

OrderError
├── InvalidInput      a payload that is not what the contract says
└── NotAllowedNow     a message that the order cannot take in its present state
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import islice, takewhile
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from orders.pydantic_messages import problem_sentence
from orders.sentence_fields import read_sentences, with_sentences
from orders.sentences import Series, sentence

_MOST_PROBLEMS = 5
_FIELD = re.compile(r"[a-z0-9_]{1,40}")


class RefusalCode(StrEnum):
    """Why a message was refused; the contract's stable codes."""

    PAYMENT_REVIEW_IN_PROGRESS = "payment_review_in_progress"
    ORDER_SHIPPED = "order_shipped"
    ORDER_CLOSED = "order_closed"
    CANCELLATION_EXISTS = "cancellation_exists"
    DISPUTE_EXISTS = "dispute_exists"
    ALREADY_ANSWERED = "already_answered"
    WRONG_AMOUNT = "wrong_amount"
    UNKNOWN_OFFER = "unknown_offer"
    UNKNOWN_REFUND = "unknown_refund"
    UNKNOWN_PROOF = "unknown_proof"
    TOO_MANY_MESSAGES = "too_many_messages"
    NOT_IN_THIS_STATUS = "not_in_this_status"


class Refusal(NamedTuple):
    """Why a message is refused: the rule's code, and a sentence for people."""

    code: RefusalCode
    reason: str


class OrderError(Exception):
    """A broken rule of an order; its text is for people."""


class InvalidInput(OrderError):
    """A payload that cannot be read as what the contract says; names each field and why."""

    @classmethod
    def from_validation(cls, what: str, error: ValidationError) -> "InvalidInput":
        """The first few problems of a validation as one sentence, without repeating the input."""
        found = error.errors(include_url=False, include_input=False)
        # A list is called too short as well when one of its items is wrong (pydantic).
        inside = {problem["loc"][0] for problem in found if len(problem["loc"]) > 1}
        problems = [
            problem
            for problem in found
            if not (problem["type"] == "too_short" and {*problem["loc"]} & inside)
        ]
        # A body of 64 KiB has room for thousands.
        named = [_named(problem) for problem in problems[:_MOST_PROBLEMS]]
        return cls._listing(what, named, len(problems) - len(named))

    @classmethod
    def of(cls, what: str, problems: Mapping[str, str]) -> "InvalidInput":
        """The same of problems by field."""
        named = [
            sentence("{field}: {problem}", field=field, problem=problem)
            for field, problem in islice(problems.items(), _MOST_PROBLEMS)
        ]
        return cls._listing(what, named, len(problems) - len(named))

    @classmethod
    def _listing(cls, what: str, problems: Sequence[str], more: int) -> "InvalidInput":
        listed = Series(problems)
        if not more:
            return cls(sentence("{what} is not valid: {problems}.", what=what, problems=listed))
        return cls(
            sentence(
                "{what} is not valid: {problems}; and {more} more.",
                what=what,
                problems=listed,
                more=more,
            )
        )


def _named(problem: ErrorDetails) -> str:
    if not problem["loc"]:
        return problem_sentence(problem)
    return sentence("{field}: {problem}", field=_field(problem["loc"]), problem=_of_field(problem))


def _of_field(problem: ErrorDetails) -> str:
    field = str(problem["loc"][-1])
    if field.endswith("amount") and problem["type"].startswith(("int_", "float_")):
        return sentence("must be whole minor units, such as 2490 for 24.90 EUR")
    if field.endswith("currency") and problem["type"] not in ("missing", "value_error"):
        return sentence("must be a code of ISO 4217, such as EUR")
    return problem_sentence(problem)


def _field(where: tuple[int | str, ...]) -> str:
    # The name of an unknown field is the sender's text, and sentences go to logs and databases.
    names = [str(part) for part in where]
    if all(map(_FIELD.fullmatch, names)):
        return ".".join(names)
    known = [*takewhile(_FIELD.fullmatch, names)]
    if not known:
        return sentence("(unreadable name)")
    return sentence("{path}.(unreadable name)", path=".".join(known))


class NotAllowedNow(OrderError):
    """A message that the order cannot take now: which rule says so and, where known, from when it can.

    ``available_from`` is the UTC instant from which the same message would be taken, or None.
    """

    def __init__(
        self,
        action: str,
        code: RefusalCode,
        status: str,
        reason: str,
        available_from: datetime | None = None,
    ) -> None:
        super().__init__(reason)
        self.action = action
        self.code = code
        self.status = status
        self.reason = reason
        self.available_from = available_from

    @classmethod
    def from_details(cls, details: Mapping[str, Any]) -> "NotAllowedNow":
        """The error whose ``details`` these are, as a caller of an update gets them."""
        since = details["available_from"]
        return cls(
            details["action"],
            RefusalCode(details["code"]),
            details["status"],
            read_sentences(details)["reason"],
            datetime.fromisoformat(since) if since else None,
        )

    def details(self) -> dict[str, Any]:
        """The contract's details, as JSON values, and what the reason was made of."""
        return with_sentences(
            {
                "action": self.action,
                "code": self.code.value,
                "status": self.status,
                "reason": self.reason,
                "available_from": self.available_from.isoformat().replace("+00:00", "Z")
                if self.available_from
                else None,
            }
        )
