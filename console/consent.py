"""A person's consent: the address to open, and the code that the browser brings back to this machine."""

import asyncio
import base64
import hashlib
import hmac
from typing import Final
from urllib.parse import parse_qs, urlsplit

from schemas.errors import ConfigurationError

PORT: Final = 8765
"""Of the address that the platform sends the browser back to; to be registered with the app."""

CALLBACK_PATH: Final = "/callback"
_WAIT: Final = 600.0
_DONE: Final = b"Parley has what it needs; this window can be closed.\n"


def challenge_of(verifier: str) -> str:
    """The S256 code challenge (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


async def code_from_browser(url: str, port: int, state: str) -> str:
    """Prints `url`, and returns the code that the browser brings back to 127.0.0.1.

    Whoever comes with another state is sent away. Raises ConfigurationError where consent is refused, the
    port is taken, or nobody comes within ten minutes.
    """
    found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = (await asyncio.wait_for(reader.readline(), 10)).decode("latin-1").split(" ")
            where = urlsplit(line[1] if len(line) > 1 else "")
            query = parse_qs(where.query)
            rightful = (line[0], where.path) == ("GET", CALLBACK_PATH) and hmac.compare_digest(
                query.get("state", [""])[0].encode(), state.encode()
            )
            body = _DONE if rightful else b"This address is not for you.\n"
            head = f"HTTP/1.1 {200 if rightful else 403} -\r\nContent-Length: {len(body)}\r\n"
            writer.write(head.encode() + b"Content-Type: text/plain\r\nConnection: close\r\n\r\n" + body)
            await writer.drain()
            if rightful and not found.done():
                if "code" in query:
                    found.set_result(query["code"][0])
                else:
                    told = query.get("error_description", query.get("error", ["no reason given"]))[0]
                    why = "".join(character for character in told if character.isprintable())
                    found.set_exception(ConfigurationError(f"The consent was refused: {why[:200]}"))
        except (OSError, TimeoutError, ValueError):
            pass  # a caller that broke off; the browser comes again
        finally:
            writer.close()

    try:
        server = await asyncio.start_server(answer, "127.0.0.1", port)
    except OSError as error:
        raise ConfigurationError(
            f"Port {port} cannot be used ({error}); give another with --port."
        ) from error
    async with server:
        print(f"Open this address in a browser and consent:\n\n  {url}\n", flush=True)
        try:
            return await asyncio.wait_for(found, _WAIT)
        except TimeoutError:
            raise ConfigurationError("Nobody consented within ten minutes; run the command again.") from None
