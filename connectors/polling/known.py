"""What is stored of comments, replies and posts, for a poll to compare with."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from connectors.accounts import Account
from connectors.polling.comparing import Stored
from infra.postgres import Pool, transient
from schemas.events import CommentEvent, CommentKind, Source

_SINCE: Final = """
select comment_id, tenant_id, platform, account_id, platform_comment_id, platform_post_id,
    platform_parent_id, created_at, received_at from comments
where platform = $1 and account_id = $2 and coalesce(created_at, received_at) >= $3 and received_at < $4
    and removed_at is null and current_revision_id is not null and tenant_id = $5
order by received_at desc
"""


class Known:
    """One tenant's. Every call raises TransientError while Postgres is away."""

    def __init__(self, pool: Pool, tenant: str) -> None:
        self._pool = pool
        self._tenant = tenant

    async def comments(self, ids: Sequence[str]) -> dict[str, Stored]:
        """The stored ones among these comments."""
        with transient():
            rows = await self._pool.fetch(
                "select comment_id::text, current_revision_id::text, is_hidden, "
                "removed_at from comments where comment_id = any($1::uuid[])",
                list(ids),
            )
        return {
            row["comment_id"]: Stored(
                comment_id=row["comment_id"],
                revision_id=row["current_revision_id"],
                is_hidden=row["is_hidden"],
                removed_at=row["removed_at"],
            )
            for row in rows
        }

    async def replies(self, keys: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """The stored ones among these (comment id, reply id)."""
        if not keys:
            return set()
        with transient():
            rows = await self._pool.fetch(
                "select comment_id::text, reply_id from observed_replies where comment_id = any($1::uuid[])",
                [comment for comment, _ in keys],
            )
        return {(row["comment_id"], row["reply_id"]) for row in rows}

    async def posts(self, account: Account, ids: Sequence[str]) -> dict[str, tuple[str, str, bool | None]]:
        """(text, permalink, by the account) of the stored ones among these posts."""
        with transient():
            rows = await self._pool.fetch(
                "select platform_post_id, text, permalink, by_account from posts "
                "where tenant_id = $1 and platform = $2 and account_id = $3 and platform_post_id = any($4)",
                self._tenant,
                account.platform,
                account.account_id,
                list(ids),
            )
        return {
            row["platform_post_id"]: (row["text"] or "", row["permalink"] or "", row["by_account"])
            for row in rows
        }

    async def since(self, account: Account, since: datetime, before: datetime) -> list[CommentEvent]:
        """The account's comments written since then and stored before, without those removed."""
        with transient():
            rows = await self._pool.fetch(
                _SINCE, account.platform, account.account_id, since, before, self._tenant
            )
        return [
            CommentEvent(
                kind=CommentKind.ADDED,
                tenant_id=row["tenant_id"],
                platform=account.platform,
                account_id=row["account_id"],
                comment_id=str(row["comment_id"]),
                platform_comment_id=row["platform_comment_id"],
                platform_post_id=row["platform_post_id"],
                platform_parent_id=row["platform_parent_id"],
                occurred_at=row["created_at"] or row["received_at"],
                created_at=row["created_at"],
                observed_at=row["received_at"],
                source=Source.POLL,
            )
            for row in rows
        ]
