"""Imports go one way, through ``LAYERS``, and the rules know neither clock nor chance."""

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# What imports are checked for; nobody is above these.
ENTRANCES = {"worker", "starter"}
MAY_ENTER = {"testing", "tests", "demo", "deploy", "bench", "docs", "worker", "starter"}
NOT_OURS = {"build", "dist", "var", "node_modules"}

LAYERS: tuple[set[str], ...] = (
    {"orders"},
    {"activities", "i18n"},
    {"workflows", "database"},
    {"client"},
    {"adapters"},
    {"runtime"},
    {"gateway"},
    {"cli"},
    {"deploy"},
    {"demo"},
    {"testing"},
    {"bench", "docs"},
    {"tests"},
)
"""The packages, the lowest first; CONTRIBUTING.md shows them. Each may import those below it."""

ALLOWED: dict[str, set[str]] = {
    "orders": {"annotated_types", "orders", "pydantic", "pydantic_core", "pydantic_extra_types"},
    "workflows": {"activities", "orders", "pydantic", "temporalio", "workflows"},
    "activities": {"activities", "orders", "pydantic", "temporalio"},
    "client": {"activities", "client", "database", "orders", "temporalio", "workflows"},
    "i18n": {"babel", "i18n", "orders", "pydantic"},
    "database": {
        "activities",
        "aiosqlite",
        "alembic",
        "annotated_types",
        "asyncpg",
        "cyclopts",
        "database",
        "orders",
        "pydantic",
        "pydantic_core",
        "pydantic_extra_types",
        "sqlalchemy",
    },
    "gateway": {
        "activities",
        "adapters",
        "client",
        "cryptography",
        "database",
        "fastapi",
        "gateway",
        "google",
        "h11",
        "httpx",
        "jinja2",
        "jwt",
        "i18n",
        "limits",
        "multipart",
        "orders",
        "prometheus_client",
        "pydantic",
        "pydantic_core",
        "runtime",
        "sqlalchemy",
        "starlette",
        "structlog",
        "temporalio",
        "uvicorn",
        "workflows",
        "typst",
    },
}
"""What each package may import beside the standard library."""

CHANCE = {"random", "secrets", "time", "uuid"}
CALLS = {"now", "utcnow", "today", "uuid1", "uuid4", "fromtimestamp", "getenv", "environ"}


def _modules(*packages: str) -> list[Path]:
    """The modules of packages, without those that are run: these stand above their package."""
    return sorted(
        path
        for package in packages
        for path in (ROOT / package).rglob("*.py")
        if path.name != "__main__.py"
    )


def _imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside functions and ``with`` blocks."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module
            case ast.ImportFrom():
                raise AssertionError(f"{path} imports relatively")
            case _:
                pass


def _packages(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in _imports(path)}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_what_it_may(package: str) -> None:
    modules = _modules(package)
    assert modules

    wrong = {
        _name(path): extra
        for path in modules
        if (extra := _packages(path) - ALLOWED[package] - set(sys.stdlib_module_names))
    }
    assert wrong == {}


def test_imports_go_down() -> None:
    every = set[str]().union(*LAYERS)
    wrong = {}
    for at, layer in enumerate(LAYERS):
        below = set[str]().union(*LAYERS[:at])
        for package in layer:
            for path in _modules(package):
                if extra := _packages(path) & every - below - {package}:
                    wrong[_name(path)] = extra
    assert wrong == {}


def test_every_package_has_its_layer() -> None:
    assert {it.parent.name for it in ROOT.glob("*/__init__.py")} == set[str]().union(*LAYERS)


def test_only_entry_points_import_the_entry_points() -> None:
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT).parts
        if parts[0].startswith(".") or parts[0] in NOT_OURS:
            continue
        if parts[0].removesuffix(".py") not in MAY_ENTER:
            assert not _packages(path) & ENTRANCES, f"{_name(path)} imports worker or starter"


def test_rules_do_no_io() -> None:
    """The standard library is allowed to the rules, but not the parts of it that reach outside."""
    outside = {"asyncio", "http", "io", "logging", "os", "pathlib", "socket", "sqlite3", "sys"}
    outside |= {"subprocess", "tempfile", "threading", "urllib"}
    assert {_name(p): out for p in _modules("orders") if (out := _packages(p) & outside)} == {}


@pytest.mark.parametrize("path", _modules("orders", "workflows"), ids=_name)
def test_rules_and_workflows_use_neither_clock_nor_chance(path: Path) -> None:
    """Replay gives the same again: instants come as arguments, or from ``workflow.now()``."""
    assert not _packages(path) & CHANCE
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in CALLS:
            of = node.value.id if isinstance(node.value, ast.Name) else None
            # `workflow.now()` is the workflow's own clock; `details.now` is a text of ours.
            assert of in ("workflow", "details"), f"{_name(path)}:{node.lineno} uses {node.attr}"


def test_nested_and_conditional_imports_are_seen(tmp_path: Path) -> None:
    """Imports inside a function, a ``with`` block or ``if TYPE_CHECKING`` count."""
    path = tmp_path / "sly.py"
    path.write_text(
        "def f():\n    import worker\nwith g():\n    from starter import main\nif 0:\n    import time\n"
    )
    assert _packages(path) == {"worker", "starter", "time"}


def _imports_at_once(body: list[ast.stmt]) -> Iterator[str]:
    """What a module imports when it is imported: not in functions, nor for types alone."""
    for node in body:
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield module
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.FunctionDef():
                pass
            case _:
                yield from _imports_at_once(
                    [it for it in ast.iter_child_nodes(node) if isinstance(it, ast.stmt)]
                )


def test_no_module_imports_itself_by_way_of_others() -> None:
    """A noun's module knows the order by its type alone (decision 9)."""
    modules = {
        _name(path).removesuffix(".py").replace("/", "."): path for path in _modules(*ALLOWED)
    }
    graph = {
        name: set(modules) & set(_imports_at_once(ast.parse(path.read_text(encoding="utf-8")).body))
        for name, path in modules.items()
    }
    TopologicalSorter(graph).prepare()
