"""A channel that tells nobody but the log; for machines with no other channel set up."""

import logging

from activities.notifications import OutboxMessage

log = logging.getLogger("unbuy.told")


class LogChannel:
    """Implements ``activities.notifications.Channel``: one line a message, with no personal data."""

    async def send(self, message: OutboxMessage) -> None:
        """See ``Channel``."""
        log.info("Told the %s: %s (%s)", message.to.value, message.what, message.key)
