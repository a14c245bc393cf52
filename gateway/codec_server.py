"""A codec server: Temporal's web UI and command line ask it for what is encrypted, in the name of support.

It decodes only. What is typed there is sent as it is, and encrypted from the next task on.
"""

from typing import Annotated, Final

from fastapi import APIRouter
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from starlette.requests import Request
from starlette.responses import Response
from temporalio.api.common.v1 import Payloads
from temporalio.converter import PayloadCodec

from gateway import bodies
from gateway.access import Caller
from gateway.api import only_for
from gateway.problems import BadRequest, Invalid
from orders.sentences import sentence
from runtime.encryption import CannotDecrypt

LARGEST: Final = 4 * 1024 * 1024
"""Bytes of a request: what Temporal sends at once of a history."""


def codec_server(codec: PayloadCodec) -> APIRouter:
    """The route ``/temporal/decode``; its protocol is Temporal's remote codec."""
    router = APIRouter(prefix="/temporal", include_in_schema=False)

    @router.post("/decode")
    async def decode(request: Request, _: Annotated[Caller, only_for("decode")]) -> Response:
        body = await bodies.read(request, LARGEST)
        try:
            encoded = Parse(body.decode(), Payloads())
        except (ParseError, UnicodeDecodeError):
            raise BadRequest(
                sentence("The body is no list of payloads as Temporal sends it.")
            ) from None
        try:
            decoded = Payloads(payloads=await codec.decode(encoded.payloads))
        except CannotDecrypt as error:
            raise Invalid(str(error)) from None
        return Response(MessageToJson(decoded), media_type="application/json")

    return router
