"""What a command could not do."""

from datetime import datetime
from typing import Any

from i18n.current import current_locale
from i18n.sentences import localize


class Failure(Exception):
    """A sentence with the remedy, in the current language, and the exit status: 1 refused or impossible
    now, 2 asked for wrongly.

    ``code`` and ``available_from`` are the contract's, of a message that an order refuses.
    """

    def __init__(
        self,
        sentence: str,
        status: int = 2,
        *,
        code: str | None = None,
        available_from: datetime | None = None,
    ) -> None:
        super().__init__(localize(sentence, current_locale()))
        self.status = status
        self.code = code
        self.available_from = available_from

    def as_json(self) -> dict[str, Any]:
        """What another program reads of it (docs/commands.md)."""
        return {
            "error": {
                "message": str(self),
                "exit_status": self.status,
                "code": self.code,
                "available_from": self.available_from,
            }
        }
