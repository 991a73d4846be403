"""The browser's way back: only who brings the state that was given out is listened to."""

import asyncio
import contextlib
import socket

import httpx
import pytest

from console.consent import challenge_of, code_from_browser
from schemas.errors import ConfigurationError


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def come_back(port: int, query: str) -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                return (await client.get(f"http://127.0.0.1:{port}/callback?{query}")).status_code
            except httpx.ConnectError:
                await asyncio.sleep(0.01)


async def test_a_stranger_is_sent_away_and_the_rightful_code_is_taken(port: int) -> None:
    waiting = asyncio.create_task(code_from_browser("https://example.org", port, "state"))
    assert await come_back(port, "code=stolen&state=another") == 403
    assert await come_back(port, "code=stolen") == 403
    assert await come_back(port, "code=rightful&state=state") == 200
    assert await waiting == "rightful"


async def test_a_refused_consent_says_why(port: int) -> None:
    waiting = asyncio.create_task(code_from_browser("https://example.org", port, "state"))
    await come_back(port, "error=access_denied&error_description=not+today&state=state")
    with pytest.raises(ConfigurationError, match="not today"):
        await waiting


async def test_what_a_refusal_says_cannot_draw_on_the_terminal(port: int) -> None:
    waiting = asyncio.create_task(code_from_browser("https://example.org", port, "state"))
    await come_back(port, "error=no&error_description=%1b%5b31mred%0anext%e2%80%ae&state=state")
    with pytest.raises(ConfigurationError) as told:
        await waiting
    assert str(told.value).isprintable()


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /callback?code=evil&state=state HTTP/1.1\r\n\r\n",
        b"GET /elsewhere?code=evil&state=state HTTP/1.1\r\n\r\n",
        b"GET http://evil.example/?code=evil&state=state HTTP/1.1\r\n\r\n",
        b"GET /callback?code=evil&state=%ff%fe HTTP/1.1\r\n\r\n",
        b"GET " + b"a" * 200_000 + b"\r\n\r\n",
        b"\x00\xff\r\n\r\n",
        b"\r\n",
        b"",
    ],
)
async def test_no_other_request_brings_a_code_or_ends_the_waiting(port: int, sent: bytes) -> None:
    waiting = asyncio.create_task(code_from_browser("https://example.org", port, "state"))
    assert await come_back(port, "state=stranger") == 403  # it listens
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(OSError):
        writer.write(sent)
        writer.write_eof()
        assert b" 200 " not in await reader.read()
    writer.close()
    assert not waiting.done()
    assert await come_back(port, "code=rightful&state=state") == 200
    assert await waiting == "rightful"


async def test_a_port_that_is_taken_is_named(port: int) -> None:
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", port):
        with pytest.raises(ConfigurationError, match="--port"):
            await code_from_browser("https://example.org", port, "state")


def test_the_challenge_is_that_of_the_rfc() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B
