"""The broker, its topics as the catalogue wants them, and what each consumer group has before it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from aiokafka import TopicPartition

from console.checks.finding import Finding, look, ok, problem, span, warning
from infra.backlog import Backlog, BacklogReader, open_backlog_reader
from schemas.errors import EnvironmentFault, TransientError
from schemas.topics import Topic

HALF: Final = 0.5
"""Share of the retention after which an unfinished record is a problem: the rest is for mending."""

_UNUSUAL: Final = 300.0
"""Seconds after which a waiting record is worth a look."""

_AHEAD: Final = 5.0
"""Seconds that a record may come from the future."""


async def check_kafka(
    bootstrap: str,
    catalogue: Sequence[Topic],
    groups: Mapping[str, Sequence[str]],
    *,
    partitions: int,
    now: datetime,
) -> list[Finding]:
    """All of it. `groups`: topics by consumer group; `partitions`: of those topics that have several."""
    try:
        async with open_backlog_reader(bootstrap) as reader:
            found = [ok("broker", f"answers at {bootstrap}")]
            found += await look("topics", check_topics(reader, catalogue, partitions))
            existing = await reader.settings([topic.name for topic in catalogue])
            names = await reader.groups()
            for group, topics in groups.items():
                there = [topic for topic in topics if topic in existing]
                found += await look(f"group {group}", check_group(reader, group, there, names, now))
            return found + await look("clock of records", check_stamps(reader, sorted(existing), now))
    except EnvironmentFault as error:
        return [problem("broker", str(error), "start the broker, or correct KAFKA_BOOTSTRAP_SERVERS")]


async def check_topics(reader: BacklogReader, catalogue: Sequence[Topic], partitions: int) -> list[Finding]:
    """Whether every topic is there, with the settings and the partitions it should have."""
    settings = await reader.settings([topic.name for topic in catalogue])
    found = []
    if missing := [topic.name for topic in catalogue if topic.name not in settings]:
        found.append(problem("topics", f"missing: {', '.join(missing)}", "parley topics create"))
    for topic in catalogue:
        if topic.name not in settings:
            continue
        wrong = {
            name: value for name, value in topic.settings.items() if settings[topic.name].get(name) != value
        }
        if wrong:
            is_set = {name: settings[topic.name].get(name, "not set") for name in wrong}
            found.append(
                problem(
                    f"topic {topic.name}",
                    ", ".join(f"{name} is {value}, not {wrong[name]}" for name, value in is_set.items()),
                    f"kafka-configs.sh --alter --entity-type topics --entity-name {topic.name} --add-config "
                    + ",".join(f"{name}={value}" for name, value in wrong.items()),
                )
            )
        wanted = partitions if topic.partitions > 1 else topic.partitions
        there = len(await reader.lag.end_offsets(topic.name))
        if there != wanted:
            found.append(
                warning(
                    f"topic {topic.name}",
                    f"has {there} partitions, not {wanted}",
                    "set PARLEY_TOPIC_PARTITIONS to what there is; add partitions only while no worker runs",
                )
            )
    return found or [ok("topics", f"{len(catalogue)} topics are as the catalogue wants them")]


async def check_group(
    reader: BacklogReader, group: str, topics: Sequence[str], known: set[str], now: datetime
) -> list[Finding]:
    """How much the group has before it, and whether it loses records."""
    name, stage = f"group {group}", group.rpartition(".")[2]
    start = f"start it: parley up, or parley worker {stage}"
    try:
        backlogs = await reader.read(group, topics)
    except TransientError:
        if group in known:
            raise
        backlogs = []  # the broker that would know of the group's offsets is not chosen yet
    lag = sum(each.lag for each in backlogs)
    if group not in known:
        judge = problem if lag else warning
        return [judge(name, f"has never worked here; {lag} records wait", start)]
    found = [_expired(name, stage, each) for each in backlogs if each.expired]
    waiting = [each for each in backlogs if each.lag]
    worst = max(waiting, key=lambda each: (each.share(now), each.age(now)), default=None)
    if worst is None:
        return found or [ok(name, "nothing waits")]
    if any(each.oldest is None for each in waiting):
        return [*found, warning(name, f"{lag} records wait, for how long is unknown", "ask again")]
    age = worst.age(now).total_seconds()
    said = f"{lag} records wait, the oldest for {span(age)} on {worst.topic}"
    if worst.share(now) > HALF:
        said += f": {worst.share(now):.0%} of the time it is kept for"
        found.append(problem(name, said, f"{start}; see its log: what is not processed in time is lost"))
    elif age > _UNUSUAL:
        found.append(warning(name, said, f"{start}; if it runs, see its log"))
    return found or [ok(name, said)]


def _expired(name: str, stage: str, backlog: Backlog) -> Finding:
    return problem(
        name,
        f"{backlog.expired} records of {backlog.topic} were deleted before it had processed them",
        f"start it, then feed their time in again: parley replay --stage {stage} --from TIME --allow-posting",
    )


async def check_stamps(reader: BacklogReader, topics: Sequence[str], now: datetime) -> list[Finding]:
    """Whether records come from the future: then a clock is wrong, here or where they are written."""
    newest = {
        TopicPartition(topic, partition): end - 1
        for topic in topics
        for partition, (first, end) in (await reader.lag.end_offsets(topic)).items()
        if end > first
    }
    stamps = await reader.timestamps(newest) if newest else {}
    ahead = max(((stamp - now).total_seconds() for stamp in stamps.values()), default=0.0)
    if ahead > _AHEAD:
        return [
            warning(
                "clock of records",
                f"the newest record is {span(ahead)} ahead of this machine",
                "set the clocks (NTP) of this machine and of those that write to Kafka",
            )
        ]
    return [ok("clock of records", "no record comes from the future")]
