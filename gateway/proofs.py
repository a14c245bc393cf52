"""Proofs of shipment over HTTP (R10-R12; case 53): streamed to the store, and served."""

import asyncio
from datetime import timedelta
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from adapters.proof_store import (
    EmptyProof,
    IncompleteProof,
    ProofError,
    ProofStore,
    ProofTooLarge,
    StoredProof,
    WrongMediaType,
)
from client.proofs import proof_refusal
from gateway.access import Caller
from gateway.multipart import (
    LARGEST_BODY,
    MalformedUpload,
    NotMultipart,
    ProofFields,
    ProofUpload,
    UploadError,
    UploadTooLarge,
    WrongParts,
)
from gateway.orders import OrderService, possible
from gateway.problems import (
    BadRequest,
    ContentTooLarge,
    Invalid,
    NotFound,
    Problem,
    RequestTimeout,
    ServiceUnavailable,
    WrongType,
    refused,
)
from orders.messages import ShipmentProof
from orders.sentences import sentence
from orders.view import OrderView

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


class Proofs:
    """Accepts uploads and serves them."""

    def __init__(self, orders: OrderService, store: ProofStore) -> None:
        self._orders = orders
        self._store = store

    async def take(
        self, caller: Caller, order_id: str, request: Request, key: str | None = None
    ) -> OrderView:
        """Store an uploaded photo or scan, and send it to the order. ``key``: the message id.

        If the order accepts no proof now, the body is not read.
        """
        view = await self._orders.visible(caller, order_id)
        if refusal := proof_refusal(view):
            raise refused(refusal, possible(caller, view))
        fields, stored = await self._receive(order_id, request)
        proof = ShipmentProof(
            message_id=key or fields.message_id,
            kind=fields.kind,
            reference=stored.reference,
            media_type=stored.media_type,
            size=stored.size,
            sha256=stored.sha256,
        )
        return await self._orders.tell(caller, order_id, proof)

    async def open(self, caller: Caller, order_id: str, sha256: str) -> Response:
        """A proof as an attachment of its own media type, never sniffed."""
        view = await self._orders.visible(caller, order_id)
        known = view.shipment.proofs if view.shipment else []
        try:
            opened = (
                await self._store.open(order_id, sha256)
                if any(it.sha256.lower() == sha256.lower() for it in known)
                else None
            )
        except ProofError as error:
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

    async def _receive(self, order_id: str, request: Request) -> tuple[ProofFields, StoredProof]:
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > LARGEST_BODY:
            raise ContentTooLarge(
                sentence("A proof has 10 MiB at most: send a smaller photo or scan.")
            )
        try:
            async with asyncio.timeout(WITHIN.total_seconds()):
                upload = ProofUpload(request.headers.get("content-type"), request.stream())
                stored = await self._store.keep(order_id, upload.chunks())
        except TimeoutError:
            raise RequestTimeout(
                sentence("The upload took longer than two minutes; send it again.")
            ) from None
        except ClientDisconnect:
            raise BadRequest(sentence("The upload broke off.")) from None
        except (UploadError, ProofError) as error:
            raise _MEANINGS.get(type(error), ServiceUnavailable)(str(error)) from None
        assert upload.fields, "whoever read to the end has them"
        return upload.fields, stored
