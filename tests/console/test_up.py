import asyncio

from console.workers import ready


async def test_ready_is_told_only_when_every_process_says_so() -> None:
    states = [200, 503]
    asked = [asyncio.Event(), asyncio.Event()]

    async def listen(number: int) -> tuple[asyncio.Server, str]:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"GET /health/ready ")
            writer.write(
                f"HTTP/1.1 {states[number]} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
            )
            await writer.drain()
            writer.close()
            asked[number].set()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        return server, "http://{}:{}".format(*server.sockets[0].getsockname()[:2])

    servers, addresses = zip(*[await listen(number) for number in range(2)], strict=True)
    waiting = asyncio.create_task(ready(addresses))
    async with asyncio.timeout(20):
        await asked[1].wait()
        for _ in range(2):  # once more, so that an answer of 503 was surely taken in
            asked[1].clear()
            await asked[1].wait()
        assert not waiting.done()
        states[1] = 200
        await waiting
    for server in servers:
        server.close()
