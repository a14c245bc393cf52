"""What a caller would rather read (RFC 9110, 12.5.1): a page, or what a program takes."""

from typing import Final

from gateway.problems import MEDIA_TYPE

_MOST: Final = 50


def prefers_a_page(accept: str) -> bool:
    """Whether HTML is asked for before JSON; who takes anything is a program."""
    weights = _weights(accept)
    problem = max(_weight("application/json", weights), _weight(MEDIA_TYPE, weights))
    return _weight("text/html", weights) > problem


def _weight(media_type: str, weights: dict[str, float]) -> float:
    """By the most specific range that it is in."""
    ranges = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
    return next((weights[it] for it in ranges if it in weights), 0.0)


def _weights(accept: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in accept.lower().split(",")[:_MOST]:
        media_type, *parameters = (it.strip() for it in part.split(";"))
        named = dict(it.partition("=")[::2] for it in parameters)
        try:
            found[media_type] = float(named.get("q", 1))
        except ValueError:
            continue
    return found
