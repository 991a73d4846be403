"""The composition root of workers: picks the real parts and puts them together.

What one stage alone needs, and is slow to import, is imported where it is put together: all processes start
at once, on few cores.
"""

import asyncio
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Final

import httpx

from console import seeding
from console.configuration import key_ring
from console.live_desk import LiveDesk
from console.model_folders import find_model
from console.servers import Servers
from console.stages import GROUP_PREFIX, STAGE_INPUTS
from infra import kafka, logs, postgres, tracing
from infra.settings import Settings
from models.analyzer import Analyzer
from schemas import codec, topics
from schemas.errors import ConfigurationError
from sinks.actions import Actions
from sinks.channels import Channel, Mail
from sinks.channels import Webhook as NoticeWebhook
from sinks.deadlines import Deadlines
from sinks.earlier_drafts import EarlierDrafts
from sinks.notifier import Notifier
from sinks.post_sink import post_sink
from sinks.poster import Poster
from sinks.postgres_sink import postgres_sink
from sinks.relay import Relay
from sinks.sweeper import Rules, Sweeper
from streams import runner
from streams.config import ConfigView
from streams.duplicates import Duplicates
from streams.settings import DeadLetterLimits, RunnerSettings
from streams.stage import Batches
from streams.stages.decide import decide
from streams.stages.draft import draft
from streams.stages.enrich import enrich

_NICENESS: Final = 5
"""The model runs at lower priority: it would otherwise starve what is waited for by others."""

log = logs.get(__name__)


def load_analyzer(settings: Settings) -> Analyzer:
    """The model, verified against its checksum."""
    return Analyzer.load(find_model(None, settings), threads=settings.model_threads)


def load_shadow(settings: Settings) -> Analyzer | None:
    """The second model that labels the same comments without effect, if the settings name one."""
    if settings.shadow_model_dir is None:
        return None
    return Analyzer.load(find_model(settings.shadow_model_dir, settings), threads=settings.model_threads)


def run_worker(stages: Sequence[str], settings: Settings, servers: Servers, *, ordinal: int) -> int:
    """Runs these stages in this process until SIGTERM; returns the exit code."""
    ring = key_ring(settings)
    traces = tracing.setup(f"parley-{'-'.join(stages)}", settings.otlp_endpoint)
    if "enrich" in stages:
        os.nice(_NICENESS)

    async def compose(resources: AsyncExitStack) -> runner.Work:
        work = runner.Work()
        if {"draft", "decide"} & set(stages):
            view = ConfigView(servers.kafka)
            desk = LiveDesk(view, settings.tenant)
            await view.ready()
            work.background.append(view.follow)
        shape = Batches(size=settings.batch_size, within=settings.batch_within)
        for name in stages:
            match name:
                case "enrich":
                    await _compose_enriching(work, resources, shape)
                case "draft":
                    from console.drafting import compose_drafter

                    drafter, in_flight = await compose_drafter(work, resources, settings, servers, desk)
                    pool = await resources.enter_async_context(
                        postgres.open_pool(servers.database, size=1, connected=False)
                    )
                    work.stages.append(
                        draft(
                            desk.triage,
                            drafter,
                            desk.decide,
                            earlier=EarlierDrafts(pool),
                            in_flight=in_flight,
                        )
                    )
                case "decide":
                    work.stages.append(decide(desk.decide, shape=shape))
                case "postgres":
                    pool = await resources.enter_async_context(postgres.open_pool(servers.database, size=2))
                    work.stages.append(postgres_sink(pool))
                case "post":
                    await _compose_posting(work, resources)
        return work

    async def _compose_enriching(work: runner.Work, resources: AsyncExitStack, shape: Batches) -> None:
        analyzer = await asyncio.to_thread(load_analyzer, settings)
        shadow = await asyncio.to_thread(load_shadow, settings)
        # Not connected yet: duplicates cost the model's time, a database that is away must cost nothing.
        pool = await resources.enter_async_context(
            postgres.open_pool(servers.database, size=1, connected=False)
        )

        async def analysed(revisions: Sequence[str]) -> set[str]:
            rows = await pool.fetch(
                "select revision_id from analyses where revision_id = any($1::uuid[]) and model_hash = $2",
                list(revisions),
                analyzer.hash,
            )
            return {str(row["revision_id"]) for row in rows}

        duplicates = Duplicates(look_up=analysed)
        work.stages.append(enrich(analyzer, shape=shape, duplicates=duplicates, shadow=shadow))

    async def _compose_posting(work: runner.Work, resources: AsyncExitStack) -> None:
        from connectors.clients import open_clients

        pool = await resources.enter_async_context(postgres.open_pool(servers.database, size=9))
        await seeding.seed(pool, codec.load(), settings.tenant)
        publisher = await resources.enter_async_context(kafka.open_publisher(servers.kafka))
        clients = await resources.enter_async_context(open_clients(settings))
        work.stages.append(post_sink(pool, staff_grace=settings.staff_grace))
        poster = Poster(pool, clients, ring, settings, tracing=traces)
        groups = {
            f"{GROUP_PREFIX}.{name}": [topic.name for topic in inputs]
            for name, inputs in STAGE_INPUTS.items()
        }
        sweeper = Sweeper(pool, servers.kafka, groups, Rules.of(settings), tenant=settings.tenant)
        limits = Deadlines(
            moderator=timedelta(seconds=settings.review_deadline),
            supervisor=timedelta(seconds=settings.supervisor_deadline),
        )
        channels = await _notice_channels(settings, resources)
        notifier = Notifier(pool, settings.tenant, limits, channels)
        actions = Actions(pool, clients, ring, settings)
        work.background += [
            poster.run,
            actions.run,
            Relay(pool, publisher).run,
            sweeper.run,
            notifier.run,
        ]

    return runner.run(
        compose,
        RunnerSettings(
            bootstrap_servers=servers.kafka,
            group_prefix=GROUP_PREFIX,
            instance_id=settings.instance_id,
            session_timeout=settings.session_timeout,
            drain_seconds=settings.drain_seconds,
            host=settings.metrics_host,
            base_port=settings.metrics_port,
            ordinal=ordinal,
            dead_letters=DeadLetterLimits(
                ratio=settings.dead_letter_ratio, consecutive=settings.dead_letter_limit
            ),
        ),
        tracing=traces,
        seal=lambda value: ring.seal(value, context=topics.DEAD_LETTERS.name),
    )


async def _notice_channels(settings: Settings, resources: AsyncExitStack) -> list[Channel]:
    """The ways by which notices leave, as far as they are set up."""
    channels: list[Channel] = []
    if settings.notify_webhook_url:
        if settings.notify_webhook_secret is None:
            raise ConfigurationError(
                "PARLEY_NOTIFY_WEBHOOK_URL: set PARLEY_NOTIFY_WEBHOOK_SECRET too, it signs the posts."
            )
        http = await resources.enter_async_context(httpx.AsyncClient(trust_env=False))
        secret = settings.notify_webhook_secret.get_secret_value()
        channels.append(NoticeWebhook(settings.notify_webhook_url, secret, http))
    recipients = [each.strip() for each in settings.notify_mail_to.split(",") if each.strip()]
    if settings.smtp_url and recipients:
        channels.append(Mail(settings.smtp_url.get_secret_value(), settings.notify_mail_from, recipients))
    return channels
