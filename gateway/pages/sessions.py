"""Sessions of the pages: a cookie that scripts can't read, and a secret in every form.

The cookie is a signed token with the id of a session (never one of the API's), ``SameSite=Lax`` so that links
in mails work. A session counts while the database has it (case 77). Every request that changes something must
also carry its form secret (CSRF).
"""

import hmac
import logging
import time
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from secrets import token_bytes, token_urlsafe
from typing import Any, Final, NamedTuple

import jwt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from database.sessions import SqlSessions, StoredSession
from gateway.access import Caller
from gateway.orders import asking_the_database
from gateway.problems import Forbidden, ServiceUnavailable, Unauthorized
from orders.sentences import sentence

log = logging.getLogger("unbuy.gateway")

LONGEST: Final = timedelta(hours=12)
"""The longest session."""

IDLE: Final = timedelta(hours=1)
"""How long a session lasts that its person does not use; what a page's script asks for is no use."""

REMEMBERED: Final = timedelta(seconds=5)
"""How long another gateway goes by what it has read of a session."""

CHECK_EVERY: Final = timedelta(minutes=5)
"""How old the issuer's word on an account may be before it is asked again."""

UNCHECKED: Final = timedelta(minutes=15)
"""The longest session of an account that the issuer cannot be asked about again."""

KEPT_FOR: Final = timedelta(minutes=15)
"""How long signing in at the issuer may take."""

_AUDIENCE: Final = "unbuy-pages"
_KEPT: Final = "unbuy-kept"
# So often at most the use of a session is written down.
_NOTE_EVERY: Final = timedelta(minutes=1)
_MOST_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Session:
    """The signed-in caller, and the secret of their forms."""

    id: str
    caller: Caller
    form_secret: str


class _Key:
    """What one secret signs, seals and makes form secrets with."""

    def __init__(self, secret: SecretStr) -> None:
        self.signing = hmac.digest(secret.get_secret_value().encode(), b"unbuy pages", "sha256")
        self.seal = AESGCM(hmac.digest(self.signing, b"unbuy refresh tokens", "sha256"))

    def form_secret(self, begun_as: str) -> str:
        return hmac.new(self.signing, f"form {begun_as}".encode(), sha256).hexdigest()


class _Read(NamedTuple):
    """What a cookie says, and by which key."""

    claims: dict[str, Any]
    key: _Key


class Sessions:
    """Signs people in and out."""

    def __init__(
        self,
        secret: SecretStr,
        store: SqlSessions,
        *,
        secure: bool,
        fallback: SecretStr | None = None,
        check: Callable[[str], Awaitable[tuple[Caller, str]]] | None = None,
    ) -> None:
        """``secure``: the pages are served over HTTPS, so the cookie is limited to it.

        ``fallback``: a secret by which cookies and forms count as well, while one is replaced by the other.
        ``check`` says by a refresh token what the issuer now says of an account, and by which token it is
        asked next; it raises Unauthorized or Forbidden where it says nothing any more.
        """
        self._key = _Key(secret)
        self._keys = [self._key, *([_Key(fallback)] if fallback else [])]
        self._check = check
        self._store = store
        self._secure = secure
        self._cookie = cookie_name("unbuy", secure)
        self._remembered: dict[str, tuple[float, StoredSession | None]] = {}

    async def of(self, request: Request) -> Session | None:
        """The session of a request; None when nobody is signed in. Raises ServiceUnavailable."""
        read = self._read(request, self._cookie, _AUDIENCE)
        if read is None or (found := await self._find(read.claims["jti"])) is None:
            return None
        now = datetime.now(UTC)
        if _is_by_person(request) and now - found.seen_at > _NOTE_EVERY:
            async with asking_the_database():
                is_there = await self._store.set_seen(found.session_id, now)
            self._keep_in_mind(found.session_id, replace(found, seen_at=now) if is_there else None)
            if not is_there:
                return None
            found = replace(found, seen_at=now)
        caller = Caller(found.party_id, found.role, found.ends_at)
        # By the cookie's own key, so that the forms that are open go on counting, too.
        return Session(found.session_id, caller, read.key.form_secret(found.session_id))

    async def is_open(self, session: Session) -> bool:
        """Whether nobody has ended a session. Raises ServiceUnavailable."""
        return await self._find(session.id) is not None

    async def begin(
        self,
        response: Response,
        caller: Caller,
        refresh_token: str | None = None,
        *,
        instead_of: Session | None = None,
        address: str = "",
        browser: str = "",
    ) -> None:
        """Sign somebody in until their token expires, for half a day at most. Raises ServiceUnavailable.

        ``instead_of``: the session that this browser had, which ends. ``address`` and ``browser`` are for
        their list of sessions.
        """
        if instead_of:
            await self._end(instead_of.id)
        now = datetime.now(UTC)
        expires_at = min(caller.expires_at, now + LONGEST)
        session_id = token_urlsafe(16)
        async with asking_the_database():
            sealed = self._sealed(refresh_token, session_id) if refresh_token else None
            stored = StoredSession(
                session_id,
                caller.role,
                caller.id,
                seen_at=now,
                checked_at=now,
                ends_at=expires_at,
                begun_at=now,
                refresh_token=sealed,
                address=address,
                browser=browser,
            )
            await self._store.add(stored, now)
        claims = {"aud": _AUDIENCE, "exp": expires_at, "jti": session_id}
        cookie = jwt.encode(claims, self._key.signing, algorithm="HS256")
        self._set(response, self._cookie, cookie, expires_at - now)

    async def end(self, response: Response, session: Session) -> None:
        """Sign out. Raises ServiceUnavailable."""
        await self._end(session.id)
        self._set(response, self._cookie, "", timedelta(0))

    async def _end(self, session_id: str) -> None:
        async with asking_the_database():
            await self._store.end(session_id)
        self._keep_in_mind(session_id, None)

    async def end_all(self, response: Response, session: Session) -> None:
        """Sign out in all browsers. Raises ServiceUnavailable."""
        caller = session.caller
        async with asking_the_database():
            await self._store.end_all(caller.role, caller.id)
        for session_id, (_, found) in list(self._remembered.items()):
            if found and (found.role, found.party_id) == (caller.role, caller.id):
                self._keep_in_mind(session_id, None)
        self._set(response, self._cookie, "", timedelta(0))

    async def all_of(self, session: Session) -> list[StoredSession]:
        """All sessions of this person in this role, the newest first. Raises ServiceUnavailable."""
        caller, now = session.caller, datetime.now(UTC)
        async with asking_the_database():
            found = await self._store.of_party(caller.role, caller.id, now - IDLE)
        return [it for it in found if now < it.ends_at]

    async def end_other(self, session: Session, name: str) -> None:
        """End another session of this person in this role, by its name. Raises ServiceUnavailable."""
        for found in await self.all_of(session):
            if name_of(found.session_id) == name:
                await self._end(found.session_id)

    async def _find(self, session_id: str) -> StoredSession | None:
        """A session that counts, as it was at most some seconds ago."""
        read_at, found = self._remembered.get(session_id, (None, None))
        # What has ended never comes back.
        is_due = read_at is None or (
            found and time.monotonic() - read_at > REMEMBERED.total_seconds()
        )
        if is_due:
            async with asking_the_database():
                found = await self._store.find(session_id)
            self._keep_in_mind(session_id, found)
        now = datetime.now(UTC)
        if found is None or now >= found.ends_at or now - found.seen_at > IDLE:
            return None
        if self._check and found.refresh_token and now - found.checked_at > CHECK_EVERY:
            return await self._checked(found, found.refresh_token, self._check)
        return found

    async def _checked(
        self,
        found: StoredSession,
        sealed: str,
        check: Callable[[str], Awaitable[tuple[Caller, str]]],
    ) -> StoredSession | None:
        """The session by what the issuer now says; as it was while the issuer does not answer."""
        now = datetime.now(UTC)
        async with asking_the_database():
            if not await self._store.begin_check(found, now):
                return found  # another request asks
        found = replace(found, checked_at=now)
        self._keep_in_mind(found.session_id, found)
        try:
            caller, refresh_token = await check(self._opened(sealed, found.session_id))
            goes_on = (caller.role, caller.id) == (found.role, found.party_id)
        except ServiceUnavailable:
            return found
        except (Unauthorized, Forbidden):
            goes_on = False
        async with asking_the_database():
            if not goes_on:
                log.info("A session ends: the issuer no longer names its account and role")
                await self._store.end(found.session_id)
                self._keep_in_mind(found.session_id, None)
                return None
            sealed = self._sealed(refresh_token, found.session_id)
            await self._store.set_refresh_token(found.session_id, sealed)
        found = replace(found, refresh_token=sealed)
        self._keep_in_mind(found.session_id, found)
        return found

    def _sealed(self, refresh_token: str, session_id: str) -> str:
        nonce = token_bytes(12)
        box = self._key.seal.encrypt(nonce, refresh_token.encode(), session_id.encode())
        return b64encode(nonce + box).decode()

    def _opened(self, sealed: str, session_id: str) -> str:
        """What was sealed for this session. Raises Unauthorized where another secret did so."""
        box = b64decode(sealed)
        for key in self._keys:
            with suppress(InvalidTag):
                return key.seal.decrypt(box[:12], box[12:], session_id.encode()).decode()
        raise Unauthorized(sentence("Your session has expired. Please sign in again."))

    def _keep_in_mind(self, session_id: str, found: StoredSession | None) -> None:
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        _, known = self._remembered.get(session_id, (0, found))
        self._remembered[session_id] = (time.monotonic(), known and found)

    def remember(self, response: Response, what: Mapping[str, str]) -> None:
        """Store values in the browser for a quarter of an hour, replacing earlier ones."""
        now = datetime.now(UTC)
        claims = {"kept": dict(what), "aud": _KEPT, "exp": now + KEPT_FOR}
        cookie = jwt.encode(claims, self._key.signing, algorithm="HS256")
        self._set(response, f"{self._cookie}-kept", cookie, KEPT_FOR)

    def remembered(self, request: Request) -> Mapping[str, str] | None:
        """The values stored in the browser; None if missing, altered or expired."""
        read = self._read(request, f"{self._cookie}-kept", _KEPT)
        return read.claims["kept"] if read else None

    def forget(self, response: Response) -> None:
        """Delete the stored values."""
        self._set(response, f"{self._cookie}-kept", "", timedelta(0))

    @property
    def is_secure(self) -> bool:
        """Whether cookies are limited to HTTPS."""
        return self._secure

    def _read(self, request: Request, cookie: str, audience: str) -> _Read | None:
        for key in self._keys:
            with suppress(jwt.PyJWTError):
                claims = jwt.decode(
                    request.cookies.get(cookie, ""),
                    key.signing,
                    algorithms=["HS256"],
                    audience=audience,
                    options={"require": ["exp"]},
                )
                return _Read(claims, key)
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
        return self._key.form_secret(begun_as)


def cookie_name(name: str, secure: bool) -> str:
    """What a cookie is called here: over HTTPS no neighbour of this host can set it."""
    return f"__Host-{name}" if secure else name


def name_of(session_id: str) -> str:
    """What a page calls a session, without saying its id."""
    return sha256(session_id.encode()).hexdigest()[:32]


def _is_by_person(request: Request) -> bool:
    """Whether somebody opens a page or sends a form, and no script of ours asks."""
    return request.headers.get("sec-fetch-mode", "navigate") == "navigate"
