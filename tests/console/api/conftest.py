"""The API on a real database, over real HTTP, with a comment that waits and a key for each role."""

import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from console import people
from console.api.app import api_app
from console.people import Role
from infra import postgres
from infra.postgres import Pool

TENANT = "default"


@dataclass(frozen=True)
class Api:
    """Where it is, and a key for each role."""

    url: str
    keys: dict[Role, str]

    def client(self, role: Role | None = Role.MODERATOR) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.keys[role]}"} if role else {}
        return httpx.AsyncClient(base_url=f"{self.url}/v1", headers=headers, trust_env=False)


@pytest.fixture
def api_url(database_url: str) -> Iterator[str]:
    """The API's address, `/api` included; it runs in a thread with a loop of its own."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with postgres.open_pool(database_url, size=4, connected=False) as pool:
            app.mount("/api", api_app(pool, TENANT))
            yield

    server = uvicorn.Server(
        uvicorn.Config(FastAPI(lifespan=lifespan), port=0, log_config=None, access_log=False)
    )
    started = threading.Event()
    startup = server.startup

    async def tell(sockets: list[object] | None = None) -> None:
        await startup(sockets)  # type: ignore[arg-type]
        started.set()

    server.startup = tell  # type: ignore[method-assign, assignment]
    thread = threading.Thread(target=server.run)
    thread.start()
    assert started.wait(30)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/api"
    server.should_exit = True
    thread.join()


@pytest.fixture
async def api(api_url: str, pool: Pool) -> Api:
    """The API with a user of each role."""
    keys = {}
    for role in Role:
        await people.save_user(pool, TENANT, f"a {role}", role, active=True, actor="test")
        keys[role] = (await people.create_key(pool, TENANT, f"a {role}", actor="test"))[1]
    await pool.execute(
        "insert into social_accounts (tenant_id, platform, account_id, name) "
        "values ('default', 'facebook', '1', 'Acme')"
    )
    return Api(api_url, keys)


async def waiting_comment(pool: Pool, *, level: str = "moderator", text: str = "Why is it late?") -> str:
    """A comment with a draft that waits for a person; its id."""
    comment, revision, draft = (str(uuid.uuid4()) for _ in range(3))
    await pool.execute(
        "insert into comments (comment_id, tenant_id, platform, account_id, platform_comment_id, "
        "received_at, text, current_revision_id, state) "
        "values ($1, 'default', 'facebook', '1', 'c', now(), $3, $2, 'needs_review')",
        comment,
        revision,
        text,
    )
    await pool.execute(
        "insert into comment_revisions (revision_id, comment_id, text, revised_at, observed_at, source) "
        "values ($2, $1, $3, now(), now(), 'webhook')",
        comment,
        revision,
        text,
    )
    await pool.execute(
        "insert into generated_responses (draft_id, comment_id, revision_id, tenant_id, content, origin, "
        "language, confidence_score, created_at) "
        "values ($3, $1, $2, 'default', 'We look into it.', 'template', 'en', 0.8, now())",
        comment,
        revision,
        draft,
    )
    await pool.execute(
        "insert into decisions (decision_id, comment_id, revision_id, draft_id, tenant_id, action, "
        "decided_by, policy_version, rule, reason, priority, decided_at) "
        "values ($3, $1, $2, $3, 'default', $4, 'machine', 'p', 'r', 'why', 1, now())",
        comment,
        revision,
        draft,
        "escalate" if level == "supervisor" else "review",
    )
    await pool.execute(
        "insert into review_items (revision_id, comment_id, draft_id, tenant_id, level, reason, priority, "
        "created_at) values ($2, $1, $3, 'default', $4, 'why', 1, now())",
        comment,
        revision,
        draft,
        level,
    )
    await pool.execute("select refresh_comment_states(array[$1::uuid])", comment)
    return comment
