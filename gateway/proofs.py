"""Proofs of shipment (R10-R12; case 53) and evidence in disputes (R16) over HTTP: streamed to the store, and
served.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from math import ceil
from operator import itemgetter
from typing import IO, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from adapters.proof_copies import ProofCopies
from adapters.proof_files import (
    AlteredProof,
    CannotDraw,
    EmptyProof,
    IncompleteProof,
    ProofError,
    ProofTooLarge,
    ReceivedProof,
    StoreUnavailable,
    WrongMediaType,
    received,
)
from adapters.proof_store import OpenedProof, ProofStore, reference
from client.proofs import PATHS, Upload, upload_refusal
from gateway.access import Caller
from gateway.limits import RateLimits
from gateway.multipart import (
    LARGEST_BODY,
    EvidenceFields,
    MalformedUpload,
    NotMultipart,
    ProofFields,
    ProofUpload,
    UploadError,
    UploadFields,
    UploadTooLarge,
    WrongParts,
)
from gateway.orders import OrderService, possible
from gateway.problems import (
    BadRequest,
    Conflict,
    ContentTooLarge,
    Invalid,
    NotFound,
    Problem,
    RequestTimeout,
    ServiceUnavailable,
    TooManyRequests,
    WrongType,
    refused,
)
from orders.messages import DisputeEvidence, Role, ShipmentProof
from orders.sentences import sentence
from orders.view import OrderView

log = logging.getLogger("unbuy.gateway")

WITHIN: Final = timedelta(minutes=2)
"""How long an upload may take: 10 MiB on a slow line."""

_MEANINGS: Final[dict[type[Exception], type[Problem]]] = {
    NotMultipart: WrongType,
    MalformedUpload: BadRequest,
    UploadTooLarge: ContentTooLarge,
    WrongParts: Invalid,
    ProofTooLarge: ContentTooLarge,
    WrongMediaType: WrongType,
    EmptyProof: Invalid,
    IncompleteProof: Invalid,
}


_FIELDS: Final[dict[type[Upload], type[UploadFields]]] = {
    ShipmentProof: ProofFields,
    DisputeEvidence: EvidenceFields,
}


class Proofs:
    """Accepts uploads and serves them."""

    def __init__(self, orders: OrderService, store: ProofStore, limits: RateLimits) -> None:
        """``limits``: how many uploads of each party an order may have."""
        self._orders = orders
        self._store = store
        self._limits = limits
        self._copies = ProofCopies()

    async def take(
        self,
        caller: Caller,
        order_id: str,
        request: Request,
        message: type[Upload],
        key: str | None = None,
        check: Callable[[Mapping[str, str]], None] | None = None,
    ) -> OrderView:
        """Store an uploaded photo or scan, and send it to the order in this message. ``key``: its id.

        ``check`` is given the fields before the file is read, and raises if the form's secret is wrong.

        If the order accepts none now, the body is not read. A file that it then refuses is not kept.
        """
        view = await self._orders.visible(caller, order_id)
        if refusal := upload_refusal(view, message):
            raise refused(refusal, possible(caller, view))
        await self._count(f"{PATHS[message]} of {order_id}")
        async with (
            _received(request, _FIELDS[message], check) as (fields, file),
            _drawn(self._copies, file) as copy,
        ):
            return await self._tell(caller, order_id, file, copy, fields, key)

    async def _open_copy(self, order_id: str, sha256: str) -> OpenedProof | None:
        """The copy of a proof, which is drawn now if it came before there were any."""
        if copy := await self._store.open(order_id, sha256, copy=True):
            return copy
        if (original := await self._store.open(order_id, sha256)) is None:
            return None
        try:
            async with received(original.chunks) as file, self._copies.drawn(file) as drawn:
                await self._store.keep_copy(order_id, sha256, drawn)
        except (StoreUnavailable, CannotDraw):
            raise
        except AlteredProof as error:
            log.error("A file in the proof store is not the one that was sent")
            raise NotFound(str(error)) from None
        except ProofError:
            # Once it took no more than the right first bytes.
            raise NotFound(sentence("This proof can't be shown to you; support has it.")) from None
        return await self._store.open(order_id, sha256, copy=True)

    async def _count(self, what: str) -> None:
        # Apart from the other party's, who could be kept from proving anything else.
        try:
            await self._limits.count(what)
        except TooManyRequests as error:
            hours = ceil(error.seconds / 3600)
            raise TooManyRequests(
                sentence(
                    "No more files can be uploaded for this order today; try again in {hours} h.",
                    hours=hours,
                ),
                error.seconds,
            ) from None

    async def _tell(
        self,
        caller: Caller,
        order_id: str,
        file: ReceivedProof,
        copy: IO[bytes],
        fields: UploadFields,
        key: str | None,
    ) -> OrderView:
        said = fields.model_dump() | {
            "message_id": key or fields.message_id,
            "reference": reference(order_id, file.sha256),
            "media_type": file.media_type,
            "size": file.size,
            "sha256": file.sha256,
        }
        message = DisputeEvidence if isinstance(fields, EvidenceFields) else ShipmentProof
        proof = message.model_validate(said)
        is_new = False

        async def keep() -> None:
            nonlocal is_new
            if not await self._store.has(order_id, proof):
                await self._store.keep(order_id, file, copy)
                is_new = True

        try:
            return await self._orders.tell(caller, order_id, proof, keep)
        except (Conflict, Invalid, NotFound):
            # Without an answer the order may still take it.
            if is_new:
                await self._remove_unless_taken(order_id, file.sha256)
            raise
        except StoreUnavailable as error:
            raise ServiceUnavailable(str(error)) from None

    async def _remove_unless_taken(self, order_id: str, sha256: str) -> None:
        """Remove a file, unless it came with another message as well, which the order took."""
        try:
            view = await self._orders.find(order_id)
            if not (view and _giver(view, sha256)):
                await self._store.remove(order_id, sha256)
        except (Problem, StoreUnavailable) as error:
            log.warning("A file that an order refused is still stored: %s", type(error).__name__)

    async def open(self, caller: Caller, order_id: str, sha256: str) -> Response:
        """A proof or evidence as an attachment of its own media type, never sniffed.

        The other party gets its copy, which tells nothing of who gave it but what can be seen (case 85).
        """
        view = await self._orders.visible(caller, order_id)
        opened = None
        if giver := _giver(view, sha256):
            try:
                opened = (
                    await self._store.open(order_id, sha256)
                    if caller.role in (giver, Role.SUPPORT)
                    else await self._open_copy(order_id, sha256)
                )
            except (StoreUnavailable, CannotDraw) as error:
                raise ServiceUnavailable(str(error)) from None
        if opened is None:
            raise NotFound(sentence("This order has no such proof."))
        return StreamingResponse(
            opened.chunks,
            media_type=opened.media_type,
            headers={
                "Content-Length": str(opened.size),
                "Content-Disposition": f'attachment; filename="{opened.file_name}"',
                "Cache-Control": "no-store",
            },
        )


@asynccontextmanager
async def _received(
    request: Request, fields: type[UploadFields], check: Callable[[Mapping[str, str]], None] | None
) -> AsyncIterator[tuple[UploadFields, ReceivedProof]]:
    """What was uploaded, until the context is left. Raises a Problem where it cannot be taken."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > LARGEST_BODY:
        raise ContentTooLarge(sentence("A proof has 10 MiB at most: send a smaller photo or scan."))
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(WITHIN.total_seconds()):
                content_type = request.headers.get("content-type")
                upload = ProofUpload(content_type, request.stream(), fields, check)
                file = await stack.enter_async_context(received(upload.chunks()))
        except TimeoutError:
            raise RequestTimeout(
                sentence("The upload took longer than two minutes; send it again.")
            ) from None
        except ClientDisconnect:
            raise BadRequest(sentence("The upload broke off.")) from None
        except (UploadError, ProofError) as error:
            raise _MEANINGS[type(error)](str(error)) from None
        assert upload.fields, "whoever read to the end has them"
        yield upload.fields, file


@asynccontextmanager
async def _drawn(copies: ProofCopies, file: ReceivedProof) -> AsyncIterator[IO[bytes]]:
    """A copy of the file. Raises a Problem where none can be drawn."""
    async with AsyncExitStack() as stack:
        try:
            copy = await stack.enter_async_context(copies.drawn(file))
        except CannotDraw as error:
            raise ServiceUnavailable(str(error)) from None
        except ProofError as error:
            raise Invalid(str(error)) from None
        yield copy


def _giver(view: OrderView, sha256: str) -> Role | None:
    """Who gave the order this file first, a proof or evidence; None for no file of the order.

    The other party reads its name in the view, and may send it as its own.
    """
    proofs = view.shipment.proofs if view.shipment else []
    files = view.dispute.files if view.dispute else []
    given = [(it.given_at, Role.SELLER) for it in proofs if _is_named(it.sha256, sha256)]
    given += [(it.given_at, Role.BUYER) for it in files if _is_named(it.sha256, sha256)]
    return min(given, key=itemgetter(0), default=(None, None))[1]


def _is_named(known: str, sha256: str) -> bool:
    return known.lower() == sha256.lower()
