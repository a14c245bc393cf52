"""Files that the proof store keeps for an order: photos, scans and documents that people uploaded."""

from typing import Annotated

from pydantic import Field, StringConstraints

from orders.values import Frozen, LongText, ShortText


class StoredFile(Frozen):
    """One of them: ``reference`` is where it is kept. ``size`` is in bytes."""

    reference: Annotated[LongText, StringConstraints(min_length=1)]
    media_type: Annotated[ShortText, StringConstraints(min_length=1)]
    size: Annotated[int, Field(strict=True, gt=0, le=10 * 1024 * 1024)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")]
