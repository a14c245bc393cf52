"""Sessions of the pages: a cookie that scripts can't read, and a secret in every form.

The cookie is a signed token (never one of the API's), ``SameSite=Lax`` so that links in mails work. Every
request that changes something must also carry the session's form secret (CSRF).
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, Final

import jwt
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from gateway.access import Caller, Role

LONGEST: Final = timedelta(hours=12)
"""The longest session."""

KEPT_FOR: Final = timedelta(minutes=15)
"""How long signing in at the issuer may take."""

_AUDIENCE: Final = "unbuy-pages"
_KEPT: Final = "unbuy-kept"


@dataclass(frozen=True, slots=True)
class Session:
    """The signed-in caller, and the secret of their forms."""

    caller: Caller
    form_secret: str


class Sessions:
    """Signs people in and out; nothing is stored on the server."""

    def __init__(self, secret: SecretStr, *, secure: bool) -> None:
        """``secure``: the pages are served over HTTPS, so the cookie is limited to it."""
        self._key = hmac.digest(secret.get_secret_value().encode(), b"unbuy pages", "sha256")
        self._secure = secure
        self._cookie = "__Host-unbuy" if secure else "unbuy"

    def of(self, request: Request) -> Session | None:
        """The session of a request; None when nobody is signed in."""
        claims = self._read(request, self._cookie, _AUDIENCE)
        if claims is None:
            return None
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        caller = Caller(claims["sub"], Role(claims["role"]), expires_at)
        return Session(caller, self.form_secret(claims["jti"]))

    def begin(self, response: Response, caller: Caller) -> None:
        """Sign somebody in until their token expires, for half a day at most."""
        now = datetime.now(UTC)
        expires_at = min(caller.expires_at, now + LONGEST)
        cookie = jwt.encode(
            {
                "sub": caller.id,
                "role": caller.role.value,
                "aud": _AUDIENCE,
                "exp": expires_at,
                "jti": token_urlsafe(16),
            },
            self._key,
            algorithm="HS256",
        )
        self._set(response, self._cookie, cookie, expires_at - now)

    def end(self, response: Response) -> None:
        """Sign out."""
        self._set(response, self._cookie, "", timedelta(0))

    def remember(self, response: Response, what: Mapping[str, str]) -> None:
        """Store values in the browser for a quarter of an hour, replacing earlier ones."""
        now = datetime.now(UTC)
        cookie = jwt.encode(
            {"kept": dict(what), "aud": _KEPT, "exp": now + KEPT_FOR}, self._key, algorithm="HS256"
        )
        self._set(response, f"{self._cookie}-kept", cookie, KEPT_FOR)

    def remembered(self, request: Request) -> Mapping[str, str] | None:
        """The values stored in the browser; None if missing, altered or expired."""
        claims = self._read(request, f"{self._cookie}-kept", _KEPT)
        return claims["kept"] if claims else None

    def forget(self, response: Response) -> None:
        """Delete the stored values."""
        self._set(response, f"{self._cookie}-kept", "", timedelta(0))

    @property
    def is_secure(self) -> bool:
        """Whether cookies are limited to HTTPS."""
        return self._secure

    def _read(self, request: Request, cookie: str, audience: str) -> dict[str, Any] | None:
        try:
            return jwt.decode(
                request.cookies.get(cookie, ""),
                self._key,
                algorithms=["HS256"],
                audience=audience,
                options={"require": ["exp"]},
            )
        except jwt.PyJWTError:
            return None

    def _set(self, response: Response, cookie: str, value: str, lifetime: timedelta) -> None:
        response.set_cookie(
            cookie,
            value,
            max_age=int(lifetime.total_seconds()),
            httponly=True,
            secure=self._secure,
            samesite="lax",
            path="/",
        )

    def form_secret(self, begun_as: str) -> str:
        """What forms of the session, or of the sign-in, that began under a random name carry."""
        return hmac.new(self._key, f"form {begun_as}".encode(), sha256).hexdigest()
