"""Bearer tokens: JSON Web Tokens whose ``sub`` is a party's id and ``role`` what it acts as.

Local use has one HS256 secret. In production an OpenID Connect issuer signs: its keys are fetched (and
fetched again when it signs with a new one), and ``iss``, ``aud`` and ``exp`` must be right. Never both: a
secret that was meant for a laptop opens nothing where an issuer is set.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import httpx
import jwt
from pydantic import BaseModel, Field, SecretStr, TypeAdapter, ValidationError

from gateway.access import Caller, Role
from gateway.problems import Away, NotSignedIn
from languages.catalogues import N_
from orders.values import PartyId

# Of ``alg``: never "none", and never a secret's where the issuer has key pairs.
_ISSUERS_ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
# Clocks of two machines differ.
_LEEWAY: Final = timedelta(seconds=30)
_FETCH_WITHIN: Final = timedelta(seconds=5)
_ROLES: Final = frozenset({Role.BUYER, Role.SELLER, Role.SUPPORT, Role.PROVIDER})
_PARTY: Final = TypeAdapter[str](PartyId)

_Address = Annotated[str, Field(pattern=r"^https?://\S+$")]


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
        claims = _decoded(
            token,
            self._secret.get_secret_value(),
            algorithms=["HS256"],
            options={"require": ["exp", "sub"]},
        )
        return caller_of(claims, "role")


class Places(BaseModel):
    """Where an issuer is asked for what, by its own discovery document."""

    issuer: str
    jwks_uri: _Address
    # Where nobody signs in but programs, an issuer need not have these.
    authorization_endpoint: _Address | None = None
    token_endpoint: _Address | None = None


class Issuer:
    """An OpenID Connect issuer: where it is asked for what, and what it has signed."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._trusted = httpx.create_ssl_context()  # takes a while
        self._found: tuple[Places, jwt.PyJWKClient] | None = None

    async def places(self) -> Places:
        """Its addresses, asked for once. Raises Away."""
        places, _ = await self._discovered()
        return places

    async def claims(self, token: str, audience: str) -> Mapping[str, Any]:
        """What a token of its own, meant for ``audience``, says. Raises NotSignedIn, and Away."""
        _, keys = await self._discovered()
        try:
            # It asks the network when it knows no such key, at most every half minute.
            key = await asyncio.to_thread(keys.get_signing_key_from_jwt, token)
        except jwt.PyJWKClientConnectionError:
            raise away() from None
        except jwt.PyJWTError:
            raise NotSignedIn(
                "This token is not signed by a key of the issuer: sign in again."
            ) from None
        except ValueError:
            raise away() from None  # its keys are no JSON
        return _decoded(
            token,
            key,
            algorithms=_ISSUERS_ALGORITHMS,
            audience=audience,
            issuer=self._address,
            options={"require": ["exp", "sub", "iss", "aud"]},
        )

    def asking(self) -> httpx.AsyncClient:
        """What to ask it something with, once."""
        return httpx.AsyncClient(verify=self._trusted, timeout=_FETCH_WITHIN.total_seconds())

    async def _discovered(self) -> tuple[Places, jwt.PyJWKClient]:
        if self._found is None:
            address = f"{self._address.rstrip('/')}/.well-known/openid-configuration"
            try:
                async with self.asking() as http:
                    answer = (await http.get(address)).raise_for_status()
                places = Places.model_validate_json(answer.content)
            except (httpx.HTTPError, ValidationError):
                raise away() from None
            if places.issuer != self._address:
                raise away()
            keys = jwt.PyJWKClient(places.jwks_uri, timeout=_FETCH_WITHIN.total_seconds())
            self._found = places, keys
        return self._found


class IssuersTokens:
    """Tokens signed by an OpenID Connect issuer, for an audience that is us."""

    def __init__(self, issuer: str, audience: str, role_claim: str) -> None:
        self._issuer = Issuer(issuer)
        self._audience = audience
        self._role_claim = role_claim

    async def caller(self, token: str) -> Caller:
        """See ``Tokens``."""
        return caller_of(await self._issuer.claims(token, self._audience), self._role_claim)


def away() -> Away:
    """The issuer does not answer, or not as it should."""
    return Away(
        N_("Who signs the tokens cannot be asked for its keys at the moment; try again soon.")
    )


def caller_of(claims: Mapping[str, Any], role_claim: str) -> Caller:
    """Whom verified claims name. Raises NotSignedIn."""
    role = claims.get(role_claim)
    if not isinstance(role, str) or role not in _ROLES:
        raise NotSignedIn(
            f"This token's {role_claim} is none of buyer, seller, support and provider."
        )
    try:
        until = datetime.fromtimestamp(claims["exp"], UTC)
        return Caller(_PARTY.validate_python(claims["sub"]), Role(role), until)
    except (ValidationError, ValueError, OverflowError, TypeError):
        raise NotSignedIn("This token's sub is not a party's id, or its exp no instant.") from None


def _decoded(token: str, key: str | jwt.PyJWK, **how: Any) -> Mapping[str, Any]:
    try:
        return jwt.decode(token, key, leeway=_LEEWAY, **how)
    except jwt.ExpiredSignatureError:
        raise NotSignedIn(N_("This token has expired: sign in again.")) from None
    except (ValueError, OverflowError, TypeError):
        raise NotSignedIn("This token's sub is not a party's id, or its exp no instant.") from None
    except jwt.PyJWTError as error:
        raise NotSignedIn(f"This token does not count: {error}.") from None
