"""Settings as an operator gives them: by the environment, with secrets that show nowhere."""

import pytest
from pydantic import ValidationError
from temporalio.testing import WorkflowEnvironment

from adapters.local_provider import LocalProvider
from adapters.log_channel import LogChannel
from adapters.post_office import PostOffice
from adapters.stripe_provider import StripeProvider
from ledger.database import Database
from settings import Settings, complaints
from worker import World

KEY = "sk_test_canary"


@pytest.fixture
def _stripe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNBUY_PAYMENT_PROVIDER", "stripe")
    monkeypatch.setenv("UNBUY_STRIPE_API_KEY", KEY)


def test_nobody_needs_an_account() -> None:
    settings = Settings()

    assert settings.payment_provider == "local"
    assert settings.stripe_webhook_secrets == ()


@pytest.mark.parametrize("key", [None, ""])
def test_stripe_without_its_key_is_said_at_once(
    monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    monkeypatch.setenv("UNBUY_PAYMENT_PROVIDER", "stripe")
    if key is not None:
        monkeypatch.setenv("UNBUY_STRIPE_API_KEY", key)

    with pytest.raises(ValidationError, match="is needed when UNBUY_PAYMENT_PROVIDER is stripe"):
        Settings()


@pytest.mark.usefixtures("_stripe")
def test_secrets_are_listed_and_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 54."""
    monkeypatch.setenv("UNBUY_STRIPE_WEBHOOK_SECRETS", " whsec_canary1, whsec_canary2 ,")

    settings = Settings()

    secrets = [it.get_secret_value() for it in settings.stripe_webhook_secrets]
    assert secrets == ["whsec_canary1", "whsec_canary2"]
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert "canary" not in shown


async def test_the_settings_choose_who_holds_the_money(
    database: Database, environment: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = World.of(Settings(), database, environment.client)
    monkeypatch.setenv("UNBUY_PAYMENT_PROVIDER", "stripe")
    monkeypatch.setenv("UNBUY_STRIPE_API_KEY", KEY)
    stripe = World.of(Settings(), database, environment.client)

    assert isinstance(local.provider, LocalProvider)
    assert isinstance(stripe.provider, StripeProvider)
    await stripe.provider.close()


async def test_people_are_told_outside_once_a_mail_server_is_set(
    database: Database, environment: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R21: until then nothing leaves this machine."""
    local = World.of(Settings(), database, environment.client)
    monkeypatch.setenv("UNBUY_SMTP_URL", "smtp://unbuy:canary@mail.example.org:2525")
    monkeypatch.setenv("UNBUY_MAIL_FROM", "Unbuy <orders@example.org>")
    settings = Settings()
    outside = World.of(settings, database, environment.client)

    assert isinstance(local.channel, LogChannel)
    assert local.tells_at_once
    assert isinstance(outside.channel, PostOffice)
    assert not outside.tells_at_once
    assert "canary" not in f"{settings!r} {settings} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"SMTP_URL": "canary"}, "UNBUY_SMTP_URL: Value error, is not an address such as smtp://"),
        ({"SMTP_URL": "smtp://canary:canary@a?starttls=no"}, "UNBUY_SMTP_URL: Value error, would"),
        ({"SMTP_URL": "smtp://a"}, "UNBUY_MAIL_FROM: Value error, is needed when UNBUY_SMTP_URL"),
        ({"MAIL_FROM": "canary"}, "UNBUY_MAIL_FROM: Value error, is not a sender such as"),
        ({"NOTIFY_SCHEMES": "mailto, syslog"}, "UNBUY_NOTIFY_SCHEMES: Value error, syslog would"),
        ({"SUPPORT_NOTIFY": "canary"}, "UNBUY_SUPPORT_NOTIFY: Value error, needs addresses"),
        ({"SUPPORT_NOTIFY": "mailto:canary@a.b"}, "UNBUY_SUPPORT_NOTIFY: Value error, has a mail"),
        ({"PUBLIC_URL": "shop.example.org"}, "UNBUY_PUBLIC_URL: String should match pattern"),
    ],
)
def test_what_would_tell_nobody_is_said_at_once(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], complaint: str
) -> None:
    """R21, case 54: without repeating what may be a secret."""
    for name, value in variables.items():
        monkeypatch.setenv(f"UNBUY_{name}", value)

    with pytest.raises(ValidationError) as raised:
        Settings()

    said = complaints(raised.value)
    assert said.startswith(complaint)
    assert "canary" not in said


def test_what_is_wrong_is_said_by_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNBUY_LOG_LEVEL", "loud")
    monkeypatch.setenv("UNBUY_WORKER_PROCESSES", "-1")

    with pytest.raises(ValidationError) as raised:
        Settings()

    said = complaints(raised.value)
    assert said.startswith("UNBUY_LOG_LEVEL: Input should be 'DEBUG', ")
    assert "; UNBUY_WORKER_PROCESSES: Input should be greater than 0." in said
