"""What strangers may cost the process: it takes in webhooks too, and no key is looked at before a body."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI, Request

from connectors.simulation.serving import serving
from console.api.app import api_app
from console.api.intake import LARGEST, Bounded
from console.people import Role
from infra import postgres
from tests.console.api.conftest import Api

WITHIN = 0.2


@pytest.fixture
async def bounded() -> AsyncIterator[str]:
    app = FastAPI()
    app.add_middleware(Bounded, largest=1000, arrives_within=WITHIN, answered_within=WITHIN)

    @app.post("/size")
    async def size(request: Request) -> int:
        return len(await request.body())

    @app.get("/silent")
    async def silent() -> None:
        try:
            await asyncio.Event().wait()
        except (
            asyncio.CancelledError
        ):  # as a driver does that waits for its server's word on a cancelled query
            await asyncio.sleep(5)

    async with serving(app) as url:
        yield url


async def begun(url: str, request: str, body: bytes = b"") -> bytes:
    """The first line of the answer to a request that goes on for as long as nobody answers."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    lines = [*request.split("\n"), "Host: x", "", ""]
    writer.write("\r\n".join(lines).encode() + body)
    try:
        return await asyncio.wait_for(reader.readline(), 30)
    finally:
        writer.close()


async def test_a_body_is_taken_up_to_its_bound_announced_or_not(bounded: str) -> None:
    async with httpx.AsyncClient(base_url=bounded, trust_env=False) as client:
        assert (await client.post("/size", content=b"x" * 1000)).json() == 1000
    assert b" 413 " in await begun(bounded, "POST /size HTTP/1.1\nContent-Length: 1001")
    chunks = b"1f4\r\n" + b"x" * 500 + b"\r\n"
    head = "POST /size HTTP/1.1\nTransfer-Encoding: chunked"
    assert b" 413 " in await begun(bounded, head, chunks * 2 + b"1\r\nx\r\n")


async def test_a_body_that_drips_and_an_answer_that_never_comes_end(bounded: str) -> None:
    assert b" 408 " in await begun(bounded, "POST /size HTTP/1.1\nContent-Length: 100", b"x")
    async with httpx.AsyncClient(base_url=bounded, trust_env=False, timeout=30) as client:
        answer = await client.get("/silent")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


@pytest.mark.integration
async def test_a_stranger_is_not_read_further_than_the_bound(api: Api) -> None:
    head = f"PUT /api/v1/policy HTTP/1.1\nContent-Length: {LARGEST + 1}"
    assert b" 413 " in await begun(api.url, head)
    async with api.client(None) as stranger:
        assert (await stranger.put("/policy", content=b"{}")).status_code == 401


@pytest.mark.integration
async def test_without_postgres_it_says_so_and_goes_on_by_itself(api: Api, database_url: str) -> None:
    away = await postgres.create_pool("postgresql://nobody@127.0.0.1:9/none", connected=False)
    app = api_app(away, "default")
    headers = {"Authorization": f"Bearer {api.keys[Role.MODERATOR]}"}
    async with (
        serving(app) as url,
        httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as client,
    ):
        refused = await client.get("/v1/review/items")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        assert "Postgres is away" in refused.json()["detail"]
        async with postgres.open_pool(database_url, size=1, connected=False) as back:
            app.state.context = type(app.state.context)(back, "default")
            assert (await client.get("/v1/review/items")).status_code == 200
    away.terminate()
