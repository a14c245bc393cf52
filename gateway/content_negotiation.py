"""What a caller would rather read (RFC 9110, 12.5.1): a page, or what a program takes."""

from gateway.problems import MEDIA_TYPE
from i18n.negotiation import weights


def prefers_a_page(accept: str) -> bool:
    """Whether HTML is asked for before JSON; who takes anything is a program."""
    wanted = weights(accept)
    problem = max(_weight("application/json", wanted), _weight(MEDIA_TYPE, wanted))
    return _weight("text/html", wanted) > problem


def _weight(media_type: str, wanted: dict[str, float]) -> float:
    """By the most specific range that it is in."""
    ranges = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
    return next((wanted[it] for it in ranges if it in wanted), 0.0)
