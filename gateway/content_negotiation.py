"""Content negotiation (RFC 9110, 12.5.1): a page or a machine-readable response."""

from gateway.problems import MEDIA_TYPE
from i18n.negotiation import weights


def prefers_a_page(accept: str) -> bool:
    """Whether HTML is preferred to JSON. A caller that accepts anything counts as a program."""
    wanted = weights(accept)
    problem = max(_weight("application/json", wanted), _weight(MEDIA_TYPE, wanted))
    return _weight("text/html", wanted) > problem


def _weight(media_type: str, wanted: dict[str, float]) -> float:
    """The weight of the most specific matching range."""
    ranges = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
    return next((wanted[it] for it in ranges if it in wanted), 0.0)
