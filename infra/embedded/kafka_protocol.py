"""One question in Kafka's wire protocol: which cluster listens here, and is its broker in service?

DescribeCluster (KIP-700) tells more than an open port or ApiVersions: a broker answers those before it has
joined its cluster, and so does a stranger on a port that was taken.
"""

import asyncio
import struct

DESCRIBE_CLUSTER, VERSION, CORRELATION = 60, 0, 7
NO_TAGS = b"\x00"


async def serves(host: str, port: int, cluster_id: str, *, seconds: float = 2.0) -> bool:
    """True when a broker of `cluster_id` answers on `host:port` and counts itself as in service."""
    try:
        async with asyncio.timeout(seconds):
            answer = await _ask(host, port)
        cluster, brokers = parse(answer)
    except (OSError, TimeoutError, EOFError, ValueError, IndexError, struct.error):
        return False
    return cluster == cluster_id and brokers > 0


async def _ask(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        header = struct.pack(">hhih", DESCRIBE_CLUSTER, VERSION, CORRELATION, -1) + NO_TAGS
        request = header + b"\x00" + NO_TAGS  # without authorised operations
        writer.write(struct.pack(">i", len(request)) + request)
        await writer.drain()
        (size,) = struct.unpack(">i", await reader.readexactly(4))
        if not 0 < size < 100_000:
            raise ValueError("not Kafka's protocol")
        return await reader.readexactly(size)
    finally:
        writer.close()


def parse(answer: bytes) -> tuple[str, int]:
    """Cluster id and number of brokers in service from a DescribeCluster v0 response without its size."""
    correlation, _, _, error = struct.unpack_from(">ibih", answer)
    if correlation != CORRELATION or error != 0:
        raise ValueError("not an answer to our question")
    _, at = _compact_string(answer, 11)
    cluster, at = _compact_string(answer, at)
    brokers, _ = _unsigned_varint(answer, at + 4)  # after the controller's id
    return cluster, brokers - 1


def _unsigned_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
        shift += 7


def _compact_string(data: bytes, at: int) -> tuple[str, int]:
    length, at = _unsigned_varint(data, at)
    end = at + max(0, length - 1)  # 0 stands for null
    return data[at:end].decode(), end
