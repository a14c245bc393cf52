"""What is needed at run time is under licences that ask for nothing, or is in NOTICE."""

from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
_ASKING = ("GPL", "MPL", "EUPL", "CC-BY-SA", "Mozilla", "General Public")


def _licences(package: str) -> str:
    about = metadata.metadata(package)
    named = [*(about.get_all("License-Expression") or []), *(about.get_all("License") or [])]
    classified = [it for it in about.get_all("Classifier") or [] if it.startswith("License ::")]
    return " ".join([*(it.partition("\n")[0] for it in named), *classified])


def test_licences_that_ask_for_something_are_in_the_notice() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    needed = [Requirement(it.rstrip("\\ ")) for it in lines if it[:1].isalnum()]
    here = {it.name: _licences(it.name) for it in needed if not it.marker or it.marker.evaluate()}

    asking = {name for name, said in here.items() if any(word in said for word in _ASKING)}

    notice = (ROOT / "NOTICE").read_text()
    assert asking == {it.partition(":")[0][2:] for it in notice.splitlines() if it.startswith("- ")}
    assert [name for name, said in here.items() if not said] == []
