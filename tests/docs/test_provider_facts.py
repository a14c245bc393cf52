"""docs/provider-facts.md says of whatever a provider may say what happens, and what each finding is."""

import re
from collections.abc import Iterator
from functools import cache
from typing import get_args

from activities.ledger_check import FindingKind
from orders.messages import MESSAGES, ChargebackStatus, RefundStatus, Role
from orders.stray_payments import StrayPaymentMessage
from tests.docs.test_references import DOCS

_PAGE = (DOCS / "provider-facts.md").read_text()
_CODE = re.compile(r"`(\w+)`")
_TEST = re.compile(
    r"((?:^@[^\n]*\n(?:^[ )][^\n]*\n)*)*)^(?:async )?def (test_\w+)(.*?)(?=^[^\s)]|\Z)",
    re.MULTILINE | re.DOTALL,
)
_NEVER = "\u2013: "
"""What a cell begins with that says why it cannot occur."""
_STATUSES: dict[str, tuple[str, ...]] = {
    "refund_update": tuple(RefundStatus),
    "outside_refund": tuple(RefundStatus),
    "chargeback": tuple(ChargebackStatus),
}


def _table(heading: str) -> Iterator[list[str]]:
    """The rows of the table with this heading, as their cells."""
    _, _, below = _PAGE.partition(f"| {heading} |")
    for line in below.splitlines()[2:]:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip("|").split(" | ")]


def test_every_fact_has_its_row() -> None:
    """R5, R6, R15, R23, R24: by message, and by status where it has one; and says what of each owner."""
    said = set()
    for first, *owners in _table("the provider says"):
        if not (codes := _CODE.findall(first)):
            continue
        message, *statuses = codes
        # One that names no status is of how statuses follow each other.
        alone = [] if message in _STATUSES else [""]
        said |= {(message, status) for status in statuses or alone}
        assert len([it for it in owners if it.strip("| ")]) == 3, first

    facts = [name for name, it in MESSAGES.items() if Role.PROVIDER in it.senders]
    assert said == {(name, status) for name in facts for status in _STATUSES.get(name, ("",))}


def test_every_message_of_a_stray_payment_is_about_something_there() -> None:
    """R17: what a stray payment takes beyond the provider's facts is support's word."""
    taken = {it.name for it in get_args(StrayPaymentMessage)}
    facts = {name for name, it in MESSAGES.items() if Role.PROVIDER in it.senders}

    assert taken - facts == {"unmatched_resolution"}
    assert facts - taken == {"payment", "payment_pending"}


def test_every_finding_has_its_row() -> None:
    """R15, R23: what reconciliation may list."""
    listed = [code for first, *_ in _table("finding") for code in _CODE.findall(first)]

    assert sorted(listed) == sorted(get_args(FindingKind))


def test_every_message_of_the_provider_is_named_as_a_way() -> None:
    _, _, ways = _PAGE.partition("## By which way")

    facts = {name for name, it in MESSAGES.items() if Role.PROVIDER in it.senders}
    assert facts <= set(_CODE.findall(ways))


def test_every_case_of_money_is_held_for_every_owner_by_every_way() -> None:
    """Cases 56-71 and 98-109: each cell names a test that there is, or says why it cannot occur there."""
    rows = [(case, owner, ways) for case, owner, *ways in _table("case | whose")]
    owners: dict[str, set[str]] = {}
    for case, owner, ways in rows:
        owners.setdefault(case, set()).add(owner)
        assert len(ways) == 3, case
        for way, cell in zip(("message", "webhook", "reconciliation"), ways, strict=True):
            named = re.findall(r"`(test_\w+)`", cell)
            assert named or cell.startswith(_NEVER), (case, owner, way)
            assert not [it for it in named if it not in _tests()], (case, owner, way)
            if way == "reconciliation" and not cell.startswith(_NEVER):
                assert any("reconcil" in it or "@how" in it for it in _tests()[named[0]]), cell

    numbers = {int(it) for it in owners if it.isdecimal()}
    assert numbers == {*range(56, 72), *range(98, 110)}
    everybody = {"runs", "ended", "stray"}
    assert all(it in ({"all"}, everybody) for case, it in owners.items() if case.isdecimal())


@cache
def _tests() -> dict[str, list[str]]:
    """Every test by its name, as it is written with its decorators; several may have the same name."""
    found: dict[str, list[str]] = {}
    for path in (DOCS.parent / "tests").rglob("test_*.py"):
        for head, name, body in _TEST.findall(path.read_text()):
            found.setdefault(name, []).append(head + body)
    return found
