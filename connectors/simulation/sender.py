"""Posts webhooks, for a third of what httpx costs: the simulator shares two cores with all that it drives."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httptools

_PORTS: Final = {"http": 80, "https": 443}


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class _Answer:
    """Told by the parser when the answer is complete."""

    complete = False

    def on_message_complete(self) -> None:
        self.complete = True


class Sender:
    """Keeps connections to one address open; as many as there are posts at once. `timeout` in seconds."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._idle: list[tuple[str, _Connection]] = []

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int | None:
        """The status of the answer; None if none came."""
        connection = None
        try:
            async with asyncio.timeout(self._timeout):
                connection = self._known(url) or await _connect(url)
                status, reusable = await _exchange(connection, _request(url, body, headers))
        except (OSError, TimeoutError, httptools.HttpParserError):
            if connection is not None:
                connection.writer.transport.abort()
            return None
        if reusable:
            self._idle.append((url, connection))
        else:
            connection.writer.close()
        return status

    async def aclose(self) -> None:
        """Closes what is open."""
        for _, connection in self._idle:
            connection.writer.close()
            with contextlib.suppress(OSError):
                await connection.writer.wait_closed()
        self._idle.clear()

    def _known(self, url: str) -> _Connection | None:
        while self._idle:
            place, connection = self._idle.pop()
            if place == url and not connection.reader.at_eof() and not connection.writer.is_closing():
                return connection
            connection.writer.close()
        return None


async def _connect(url: str) -> _Connection:
    parts = urlsplit(url)
    port = parts.port or _PORTS[parts.scheme]
    return _Connection(
        *await asyncio.open_connection(parts.hostname, port, ssl=parts.scheme == "https" or None)
    )


def _request(url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"POST {path} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


async def _exchange(connection: _Connection, request: bytes) -> tuple[int, bool]:
    """(status, whether the connection can be used again); raises OSError if it closes before the answer."""
    answer = _Answer()
    parser = httptools.HttpResponseParser(answer)
    connection.writer.write(request)
    await connection.writer.drain()
    while not answer.complete:
        data = await connection.reader.read(65_536)
        if not data:
            raise ConnectionResetError("closed before the answer")
        parser.feed_data(data)
    return parser.get_status_code(), parser.should_keep_alive()
