"""Signing in at an OpenID Connect issuer: the authorization code flow with PKCE (RFC 9700, OIDC Core 3.1).

The state, nonce, verifier and target of a sign-in are stored in a signed cookie of the browser that began
it; without a matching cookie nobody is signed in.
"""

import hmac
import logging
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, Final, NamedTuple
from urllib.parse import quote, quote_plus

import httpx
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.access import PEOPLE, Caller, Role
from gateway.issuer import LEEWAY, Issuer, asking
from gateway.pages.sessions import LONGEST, UNCHECKED, Sessions
from gateway.pages.sign_in import SignedIn
from gateway.problems import Forbidden, NotFound, ServiceUnavailable, Unauthorized
from gateway.tokens import caller_of
from orders.sentences import sentence

log = logging.getLogger("unbuy.gateway")

# Bytes: longer ones would not fit into the cookie.
_LONGEST_ADDRESS: Final = 1000
_STEPS_UP: Final = "steps_up"
_ERROR: Final = re.compile(r"[a-z_]{1,50}")


@dataclass(frozen=True, slots=True)
class Registration:
    """The client registered at the issuer; without a secret a public client, protected by PKCE alone."""

    client_id: str
    secret: SecretStr | None
    redirect_uri: str
    scopes: str


@dataclass(frozen=True, slots=True)
class Strength:
    """How somebody must have signed in at the issuer: one of these ``acr`` (none: any), and how recently."""

    acr: Sequence[str] = ()
    max_age: timedelta | None = None

    def is_met(self, claims: Mapping[str, Any], now: datetime) -> bool:
        """Whether an ID token says so (OpenID Connect Core, 2)."""
        return (not self.acr or claims.get("acr") in self.acr) and (
            not self.max_age or _is_recent(claims.get("auth_time"), self.max_age, now)
        )

    @property
    def asked(self) -> dict[str, str]:
        """What asks the issuer for it (OpenID Connect Core, 3.1.2.1)."""
        asked = {"acr_values": " ".join(self.acr)} if self.acr else {}
        if self.max_age:
            asked["max_age"] = str(int(self.max_age.total_seconds()))
        return asked


class IssuerClient:
    """The pages as a client of the issuer: what it says of an account, by a code or a refresh token."""

    def __init__(self, issuer: Issuer, we: Registration, role_claim: str) -> None:
        self.issuer = issuer
        self.we = we
        self._role_claim = role_claim

    async def redeem(self, code: str, verifier: str, nonce: str) -> "Redeemed":
        """What the issuer says for a code, which is valid once.

        Raises Unauthorized, Forbidden and ServiceUnavailable.
        """
        answer = await self._ask(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self.we.redirect_uri,
                "code_verifier": verifier,
            }
        )
        claims = await self._claims(answer)
        if not _same(str(claims.get("nonce", "")), nonce):
            log.warning("An ID token was refused: it is from another sign-in")
            raise _not_for_us()
        given = answer.get("refresh_token")
        return Redeemed(self._named(claims), claims, given if isinstance(given, str) else None)

    async def refresh(self, refresh_token: str) -> tuple[Caller, str]:
        """What the issuer now says of an account, and the refresh token for the next time.

        Raises Unauthorized and Forbidden where it says nothing any more, and ServiceUnavailable.
        """
        answer = await self._ask({"grant_type": "refresh_token", "refresh_token": refresh_token})
        given = answer.get("refresh_token")
        return self._named(await self._claims(answer)), (
            given if isinstance(given, str) else refresh_token
        )

    async def _ask(self, form: dict[str, str]) -> Mapping[str, Any]:
        """The answer of the token endpoint, with an ID token. Raises Unauthorized and ServiceUnavailable."""
        endpoint = (await self.issuer.endpoints()).token_endpoint
        if endpoint is None:
            raise _unusable("its discovery names no token_endpoint")
        auth = None
        if self.we.secret:
            # RFC 6749, 2.3.1: form-encoded.
            secret = self.we.secret.get_secret_value()
            auth = httpx.BasicAuth(quote_plus(self.we.client_id), quote_plus(secret))
        else:
            form["client_id"] = self.we.client_id
        try:
            async with asking() as http:
                response = await http.post(
                    endpoint, data=form, auth=auth or httpx.USE_CLIENT_DEFAULT
                )
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _unusable(f"its token endpoint: {type(error).__name__}") from None
        match answer:
            case {"error": "invalid_grant"}:
                raise Unauthorized(
                    sentence("The identity provider did not accept this sign-in: sign in again.")
                )
            case {"id_token": str()} if response.is_success:
                found: Mapping[str, Any] = answer
                return found
            case {"access_token": str()} if response.is_success and "refresh_token" in form:
                log.warning(
                    "The issuer refreshes no ID token: its sessions end, and begin anew there"
                )
                raise _not_for_us()
            case {"error": str(code)} if _ERROR.fullmatch(code):
                raise _unusable(f"its token endpoint: {code}")
            case _:
                raise _unusable(f"its token endpoint: {response.status_code} without an ID token")

    async def _claims(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """What an ID token for us says. Raises Unauthorized and ServiceUnavailable."""
        try:
            claims = await self.issuer.claims(answer["id_token"], self.we.client_id)
        except Unauthorized as problem:
            log.warning("An ID token was refused: %s", problem)
            raise _not_for_us() from None
        if claims.get("azp", self.we.client_id) != self.we.client_id:
            log.warning("An ID token was refused: it was issued to another client")
            raise _not_for_us()
        return claims

    def _named(self, claims: Mapping[str, Any]) -> Caller:
        """The person whom claims name. Raises Forbidden."""
        try:
            caller = caller_of(claims, self._role_claim)
        except Unauthorized as problem:
            log.warning("An account cannot be used: %s", problem)
            raise _without_role() from None
        if caller.role not in PEOPLE:
            raise _without_role()
        return caller


class Redeemed(NamedTuple):
    """Whom an ID token names, all that it says, and a refresh token, if the issuer gives any."""

    caller: Caller
    claims: Mapping[str, Any]
    refresh_token: str | None


class IssuerSignIn:
    """Production: people sign in at the issuer, and nowhere else."""

    is_elsewhere: Final = True

    def __init__(
        self, client: IssuerClient, sessions: Sessions, support: Strength = Strength()
    ) -> None:
        """``support``: how support must have signed in there; it is asked to again where it has not."""
        self._client = client
        self._sessions = sessions
        self._support = support

    async def by_token(self, token: str) -> Caller:
        """See ``SignIn``: tokens do not sign in here."""
        raise NotFound(sentence("Here you sign in with the identity provider, not with a token."))

    async def elsewhere(self, to: str) -> Response:
        """See ``SignIn``. Raises ServiceUnavailable."""
        return await self._there({"to": to}, {})

    async def _there(self, kept: Mapping[str, str], asked: Mapping[str, str]) -> Response:
        """A redirect to the issuer, with more that is kept for the way back, and asked for there."""
        endpoint = (await self._client.issuer.endpoints()).authorization_endpoint
        if endpoint is None:
            raise _unusable("its discovery names no authorization_endpoint")
        begun = {name: token_urlsafe(32) for name in ("state", "nonce", "verifier")}
        challenge = urlsafe_b64encode(sha256(begun["verifier"].encode()).digest()).rstrip(b"=")
        query = {
            "response_type": "code",
            "client_id": self._client.we.client_id,
            "redirect_uri": self._client.we.redirect_uri,
            "scope": self._client.we.scopes,
            "state": begun["state"],
            "nonce": begun["nonce"],
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
            **asked,
        }
        response = RedirectResponse(str(httpx.URL(endpoint).copy_merge_params(query)), 303)
        # In the cookie no character is longer than in an address.
        to = kept["to"] if len(quote(kept["to"])) <= _LONGEST_ADDRESS else "/"
        self._sessions.remember(response, {**begun, **kept, "to": to})
        return response

    async def back(self, request: Request) -> SignedIn | Response:
        """See ``SignIn``. Also raises Forbidden and ServiceUnavailable."""
        begun, given = self._sessions.remembered(request), request.query_params
        if not (begun and "state" in begun and _same(given.get("state", ""), begun["state"])):
            raise Unauthorized(
                sentence(
                    "This sign-in was not started in this browser, is already complete, or took more "
                    "than 15 minutes: sign in again."
                )
            )
        if error := given.get("error"):
            raise _refused(error)
        now = datetime.now(UTC)
        caller, claims, refresh_token = await self._client.redeem(
            given.get("code", ""), begun["verifier"], begun["nonce"]
        )
        if caller.role is Role.SUPPORT and not self._support.is_met(claims, now):
            if _STEPS_UP in begun:
                raise _too_weak()
            return await self._there({"to": begun["to"], _STEPS_UP: "yes"}, self._support.asked)
        # An ID token's `exp` limits its use for signing in, often to minutes, not the session.
        lasts = LONGEST if refresh_token else UNCHECKED
        return SignedIn(replace(caller, expires_at=now + lasts), begun["to"], refresh_token)


def _is_recent(at: object, max_age: timedelta, now: datetime) -> bool:
    leeway = LEEWAY.total_seconds()
    if not isinstance(at, int | float):
        return False
    return -leeway <= now.timestamp() - at <= max_age.total_seconds() + leeway


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _refused(error: str) -> Unauthorized | ServiceUnavailable:
    """The problem for the issuer's error response. Its text is not repeated: it could be anyone's."""
    if error == "access_denied":
        return Unauthorized(
            sentence("You were not signed in: the sign-in was cancelled or refused.")
        )
    return _unusable(error if _ERROR.fullmatch(error) else "an unknown error")


def _unusable(why: str) -> ServiceUnavailable:
    log.error("Nobody can sign in at the issuer: %s", why)
    return ServiceUnavailable(
        sentence(
            "The identity provider is not responding correctly; try again soon. If the problem "
            "persists, contact the operators of this site."
        )
    )


def _not_for_us() -> Unauthorized:
    return Unauthorized(
        sentence("The identity provider's answer is not valid here: sign in again.")
    )


def _too_weak() -> Forbidden:
    log.warning("Support was not signed in: its ID token has another acr, or an earlier auth_time")
    return Forbidden(
        sentence(
            "Support must sign in at the identity provider more strongly or anew, and it asks for neither: "
            "contact the operators of this site."
        )
    )


def _without_role() -> Forbidden:
    return Forbidden(
        sentence(
            "Your account has no role of buyer, seller or support: ask the operators of this "
            "site for one."
        )
    )
