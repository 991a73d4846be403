"""A worker process for tests: real stages whose behaviour follows the comments' texts.

Started as `python worker.py '{"bootstrap": …, "prefix": …, "folder": …, "stages": [{…}]}'`; see `_stage`.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra import logs, tracing
from schemas.errors import TransientError
from schemas.events import CommentEvent
from schemas.topics import Topic
from streams.runner import Work, run
from streams.settings import DeadLetterLimits, Patience, RunnerSettings
from streams.stage import Batches, Input, Output, Result, Stage, Window


def _stage(plan: dict[str, Any], folder: Path) -> Stage:
    """`reads`, `writes`: topics. `shape`: batch or window. `pause`: seconds a call takes.

    Files in the folder: NAME.entered appears when a call begins; while NAME.block exists calls do not end;
    while NAME.transient exists they raise TransientError; NAME.short makes a batch return too few results.
    """
    name, writes = plan["name"], Topic(name=plan["writes"], schema="comment_event")

    def answer(each: Input[CommentEvent]) -> Result:
        if each.event.text == "poison":
            raise ValueError("this comment is poison")
        return Result((Output(writes, each.key, each.event),), outcome="copied")

    async def waits() -> None:
        (folder / f"{name}.entered").write_text(str(time.time()))
        if (folder / f"{name}.transient").exists():
            raise TransientError("the far side is away")
        await asyncio.sleep(plan.get("pause", 0))
        while (folder / f"{name}.block").exists():
            await asyncio.sleep(0.01)

    async def batch(inputs: Sequence[Input[CommentEvent]]) -> list[Result]:
        await waits()
        results = [answer(each) for each in inputs]
        return results[1:] if (folder / f"{name}.short").exists() else results

    async def one(each: Input[CommentEvent]) -> Result:
        await waits()
        if plan.get("uneven"):  # later records of a key would overtake earlier ones
            await asyncio.sleep(0.02 * (each.offset % 3))
        return answer(each)

    window = plan.get("shape") == "window"
    return Stage(
        name=name,
        reads=tuple(Topic(name=each, schema="comment_event") for each in plan["reads"]),
        process=one if window else batch,
        shape=Window(plan.get("size", 64)) if window else Batches(plan.get("size", 64), 0.02),
    )


def main() -> int:
    plan = json.loads(sys.argv[1])
    folder = Path(plan["folder"])
    logs.configure("warning", "json")

    async def fails() -> None:
        while not (folder / "background.fails").exists():
            await asyncio.sleep(0.02)
        raise OSError("the background work broke")

    settings = RunnerSettings(
        bootstrap_servers=plan["bootstrap"],
        group_prefix=plan["prefix"],
        instance_id=plan.get("instance"),
        session_timeout=plan.get("session", 6.0),
        rebalance_timeout=plan.get("rebalance", 30.0),
        drain_seconds=plan.get("drain", 10.0),
        base_port=plan.get("port", 0),
        stalled_after=plan.get("stalled_after", 60.0),
        patience=Patience(first=0.05, longest=0.3, degraded_after=2),
        dead_letters=DeadLetterLimits(consecutive=plan.get("consecutive", 50)),
    )
    stages = [_stage(each, folder) for each in plan["stages"]]
    spans = tracing.setup("worker", plan.get("otlp"))
    return run(Work(stages=stages, background=[fails]), settings, tracing=spans)


if __name__ == "__main__":
    sys.exit(main())
