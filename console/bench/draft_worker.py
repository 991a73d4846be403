"""One draft worker on topics of its own, against a simulated language model; for benchmarks and tests."""

import dataclasses
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final, cast

from prometheus_client import REGISTRY
from pydantic import SecretStr

from console.drafting import compose_drafter
from console.live_desk import LiveDesk
from console.servers import Servers
from infra import settings
from infra.settings import Settings
from replies.account import AccountView
from schemas.events import ConfigChange, ConfigKind, Platform
from schemas.topics import Topic
from streams import runner
from streams.config import ConfigView
from streams.settings import RunnerSettings
from streams.stage import Input, OneProcess, Output, Result, Stage
from streams.stages.draft import draft

PAGE: Final = "104000000000001"
"""The account whose comments it drafts for."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a worker works on; `settle`: records after which it ends by itself."""

    kafka: str
    database: str
    source: Topic
    sink: Topic
    endpoint: str
    settle: int | None = None


def run_worker(plan: Plan) -> dict[str, float]:
    """One draft worker as `parley worker draft` composes it, on the plan's topics."""
    times: list[float] = []
    done = 0

    def acknowledged(inputs: Sequence[Input[Any]]) -> None:
        nonlocal done
        done += len(inputs)
        if plan.settle is not None and done >= plan.settle:
            times.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGTERM)

    async def compose(resources: AsyncExitStack) -> runner.Work:
        work = runner.Work()
        desk = _desk(plan.kafka)
        drafter, in_flight = await compose_drafter(
            work, resources, _settings(plan), Servers(kafka=plan.kafka, database=plan.database), desk
        )
        stage = draft(desk.triage, drafter, desk.decide, in_flight=in_flight)
        work.stages.append(_on_topics(stage, plan.source, plan.sink, times.append, acknowledged))
        return work

    used = time.process_time()
    runner.run(compose, RunnerSettings(bootstrap_servers=plan.kafka, group_prefix=plan.source.name))
    taken = times[-1] - times[0]
    return {
        "drafts a minute": done / taken * 60,
        "seconds": taken,
        "written by the language model": _total("parley_drafts_total", origin="language_model"),
        "by template": _total("parley_drafts_total", origin="template"),
        "calls": _total("parley_language_model_calls_total"),
        "calls answered": _total("parley_language_model_calls_total", result="answered"),
        "seconds of CPU of the worker": time.process_time() - used,
    }


def _on_topics(
    stage: Stage,
    source: Topic,
    sink: Topic,
    began: Callable[[float], None],
    acknowledged: Callable[[Sequence[Input[Any]]], None],
) -> Stage:
    """The stage, reading and writing these topics instead of its own."""
    process = cast(OneProcess, stage.process)

    async def one(each: Input[Any]) -> Result:
        began(time.perf_counter())
        result = await process(each)
        outputs = tuple(Output(sink, made.key, made.event) for made in result.outputs)
        return dataclasses.replace(result, outputs=outputs)

    return dataclasses.replace(stage, reads=(source,), process=one, acknowledged=acknowledged)


def _settings(plan: Plan) -> Settings:
    return settings.load(language_model_url=plan.endpoint, language_model_key=SecretStr("sk-simulated"))


def _desk(bootstrap: str) -> LiveDesk:
    """A desk for the page of the comments, under the shipped policy and templates."""
    view = ConfigView(bootstrap)
    desk = LiveDesk(view, "default")
    account = AccountView(platform=Platform.FACEBOOK, account_id=PAGE, name="Café Sol", default_language="es")
    view.apply(
        ConfigChange(
            kind=ConfigKind.ACCOUNT,
            tenant_id="default",
            key=account.config_key,
            version=1,
            payload=account.payload,
            changed_by="bench",
        )
    )
    return desk


def _total(name: str, **labels: str) -> float:
    """A counter of this process, summed over the labels that are not given."""
    return sum(
        sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )
