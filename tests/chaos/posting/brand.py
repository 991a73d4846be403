"""A brand with an account on each simulated platform, and approved replies to what people wrote there."""

import contextlib
import dataclasses
import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from connectors.facebook import simulator as facebook
from connectors.instagram import simulator as instagram
from connectors.linkedin import simulator as linkedin
from connectors.simulation import Simulation
from connectors.x import simulator as x
from schemas import identity
from schemas.events import CommentEvent, CommentKind, Decision, Draft, DraftOrigin, Platform, Source, utc_now
from schemas.states import Action, DecidedBy

TENANT: Final = "default"
_TEXTS: Final = ("Thank you!", "Thanks, we will look into it.", "¡Gracias! 🙏", "Glad that you like it.")
"""Few, so that many replies say the same."""

_UNLIMITED: Final = 100_000.0
"""By how much the simulated limits are above life: this is about doubt, not about pace."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account; its simulator keeps `journal`."""

    platform: Platform
    account_id: str
    token: str
    mention: str
    journal: Path
    simulation: Simulation


@dataclass(frozen=True, slots=True)
class Wanted:
    """A reply that was approved: the comment's event, and the machine's decision."""

    comment: CommentEvent
    decision: Decision


def accounts(folder: Path) -> list[Account]:
    """One on each platform; nothing is served yet."""

    def common(platform: Platform) -> dict[str, Any]:
        return {"journal": folder / f"{platform}.jsonl", "scale": _UNLIMITED, "posts": 5}

    on_facebook = facebook.SimulatorConfig(**common(Platform.FACEBOOK))
    on_instagram = instagram.SimulatorConfig(**common(Platform.INSTAGRAM))
    on_x = x.SimulatorConfig(**common(Platform.X))
    on_linkedin = linkedin.SimulatorConfig(**common(Platform.LINKEDIN))
    made: list[tuple[Platform, str, str, str, Simulation]] = [
        (
            Platform.FACEBOOK,
            on_facebook.page_id,
            on_facebook.page_token,
            "",
            facebook.Simulator(on_facebook),
        ),
        (
            Platform.INSTAGRAM,
            on_instagram.account_id,
            on_instagram.token,
            "",
            instagram.Simulator(on_instagram),
        ),
        (Platform.X, on_x.account_id, on_x.user_token, f"@{on_x.username} ", x.Simulator(on_x)),
        (
            Platform.LINKEDIN,
            on_linkedin.organisation_id,
            on_linkedin.member_token,
            "",
            linkedin.Simulator(on_linkedin),
        ),
    ]
    return [
        Account(platform, name, token, mention, folder / f"{platform}.jsonl", simulation)
        for platform, name, token, mention, simulation in made
    ]


@contextlib.asynccontextmanager
async def served(brand: list[Account]) -> AsyncIterator[Mapping[str, str]]:
    """Their simulators serve; gives the settings by which Parley takes them for the platforms."""
    async with contextlib.AsyncExitStack() as stack:
        there = {each.platform: await stack.enter_async_context(each.simulation.serving()) for each in brand}
        url = {platform: there.get(platform, "http://127.0.0.1:9") for platform in Platform}
        meta, organisation = facebook.SimulatorConfig(), linkedin.SimulatorConfig()
        yield {
            "PARLEY_FACEBOOK_GRAPH_URL": url[Platform.FACEBOOK],
            "PARLEY_FACEBOOK_APP_SECRET": meta.app_secret,
            "PARLEY_INSTAGRAM_LOGIN": "facebook",
            "PARLEY_INSTAGRAM_GRAPH_URL": url[Platform.INSTAGRAM],
            "PARLEY_X_API_URL": url[Platform.X],
            "PARLEY_LINKEDIN_API_URL": url[Platform.LINKEDIN],
            "PARLEY_LINKEDIN_OAUTH_URL": url[Platform.LINKEDIN],
            "PARLEY_LINKEDIN_CLIENT_ID": organisation.client_id,
            "PARLEY_LINKEDIN_CLIENT_SECRET": organisation.client_secret,
        }


def comment_everywhere(brand: list[Account], numbers: range) -> Iterator[Wanted]:
    """People comment, on each platform in turn; gives the approved replies."""
    for number, account in zip(numbers, itertools.cycle(brand), strict=False):
        text = f"Comment number {number}"  # X counts the names that begin an answer not to its wording
        [name] = account.simulation.add_comments([{"text": account.mention + text}])
        there = account.simulation.world.comment(name)
        assert there is not None
        yield _wanted(account, name, there.post_id, text, number)


def _wanted(account: Account, name: str, post: str, text: str, number: int) -> Wanted:
    comment_id = identity.comment_id(account.platform, account.account_id, name)
    revision, now = identity.revision_id(comment_id, text), utc_now()
    comment = CommentEvent(
        kind=CommentKind.ADDED,
        tenant_id=TENANT,
        platform=account.platform,
        account_id=account.account_id,
        comment_id=comment_id,
        platform_comment_id=name,
        platform_post_id=post,
        revision_id=revision,
        author_id=f"author-{number}",
        author_name="Ann",
        text=text,
        created_at=now,
        occurred_at=now,
        observed_at=now,
        source=Source.WEBHOOK,
    )
    draft = _draft(revision, _TEXTS[number % len(_TEXTS)])
    decision = Decision(
        decision_id=identity.decision_id(revision, draft.draft_id, "machine", Action.AUTO_APPROVE),
        tenant_id=TENANT,
        platform=account.platform,
        account_id=account.account_id,
        comment_id=comment_id,
        revision_id=revision,
        platform_comment_id=name,
        platform_post_id=post,
        thread_id=name,
        author_id=comment.author_id,
        action=Action.AUTO_APPROVE,
        decided_by=DecidedBy.MACHINE,
        person=None,
        draft=draft,
        text=draft.text,
        policy_version="1",
        rule="rule",
        reason="approved",
        priority=float(number % 7),
        expires_at=None,
        received_at=now,
        decided_at=now,
    )
    return Wanted(comment, decision)


def approved_by_a_person(wanted: Wanted, *, times: int, at: datetime) -> Decision:
    """What a moderator does with a reply that was handed over: it goes out in other words."""
    machine = wanted.decision
    draft = _draft(machine.revision_id, f"{machine.text} ({times})")
    return dataclasses.replace(
        machine,
        decision_id=identity.decision_id(
            machine.revision_id, draft.draft_id, "person:moderator", Action.APPROVE
        ),
        action=Action.APPROVE,
        decided_by=DecidedBy.PERSON,
        person="moderator",
        draft=draft,
        text=draft.text,
        reason="approved by a moderator",
        decided_at=at,
    )


def _draft(revision: str, text: str) -> Draft:
    return Draft(
        draft_id=identity.draft_id(revision, text, DraftOrigin.TEMPLATE),
        revision_id=revision,
        text=text,
        origin=DraftOrigin.TEMPLATE,
        language="en",
        confidence=0.5,
        template="thanks",
        template_version=1,
        reasons=(),
    )
