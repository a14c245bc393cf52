"""Why a message could not be delivered to an address.

DeliveryFailure
├── TemporaryFailure    it may be later: tried again
└── PermanentFailure    it never will be: noted for support, and not tried again

Their sentences name nobody: they end up in logs and in Temporal's histories.
"""


class DeliveryFailure(Exception):
    """A message could not be delivered to one of its addresses."""


class TemporaryFailure(DeliveryFailure):
    """It could not be delivered this time."""


class PermanentFailure(DeliveryFailure):
    """It cannot be delivered there, however often it is tried."""
