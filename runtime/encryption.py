"""What Temporal keeps, encrypted: who reads its database, its backups or its web UI reads no order.

Payloads and the texts of failures are sealed with AES-256-GCM; ids, types, search attributes and times are
not.
"""

import base64
import dataclasses
import os
import re
from collections.abc import Sequence
from copy import copy
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import (
    ActivitySerializationContext,
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from orders.sentences import sentence

ENCODING: Final = b"binary/encrypted"
_KEY_ID: Final = "encryption-key-id"
_WORKFLOW_ID: Final = "encryption-workflow-id"
_KEY_BYTES: Final = 32
_KEY_ID_FORM: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NONCE_BYTES: Final = 12
# How Temporal names a workflow that a schedule starts: the id that is known beforehand, and the instant.
_SCHEDULED: Final = "-20"


@dataclasses.dataclass(frozen=True)
class EncryptionKey:
    """A key of AES-256, with the id by which payloads name it."""

    key_id: str
    secret: bytes = dataclasses.field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``id:key``, with 32 bytes in base64. Raises ValueError."""
        key_id, separator, secret = text.partition(":")
        key = base64.b64decode(secret, validate=True)
        if not (_KEY_ID_FORM.fullmatch(key_id) and separator and len(key) == _KEY_BYTES):
            raise ValueError(key_id)
        return cls(key_id, key)


class CannotDecrypt(Exception):
    """A payload cannot be read; the text says why, with the remedy.

    On a worker it fails the task, which is tried again: an order waits for its key, and goes on with it.
    """


class EncryptionCodec(PayloadCodec, WithSerializationContext):
    """Seals each payload with the first key, and opens what any of the keys sealed.

    The id of the workflow that a payload belongs to is authenticated with it: in another workflow it cannot
    be read. What is not sealed is passed on: it is older than the keys, or was sent by hand.
    """

    def __init__(self, keys: Sequence[EncryptionKey]) -> None:
        self._keys = {key.key_id: AESGCM(key.secret) for key in keys}
        self._newest = keys[0].key_id
        self._workflow_id: str | None = None

    def with_context(self, context: SerializationContext) -> Self:
        """See base class."""
        if not isinstance(context, WorkflowSerializationContext | ActivitySerializationContext):
            return self
        of_workflow = copy(self)
        of_workflow._workflow_id = context.workflow_id
        return of_workflow

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """See base class."""
        return [self._seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """See base class. Raises CannotDecrypt."""
        return [self._open(payload) for payload in payloads]

    def _seal(self, payload: Payload) -> Payload:
        workflow_id = (self._workflow_id or "").encode()
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._keys[self._newest].encrypt(nonce, payload.SerializeToString(), workflow_id)
        return Payload(
            metadata={
                "encoding": ENCODING,
                _KEY_ID: self._newest.encode(),
                _WORKFLOW_ID: workflow_id,
            },
            data=nonce + sealed,
        )

    def _open(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        key_id = payload.metadata[_KEY_ID].decode(errors="replace")
        if (key := self._keys.get(key_id)) is None:
            raise CannotDecrypt(
                sentence(
                    "This was encrypted with the key {key_id}, which UNBUY_ENCRYPTION_KEYS does not have. "
                    "Add it there, behind the others.",
                    key_id=key_id,
                )
            )
        workflow_id = payload.metadata[_WORKFLOW_ID]
        nonce, sealed = payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:]
        try:
            opened = key.decrypt(nonce, sealed, workflow_id)
        except (InvalidTag, ValueError):
            raise CannotDecrypt(
                sentence(
                    "This was not encrypted with the key {key_id}, or was changed.", key_id=key_id
                )
            ) from None
        self._must_belong_here(workflow_id.decode())
        return Payload.FromString(opened)

    def _must_belong_here(self, workflow_id: str) -> None:
        here = self._workflow_id
        if here is None or workflow_id == here or here.startswith(workflow_id + _SCHEDULED):
            return
        raise CannotDecrypt(
            sentence(
                "This belongs to the workflow {workflow_id}, and was found in {here}.",
                workflow_id=workflow_id,
                here=here,
            )
        )


def data_converter(keys: Sequence[SecretStr]) -> DataConverter:
    """How clients and workers convert what they hand to Temporal: encrypted if there are keys."""
    if not keys:
        return pydantic_data_converter
    return dataclasses.replace(
        pydantic_data_converter,
        payload_codec=EncryptionCodec([EncryptionKey.parse(it.get_secret_value()) for it in keys]),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )
