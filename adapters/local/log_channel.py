"""A channel that only writes to the log; used where no other is configured."""

import logging
from collections.abc import Sequence

from activities.notifications import OutboxMessage

log = logging.getLogger("unbuy.notifications")


class LogChannel:
    """Implements ``activities.notifications.NotingChannel``: one line per message, without personal data."""

    async def send(self, messages: Sequence[OutboxMessage]) -> None:
        """See ``Channel``."""
        self.note(messages)

    def note(self, messages: Sequence[OutboxMessage]) -> None:
        """See ``NotingChannel``."""
        for message in messages:
            log.info("Notified the %s: %s (%s)", message.to.value, message.what, message.key)
