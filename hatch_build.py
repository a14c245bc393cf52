"""Puts the packages under one name into the wheel: what is `orders.order` here is `unbuy.orders.order` there.

Their imports are rewritten accordingly, and nothing else of a file. docs/decisions has why.
"""

import ast
import re
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NAME = "unbuy"
# Beside the packages: the worker, what `python -m unbuy` runs, and the samples of the README.
OTHERS = {"worker.py": "worker.py", "starter.py": "__main__.py"}
SAMPLES = "samples"
# Of what lies in a package, such as a key or local settings, nothing else is given away.
SUFFIXES = {".css", ".jinja", ".js", ".json", ".mako", ".po", ".py", ".svg", ".typ", ".yml"}


class PackagesUnderOneName(BuildHookInterface[Any]):
    """Adds the packages to a wheel, from copies whose imports are rewritten."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """See base class."""
        if version == "editable":
            raise ValueError("A checkout is not installed, it runs as it is: make setup")
        self._copies = TemporaryDirectory()
        root, copies = Path(self.root), Path(self._copies.name)
        packages: list[str] = self.config["packages"]
        sources = {
            path: path.relative_to(root).as_posix() for path in _files(root, *packages, SAMPLES)
        }
        sources |= {root / source: target for source, target in OTHERS.items()}
        for source, target in sources.items():
            copy = copies / target
            copy.parent.mkdir(parents=True, exist_ok=True)
            content = source.read_bytes()
            if source.suffix == ".py":
                content = under_one_name(content, str(source), packages)
            copy.write_bytes(content)
        (copies / "__init__.py").write_text(
            f'"""{self.metadata.core.description}."""\n\n__version__ = "{self.metadata.version}"\n'
        )
        (copies / "py.typed").touch()
        build_data["force_include"][str(copies)] = NAME

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """See base class."""
        self._copies.cleanup()


def _files(root: Path, *folders: str) -> list[Path]:
    found = [path for folder in folders for path in (root / folder).rglob("*") if path.is_file()]
    return sorted(path for path in found if _is_ours(path.relative_to(root), path))


def _is_ours(inside: Path, path: Path) -> bool:
    is_hidden = any(part.startswith(".") for part in inside.parts)
    return inside.suffix in SUFFIXES and not is_hidden and not path.is_symlink()


def under_one_name(source: bytes, file: str, packages: Collection[str]) -> bytes:
    """A module's source with `from orders… import` made `from unbuy.orders… import`.

    Raises ValueError for `import orders`: the name that it binds could not stay the same.
    """
    ours = {*packages, "worker"}
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source, file)):
        match node:
            case ast.ImportFrom(level=0, module=str(module)) if module.partition(".")[0] in ours:
                at, start = node.lineno - 1, node.col_offset
                line = lines[at]
                lines[at] = line[:start] + re.sub(
                    rb"from\s+", f"from {NAME}.".encode(), line[start:], count=1
                )
            case ast.Import(names=names) if any(it.name.partition(".")[0] in ours for it in names):
                raise ValueError(f"{file}:{node.lineno}: write `from package import …`")
            case _:
                pass
    return b"".join(lines)
