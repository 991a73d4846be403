"""Calls to the platforms go through the proxy that the settings name, and through no other."""

import asyncio

import pytest

from connectors.accounts import Account
from connectors.clients import open_clients
from infra.settings import Settings
from schemas.events import Platform


async def test_calls_go_through_the_proxy_of_the_settings_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 404 -\r\nContent-Length: 47\r\n\r\n")
        writer.write(b'{"error": {"code": 100, "error_subcode": 33}}  ')
        await writer.drain()
        writer.close()

    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # of the machine, not of the settings
    async with await asyncio.start_server(proxy, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        settings = Settings(
            http_proxy=f"http://who:hunter2@127.0.0.1:{port}", facebook_graph_url="http://graph.example"
        )
        account = Account(tenant_id="acme", platform=Platform.FACEBOOK, account_id="1")
        async with open_clients(settings) as clients:
            state = await clients.client(account, "token").read_comment("1_2")
    assert not state.exists
    [request] = asked
    assert request.startswith("GET http://graph.example/")
    assert "proxy-authorization: basic" in request.lower()
    assert "hunter2" not in repr(settings)
