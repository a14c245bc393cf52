"""What signing in needs to be set, and refuses at the start."""

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from database.connection import Database
from database.sessions import SqlSessions
from gateway.wiring import build_sign_in, build_tokens
from i18n.sentences import localize
from runtime.settings import Settings
from runtime.temporal import CannotServe
from tests.gateway.conftest import SECRET, settings
from tests.gateway.sign_in.conftest import SESSION_SECRET
from tests.gateway.sign_in_issuer import CLIENT_ID

COMPLETE: dict[str, Any] = {
    "token_secret": None,
    "oidc_issuer": "https://login.example.org",
    "oidc_client_id": CLIENT_ID,
    "session_secret": SESSION_SECRET,
    "public_url": "https://shop.example.org",
}


@pytest.mark.parametrize("missing", ["oidc_client_id", "session_secret", "public_url"])
def test_a_missing_sign_in_setting_is_reported_at_startup(missing: str, database: Database) -> None:
    """A secret for local tokens does not stand in for the one of sessions."""
    chosen = settings(**COMPLETE | {missing: None, "token_secret": SECRET})

    with pytest.raises(CannotServe, match=rf"set .*UNBUY_{missing.upper()} to") as caught:
        build_sign_in(chosen, build_tokens(chosen), SqlSessions(database))

    assert f"UNBUY_{missing.upper()} na" in localize(str(caught.value), "pl")


def test_pages_without_tls_are_refused_beyond_this_machine(database: Database) -> None:
    for address in ("https://shop.example.org", "http://127.0.0.1:8080", "http://localhost"):
        chosen = settings(**COMPLETE | {"public_url": address})
        build_sign_in(chosen, build_tokens(chosen), SqlSessions(database))

    chosen = settings(**COMPLETE | {"public_url": "http://shop.example.org"})
    with pytest.raises(CannotServe, match="must begin with https://") as caught:
        build_sign_in(chosen, build_tokens(chosen), SqlSessions(database))

    assert "musi zaczynać się od https://" in localize(str(caught.value), "pl")


@pytest.mark.parametrize("issuer", ["http://login.example.org", "login.example.org", "ftp://a"])
def test_an_issuer_without_tls_is_refused_beyond_this_machine(issuer: str) -> None:
    with pytest.raises(ValidationError, match="must begin with https://"):
        Settings(oidc_issuer=issuer)


@pytest.mark.parametrize(
    "scopes", ["", "profile", "openid,profile", "openid\tx", "openid  x", "openidx"]
)
def test_scopes_without_openid_are_refused(scopes: str) -> None:
    with pytest.raises(ValidationError):
        Settings(oidc_scopes=scopes)


def test_the_client_secret_is_never_shown() -> None:
    """Case 54."""
    chosen = settings(**COMPLETE, oidc_client_secret=SecretStr("canary"))

    assert "canary" not in f"{chosen!r} {chosen} {chosen.model_dump_json()}"
