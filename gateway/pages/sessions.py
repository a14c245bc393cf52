"""Who is signed in on the pages: a cookie that scripts can't read, and a second secret in every form.

The cookie is a signed token of its own (never one of the API's), ``SameSite=Lax`` so that links in mails
work. What changes something must also carry the session's form secret (CSRF).
"""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final

import jwt
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from gateway.access import Caller, Role

LONGEST: Final = timedelta(hours=12)

_AUDIENCE: Final = "unbuy-pages"


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in, and the secret that their forms carry."""

    caller: Caller
    form_secret: str


class Sessions:
    """Signs people in and out; nothing is kept on this side."""

    def __init__(self, secret: SecretStr, *, secure: bool) -> None:
        """``secure``: the pages are served by HTTPS, and so the cookie is never sent otherwise."""
        self._key = hmac.digest(secret.get_secret_value().encode(), b"unbuy pages", "sha256")
        self._secure = secure
        self._cookie = "__Host-unbuy" if secure else "unbuy"

    def of(self, request: Request) -> Session | None:
        """The session of a request; None when nobody is signed in."""
        try:
            claims = jwt.decode(
                request.cookies.get(self._cookie, ""),
                self._key,
                algorithms=["HS256"],
                audience=_AUDIENCE,
                options={"require": ["exp", "sub", "jti"]},
            )
        except jwt.PyJWTError:
            return None
        until = datetime.fromtimestamp(claims["exp"], UTC)
        caller = Caller(claims["sub"], Role(claims["role"]), until)
        return Session(caller, self._form_secret(claims["jti"]))

    def begin(self, response: Response, caller: Caller) -> None:
        """Sign somebody in, for as long as their token counts and half a day at most."""
        now = datetime.now(UTC)
        until = min(caller.until, now + LONGEST)
        cookie = jwt.encode(
            {
                "sub": caller.id,
                "role": caller.role.value,
                "aud": _AUDIENCE,
                "exp": until,
                "jti": token_urlsafe(16),
            },
            self._key,
            algorithm="HS256",
        )
        self._set(response, cookie, int((until - now).total_seconds()))

    def end(self, response: Response) -> None:
        """Sign out."""
        self._set(response, "", 0)

    def sign(self, text: str) -> str:
        """A text that comes back unaltered, or is not taken: for what a browser keeps for us."""
        return jwt.encode(
            {"text": text, "exp": datetime.now(UTC) + timedelta(minutes=15), "aud": "unbuy-kept"},
            self._key,
            algorithm="HS256",
        )

    def signed(self, kept: str) -> str | None:
        """What ``sign`` signed; None for what it did not, or too long ago."""
        try:
            claims = jwt.decode(kept, self._key, algorithms=["HS256"], audience="unbuy-kept")
        except jwt.PyJWTError:
            return None
        return str(claims["text"])

    @property
    def is_secure(self) -> bool:
        """Whether cookies are for HTTPS only."""
        return self._secure

    def _set(self, response: Response, value: str, seconds: int) -> None:
        response.set_cookie(
            self._cookie,
            value,
            max_age=seconds,
            httponly=True,
            secure=self._secure,
            samesite="lax",
            path="/",
        )

    def _form_secret(self, session_id: str) -> str:
        return hmac.new(self._key, f"form {session_id}".encode(), sha256).hexdigest()
