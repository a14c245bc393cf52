"""Names in the product's code: each class once, and none in words that the glossary rules out."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = [
    path
    for path in ROOT.rglob("*.py")
    if (top := path.relative_to(ROOT).parts[0]) not in {"tests", "var"} and top[0] != "."
]

# docs/glossary.md says what to call each of these instead.
RULED_OUT = frozenset(
    (
        "alarm",
        "away",
        "bookcheck",
        "bookkeeping",
        "briefly",
        "brought",
        "complaints",
        "desk",
        "entrance",
        "frame",
        "journal",
        "kept",
        "leash",
        "letter",
        "letters",
        "lookout",
        "messenger",
        "news",
        "notice",
        "patiently",
        "say",
        "speaking",
        "spoken",
        "strays",
        "surely",
        "telling",
        "told",
        "wire",
        "works",
        "world",
    )
)


def defined(path: Path) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def words(name: str) -> set[str]:
    """``SqlOrders``, ``sql_orders`` and ``SQL_ORDERS`` are of the words sql and orders."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def test_a_public_class_name_is_defined_once() -> None:
    homes = defaultdict(list)
    for path in FILES:
        for node in defined(path):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(str(path.relative_to(ROOT)))

    assert homes
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}


def test_no_module_class_or_function_has_a_name_that_the_glossary_rules_out() -> None:
    wrong = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in FILES
        for name in (path.stem, *(node.name for node in defined(path)))
        if words(name) & RULED_OUT
    }

    assert wrong == set()
