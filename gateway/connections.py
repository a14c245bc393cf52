"""Connections that nobody can hold by saying nothing, half a request, or never reading (case 86).

uvicorn limits how long a connection may be idle after an answer (``KEEP_ALIVE``), and nothing else.
``gateway.bodies`` has the limits of bodies.
"""

import asyncio
import logging
import socket
import sys
from datetime import timedelta
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

if sys.platform != "win32":
    import resource

log = logging.getLogger("unbuy.gateway")

HEAD_WITHIN: Final = timedelta(seconds=10)
"""From the beginning of a connection, or of a further request, to the end of the request's head."""

KEEP_ALIVE: Final = timedelta(seconds=20)
"""How long a connection stays open after an answer: longer than clients keep theirs (httpx 5 seconds,
aiohttp 15), as a request that is sent while the other side closes is lost."""

READ_WITHIN: Final = timedelta(seconds=30)
"""How long an answer may wait until its reader takes some of it (on Linux)."""

LARGEST_HEAD: Final = 16 * 1024
"""Bytes of a request's head, cookies and token included."""

SMALL_CHUNK: Final = 64
MOST_SMALL_CHUNKS: Final = 1024
"""So many chunks of a body may be smaller than ``SMALL_CHUNK`` bytes, on average."""

AT_ONCE: Final = 128
"""Connections that are accepted before any of them is looked at."""

# h11 judges the size of what is incomplete only: it gets a head in slices, and no more of what is behind it.
_HEAD_SLICE: Final = 1024
_BODY_SLICE: Final = 16 * 1024

# The files of a process that are not connections of callers: database, Temporal, proofs, logs; and
# connections that are accepted while others are being closed.
_OTHER_FILES: Final = 128 + 2 * AT_ONCE
_BESIDE_WATCHERS: Final = 3000
_SAID_EVERY: Final = 60.0


def most_connections(max_watchers: int) -> int:
    """How many connections may be open: as many as this process may have files, fewer than would be many."""
    wanted = max_watchers + _BESIDE_WATCHERS
    if sys.platform == "win32":
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = wanted + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < files:
        soft = files if hard == resource.RLIM_INFINITY else min(files, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        files = soft
    return max(files - _OTHER_FILES, AT_ONCE)


class _Parser(h11.Connection):
    """h11's parser, which refuses a body in more chunks than anybody needs: each costs like a kilobyte."""

    _chunks = 0
    _bytes = 0

    def next_event(self) -> Any:
        """See base class."""
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._chunks = self._bytes = 0
        elif isinstance(event, h11.Data):
            self._chunks += event.chunk_start
            self._bytes += len(event.data)
            if self._chunks > MOST_SMALL_CHUNKS + self._bytes / SMALL_CHUNK:
                raise h11.RemoteProtocolError("too many small chunks")
        return event


class Connection(H11Protocol):
    """uvicorn's connection, with a deadline for each head and each answer.

    At ``limit_concurrency`` a new one takes the place of the one that has waited longest for a head.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # uvicorn would turn the newest away.
        self._most, self.limit_concurrency = self.limit_concurrency, None
        self.conn = _Parser(h11.SERVER, self.config.h11_max_incomplete_event_size or LARGEST_HEAD)
        self._unread = bytearray()
        self._waits_since = self.loop.time()
        self._is_given_up = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See base class."""
        super().connection_made(transport)
        connected: socket.socket | None = transport.get_extra_info("socket")
        if connected is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            # Who has vanished confirms nothing of what is sent, and who does not read takes none of it.
            within = int(READ_WITHIN.total_seconds() * 1000)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, within)
        if self._most and len(self.connections) > self._most:
            waiting = [it for it in self.connections if isinstance(it, Connection) and it._waits]
            min(waiting, key=lambda it: it._waits_since)._give_up()

    def data_received(self, data: bytes) -> None:
        """See base class."""
        if self.timeout_keep_alive_task is not None:  # a further request begins
            self._waits_since = self.loop.time()
        self._unread += data
        self._read_on()

    def _read_on(self) -> None:
        while self._unread and not self.transport.is_closing():
            if self.conn.their_state is h11.DONE:
                # Another request: not before this one is answered.
                self.flow.pause_reading()
                return
            size = _HEAD_SLICE if self.conn.their_state is h11.IDLE else _BODY_SLICE
            piece = bytes(self._unread[:size])
            del self._unread[:size]
            super().data_received(piece)

    def on_response_complete(self) -> None:
        """See base class."""
        self._waits_since = self.loop.time()
        super().on_response_complete()
        self._read_on()

    def send_400_response(self, msg: str) -> None:
        """See base class. A body may be malformed long after its request has begun, or been answered."""
        if not self._is_idle:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.close()

    def end_if_late(self) -> None:
        """End this connection if a request's head is late. Who still reads an answer may take their time."""
        waits_for = self.loop.time() - self._waits_since
        has_read = not self.transport.get_write_buffer_size()
        has_begun = self.timeout_keep_alive_task is None
        if self._waits and has_begun and has_read and waits_for > HEAD_WITHIN.total_seconds():
            self._give_up()

    @property
    def _is_idle(self) -> bool:
        """Whether no request is being answered."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    @property
    def _waits(self) -> bool:
        return self._is_idle and not self._is_given_up

    def _give_up(self) -> None:
        self._is_given_up = True
        self.transport.abort()


class QuietAccepting:
    """An exception handler of a loop: where files run out, asyncio would log thousands of lines a second."""

    def __init__(self) -> None:
        self._said_at: float | None = None

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Say once a minute that no connection can be accepted, and why."""
        error = context.get("exception")
        if not (isinstance(error, OSError) and "accept" in context["message"]):
            loop.default_exception_handler(context)
        elif self._said_at is None or loop.time() - self._said_at > _SAID_EVERY:
            self._said_at = loop.time()
            log.error("Connections cannot be accepted: %s", error.strerror)
