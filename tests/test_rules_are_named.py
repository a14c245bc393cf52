"""Each rule of the requirements is named by the docstring of at least one test."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).resolve().parent
RULES = {*(f"R{number}" for number in range(1, 24)), "R16a", "R16b", "R20a"}
_RULE = re.compile(r"\bR\d{1,2}[a-z]?\b")
_SPAN = re.compile(r"\bR(\d{1,2})-R?(\d{1,2})\b")


def _named(docstring: str) -> set[str]:
    # A span such as "R1-R6" is a title, not a test of each of them.
    return set(_RULE.findall(_SPAN.sub("", docstring)))


def _docstrings() -> list[str]:
    return [
        docstring
        for path in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if node.name.startswith("test_") and (docstring := ast.get_docstring(node))
    ]


def test_every_rule_has_a_test() -> None:
    named = set().union(*map(_named, _docstrings()))

    assert RULES - named == set()


def test_no_test_names_a_rule_that_there_is_not() -> None:
    named = set().union(*map(_named, _docstrings()))

    assert named - RULES == set()


def test_spans_do_not_count() -> None:
    assert _named("R1-R6, R16a: and R9, not XR7 or R7x1") == {"R16a", "R9"}
