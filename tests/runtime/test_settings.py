"""Settings as an operator gives them: by the environment, with secrets that show nowhere."""

import subprocess
import sys
from pathlib import Path
from random import Random
from string import ascii_letters, digits, hexdigits

import pytest
from pydantic import TypeAdapter, ValidationError
from temporalio.testing import WorkflowEnvironment

from adapters.local.log_channel import LogChannel
from adapters.local.provider import LocalProvider
from adapters.notifications.router import NotificationRouter
from adapters.stripe.provider import StripeProvider
from database.connection import Database
from i18n.current import use_locale
from i18n.extraction import packages
from runtime.setting_types import LongSecret
from runtime.settings import Settings, setting_errors
from runtime.wiring import Adapters
from testing.webhook_receiver import SECRET
from tests.runtime import test_encryption as encryption

KEY = "sk_test_canary"


@pytest.fixture
def _stripe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNBUY_PAYMENT_PROVIDER", "stripe")
    monkeypatch.setenv("UNBUY_STRIPE_API_KEY", KEY)


def test_no_outside_account_is_needed_by_default() -> None:
    settings = Settings()

    assert settings.payment_provider == "local"
    assert settings.stripe_webhook_secrets == ()


@pytest.mark.parametrize("key", [None, ""])
def test_stripe_without_its_key_is_reported_at_startup(
    monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    monkeypatch.setenv("UNBUY_PAYMENT_PROVIDER", "stripe")
    if key is not None:
        monkeypatch.setenv("UNBUY_STRIPE_API_KEY", key)

    with pytest.raises(ValidationError, match="is needed when UNBUY_PAYMENT_PROVIDER is stripe"):
        Settings()


@pytest.mark.usefixtures("_stripe")
def test_secrets_are_listed_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 54."""
    monkeypatch.setenv("UNBUY_STRIPE_WEBHOOK_SECRETS", " whsec_canary1, whsec_canary2 ,")

    settings = Settings()

    secrets = [it.get_secret_value() for it in settings.stripe_webhook_secrets]
    assert secrets == ["whsec_canary1", "whsec_canary2"]
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert "canary" not in shown


async def test_the_settings_choose_the_payment_provider(
    database: Database, environment: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = Adapters.from_settings(Settings(), database, environment.client)
    monkeypatch.setenv("UNBUY_PAYMENT_PROVIDER", "stripe")
    monkeypatch.setenv("UNBUY_STRIPE_API_KEY", KEY)
    stripe = Adapters.from_settings(Settings(), database, environment.client)

    assert isinstance(local.provider, LocalProvider)
    assert isinstance(stripe.provider, StripeProvider)
    await stripe.provider.close()


async def test_notifications_are_sent_outside_once_a_mail_server_is_set(
    database: Database, environment: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R21: until then nothing leaves this machine."""
    local = Adapters.from_settings(Settings(), database, environment.client)
    monkeypatch.setenv("UNBUY_SMTP_URL", "smtp://unbuy:canary@mail.example.org:2525")
    monkeypatch.setenv("UNBUY_MAIL_FROM", "Unbuy <orders@example.org>")
    settings = Settings()
    outside = Adapters.from_settings(settings, database, environment.client)

    assert isinstance(local.channel, LogChannel)
    assert local.notifies_at_once
    assert isinstance(outside.channel, NotificationRouter)
    assert not outside.notifies_at_once
    assert "canary" not in f"{settings!r} {settings} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"SMTP_URL": "canary"}, "UNBUY_SMTP_URL: is not an address such as smtp://"),
        ({"SMTP_URL": "smtp://canary:canary@a?starttls=no"}, "UNBUY_SMTP_URL: would"),
        ({"SMTP_URL": "smtp://a"}, "UNBUY_MAIL_FROM: is needed when UNBUY_SMTP_URL"),
        ({"MAIL_FROM": "canary"}, "UNBUY_MAIL_FROM: is not a sender such as"),
        ({"NOTIFY_SCHEMES": "mailto, syslog"}, "UNBUY_NOTIFY_SCHEMES: syslog would"),
        ({"SUPPORT_NOTIFY": "canary"}, "UNBUY_SUPPORT_NOTIFY: needs addresses"),
        ({"SUPPORT_NOTIFY": "mailto:canary@a.b"}, "UNBUY_SUPPORT_NOTIFY: has a mail"),
        ({"SUPPORT_ADDRESS": "help at example"}, "UNBUY_SUPPORT_ADDRESS: is not a mail address"),
        ({"SUPPORT_LOCALE": "de"}, "UNBUY_SUPPORT_LOCALE: Input should be 'en' or 'pl'"),
        ({"TIME_ZONE": "Warsaw"}, "UNBUY_TIME_ZONE: must be an IANA time zone"),
        ({"PUBLIC_URL": "shop.example.org"}, "UNBUY_PUBLIC_URL: String should match pattern"),
    ],
)
def test_settings_that_would_notify_nobody_are_reported_at_startup(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], complaint: str
) -> None:
    """R21, case 54: without repeating what may be a secret."""
    for name, value in variables.items():
        monkeypatch.setenv(f"UNBUY_{name}", value)

    with pytest.raises(ValidationError) as raised:
        Settings()

    said = setting_errors(raised.value)
    assert said.startswith(complaint)
    assert "canary" not in said


PRODUCTION = [
    {"OIDC_ISSUER": "https://login.example.org"},
    {"PAYMENT_PROVIDER": "stripe", "STRIPE_API_KEY": KEY},
    {"GATEWAY_HOST": "0.0.0.0"},
    {"GATEWAY_HOST": ""},
    {"GATEWAY_HOST": "::"},
    {"PUBLIC_URL": "https://shop.example.org"},
]


@pytest.mark.parametrize("production", PRODUCTION, ids=lambda it: next(iter(it)))
@pytest.mark.parametrize("name", ["PLAYGROUND", "BUYERS_CHOOSE_POLICY"])
def test_nothing_is_tried_out_where_people_or_money_hang_on_it(
    monkeypatch: pytest.MonkeyPatch, production: dict[str, str], name: str
) -> None:
    """Case 89."""
    for variable, value in production.items():
        monkeypatch.setenv(f"UNBUY_{variable}", value)
    assert not Settings().is_for_trying_out
    monkeypatch.setenv(f"UNBUY_{name}", "true")

    with pytest.raises(ValidationError) as raised:
        Settings()

    said = setting_errors(raised.value)
    assert said.startswith(f"UNBUY_{name}: is for trying things out on this machine")
    assert f"never true beside UNBUY_{next(iter(production))}: leave one or the other out" in said


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_the_playground_is_open_on_this_machine(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("UNBUY_GATEWAY_HOST", host)
    monkeypatch.setenv("UNBUY_PUBLIC_URL", f"http://{f'[{host}]' if ':' in host else host}:8080")
    monkeypatch.setenv("UNBUY_PLAYGROUND", "true")
    monkeypatch.setenv("UNBUY_BUYERS_CHOOSE_POLICY", "true")

    assert Settings().playground


@pytest.mark.parametrize(
    "secret",
    ["x" * 40, "abcdefghijk" * 4, "0123456789" * 5, "0123456789abcdef" * 2, "changemechangeme" * 3],
)
@pytest.mark.parametrize("name", ["TOKEN_SECRET", "SESSION_SECRET"])
def test_a_secret_that_can_be_guessed_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, secret: str
) -> None:
    """Case 89."""
    monkeypatch.setenv(f"UNBUY_{name}", secret)

    with pytest.raises(ValidationError) as raised:
        Settings()

    said = setting_errors(raised.value)
    assert said.startswith(f"UNBUY_{name}: repeats itself, and can be guessed")
    assert secret not in said


@pytest.mark.parametrize("alphabet", [hexdigits[:16], digits, ascii_letters + digits + "-_"])
def test_no_random_secret_is_refused(alphabet: str) -> None:
    """Case 89: however it is written; of 32 hexadecimal digits one in 30 has fewer than 12 different ones."""
    chance, judge = Random(89), TypeAdapter(LongSecret)

    for _ in range(2000):
        judge.validate_python("".join(chance.choices(alphabet, k=32)))


@pytest.mark.parametrize(
    "key",
    ["x", "one:", "one:AAAA", f"one:{'A' * 43}=", "one:%", f":{'A' * 43}"],
)
def test_a_key_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """Without a colon, empty, short, of one byte repeated, not base64, without an id."""
    monkeypatch.setenv("UNBUY_ENCRYPTION_KEYS", f"{encryption.KEY},{key}")

    with pytest.raises(ValidationError) as raised:
        Settings()

    said = setting_errors(raised.value)
    assert said.startswith("UNBUY_ENCRYPTION_KEYS: number 2 is not an id, a colon and 32 random")
    assert encryption.KEY not in said


def test_keys_are_listed_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNBUY_ENCRYPTION_KEYS", f"{encryption.KEY},{encryption.OLD_KEY}")

    keys = [it.get_secret_value() for it in Settings().encryption_keys]
    assert keys == [
        encryption.KEY,
        encryption.OLD_KEY,
    ]
    assert encryption.KEY.partition(":")[2] not in repr(Settings())


@pytest.mark.parametrize(
    "storage",
    ["redis://:canary@db", "async+canary", "canary"],
)
def test_a_rate_limit_storage_of_another_form_is_reported_without_its_password(
    monkeypatch: pytest.MonkeyPatch, storage: str
) -> None:
    """Case 117."""
    monkeypatch.setenv("UNBUY_RATE_LIMIT_STORAGE", storage)

    with pytest.raises(ValidationError) as raised:
        Settings()

    said = setting_errors(raised.value)
    assert said.startswith("UNBUY_RATE_LIMIT_STORAGE: must be a URI that begins with async+")
    assert "canary" not in said


@pytest.mark.parametrize(
    "proxies", ["*", "0.0.0.0/0", "::/0", "proxy.example.org", "10.0.0.7;10.0.0.8", "10.0.0.0/33"]
)
def test_proxies_that_are_nobodys_addresses_or_everybodys_are_refused(
    monkeypatch: pytest.MonkeyPatch, proxies: str
) -> None:
    """Case 88."""
    monkeypatch.setenv("UNBUY_TRUSTED_PROXIES", f"10.0.0.7,{proxies}")

    with pytest.raises(ValidationError, match="must be addresses or networks"):
        Settings()


def test_proxies_are_addresses_and_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNBUY_TRUSTED_PROXIES", "10.0.0.7, 10.1.2.3/16, fd00::1")

    assert Settings().trusted_proxies == ("10.0.0.7/32", "10.1.0.0/16", "fd00::1/128")
    monkeypatch.setenv("UNBUY_TRUSTED_PROXIES", "")
    assert Settings().trusted_proxies == ()


def test_a_rate_limit_storage_shows_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 117."""
    monkeypatch.setenv("UNBUY_RATE_LIMIT_STORAGE", "async+redis://:canary@db:6379")

    settings = Settings()

    assert settings.rate_limit_storage.get_secret_value().endswith("canary@db:6379")
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert "canary" not in shown


def test_errors_are_reported_by_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNBUY_LOG_LEVEL", "loud")
    monkeypatch.setenv("UNBUY_WORKER_PROCESSES", "-1")

    with pytest.raises(ValidationError) as raised:
        Settings()

    said = setting_errors(raised.value)
    assert said.startswith("UNBUY_LOG_LEVEL: Input should be 'DEBUG', ")
    assert "; UNBUY_WORKER_PROCESSES: Input should be greater than 0." in said


def test_webhooks_go_nowhere_unless_somebody_subscribed() -> None:
    settings = Settings()

    assert settings.order_webhook_urls == settings.order_webhook_secrets == ()
    assert not settings.allow_private_webhooks


def test_webhook_addresses_are_secrets_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 54: whoever knows one can write to the receiver."""
    monkeypatch.setenv(
        "ORDER_WEBHOOK_URLS", "https://a.example/canary, https://b.example:8443/?k=canary"
    )
    monkeypatch.setenv("ORDER_WEBHOOK_SECRETS", f"{SECRET},{SECRET}")

    settings = Settings()

    urls = [it.get_secret_value() for it in settings.order_webhook_urls]
    assert urls == ["https://a.example/canary", "https://b.example:8443/?k=canary"]
    assert len(settings.order_webhook_secrets) == 2
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert "canary" not in shown
        assert SECRET not in shown


@pytest.mark.parametrize(
    "url",
    [
        "canary.example",
        "ftp://canary.example",
        "https://",
        "https://[::1",
        "https://canary.example:x",
    ],
)
def test_an_invalid_webhook_address_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ORDER_WEBHOOK_URLS", f"https://good.example,{url}")
    monkeypatch.setenv("ORDER_WEBHOOK_SECRETS", SECRET)

    with pytest.raises(ValidationError, match="number 2 is not an address") as raised:
        Settings()
    said = setting_errors(raised.value)
    assert said.startswith("ORDER_WEBHOOK_URLS: ")
    assert "canary" not in said


@pytest.mark.parametrize(
    "secret", ["whsec_", "whsec_c2hvcnQ=", SECRET[6:], "whsec_" + "!" * 40, "whsec_" + "A" * 32]
)
def test_a_weak_signing_secret_is_refused(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    monkeypatch.setenv("ORDER_WEBHOOK_SECRETS", secret)

    with pytest.raises(ValidationError, match="24 to 64 random bytes"):
        Settings()


def test_webhooks_without_tls_are_for_private_networks_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORDER_WEBHOOK_URLS", "http://localhost:8000/")
    monkeypatch.setenv("ORDER_WEBHOOK_SECRETS", SECRET)

    with pytest.raises(ValidationError, match="begins with https"):
        Settings()
    monkeypatch.setenv("UNBUY_ALLOW_PRIVATE_WEBHOOKS", "true")
    assert len(Settings().order_webhook_urls) == 1


@pytest.mark.parametrize(
    ("package", "variables", "variable", "extra"),
    [
        (
            "asyncpg",
            {"DATABASE_URL": "postgresql://unbuy:canary@db/unbuy"},
            "DATABASE_URL",
            "postgresql",
        ),
        ("obstore", {"PROOF_STORE": "s3://canary"}, "PROOF_STORE", "s3"),
        ("stripe", {"PAYMENT_PROVIDER": "stripe", "STRIPE_API_KEY": KEY}, "PAYMENT_PROVIDER", None),
        ("easypost", {"EASYPOST_API_KEY": "canary"}, "EASYPOST_API_KEY", None),
        ("apprise", {"NOTIFY_SCHEMES": "mailto,tgram"}, "NOTIFY_SCHEMES", None),
        ("apprise", {"SUPPORT_NOTIFY": "tgram://canary/1"}, "SUPPORT_NOTIFY", None),
        ("apprise", {"ALLOW_PRIVATE_CHANNELS": "true"}, "ALLOW_PRIVATE_CHANNELS", None),
    ],
)
def test_a_setting_names_the_extra_that_it_needs(
    monkeypatch: pytest.MonkeyPatch,
    package: str,
    variables: dict[str, str],
    variable: str,
    extra: str | None,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"UNBUY_{name}", value)
    Settings()
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(ValidationError) as raised:
        Settings()
    with use_locale("pl"), pytest.raises(ValidationError, match=f"wymaga pakietu {package}"):
        Settings()

    said = setting_errors(raised.value)
    assert said.startswith(
        f"UNBUY_{variable}: needs the package {package}, which is not installed:"
    )
    assert f"pip install 'unbuy[{extra or package}]'" in said
    assert "canary" not in said


def test_without_apprise_only_mail_addresses_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "tgram" in Settings().schemes
    monkeypatch.setitem(sys.modules, "apprise", None)

    assert Settings().schemes == {"mailto"}


EVERYTHING_BUT_EXTRAS = """
import importlib, pathlib, sys

for package in ("apprise", "asyncpg", "easypost", "obstore", "stripe"):
    sys.modules[package] = None
needs_them = {"adapters.notifications.apprise", "adapters.s3"}
needs_them |= {"adapters.stripe.provider", "adapters.tracking.easypost"}
for package in sys.argv[1:]:
    for path in pathlib.Path(package).rglob("*.py"):
        name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        if name not in needs_them and "migrations" not in name:
            importlib.import_module(name)
"""


def test_only_their_own_adapters_import_the_extras() -> None:
    subprocess.run(
        [sys.executable, "-c", EVERYTHING_BUT_EXTRAS, *packages()],
        cwd=Path(__file__).parents[2],
        check=True,
    )


def test_operations_are_at_a_port_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 91."""
    assert Settings().operations is None
    monkeypatch.setenv("UNBUY_OPERATIONS_PORT", "9090")
    assert Settings().operations == ("127.0.0.1", 9090)

    monkeypatch.setenv("UNBUY_GATEWAY_PORT", "9090")
    with pytest.raises(ValidationError) as raised:
        Settings()
    assert setting_errors(raised.value) == (
        "UNBUY_OPERATIONS_PORT: must be another than UNBUY_GATEWAY_PORT."
    )
