"""JSON that gives a field twice, of which pydantic takes the last."""

import json
from typing import Any

from orders.errors import InvalidInput
from orders.sentences import sentence


def refuse_repeated_keys(body: bytes) -> None:
    """Raise InvalidInput for JSON that gives a field twice; pydantic, which takes the last, has read it."""
    json.loads(body, object_pairs_hook=_each_key_once)


def _each_key_once(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise InvalidInput(sentence("A field is given twice, so it is unclear which one counts."))
