"""Whatever people read is made by ``sentence``: what is put together otherwise would stay English."""

import ast
from collections.abc import Iterator
from pathlib import Path

from gateway.problems import Problem

ROOT = Path(__file__).parents[2]


def _reasons() -> Iterator[tuple[str, ast.expr]]:
    """What errors and refusals are made of."""
    made = {"InvalidInput", "NotAllowedNow", "Refusal", "ValueError"}
    for package in ("orders", "workflows"):
        for file in (ROOT / package).glob("*.py"):
            if file.name == "accounting.py":  # guards the ledger against us, not against people
                continue
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                where = f"{file.name}:{getattr(node, 'lineno', 0)}"
                match node:
                    case ast.Call(func=ast.Name(id=name), args=[*_, reason]) if name in made:
                        yield where, reason
                    case _:
                        pass


def test_nobody_finds_a_difference_but_by_a_sentence() -> None:
    """Reconciliation tells operators in their language as well."""
    said = [
        (f"{name}:{node.lineno}", it.value)
        for name in ("ledger_check.py", "provider_check.py", "reconciliation.py")
        for node in ast.walk(ast.parse((ROOT / "activities" / name).read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Finding"
        for it in node.keywords
        if it.arg in ("expected", "found")
    ]

    assert len(said) > 20
    for where, text in said:
        assert not isinstance(text, ast.Constant | ast.JoinedStr | ast.BinOp), where


def test_nobody_refuses_but_by_a_sentence() -> None:
    """One that is put together otherwise would stay English."""
    reasons = list(_reasons())

    assert len(reasons) > 30
    for where, reason in reasons:
        match reason:
            case ast.Call(func=ast.Name(id="sentence")) | ast.Name() | ast.Attribute(attr="reason"):
                pass
            case ast.IfExp(body=ast.Call(), orelse=ast.Call()):
                pass
            case _:
                raise AssertionError(f"{where}: {ast.unparse(reason)}")


def test_no_adapter_refuses_and_no_server_fails_to_start_but_by_a_sentence() -> None:
    made = {"ProviderRefusal", "CannotServe", "Unreachable", "BadConfiguration"}
    reasons = [
        (f"{file.name}:{node.lineno}", reason)
        for package in ("activities", "adapters", "database", "gateway", "runtime")
        for file in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in made
        for reason in node.args
    ]

    assert len(reasons) > 15
    for where, reason in reasons:
        match reason:
            case ast.Call(func=ast.Name(id="sentence" | "str" | "why_refused")):
                pass
            case _:
                raise AssertionError(f"{where}: {ast.unparse(reason)}")


def _problems_made() -> Iterator[tuple[str, ast.expr]]:
    """What the gateway's problems are made of."""
    kinds = {it.__name__ for it in _with_heirs(Problem)}
    for file in (ROOT / "gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id=name), args=[detail, *_]) if name in kinds:
                    yield f"{file.name}:{node.lineno}", detail
                case _:
                    pass


def _with_heirs(kind: type[Problem]) -> Iterator[type[Problem]]:
    yield kind
    for heir in kind.__subclasses__():
        yield from _with_heirs(heir)


def test_nobody_makes_a_problem_but_of_a_sentence() -> None:
    """A page in Polish would say it in English."""
    problems = list(_problems_made())

    assert len(problems) > 30
    for where, detail in problems:
        match detail:
            case ast.Call(func=ast.Name(id="sentence" | "str" | "reason_of")) | ast.Name():
                pass  # text of an error is a sentence of its own
            case (
                ast.Attribute(attr="message")
                | ast.Dict(values=[ast.Name() | ast.Attribute(attr="detail")])
            ):
                pass  # the order's own, or a wrong field's
            case _:
                raise AssertionError(f"{where}: {ast.unparse(detail)}")
