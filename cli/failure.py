"""What a command could not do."""

from i18n.current import current_locale
from i18n.sentences import localize


class Failure(Exception):
    """A sentence with the remedy, in the current language, and the exit status: 1 refused or impossible
    now, 2 asked for wrongly.
    """

    def __init__(self, sentence: str, status: int = 2) -> None:
        super().__init__(localize(sentence, current_locale()))
        self.status = status
