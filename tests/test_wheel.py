"""The built wheel, installed beside its dependencies, in a directory where nothing of the checkout is."""

import os
import re
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import httpx
import pytest

from hatch_build import SAMPLES, _files, under_one_name
from i18n.extraction import packages

ROOT = Path(__file__).parents[1]
# What the environment already has: the dependencies, and whatever else.
DEPENDENCIES = "dependencies.pth"


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an environment with nothing but the wheel, and our dependencies in reach."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        stderr=subprocess.DEVNULL,  # the name of the file
    )
    [wheel] = folder.glob("*.whl")
    environment = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    _site_packages(environment).joinpath(DEPENDENCIES).write_text(sysconfig.get_path("purelib"))
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python")),
            *(
                "install",
                "--quiet",
                "--no-deps",
                "--no-index",
                "--disable-pip-version-check",
                str(wheel),
            ),
        ],
        check=True,
    )
    return environment / "bin"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where somebody has modules of the same names as our packages."""
    for package in packages():
        (tmp_path / f"{package}.py").write_text("raise SystemExit('somebody else\\'s module')")
    return tmp_path


def test_one_name_and_one_command(scripts: Path) -> None:
    installed = {path.name for path in _site_packages(scripts.parent).iterdir()}

    [metadata] = [name for name in installed if name.endswith(".dist-info")]
    assert installed == {DEPENDENCIES, "unbuy", metadata}
    commands = {path.name for path in scripts.iterdir()}
    assert {
        name for name in commands if not name.startswith(("python", "activate", "Activate"))
    } == {"unbuy"}


EVERY_MODULE = """
import pkgutil, sys
import unbuy

assert unbuy.__version__ == sys.argv[1], unbuy.__version__
for module in pkgutil.walk_packages(unbuy.__path__, "unbuy."):
    if not module.name.endswith("__main__") and ".migrations." not in module.name:
        __import__(module.name)
ours = [name for name in sys.modules if name.partition(".")[0] in sys.argv[2:]]
assert not ours, ours
print(unbuy.orders.order.Order.__module__)
"""


def test_all_of_it_can_be_imported_under_that_name(scripts: Path, tmp_path: Path) -> None:
    version = _unbuy(scripts, tmp_path, "--version").strip()
    said = _run(scripts, tmp_path, "python", "-c", EVERY_MODULE, version, *packages())

    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert said == "unbuy.orders.order\n"


def test_help_lists_the_commands_in_both_languages(scripts: Path, directory: Path) -> None:
    english, polish = (_unbuy(scripts, directory, "--lang", it, "--help") for it in ("en", "pl"))

    for command in ("demo", "up", "worker", "gateway", "place", "list"):
        assert f" {command} " in english
    assert "Usage: unbuy" in english
    assert english != polish


def test_the_demo_lives_through_stories(scripts: Path, directory: Path) -> None:
    """Workflows in their sandbox, activities, database and its migrations, on the real server.

    The first of them; every ending is lived through in ``tests/gateway/test_stories.py``.
    """
    with subprocess.Popen(
        [str(scripts / "unbuy"), "demo"],
        cwd=directory,
        env=_environment(scripts),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as demo:
        assert demo.stdout
        said = ""
        while "In the end it is" not in said:
            line = demo.stdout.readline()
            assert line, said
            said += line
        os.killpg(demo.pid, signal.SIGINT)
        demo.communicate(timeout=60)

    assert "In the end it is closed: it was not paid in time" in said
    assert "It went another way" not in said
    assert demo.returncode == 130


def test_up_serves_as_long_as_somebody_reads_it(scripts: Path, directory: Path) -> None:
    """Worker and gateway are child processes that find the package again."""
    process = subprocess.Popen(
        [str(scripts / "unbuy"), "up"],
        cwd=directory,
        env=_environment(scripts, UNBUY_WORKER_PROCESSES="1"),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        exports = dict(re.findall(r"export (\w+)=(\S+)", said))
        placed = _unbuy(scripts, directory, "place", "samples/order-quick.json", **exports)
        shown = _unbuy(scripts, directory, "show", "A-1003", **exports)
        [(header, gateway)] = re.findall(r"curl -H @(\S+) (\S+)/v1/orders", said)
        name, _, value = (directory / header).read_text().strip().partition(": ")
        orders = httpx.get(f"{gateway}/v1/orders", headers={name: value}).json()["orders"]
        pages = [httpx.get(f"{gateway}/{path}") for path in ("sign-in", "docs")]
        styles = re.findall(r'href="(/[^"]+\.css[^"]*)"', pages[0].text)
        pages += [httpx.get(f"{gateway}{style}") for style in styles]
    finally:
        process.stdout.close()
        status = process.wait(60)

    assert "A-1003 is placed" in placed
    assert "A-1003" in shown
    assert "A-1003" in {order["order_id"] for order in orders}
    assert len(pages) > 2
    assert all(page.is_success for page in pages)
    assert status == 128 + signal.SIGPIPE


def test_the_readme_describes_it(scripts: Path) -> None:
    [metadata] = _site_packages(scripts.parent).glob("*.dist-info")

    text = (metadata / "METADATA").read_text(encoding="utf-8")
    assert "\n# Unbuy\n" in text
    assert "License-Expression: MIT" in text
    assert (metadata / "licenses" / "LICENSE").is_file()


def test_imports_are_rewritten_and_nothing_else() -> None:
    source = (
        b'"""from orders import x"""\nfrom  orders.order import Order  # from orders\nimport os\n'
    )

    assert under_one_name(source, "a.py", packages()) == source.replace(
        b"from  orders.order", b"from unbuy.orders.order"
    )
    with pytest.raises(ValueError, match=r"a\.py:1: write `from package import"):
        under_one_name(b"import orders.order\n", "a.py", packages())


def test_what_only_lies_in_a_package_is_not_given_away(tmp_path: Path) -> None:
    """A wheel is public: no local settings, keys, databases or files from elsewhere."""
    (tmp_path / "secret.json").write_text("{}")
    package = tmp_path / "deploy"
    (package / ".local").mkdir(parents=True)
    for name in (".env", "production.env", "tls.key", "unbuy.db", ".x.json", ".local/a.py", "a.py"):
        (package / name).touch()
    (package / "linked.json").symlink_to(tmp_path / "secret.json")

    assert _files(tmp_path, "deploy") == [package / "a.py"]


def test_all_that_is_kept_of_the_packages_is_in_it() -> None:
    kept = subprocess.run(
        ["git", "ls-files", "--", *packages(), SAMPLES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()

    assert {ROOT / it for it in kept} <= set(_files(ROOT, *packages(), SAMPLES))


def _site_packages(environment: Path) -> Path:
    [found] = environment.glob("lib/python*/site-packages")
    return found


def _environment(scripts: Path, **variables: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("UNBUY_", "TEMPORAL_", "PYTHON", "VIRTUAL_ENV"))
    }
    # The Temporal server's binary lies beside the interpreter whose packages we borrow.
    path = os.pathsep.join((str(scripts), str(Path(sys.executable).parent), os.environ["PATH"]))
    return kept | {"PATH": path, "UNBUY_LANG": "en"} | variables


def _unbuy(scripts: Path, directory: Path, *arguments: str, **variables: str) -> str:
    return _run(scripts, directory, "unbuy", *arguments, **variables)


def _run(scripts: Path, directory: Path, command: str, *arguments: str, **variables: str) -> str:
    ran = subprocess.run(
        [str(scripts / command), *arguments],
        cwd=directory,
        env=_environment(scripts, **variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
