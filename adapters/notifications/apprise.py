"""Everything but mail, by Apprise (R21): Telegram, Slack, SMS and whatever else its URLs name."""

import asyncio
import logging

from apprise import Apprise, AppriseAsset, NotifyFormat, PersistentStoreMode

from adapters.notifications.errors import PermanentFailure, TemporaryFailure

# Its words repeat what it sends and to whom. What matters of them is raised.
logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)

# Seconds; Apprise itself waits four for a connection, and four for each answer.
_PATIENCE = 30.0


class AppriseChannel:
    """Apprise with nothing of its own on disk, and no way to be sent elsewhere by an answer."""

    def __init__(self) -> None:
        self._asset = AppriseAsset(
            app_id="Unbuy",
            app_desc="Unbuy",
            http_redirects=False,
            secure_logging=True,
            storage_mode=PersistentStoreMode.MEMORY,
        )

    async def send(self, url: str, subject: str, text: str) -> None:
        """Send a text by one Apprise URL. Raises GivenUp for one that is no good, NotNow otherwise.

        Apprise does not say whether a service refused for good, so what fails is tried again.
        """
        try:
            async with asyncio.timeout(_PATIENCE):
                taken = await asyncio.to_thread(self._send, url, subject, text)
        except TimeoutError:
            raise TemporaryFailure("The service does not answer.") from None
        if not taken:
            raise TemporaryFailure("The service did not take it.")

    def _send(self, url: str, subject: str, text: str) -> bool:
        # One URL: Apprise's own lists would let a second one in behind an allowed scheme.
        service = Apprise.instantiate(url, asset=self._asset)
        if service is None:
            raise PermanentFailure("It is not complete, or names a service that is not there.")
        if len(service) > 1:
            # Of several, some would be told twice when another fails.
            raise PermanentFailure("It names several recipients: give each an entry of its own.")
        sender = Apprise(asset=self._asset)
        sender.add(service)
        return bool(sender.notify(body=text, title=subject, body_format=NotifyFormat.TEXT))
