"""A channel that only writes to the log; used where no other is configured."""

import logging

from activities.notifications import OutboxMessage

log = logging.getLogger("unbuy.notifications")


class LogChannel:
    """Implements ``activities.notifications.Channel``: one line per message, without personal data."""

    async def send(self, message: OutboxMessage) -> None:
        """See ``Channel``."""
        log.info("Notified the %s: %s (%s)", message.to.value, message.what, message.key)
