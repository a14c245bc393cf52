"""Why a letter could not be delivered to an address.

Undelivered
├── NotNow     it may be later: tried again
└── GivenUp    it never will be: noted for support, and not tried again

Their sentences name nobody: they end up in logs and in Temporal's histories.
"""


class Undelivered(Exception):
    """A letter could not be delivered to one of its addresses."""


class TemporaryFailure(Undelivered):
    """It could not be delivered this time."""


class PermanentFailure(Undelivered):
    """It cannot be delivered there, however often it is tried."""
