"""The composition root of `parley serve`: webhooks of all platforms, and the API."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from connectors.accounts import Account, KnownAccounts
from connectors.catalogue import webhooks
from connectors.receiver import Receiver
from console.api.app import api_app
from console.checks.webhooks import lacking
from console.configuration import key_ring
from console.servers import Servers
from infra import kafka, logs, metrics, postgres, tracing
from infra.settings import Settings
from replies.account import AccountView
from schemas import codec, topics
from schemas.errors import ConfigurationError
from schemas.events import ConfigChange, ConfigKind, Platform
from streams.config import ConfigView

log = logs.get(__name__)


def webhook_app(settings: Settings, servers: Servers) -> FastAPI:
    """The HTTP application: webhooks of all platforms, and the API."""
    ring = key_ring(settings)
    traces = tracing.setup("parley-serve", settings.otlp_endpoint)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        view, accounts = ConfigView(servers.kafka), KnownAccounts()
        view.on_change(lambda _change: accounts.replace(known_accounts(view, settings.tenant)))
        async with (
            kafka.open_publisher(servers.kafka) as publisher,
            # Not connected yet: webhooks need no database and must not wait for one.
            postgres.open_pool(servers.database, size=4, connected=False) as pool,
        ):
            app.mount("/api", api_app(pool, settings.tenant))
            await view.ready()
            _warn(awaited(view, settings.tenant), settings)
            following = asyncio.create_task(view.follow())
            receiver = Receiver(
                webhooks=webhooks(settings),
                accounts=accounts,
                publisher=publisher,
                codec=codec.load(),
                body_limit=settings.webhook_body_limit,
                body_timeout=settings.webhook_body_timeout,
                seal=lambda value: ring.seal(value, context=topics.DEAD_LETTERS.name),
                span=traces.span,
                count=lambda platform, what, number: metrics.WEBHOOKS.labels(platform, what).inc(number),
            )
            app.include_router(receiver.router())
            try:
                yield
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
                traces.shutdown()

    app = FastAPI(title="Parley", openapi_url=None, lifespan=lifespan)
    # The lifespan has connected to Kafka and read the configuration before the first request is answered.
    app.add_route("/health/live", lambda _request: Response("ok"))
    app.add_route("/health/ready", lambda _request: Response("ok"))
    app.add_route("/metrics", lambda _request: Response(generate_latest(), media_type=CONTENT_TYPE_LATEST))
    return app


def _warn(platforms: Collection[Platform], settings: Settings) -> None:
    """Says for which of them webhooks will be refused."""
    for platform in sorted(platforms):
        if missing := lacking(platform, settings):
            log.warning("webhooks will be refused: settings are missing", platform=platform, set=missing)


def known_accounts(view: ConfigView, tenant: str) -> list[Account]:
    """The accounts by their keys (platform:id): whatever is wrong with the content of one, its comments are
    taken in, and so are all others'. Their handles, by which posts may name them, are of the content."""
    found = []
    for key, change in view.all(ConfigKind.ACCOUNT, tenant).items():
        platform, _, account_id = key.partition(":")
        if platform in set(Platform) and account_id:
            content = _content(change)
            found.append(
                Account(
                    tenant_id=tenant,
                    platform=Platform(platform),
                    account_id=account_id,
                    username=content.username if content is not None else None,
                )
            )
        else:
            log.error("an account's key is not platform:id", key=key)
    return found


def awaited(view: ConfigView, tenant: str) -> set[Platform]:
    """The platforms of accounts whose comments come by webhook."""
    contents = [_content(change) for change in view.all(ConfigKind.ACCOUNT, tenant).values()]
    return {content.platform for content in contents if content is not None and content.arrival.by_webhook}


def _content(change: ConfigChange) -> AccountView | None:
    try:
        return AccountView.from_change(change)
    except ConfigurationError:
        return None  # the workers say what is wrong with it
