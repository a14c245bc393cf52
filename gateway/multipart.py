"""The upload of a proof, read as it comes: one file and a few short fields (R10, R11).

A form parser would keep the whole file, and however many others, before anybody may judge it.

UploadError
├── NotMultipart      the request is no multipart/form-data (HTTP 415)
├── MalformedUpload   it can't be read as what it says it is (HTTP 400)
├── UploadTooLarge    more bytes or fields than a proof's upload may have (HTTP 413)
└── WrongParts        no file, or a part twice (HTTP 422)

Fields that aren't what the contract says are ``orders.errors.InvalidInput`` (HTTP 422).
"""

from collections.abc import AsyncIterator
from typing import Literal

from pydantic import ValidationError
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from orders.errors import InvalidInput
from orders.sentences import sentence
from orders.values import Frozen, MessageId

LARGEST_BODY = 10 * 1024 * 1024 + 64 * 1024
"""Bytes of the whole request: the largest proof, and room for its envelope."""

_MOST_FIELDS = 8
# Bytes; the longest that is allowed, 64 characters, in UTF-8.
_LONGEST_FIELD = 256
_LONGEST_BOUNDARY = 70  # RFC 2046


class UploadError(Exception):
    """An upload that can't be taken; the text is for the one who sent it."""


class NotMultipart(UploadError):
    """Another content type, or none."""

    def __init__(self) -> None:
        super().__init__(
            sentence(
                "A proof is sent as multipart/form-data: the photo or scan as `file`, and `kind`, which "
                "is photo or postal_receipt."
            )
        )


class MalformedUpload(UploadError):
    """Not multipart inside, or cut off."""

    def __init__(self, what: str) -> None:
        super().__init__(sentence("The upload can't be read: {what}. Send it again.", what=what))


class UploadTooLarge(UploadError):
    """Beyond one of the limits above."""

    def __init__(self, what: str) -> None:
        super().__init__(sentence("The upload is too large: {what}.", what=what))


class WrongParts(UploadError):
    """The parts are readable, but not those of a proof."""

    def __init__(self, what: str) -> None:
        super().__init__(
            sentence("The form must have one `file` and one `kind`, but {what}.", what=what)
        )


class ProofFields(Frozen):
    """What comes beside the file."""

    kind: Literal["photo", "postal_receipt"]
    message_id: MessageId | None = None


class ProofUpload:
    """One upload: read ``chunks`` to its end, then ``fields`` is there.

    ``body`` is what Starlette's ``Request.stream()`` gives. Which part is the file says its name, `file`;
    the filename and type that the sender gives it are nobody's business.
    """

    def __init__(self, content_type: str | None, body: AsyncIterator[bytes]) -> None:
        """Raises NotMultipart and MalformedUpload."""
        self.fields: ProofFields | None = None
        self._body = body
        self._parser = MultipartParser(
            _boundary(content_type),
            {
                "on_part_begin": self._begin_part,
                "on_header_field": self._add_header_name,
                "on_header_value": self._add_header_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._name_part,
                "on_part_data": self._add_data,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
        )
        self._header_name = b""
        self._header_value = b""
        self._disposition = b""
        self._part = ""
        self._value = b""
        self._values: dict[str, str] = {}
        self._arrived: list[bytes] = []
        self._has_file = False
        self._ended = False

    async def chunks(self) -> AsyncIterator[bytes]:
        """The file's bytes, no more of them at once than the body gives.

        Ends only when all of the form is read and found good, so whoever waits for the end before he
        keeps the file keeps none whose form is wrong. Raises UploadError and InvalidInput.
        """
        size = 0
        async for data in self._body:
            size += len(data)
            if size > LARGEST_BODY:
                raise UploadTooLarge(sentence("a proof has 10 MiB at most"))
            try:
                self._parser.write(data)
            except FormParserError as error:
                raise MalformedUpload(sentence("it isn't multipart/form-data inside")) from error
            for chunk in self._arrived:
                yield chunk
            self._arrived.clear()
        if not self._ended:
            raise MalformedUpload(sentence("it breaks off before its end"))
        if not self._has_file:
            raise WrongParts(sentence("there is no `file`"))
        try:
            self.fields = ProofFields.model_validate(self._values)
        except ValidationError as error:
            raise InvalidInput.of("The form", error) from None

    def _begin_part(self) -> None:
        self._disposition = b""

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name = self._header_value = b""

    def _name_part(self) -> None:
        kind, options = parse_options_header(self._disposition.decode("latin-1"))
        if kind != b"form-data" or not (name := options.get(b"name")):
            raise MalformedUpload(sentence("a part of it has no name"))
        self._part = _text(name)
        if self._part in self._values or (self._part == "file" and self._has_file):
            raise WrongParts(sentence("a part is there twice"))
        if self._part == "file":
            self._has_file = True
        elif len(self._values) == _MOST_FIELDS:
            raise UploadTooLarge(sentence("it has more than {most} fields", most=_MOST_FIELDS))
        self._value = b""

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._part == "file":
            self._arrived.append(data[start:end])
        elif len(self._value) + end - start > _LONGEST_FIELD:
            raise UploadTooLarge(
                sentence("a field has more than {most} bytes", most=_LONGEST_FIELD)
            )
        else:
            self._value += data[start:end]

    def _end_part(self) -> None:
        if self._part != "file":
            self._values[self._part] = _text(self._value)

    def _end(self) -> None:
        self._ended = True


def _boundary(content_type: str | None) -> bytes:
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        raise NotMultipart
    boundary = options.get(b"boundary", b"")
    if not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        raise MalformedUpload(sentence("its Content-Type has no boundary of 1 to 70 characters"))
    return boundary


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise MalformedUpload(sentence("its fields are not in UTF-8")) from None
