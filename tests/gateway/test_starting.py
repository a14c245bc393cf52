"""``python -m gateway`` says why it cannot start, in the language of whoever started it."""

from pathlib import Path

import pytest

from cli.app import run_command
from gateway import __main__ as gateway
from gateway.wiring import build_tokens
from i18n.sentences import localize
from runtime.temporal import CannotServe, open_database


@pytest.fixture
def polish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNBUY_LANG", "pl")
    for name in ("UNBUY_TOKEN_SECRET", "UNBUY_OIDC_ISSUER"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("polish")
def test_invalid_settings_are_reported_at_startup(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UNBUY_GATEWAY_PORT", "0")
    monkeypatch.setenv("UNBUY_RATE_LIMIT", "often")

    assert run_command(["gateway"]) == 2

    said = capsys.readouterr().err
    assert "UNBUY_RATE_LIMIT: musi być liczbą żądań w jednostce czasu" in said
    assert "UNBUY_GATEWAY_PORT: wartość nie może być mniejsza niż 1" in said


@pytest.mark.usefixtures("polish")
def test_a_gateway_that_nobody_could_sign_in_to_does_not_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gateway, "log_in_lines", lambda *_: None)
    monkeypatch.setattr(gateway, "log_as_json", lambda: None)
    monkeypatch.setattr(gateway, "serve", build_tokens)

    assert run_command(["gateway"]) == 1

    assert capsys.readouterr().err.startswith("Nikt nie mógłby się zalogować: podaj")


async def test_a_database_that_cannot_be_opened_is_reported_at_startup(tmp_path: Path) -> None:
    with pytest.raises(CannotServe) as caught:
        await open_database(f"sqlite:///{tmp_path}")

    assert localize(str(caught.value), "pl") == (
        "Nie można otworzyć bazy danych (unable to open database file). "
        "Gdzie ona jest, mówi UNBUY_DATABASE_URL."
    )
