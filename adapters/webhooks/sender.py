"""Signed webhooks, as Standard Webhooks specifies them (standardwebhooks.com); one attempt per call.

Only Temporal retries. Addresses may contain secrets: endpoints are identified by names without them, and
errors and logs contain neither addresses nor the receiver's response.
"""

import asyncio
import hashlib
import logging
import ssl
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

import httpx
from pydantic import SecretStr
from standardwebhooks import Webhook as Signer

from activities.webhooks import EndpointGone, Webhook, WebhookNotDelivered
from adapters.webhooks.public_addresses import NoPublicAddress, addresses_of

# httpx logs whole addresses at INFO.
logging.getLogger("httpx").setLevel(logging.WARNING)

PATIENCE: Final = timedelta(seconds=10)
"""For one attempt, from resolving the host to the response's status."""

AT_ONCE: Final = 10
"""Concurrent attempts at one endpoint per process: one that hangs must not use up the slots of activities
that move money."""

# Short enough to try a host's other addresses if one does not respond.
_CONNECT_WITHIN = timedelta(seconds=4)
_GONE = 410


class WebhookSender:
    """Implements ``activities.webhooks.Endpoints``.

    Each of the ``secrets`` signs, so that receivers can rotate theirs one at a time. Hosts must have public
    addresses, unless ``allow_private``.
    """

    def __init__(
        self,
        urls: Sequence[SecretStr] = (),
        secrets: Sequence[SecretStr] = (),
        *,
        allow_private: bool = False,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._urls = {_name(url): url for url in (httpx.URL(it.get_secret_value()) for it in urls)}
        self._signers = [Signer(secret.get_secret_value()) for secret in secrets]
        self._allow_private = allow_private
        self._patience = patience
        self._under_way: Counter[str] = Counter()

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The names of all endpoints."""
        return tuple(self._urls)

    async def post(self, endpoint: str, webhook: Webhook) -> None:
        """See ``Endpoints``. Redirects are not followed: they count as failures."""
        url = self._urls.get(endpoint)
        if url is None:
            # While settings are being changed, another worker may know it.
            raise WebhookNotDelivered(
                f"{endpoint} is not (or no more) in this worker's ORDER_WEBHOOK_URLS."
            )
        if self._under_way[endpoint] >= AT_ONCE:
            raise WebhookNotDelivered(f"{endpoint} has {AT_ONCE} webhooks to answer already.")
        self._under_way[endpoint] += 1
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                status = await self._send(url, webhook)
        except NoPublicAddress as error:
            raise WebhookNotDelivered(str(error)) from None
        except (httpx.TimeoutException, TimeoutError):
            raise WebhookNotDelivered(f"{endpoint} does not answer in time.") from None
        except httpx.HTTPError as error:
            raise WebhookNotDelivered(
                f"{endpoint} cannot be reached ({type(error).__name__})."
            ) from None
        finally:
            self._under_way[endpoint] -= 1
        if status == _GONE:
            raise EndpointGone(endpoint)
        if not httpx.codes.is_success(status):
            raise WebhookNotDelivered(f"{endpoint} answered {status}.")

    def _headers(self, webhook: Webhook) -> dict[str, str]:
        now = datetime.now(UTC)
        signatures = [it.sign(webhook.id, now, webhook.body) for it in self._signers]
        return {
            "content-type": "application/json",
            "user-agent": "unbuy",
            "webhook-id": webhook.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }

    async def _send(self, url: httpx.URL, webhook: Webhook) -> int:
        """Send the webhook and return the response's status; the body is not read."""
        host = url.raw_host.decode("ascii")
        port = url.port or (443 if url.scheme == "https" else 80)
        addresses = await addresses_of(host, port, allow_private=self._allow_private)
        # A client for each attempt: connections are pooled by address, and one to another host at the same
        # address has been verified for that host's certificate. A proxy would resolve the name again.
        async with httpx.AsyncClient(
            verify=self._tls,
            trust_env=False,
            timeout=httpx.Timeout(
                self._patience.total_seconds(), connect=_CONNECT_WITHIN.total_seconds()
            ),
            headers=self._headers(webhook) | {"host": url.netloc.decode("ascii")},
        ) as client:

            async def send_to(address: str) -> int:
                async with client.stream(
                    "POST",
                    url.copy_with(host=address),
                    content=webhook.body,
                    extensions={"sni_hostname": host},
                ) as answer:
                    return answer.status_code

            *others, last = addresses
            for address in others:
                with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                    return await send_to(address)
            return await send_to(last)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx.create_ssl_context()


def _name(url: httpx.URL) -> str:
    """The name of an endpoint, for use where the secrets in its address must not be seen."""
    return f"{url.host} {hashlib.sha256(str(url).encode()).hexdigest()[:8]}"
