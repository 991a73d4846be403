"""Configuration over HTTP: kept, announced, and refused where it could not be kept."""

import asyncio
import json

import pytest

from console import seeding, versions
from console.people import Role
from infra.postgres import Pool
from replies import shipped
from replies.documents import read_yaml
from schemas import codec
from tests.console.api.conftest import TENANT, Api

pytestmark = pytest.mark.integration


async def test_a_voice_is_set_for_one_account_and_for_all(api: Api, pool: Pool) -> None:
    async with api.client(Role.SUPERVISOR) as client, api.client() as moderator:
        assert (await client.get("/voices/facebook:1")).json()["version"] == 0
        jolly = {"tone": "Jolly.", "do": ["Smile."], "avoid": []}
        assert (await client.put("/voices/default", json=jolly)).json()["version"] == 1
        assert (await client.get("/voices/facebook:1")).json() == {
            "key": "default",
            "version": 1,
            "voice": jolly,
        }
        calm = {"tone": "Calm."}
        for version in (1, 2):
            assert (await client.put("/voices/facebook:1", json=calm)).json()["version"] == version
        assert (await client.get("/voices/facebook:1")).json()["voice"]["tone"] == "Calm."
        assert (await moderator.put("/voices/default", json=calm)).status_code == 403
        refused = [
            (await client.put(path, content=json.dumps(body))).status_code
            for path, body in (
                ("/voices/nowhere", calm),
                ("/voices/x:", calm),
                ("/voices/default", {"tone": ""}),
                ("/voices/default", {"tone": "a\0"}),
                ("/voices/default", {"tone": "a\ud800"}),
                ("/voices/default", {"tone": "a", "also": 1}),
            )
        ]
    assert refused == [422] * 6
    assert await pool.fetchval("select count(*) from outbox where topic = 'config.changes'") == 3


async def test_a_policy_that_postgres_cannot_keep_changes_nothing(api: Api, pool: Pool) -> None:
    document = read_yaml(shipped.policy_text(), "the shipped policy")
    refused = []
    async with api.client(Role.ADMIN) as client:
        for bad in ("why\0", "why\ud800", float("nan"), 10**400):
            document["decide"][0]["reason"] = bad
            refused.append((await client.put("/policy", content=json.dumps(document))).status_code)
        assert (await client.put("/policy", content=b"[" * 100_000)).status_code in (400, 422)
        assert (await client.put("/policy", content=b'{"a": \xff}')).status_code in (400, 422)
        assert (await client.get("/policy")).json()["version"] == 0
    assert refused == [422] * 4


async def test_policies_set_at_once_get_versions_of_their_own_beside_seeding(pool: Pool) -> None:
    document = read_yaml(shipped.policy_text(), "the shipped policy")
    await asyncio.gather(
        *(versions.save_policy(pool, TENANT, document, f"person {number}") for number in range(4)),
        *(seeding.seed(pool, codec.load(), TENANT) for _ in range(2)),
    )
    rows = await pool.fetch("select version, created_by from policies order by version")
    assert [row["version"] for row in rows] == list(range(1, len(rows) + 1))
    assert {f"person {number}" for number in range(4)} <= {row["created_by"] for row in rows}
    assert rows[-1]["created_by"] != "parley", "what people set is not replaced by what is shipped"
