"""`parley topics create|list|tail` and `parley lag`: what an operator asks of Kafka."""

import asyncio
import json
from collections import Counter
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from console.printing import json_line
from console.servers import create_topics, open_servers
from console.stages import GROUP_PREFIX, STAGE_INPUTS
from infra import settings
from infra.lag import PartitionLag, open_lag_reader
from infra.scan import scan
from schemas import codec, topics
from schemas.errors import ConfigurationError, DecodeError
from schemas.events import EVENTS

app = typer.Typer(no_args_is_help=True, help="The topics that Parley uses.")

AsJson = Annotated[bool, typer.Option("--json", help="JSON lines instead of a table.")]


@app.command("create")
def create() -> None:
    """Creates the topics that are missing."""
    loaded = settings.load()
    with open_servers(loaded) as servers:
        made = asyncio.run(create_topics(servers, loaded))
    print("\n".join(f"created {name}" for name in made) or "every topic exists")


@app.command("list")
def list_topics(as_json: AsJson = False) -> None:
    """Shows every topic with its schema, settings and number of records kept."""
    with open_servers(settings.load()) as servers:
        rows = asyncio.run(_described(servers.kafka))
    if as_json:
        for row in rows:
            print(json.dumps(row))
        return
    table = Table()
    table.add_column("Topic", no_wrap=True, min_width=max(map(len, topics.ALL)))
    for heading in ("Schema", "Partitions", "Records kept", "Settings"):
        table.add_column(heading)
    for row in rows:
        state = " ".join(f"{name}={value}" for name, value in row["settings"].items())
        table.add_row(row["topic"], row["schema"], str(row["partitions"]), str(row["records"]), state)
    Console().print(table)


async def _described(bootstrap: str) -> list[dict[str, Any]]:
    async with open_lag_reader(bootstrap) as reader:
        rows = []
        for topic in topics.ALL.values():
            offsets = await reader.end_offsets(topic.name)
            rows.append(
                {
                    "topic": topic.name,
                    "schema": topic.schema,
                    "partitions": len(offsets),
                    "records": sum(end - first for first, end in offsets.values()),
                    "settings": topic.settings,
                }
            )
        return rows


@app.command("tail")
def tail(
    topic: Annotated[str, typer.Argument(help="For example: replies.decided")],
    limit: Annotated[int, typer.Option("-n", help="How many of the newest records.", min=1)] = 10,
) -> None:
    """Prints the newest records of a topic, decoded, as JSON lines."""
    if topic not in topics.ALL:
        raise ConfigurationError(f"There is no topic {topic!r}. Topics: {', '.join(topics.ALL)}.")
    with open_servers(settings.load()) as servers:
        for line in asyncio.run(_newest(servers.kafka, topic, limit)):
            print(json_line(line))


async def _newest(bootstrap: str, topic: str, limit: int) -> list[dict[str, Any]]:
    known, event_class = codec.load(), EVENTS[topics.ALL[topic].schema]
    records = sorted([record async for record in scan(bootstrap, topic)], key=lambda record: record.timestamp)
    lines: list[dict[str, Any]] = []
    for record in records[-limit:]:
        line = {
            "partition": record.partition,
            "offset": record.offset,
            "key": (record.key or b"").decode("utf-8", "replace"),
        }
        try:
            line["value"] = known.decode(record.value, event_class).to_record()
        except DecodeError as error:
            line["undecodable"] = str(error)
        lines.append(line)
    return lines


def lag(as_json: AsJson = False) -> None:
    """Shows how far each consumer group is behind, from the broker."""
    with open_servers(settings.load()) as servers:
        rows = asyncio.run(_lag(servers.kafka))
    if as_json:
        for row in rows:
            print(
                json.dumps(
                    {"group": row.group, "topic": row.topic, "partition": row.partition, "end": row.end}
                    | {"committed": row.committed, "lag": row.lag}
                )
            )
        return
    total: Counter[tuple[str, str]] = Counter()
    for row in rows:
        total[row.group, row.topic] += row.lag
    table = Table("Group", "Topic", "Lag")
    for (group, topic), behind in total.items():
        table.add_row(group, topic, str(behind))
    Console().print(table)


async def _lag(bootstrap: str) -> list[PartitionLag]:
    async with open_lag_reader(bootstrap) as reader:
        return [
            row
            for stage, inputs in STAGE_INPUTS.items()
            for row in await reader.read(f"{GROUP_PREFIX}.{stage}", [topic.name for topic in inputs])
        ]
