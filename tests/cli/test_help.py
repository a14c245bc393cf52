"""The command line explains itself in Polish: its help, and what was asked for wrongly."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.app import app, main
from i18n.extraction import extract, read
from orders.messages import MESSAGES
from orders.status import Status
from runtime.program import COMMAND

COMMANDS = [name for name in app if not name.startswith("-")]

MOST_MODULES = 300

# What keeps its name in every language, and words that both languages have.
_NAMES = {
    *("starter", "py", "python", "help", "h", "lang", "en", "pl", "docs", "messages", "md"),
    *("samples", "buyer", "seller", "support", "provider", "Temporal", "JSON", "ID", "R", "d"),
    *("UNBUY", "LC", "ALL", "MESSAGES", "LANG", "Ctrl", "C", "token", "zero", "do", "worker"),
    *("API", "HTTP", "SIGINT", "SIGTERM", "WORKER", "PROCESSES", "bash", "fish", "zsh", "unbuy"),
    *("source", "system", "stray", "UNBUY_WORKER_PROCESSES"),
}
_WORDS = re.compile(r"[^\W\d_]+(?:_[^\W\d_]+)*")


def _words(text: str) -> set[str]:
    # Options and codes are names, too.
    return set(_WORDS.findall(re.sub(r"--[a-z-]+|UNBUY_LANG|LC_[A-Z]+", "", text)))


@pytest.fixture
def say_help(capsys: pytest.CaptureFixture[str]) -> Callable[[str, str], str]:
    def help_of(command: str, locale: str) -> str:
        assert main([*command.split(), "--help", "--lang", locale]) == 0
        return capsys.readouterr().out

    return help_of


def test_help_loads_nothing_that_commands_need() -> None:
    """Whoever asks what there is waits for no server's client, no database and no model."""
    help_and_modules = "import sys; from cli.app import main; main(['--help']); print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", help_and_modules], capture_output=True, text=True, check=True
    )
    loaded = ran.stdout.splitlines()[-1].split()

    heavy = {"temporalio", "sqlalchemy", "fastapi", "stripe", "httpx", "pydantic", "asyncio"}
    assert heavy & set(loaded) == set()
    assert len(loaded) < MOST_MODULES


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_polish_help_contains_no_english(say_help: Callable[[str, str], str], command: str) -> None:
    english, polish = say_help(command, "en"), say_help(command, "pl")

    assert f"Użycie: {COMMAND}" in polish
    names = _NAMES | _words(" ".join(COMMANDS)) | set(Status) | MESSAGES.keys()
    assert _words(english) & _words(polish) - names == set()


def test_help_repeats_the_docstrings_of_commands() -> None:
    """Beside what the same file says by itself."""
    texts = {
        str(message.id)
        for message in extract()
        if {"cli/tokens.py", "cli/accounting.py", "cli/orders.py"}
        & {path for path, _ in message.locations}
    }

    assert "How long it counts, such as 30d." in texts
    assert "Events that never arrived are redelivered; everything that differs is printed." in texts
    assert "There may be more than these {most}: narrow the list down." in texts
    assert texts <= {str(message.id) for message in read("pl")}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("lst", "Nieznane polecenie „lst”. Czy chodziło o „list”? Dostępne polecenia: place, "),
        ("send x", "Brakuje argumentu NAZWA. Pomoc: python starter.py send --help"),
        ("list --status lost", "Niepoprawna wartość „lost” dla --status. Do wyboru: awaiting_pa"),
        ("list --nope", "Nieznana opcja: --nope. Pomoc: python starter.py list --help"),
        ("list --buyer", "Opcja --buyer wymaga wartości."),
        ("list --overdue=x", "Opcja --overdue nie przyjmuje wartości."),
        ("reconcile --days x", "dla --days: potrzebna jest liczba całkowita."),
        ("reconcile --days 0", "--days musi być od 1 do 3650."),
        ("reconcile --days 1 --days 2", "Opcję --days podano więcej niż raz."),
        ("show a b c", "Nieoczekiwane argumenty: b c."),
        ("token buyer x --lifetime=x", "potrzebny jest czas trwania, na przykład 30d lub 12h."),
        ("token buyer x --lifetime=-1d", "Okres ważności tokenu musi być dłuższy od zera:"),
        ("token support a'b", "Nikt z obsługi nie może mieć takiego identyfikatora"),
        ("place missing.json", "Nie można odczytać missing.json: nie ma takiego pliku ani kat"),
    ],
)
def test_a_usage_error_is_explained_in_polish(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: str,
    sentence: str,
) -> None:
    monkeypatch.setenv("UNBUY_LANG", "pl")

    assert main(arguments.split()) == 2

    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        (
            {"TEMPORAL_ADDRESS": "127.0.0.1:1"},
            "Nie można połączyć się z Temporalem pod adresem 127.0.0.1:1 (połączenie odrzucone).",
        ),
        ({"TEMPORAL_PROFILE": "none"}, "Nie można odczytać konfiguracji Temporala: "),
    ],
)
def test_an_unreachable_temporal_is_explained_in_polish(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    variables: dict[str, str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in ({"UNBUY_LANG": "pl"} | variables).items():
        monkeypatch.setenv(name, value)

    assert main(["list"]) != 0

    assert capsys.readouterr().err.startswith(sentence)


def test_an_invalid_setting_is_explained_in_polish(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"LANG": "pl", "LOG_LEVEL": "loud", "PROOF_STORE": "x://y"}.items():
        monkeypatch.setenv(f"UNBUY_{name}", value)

    assert main(["outbox"]) == 2

    said = capsys.readouterr().err
    assert "UNBUY_LOG_LEVEL: dozwolone wartości to 'DEBUG', " in said
    assert "UNBUY_PROOF_STORE: musi być katalogiem albo zasobnikiem" in said


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0

    with (Path(__file__).parents[2] / "pyproject.toml").open("rb") as file:
        assert capsys.readouterr().out.strip() == tomllib.load(file)["project"]["version"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_command(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    assert main(["completion", shell]) == 0

    script = capsys.readouterr().out
    assert "unbuy" in script
    assert [name for name in COMMANDS if name not in script] == []


def test_help_imports_only_what_it_prints() -> None:
    """Half a second of imports that no help needs would be felt by whoever types it."""
    looked = "import sys; from cli.app import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    ran = subprocess.run(
        [sys.executable, "-c", looked],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 0
    assert {"sqlalchemy", "temporalio", "httpx", "fastapi"} & set(ran.stderr.split()) == set()
