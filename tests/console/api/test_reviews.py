"""Two people, one item: who wins, who is told, and what is sent."""

import asyncio
import uuid

import pytest

from console import people, review_decisions, review_items
from console.people import Role, User
from infra.postgres import Pool
from schemas import codec
from schemas.events import Decision
from schemas.states import Action
from tests.console.api.conftest import TENANT, Api, waiting_comment

pytestmark = pytest.mark.integration

ANA, BEN = User("Ana", Role.MODERATOR), User("Ben", Role.MODERATOR)


async def sent(pool: Pool) -> list[Decision]:
    rows = await pool.fetch("select value from outbox where topic = 'replies.decided' order by id")
    return [codec.load().decode(row["value"], Decision) for row in rows]


async def test_of_two_who_decide_at_once_one_wins_and_the_other_is_told(pool: Pool) -> None:
    comment = await waiting_comment(pool)
    answers = await asyncio.gather(
        review_decisions.decide(pool, TENANT, comment, Action.APPROVE, ANA),
        review_decisions.decide(pool, TENANT, comment, Action.REJECT, BEN),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers].count(review_items.Taken) == 1
    assert len(await sent(pool)) == 1


async def test_a_claim_keeps_others_off_until_it_is_given_back(pool: Pool) -> None:
    comment = await waiting_comment(pool)
    await review_items.claim(pool, TENANT, comment, ANA)
    with pytest.raises(review_items.Taken, match="Ana works on"):
        await review_decisions.decide(pool, TENANT, comment, Action.APPROVE, BEN)
    with pytest.raises(review_items.Taken):
        await review_items.claim(pool, TENANT, comment, BEN)
    await review_items.release(pool, TENANT, comment, ANA)
    assert (await review_decisions.decide(pool, TENANT, comment, Action.APPROVE, BEN)).person == "Ben"


async def test_a_claim_ends_by_itself(pool: Pool) -> None:
    comment = await waiting_comment(pool)
    await review_items.claim(pool, TENANT, comment, ANA)
    await pool.execute("update review_items set claimed_at = now() - $1::interval", 2 * review_items.CLAIM)
    assert await review_items.claim(pool, TENANT, comment, BEN)


async def test_an_approval_after_the_comment_was_removed_sends_nothing_and_says_so(pool: Pool) -> None:
    comment = await waiting_comment(pool)
    await pool.execute("update comments set removed_at = now()")
    await pool.execute("select refresh_comment_states(array[$1::uuid])", comment)
    with pytest.raises(review_items.Taken, match="the comment is removed"):
        await review_decisions.decide(pool, TENANT, comment, Action.APPROVE, ANA)
    assert await sent(pool) == []


async def test_supervisors_items_are_not_a_moderators_to_decide(pool: Pool) -> None:
    comment = await waiting_comment(pool, level="supervisor")
    with pytest.raises(review_items.NotAllowed):
        await review_decisions.decide(pool, TENANT, comment, Action.REJECT, ANA)
    await review_decisions.decide(pool, TENANT, comment, Action.REJECT, User("Sue", Role.SUPERVISOR))
    assert [decision.person for decision in await sent(pool)] == ["Sue"]


async def test_an_item_is_found_by_an_index_or_by_how_its_id_begins(pool: Pool) -> None:
    comment, other = await waiting_comment(pool), await waiting_comment(pool)
    for given in (comment, comment[:13]):
        assert str((await review_items.item(pool, TENANT, given))["comment_id"]) == comment
    for unknown in (str(uuid.uuid4()), "no id", "%", ""):
        with pytest.raises(review_items.NoItem):
            await review_items.item(pool, TENANT, unknown)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("set local enable_seqscan = off")
        plan = await connection.fetch(
            "explain " + review_items.ITEM + "where r.comment_id = $1::uuid and r.tenant_id = $2",
            other,
            TENANT,
        )
    assert any("review_items_by_comment" in line[0] for line in plan)


async def test_another_tenants_item_is_not_there(pool: Pool) -> None:
    comment = await waiting_comment(pool)
    with pytest.raises(review_items.NoItem):
        await review_items.item(pool, "another", comment)


async def test_what_the_platform_does_not_take_is_not_sent(pool: Pool) -> None:
    comment = await waiting_comment(pool)
    with pytest.raises(review_items.NothingToSend, match="characters"):
        await review_decisions.decide(pool, TENANT, comment, Action.APPROVE, ANA, text="x" * 9000)
    assert await sent(pool) == []


async def test_the_whole_way_over_http(api: Api, pool: Pool) -> None:
    comment = await waiting_comment(pool)
    async with api.client() as moderator, api.client(Role.SUPERVISOR) as supervisor:
        listed = (await moderator.get("/review/items")).json()
        assert [(item["comment_id"], item["draft"]) for item in listed] == [(comment, "We look into it.")]
        assert (await moderator.post(f"/review/items/{comment}/claim")).status_code == 200
        taken = await supervisor.post(f"/review/items/{comment}/approve", json={})
        assert (taken.status_code, "a moderator works on" in taken.json()["detail"]) == (409, True)
        done = await moderator.post(f"/review/items/{comment}/approve", json={"text": "On its way!"})
        assert (done.status_code, done.json()["text"]) == (200, "On its way!")
        late = await supervisor.post(f"/review/items/{comment}/reject", json={"reason": "no"})
        assert (late.status_code, "somebody decided it" in late.json()["detail"]) == (409, True)
        assert (await moderator.get(f"/comments/{comment}")).json()["state"] == "needs_review"
        assert (await moderator.get(f"/comments/{uuid.uuid4()}")).status_code == 404
    assert [(decision.text, decision.person) for decision in await sent(pool)] == [
        ("On its way!", "a moderator")
    ]


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_may_what_it_may(api: Api, pool: Pool, role: Role) -> None:
    comment = await waiting_comment(pool)
    async with api.client(role) as client:
        asked = {
            Role.ANALYST: await client.get("/review/items"),
            Role.MODERATOR: await client.post(f"/review/items/{comment}/claim"),
            Role.SUPERVISOR: await client.post("/accounts/facebook/1/pause", json={}),
            Role.ADMIN: await client.put("/accounts/facebook/1/mode", json={"mode": "auto"}),
        }
    assert {least: answer.status_code for least, answer in asked.items()} == {
        least: 200 if role.may(least) else 403 for least in Role
    }


async def test_only_a_key_in_force_opens_anything(api: Api, pool: Pool) -> None:
    async def status(key: str) -> int:
        async with api.client(None) as client:
            return (await client.get("/me", headers={"Authorization": f"Bearer {key}"})).status_code

    good = api.keys[Role.ADMIN]
    assert await status(good) == 200
    assert [
        await status(bad) for bad in ("x", good[:-1] + "_", good[:-1], "parley_000000000000_" + "a" * 43)
    ] == [401] * 4
    await pool.execute(
        "update api_keys set expires_at = now() - interval '1 second' where key_id = $1", good[7:19]
    )
    assert await status(good) == 401
    key_id, key = await people.create_key(pool, TENANT, "a moderator", actor="test")
    await people.revoke_key(pool, TENANT, key_id, actor="test")
    assert await status(key) == 401
    await people.save_user(pool, TENANT, "a supervisor", Role.SUPERVISOR, active=False, actor="test")
    assert await status(api.keys[Role.SUPERVISOR]) == 401
    kept = await pool.fetchval("select string_agg(encode(hash, 'hex'), ' ') from api_keys")
    assert good[20:] not in kept
