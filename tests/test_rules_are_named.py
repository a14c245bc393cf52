"""Each rule is named by the docstring of at least one test, but for planned ones."""

from docs.generate import PLANNED, REQUIREMENTS, named_rules, rules_in


def test_every_rule_has_a_test() -> None:
    named = {rule for rule, _ in named_rules()}
    assert REQUIREMENTS.keys() - named == PLANNED - named
    assert len(REQUIREMENTS) == 29


def test_no_test_names_a_rule_that_there_is_not() -> None:
    assert [it for it in named_rules() if it[0] not in REQUIREMENTS] == []


def test_spans_do_not_count() -> None:
    assert rules_in("R1-R6, R16a: and R9, not XR7 or R7x1") == ["R16a", "R9"]
