"""Streams the upload of a proof or of evidence: one file and a few short fields (R10, R11, R16).

An ordinary form parser would buffer any number of files before they could be checked.

UploadError
├── NotMultipart      the request is not multipart/form-data (HTTP 415)
├── MalformedUpload   it can't be parsed (HTTP 400)
├── UploadTooLarge    more bytes or fields than a proof's upload may have (HTTP 413)
└── WrongParts        no file, or a part twice (HTTP 422)

Fields that aren't what the contract says are ``orders.errors.InvalidInput`` (HTTP 422).
"""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import ClassVar, Generic, Literal, TypeVar

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)
from pydantic import ValidationError

from orders.errors import InvalidInput
from orders.sentences import sentence
from orders.values import Frozen, LongText, MessageId

LARGEST_BODY = 10 * 1024 * 1024 + 64 * 1024
"""Bytes of the whole request: the largest proof and its multipart framing."""

_MOST_FIELDS = 8
_SECRET = "form_secret"
_LONGEST_BOUNDARY = 70  # RFC 2046


class UploadError(Exception):
    """A refused upload; the text is for the sender."""


class NotMultipart(UploadError):
    """Not multipart/form-data."""

    def __init__(self) -> None:
        super().__init__(
            sentence(
                "A photo or scan is sent as multipart/form-data, as `file`; with a proof of shipment goes "
                "`kind`, which is photo or postal_receipt."
            )
        )


class MalformedUpload(UploadError):
    """Invalid or truncated multipart."""

    def __init__(self, what: str) -> None:
        super().__init__(sentence("The upload can't be read: {what}. Send it again.", what=what))


class UploadTooLarge(UploadError):
    """Over one of the limits above."""

    def __init__(self, what: str) -> None:
        super().__init__(sentence("The upload is too large: {what}.", what=what))


class WrongParts(UploadError):
    """The parts are readable, but not those of a proof."""

    def __init__(self, what: str) -> None:
        super().__init__(
            sentence("The form must have one `file`, and each field once, but {what}.", what=what)
        )


class UploadFields(Frozen):
    """What comes beside any file; no field has more than ``longest`` bytes."""

    longest: ClassVar[int] = 4 * 64

    message_id: MessageId | None = None


class ProofFields(UploadFields):
    """What comes beside a proof."""

    kind: Literal["photo", "postal_receipt"]


class EvidenceFields(UploadFields):
    """What comes beside the buyer's evidence."""

    longest: ClassVar[int] = 4 * 1000

    note: LongText = ""


_Fields = TypeVar("_Fields", bound=UploadFields)


class ProofUpload(Generic[_Fields]):
    """One upload: read ``chunks`` to its end, then ``fields`` is there.

    ``body`` is Starlette's ``Request.stream()``. The part named `file` is the file; its filename and
    declared type are ignored.
    """

    def __init__(
        self,
        content_type: str | None,
        body: AsyncIterator[bytes],
        fields: type[_Fields],
        check: Callable[[Mapping[str, str]], None] | None = None,
    ) -> None:
        """``check`` is given the fields that come before the file, and raises if ``form_secret`` is wrong.

        Raises NotMultipart and MalformedUpload.
        """
        self.fields: _Fields | None = None
        self._model = fields
        self._body = body
        self._check = check
        self._parser = PushMultipartParser(_boundary(content_type))
        self._part = ""
        self._parts: dict[str, bytes] = {}

    async def chunks(self) -> AsyncIterator[bytes]:
        """The file's bytes, in chunks no larger than the body's.

        Ends only once the whole form has been read and validated, so store the file after the last chunk.
        Raises UploadError and InvalidInput.
        """
        size = 0
        async for data in self._body:
            size += len(data)
            if size > LARGEST_BODY:
                raise UploadTooLarge(sentence("a proof has 10 MiB at most"))
            for event in self._parse(data):
                if isinstance(event, MultipartSegment):
                    self._begin_part(event.name)
                elif event and self._part == "file":
                    yield event
                elif event:
                    self._add_to_field(event)
        try:
            self._parser.close()
        except MultipartError:
            raise MalformedUpload(sentence("it breaks off before its end")) from None
        if self._parts.pop("file", None) is None:
            raise WrongParts(sentence("there is no `file`"))
        if self._check:
            del self._parts[_SECRET]
        fields = {name: _text(value) for name, value in self._parts.items()}
        try:
            self.fields = self._model.model_validate(fields)
        except ValidationError as error:
            raise InvalidInput.from_validation(sentence("The form"), error) from None

    def _parse(self, data: bytes) -> list[MultipartSegment | bytes | None]:
        if not data:
            # The parser would read it as the end.
            return []
        try:
            return list(self._parser.parse(data))
        except MultipartError as error:
            raise MalformedUpload(sentence("it isn't multipart/form-data inside")) from error

    def _begin_part(self, name: str | None) -> None:
        if not name:
            raise MalformedUpload(sentence("a part of it has no name"))
        if name in self._parts:
            raise WrongParts(sentence("a part is there twice"))
        if self._check and name == "file":
            self._parts.setdefault(_SECRET, b"")
            self._check({name: _text(value) for name, value in self._parts.items()})
        self._part, self._parts[name] = name, b""
        if len(self._parts.keys() - {"file"}) > _MOST_FIELDS:
            raise UploadTooLarge(sentence("it has more than {most} fields", most=_MOST_FIELDS))

    def _add_to_field(self, data: bytes) -> None:
        self._parts[self._part] += data
        most = self._model.longest
        if len(self._parts[self._part]) > most:
            raise UploadTooLarge(sentence("a field has more than {most} bytes", most=most))


def _boundary(content_type: str | None) -> str:
    kind, options = parse_options_header(content_type or "")
    if kind != "multipart/form-data":
        raise NotMultipart
    boundary: str = options.get("boundary", "")
    if not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        raise MalformedUpload(sentence("its Content-Type has no boundary of 1 to 70 characters"))
    return boundary


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise MalformedUpload(sentence("its fields are not in UTF-8")) from None
