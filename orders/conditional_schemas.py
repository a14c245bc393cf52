"""JSON schemas of fields that go together."""

from typing import Any, Final

NONE: Final = {"type": "null"}
"""A field that must not be there."""


def depending_on(
    field: str, shapes: dict[str, dict[str, Any]], otherwise: dict[str, Any]
) -> dict[str, Any]:
    """What a validator says of fields that go together, for schemas: by a field's value, a shape.

    As ``if``, ``then`` and ``else``, which generators of clients pass over; of ``anyOf`` they make types.
    """
    schema = _shape(otherwise)
    for value, shape in shapes.items():
        condition = {"properties": {field: {"const": value}}}
        schema = {"if": condition, "then": _shape(shape), "else": schema}
    return schema


def _shape(shape: dict[str, Any]) -> dict[str, Any]:
    needed = [name for name, about in shape.items() if about != NONE]
    return {"properties": shape, **({"required": needed} if needed else {})}
