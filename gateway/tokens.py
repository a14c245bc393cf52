"""Bearer tokens: JSON Web Tokens whose ``sub`` is a party's id and ``role`` what it acts as.

Local use has one HS256 secret. In production an OpenID Connect issuer signs: its keys are fetched (and
fetched again when it signs with a new one), and ``iss``, ``aud`` and ``exp`` must be right. Never both: a
secret that was meant for a laptop opens nothing where an issuer is set.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import jwt
from pydantic import SecretStr, TypeAdapter, ValidationError

from gateway.access import Caller, Role
from gateway.problems import Away, NotSignedIn
from orders.sentences import sentence
from orders.values import PartyId

# Of ``alg``: never "none", and never a secret's where the issuer has key pairs.
_ISSUERS_ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
# Clocks of two machines differ.
_LEEWAY: Final = timedelta(seconds=30)
_FETCH_WITHIN: Final = timedelta(seconds=5)
_ROLES: Final = frozenset({Role.BUYER, Role.SELLER, Role.SUPPORT, Role.PROVIDER})
_PARTY: Final = TypeAdapter[str](PartyId)


class SecretTokens:
    """Tokens signed with this installation's own secret (HS256)."""

    def __init__(self, secret: SecretStr) -> None:
        self._secret = secret

    def issue(self, role: Role, sub: str, lifetime: timedelta) -> str:
        """A token for a party. Raises ValidationError for an id that could be nobody's."""
        now = datetime.now(UTC)
        claims = {
            "sub": _PARTY.validate_python(sub),
            "role": role.value,
            "iat": now,
            "exp": now + lifetime,
        }
        return jwt.encode(claims, self._secret.get_secret_value(), algorithm="HS256")

    async def caller(self, token: str) -> Caller:
        """See ``Tokens``."""
        return _read(
            lambda: jwt.decode(
                token,
                self._secret.get_secret_value(),
                algorithms=["HS256"],
                leeway=_LEEWAY,
                options={"require": ["exp", "sub"]},
            ),
            "role",
        )


class IssuersTokens:
    """Tokens signed by an OpenID Connect issuer, for an audience that is us."""

    def __init__(self, issuer: str, audience: str, role_claim: str) -> None:
        self._issuer = issuer
        self._audience = audience
        self._role_claim = role_claim
        self._keys: jwt.PyJWKClient | None = None
        self._discovering = asyncio.Lock()

    async def caller(self, token: str) -> Caller:
        """See ``Tokens``."""
        keys = await self._issuers_keys()
        try:
            # It asks the network when it knows no such key, at most every half minute.
            key = await asyncio.to_thread(keys.get_signing_key_from_jwt, token)
        except jwt.PyJWKClientConnectionError:
            raise self._away() from None
        except jwt.PyJWTError:
            raise NotSignedIn(
                sentence("This token is not signed by a key of the issuer: sign in again.")
            ) from None
        return _read(
            lambda: jwt.decode(
                token,
                key,
                algorithms=_ISSUERS_ALGORITHMS,
                audience=self._audience,
                issuer=self._issuer,
                leeway=_LEEWAY,
                options={"require": ["exp", "sub", "iss", "aud"]},
            ),
            self._role_claim,
        )

    async def _issuers_keys(self) -> jwt.PyJWKClient:
        async with self._discovering:
            if self._keys is None:
                address = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
                try:
                    async with httpx.AsyncClient(timeout=_FETCH_WITHIN.total_seconds()) as http:
                        found = (await http.get(address)).raise_for_status().json()
                    if found["issuer"] != self._issuer:
                        raise self._away()
                    self._keys = jwt.PyJWKClient(
                        found["jwks_uri"], timeout=_FETCH_WITHIN.total_seconds()
                    )
                except (httpx.HTTPError, ValueError, KeyError, TypeError, jwt.PyJWTError):
                    raise self._away() from None
            return self._keys

    @staticmethod
    def _away() -> Away:
        return Away(
            sentence(
                "Who signs the tokens cannot be asked for its keys at the moment; try again soon."
            )
        )


def _read(decode: Callable[[], Mapping[str, Any]], role_claim: str) -> Caller:
    try:
        claims = decode()
        role = claims.get(role_claim)
        if role not in _ROLES:
            raise NotSignedIn(
                sentence(
                    "This token's {claim} is none of buyer, seller, support and provider.",
                    claim=role_claim,
                )
            )
        until = datetime.fromtimestamp(claims["exp"], UTC)
        return Caller(_PARTY.validate_python(claims["sub"]), Role(role), until)
    except jwt.ExpiredSignatureError:
        raise NotSignedIn(sentence("This token has expired: sign in again.")) from None
    except (ValidationError, ValueError, OverflowError, TypeError):
        raise NotSignedIn(
            sentence("This token's sub is not a party's id, or its exp no instant.")
        ) from None
    except jwt.PyJWTError as error:
        raise NotSignedIn(sentence("This token does not count: {error}.", error=error)) from None
