"""Polling for a condition, up to a limit."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from inspect import isawaitable
from typing import TypeVar, overload

T = TypeVar("T")

PATIENCE = timedelta(seconds=30)
"""The default limit, enough for a busy machine."""

_EVERY = 0.02


@overload
async def until(
    look: Callable[[], Awaitable[T]],
    right: Callable[[T], object] = ...,
    *,
    within: timedelta | None = ...,
) -> T: ...
@overload
async def until(
    look: Callable[[], T], right: Callable[[T], object] = ..., *, within: timedelta | None = ...
) -> T: ...
async def until(
    look: Callable[[], Awaitable[T] | T],
    right: Callable[[T], object] = bool,
    *,
    within: timedelta | None = PATIENCE,
) -> T:
    """Poll until the value is right, and return it; ``within``: None for ever.

    Raises TimeoutError with the last value.
    """

    seen: list[T] = []
    try:
        async with asyncio.timeout(within.total_seconds() if within else None):
            while True:
                looked = look()
                seen = [await looked if isawaitable(looked) else looked]
                if right(seen[0]):
                    return seen[0]
                await asyncio.sleep(_EVERY)
    except TimeoutError:
        raise TimeoutError(f"not within {within}; seen last: {seen}") from None
