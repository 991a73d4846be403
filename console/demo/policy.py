"""The demo's policy: the shipped one, and a rule that leaves to templates what asks for no answer."""

from typing import Any, Final

from console.configuration import POLICY_KEY
from console.seeding import current
from console.versions import save_policy
from infra.audit import BY_PARLEY
from infra.postgres import Pool
from replies import shipped
from replies.documents import read_json, read_yaml
from schemas.events import ConfigKind

BY_DEMO: Final = "parley demo"
_RULE: Final = {
    "rule": "demo_thanks_by_template",
    "when": {"intent": ["compliment", "complaint", "feedback", "other"]},
    "then": "template",
    "reason": "in the demo the language model drafts what asks for an answer",
}


def document() -> dict[str, Any]:
    """The shipped policy with the demo's rule."""
    shown: dict[str, Any] = read_yaml(shipped.policy_text(), "default_policy.yaml")
    return {**shown, "name": "demo", "drafting": [*shown["drafting"], _RULE]}


async def keep_current(pool: Pool, tenant: str) -> None:
    """Stores it, unless it is there, or a person has set another with `parley --demo policy set`."""
    async with pool.acquire() as connection:
        known = next(
            change
            for change in await current(connection, tenant)
            if change.kind is ConfigKind.POLICY and change.key == POLICY_KEY
        )
    wanted = document()
    if known.changed_by == BY_PARLEY or (
        known.changed_by == BY_DEMO and read_json(known.payload, "policy") != wanted
    ):
        await save_policy(pool, tenant, wanted, BY_DEMO)
