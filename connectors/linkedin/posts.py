"""An organisation's posts, and what is counted on them.

Sources: "Posts API" and "Social Metadata API" of LinkedIn's documentation.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, Final

from connectors.accounts import Account
from connectors.linkedin.errors import ApiError, cause_of, failure_of
from connectors.linkedin.fields import number_of, time_of
from connectors.linkedin.paging import pages
from connectors.linkedin.rest import Rest
from connectors.linkedin.urns import encoded, is_urn, organisation_urn
from connectors.outcomes import Cause, NotReadable
from connectors.webhook import Ignored
from schemas.events import EngagementEvent, Platform, PostEvent, utc_now
from schemas.identity import clean_text

NEWEST: Final = 20
"""Posts that are looked at where the app may not read notices, so that old posts' activity is not told."""

ACTIVITY: Final = "urn:li:activity:"
_FEED: Final = "https://www.linkedin.com/feed/update/"


async def own_posts(rest: Rest, account: Account, since: datetime | None) -> AsyncIterator[PostEvent]:
    """Posts that are themselves new or edited; the newest of all where `since` is None."""
    author = encoded(organisation_urn(account.account_id))
    given = 0
    async for page in pages(rest, f"posts?q=author&author={author}&sortBy=LAST_MODIFIED"):
        if isinstance(page, ApiError):
            raise failure_of(page)
        for item in page:
            modified = time_of(item.get("lastModifiedAt"), utc_now())
            if given >= NEWEST if since is None else modified is not None and modified < since:
                return
            if is_urn(item.get("id")) and item.get("lifecycleState", "PUBLISHED") == "PUBLISHED":
                given += 1
                yield _post(item, account, item["id"])


async def read_post(rest: Rest, account: Account, post_id: str) -> PostEvent | None:
    """A post's text and permalink; None if LinkedIn says that it is gone. Raises NotReadable for an activity.

    A notice without decorations names its post by the activity alone, from which nothing leads to the share.
    """
    if not is_urn(post_id) or post_id.startswith(ACTIVITY):
        # Said before asking: the answer to an activity is "not found", and would be taken for a deletion.
        raise NotReadable(f"LinkedIn reads posts by share or ugcPost, not as {post_id[:80]!r}")
    answer = await rest.read(f"posts/{encoded(post_id)}")
    if isinstance(answer, ApiError):
        if cause_of(answer) is Cause.GONE:
            return None
        raise failure_of(answer)
    return _post(answer.content, account, post_id)


async def engagement_of(rest: Rest, account: Account, post_id: str) -> EngagementEvent | Ignored:
    """A post's reactions of every kind, as likes, and its comments."""
    answer = await rest.read(f"socialMetadata/{encoded(post_id)}")
    if isinstance(answer, ApiError):
        if cause_of(answer) in (Cause.GONE, Cause.PERMISSION, Cause.PERMANENT):
            return Ignored("engagement:not_told")
        raise failure_of(answer)
    summaries = answer.content.get("reactionSummaries")
    counts = summaries.values() if isinstance(summaries, Mapping) else ()
    return EngagementEvent(
        tenant_id=account.tenant_id,
        platform=Platform.LINKEDIN,
        account_id=account.account_id,
        platform_post_id=post_id,
        likes=sum(number_of(kind, "count") or 0 for kind in counts),
        replies=number_of(answer.content.get("commentSummary"), "count"),
        observed_at=utc_now(),
    )


def _post(item: Mapping[str, Any], account: Account, post_id: str) -> PostEvent:
    now = utc_now()
    text, author = item.get("commentary"), item.get("author")
    return PostEvent(
        tenant_id=account.tenant_id,
        platform=Platform.LINKEDIN,
        account_id=account.account_id,
        platform_post_id=post_id,
        text=clean_text(text) if isinstance(text, str) else None,
        permalink=f"{_FEED}{post_id}/",
        published_at=time_of(item.get("publishedAt"), now) or time_of(item.get("createdAt"), now),
        observed_at=now,
        by_account=None if author is None else author == organisation_urn(account.account_id),
    )
