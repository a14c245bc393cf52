"""Neighbours that do not answer as they should."""

from dataclasses import dataclass

from demo.waiting import until


class OutOfOrder(Exception):
    """What a neighbour raises while it is down."""


@dataclass
class Outage:
    """Whether a neighbour works: it may be down, fail so many calls more, or hang until it is mended."""

    down: bool = False
    failures: int = 0
    hangs: bool = False
    asked: int = 0
    """How often it was called, also in vain."""

    async def endure(self) -> None:
        """Count the call, and let it through, fail or hang."""
        self.asked += 1
        if self.hangs:
            await until(lambda: not self.hangs, within=None)
        if self.failures:
            self.failures -= 1
            raise OutOfOrder("It is out of order.")
        if self.down:
            raise OutOfOrder("It is out of order.")
