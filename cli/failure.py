"""What a command could not do."""


class Failure(Exception):
    """A sentence with the remedy, and the exit status: 1 refused or impossible now, 2 asked for wrongly."""

    def __init__(self, sentence: str, status: int = 2) -> None:
        super().__init__(sentence)
        self.status = status
