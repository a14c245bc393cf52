"""What code, tests and documents refer to is there: rules, cases, paths, and whatever a document links to."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
REQUIREMENTS, CASES = DOCS / "requirements.md", DOCS / "cases.md"

# What is made or installed here, and not ours to read.
_NOT_OURS = {"__pycache__", "build", "dist", "node_modules", "var"}
FOLDERS = {path.name for path in ROOT.iterdir() if path.is_dir()} - _NOT_OURS
_HIDDEN_BUT_OURS = {".ci", ".github"}
_TEXTS = {".css", ".jinja", ".js", ".mako", ".md", ".po", ".py", ".toml", ".yaml", ".yml"}
_NAMED = {"Makefile", "run"}

_RULE = re.compile(r"\bR\d+[a-z]?\b")
_NUMBERS = r"\d+(?:\s*(?:-|\u2013|\bto\b)\s*\d+)?"
_CASES = re.compile(
    rf"\bcases?\s+({_NUMBERS}(?:(?:\s*,\s*(?:and\s+)?|\s+(?:and|or)\s+){_NUMBERS})*)", re.IGNORECASE
)
_PATTERN = re.compile(r"^\s*case \d+( .*)?:$", re.MULTILINE)

_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_PATH = re.compile(r"`([\w-]+(?:/[\w.-]+)*/?(?:\.\w+)?)`")
_DEFINED = re.compile(r"^\| `(\w+)` \| (.+) \|$", re.MULTILINE)
_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_SOURCE = re.compile(r"<(?:img|a)\b[^>]*?\s(?:src|href)=\"([^\"]+)\"")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_ID = re.compile(r"<a (?:id|name)=\"([^\"]+)\">")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


class Reference(NamedTuple):
    """Something that a file refers to; ``line`` is where, for whoever mends it."""

    file: Path
    line: int
    to: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT).as_posix()}:{self.line} {self.to}"


def files(under: Path = ROOT) -> Iterator[Path]:
    """Every text of the repository."""
    for path in sorted(under.iterdir()):
        if path.name.startswith(".") and path.name not in _HIDDEN_BUT_OURS:
            continue
        if path.is_dir() and not path.is_symlink() and path.name not in _NOT_OURS:
            yield from files(path)
        elif path.is_file() and (path.suffix in _TEXTS or path.name in _NAMED):
            yield path


@cache
def text_of(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    # Not of `match`.
    return _PATTERN.sub("", text) if path.suffix == ".py" else text


def case_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Each case that a text names, with where: "cases 13-15, 49" are four."""
    for found in _CASES.finditer(text):
        for part in re.findall(_NUMBERS, found[1]):
            ends = [int(number) for number in re.findall(r"\d+", part)]
            for number in range(ends[0], ends[-1] + 1):
                yield number, found.start()


def rules_named() -> list[Reference]:
    return [
        Reference(path, _line(text_of(path), found.start()), found[0])
        for path in files()
        for found in _RULE.finditer(text_of(path))
    ]


def cases_named() -> list[Reference]:
    return [
        Reference(path, _line(text_of(path), at), str(number))
        for path in files()
        for number, at in case_numbers(text_of(path))
    ]


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def rules_written() -> list[str]:
    """The rules, by anchors that stand right before a heading of the same rule."""
    found = re.findall(
        r'^<a id="(r\d+[a-z]?)"></a>\n### (R\d+[a-z]?) · \S', text_of(REQUIREMENTS), re.M
    )
    assert all(anchor == rule.lower() for anchor, rule in found), found
    return [rule for _, rule in found]


def cases_written() -> dict[int, str]:
    """The cases, by anchors that stand before the same number, with the sign of their tests."""
    rows = re.findall(
        r'^\| <a id="case-(\d+)"></a>(\d+) \| .+ \| (\S.*) \|$', text_of(CASES), re.MULTILINE
    )
    assert all(anchor == number for anchor, number, _ in rows), rows
    return {int(number): sign for _, number, sign in rows}


def links() -> list[Reference]:
    """Every link of a document that stays in the repository."""
    found = []
    for path in files():
        if path.suffix != ".md":
            continue
        text = _without_code(text_of(path))
        for pattern in (_LINK, _SOURCE):
            found += [
                Reference(path, _line(text, link.start()), link[1])
                for link in pattern.finditer(text)
                if not _ELSEWHERE.match(link[1])
            ]
    return found


def paths() -> list[Reference]:
    """Every path into a folder of the repository that a document names as code.

    In docs/rules.md, of tests, paths begin in their folder.
    """
    return [
        Reference(path, _line(text_of(path), named.start()), named[1])
        for path in files()
        if path.suffix == ".md"
        for named in _PATH.finditer(text_of(path))
        if "/" in named[1] and named[1].partition("/")[0] in FOLDERS
    ]


def is_there(named: Reference) -> bool:
    within = ROOT / "tests" if named.file.name == "rules.md" else ROOT
    return (within / named.to).exists()


def _without_code(text: str) -> str:
    """The text with as many lines, and nothing in them that is code."""
    text = _FENCED.sub(lambda it: "\n" * it[0].count("\n"), text)
    return _CODE.sub("", text)


@cache
def anchors(path: Path) -> frozenset[str]:
    """What a link into a document can name: GitHub's names of its headings, and its own."""
    names: list[str] = []
    for heading in _HEADING.findall(_FENCED.sub("", text_of(path))):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        again = sum(re.fullmatch(rf"{re.escape(slug)}(-\d+)?", name) is not None for name in names)
        names.append(f"{slug}-{again}" if again else slug)
    return frozenset([*names, *_ID.findall(text_of(path))])


def leads_somewhere(link: Reference) -> bool:
    address, _, anchor = unquote(link.to).partition("#")
    within = ROOT if address.startswith("/") else link.file.parent
    target = (within / address.lstrip("/")).resolve() if address else link.file
    if not (target.is_relative_to(ROOT) and target.exists()):
        return False
    return not anchor or (target.suffix == ".md" and anchor in anchors(target))


def names_defined(path: Path) -> set[str]:
    """The classes and functions of a module, or of a folder's modules."""
    modules = path.rglob("*.py") if path.is_dir() else [path]
    return {
        node.name
        for module in modules
        for node in ast.walk(ast.parse(text_of(module)))
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }


def cases_of_tests() -> set[int]:
    """The cases that docstrings of tests name, of a module or of one test."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        number
        for path in files(ROOT / "tests")
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(text_of(path)))
        if isinstance(node, documented)
        for number, _ in case_numbers(ast.get_docstring(node) or "")
    }


def test_every_rule_that_is_named_is_written_down() -> None:
    named, written = rules_named(), rules_written()

    assert len(named) > 1000
    assert len({it.to for it in named}) > 20
    assert len(written) == len(set(written))
    assert [str(it) for it in named if it.to not in written] == []


def test_every_rule_that_is_written_down_has_its_anchor() -> None:
    headings = re.findall(r"^### (R\d+[a-z]?)\b", text_of(REQUIREMENTS), re.MULTILINE)

    assert len(headings) > 25
    assert headings == rules_written()


def test_every_case_that_is_named_is_written_down() -> None:
    named, written = cases_named(), cases_written()

    assert len(named) > 250
    assert len({it.to for it in named}) > 50
    assert [str(it) for it in named if int(it.to) not in written] == []


def test_cases_are_numbered_without_a_gap() -> None:
    rows = [line for line in text_of(CASES).splitlines() if "<a id=" in line]

    assert len(rows) > 100
    assert list(cases_written()) == list(range(1, len(rows) + 1))


def test_a_case_that_counts_as_tested_is_named_by_a_test() -> None:
    tested = {number for number, sign in cases_written().items() if sign[0] in "✓◐"}

    assert len(tested) > 40
    assert tested - cases_of_tests() == set()


def test_every_link_of_a_document_leads_somewhere() -> None:
    found = links()

    assert len(found) > 100
    assert sum("#" in it.to for it in found) > 40
    assert [str(it) for it in found if not leads_somewhere(it)] == []


def test_every_path_that_a_document_names_is_there() -> None:
    found = paths()

    assert len(found) > 150
    assert [str(it) for it in found if not is_there(it)] == []


def test_the_glossary_says_where_a_name_is_defined() -> None:
    text = text_of(DOCS / "glossary.md")
    places = {
        term: [ROOT / path for path in _PATH.findall(meaning) if (ROOT / path).exists()]
        for term, meaning in _DEFINED.findall(text)
    }

    assert len(places) > 8
    assert all(places.values()), places
    assert {
        term
        for term, where in places.items()
        if term not in set[str]().union(*map(names_defined, where))
    } == set()


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("in case of doubt", []),
        ("Case 4.", [4]),
        ("R5, cases 1 and 2", [1, 2]),
        ("(R23; cases 3, 13-16, 25)", [3, 13, 14, 15, 16, 25]),
        ("Cases 7, 8, and\n    9: as said", [7, 8, 9]),
        ("cases 10 to 12", [10, 11, 12]),
    ],
)
def test_case_numbers_are_read_as_people_write_them(text: str, numbers: list[int]) -> None:
    assert [number for number, _ in case_numbers(text)] == numbers


@pytest.mark.parametrize(
    ("link", "leads"),
    [
        ("requirements.md", True),
        ("requirements.md#r9", True),
        ("requirements.md#what-holds-always", True),
        ("../README.md", True),
        ("/LICENSE", True),
        ("decisions/", True),
        ("#r9", False),
        ("requirements.md#r0", False),
        ("no-such-page.md", False),
        ("../../etc", False),
        ("../LICENSE#mit", False),
    ],
)
def test_a_link_is_followed_as_github_follows_it(link: str, leads: bool) -> None:
    assert leads_somewhere(Reference(CASES, 1, link)) is leads
