"""A comment as the benchmarks send it."""

import uuid

from schemas.events import CommentEvent, CommentKind, Platform, Source, utc_now


def comment(number: int = 0) -> CommentEvent:
    """The event of an average comment."""
    now = utc_now()
    return CommentEvent(
        kind=CommentKind.ADDED,
        tenant_id="default",
        platform=Platform.FACEBOOK,
        account_id="104000000000001",
        comment_id=str(uuid.UUID(int=number)),
        platform_comment_id=f"1_{number}",
        platform_post_id="104000000000001_1",
        revision_id=str(uuid.UUID(int=number)),
        author_id="7000000000000001",
        author_name="Ana",
        text="¿A qué hora abren el domingo? Me encanta ese café ☕",
        occurred_at=now,
        observed_at=now,
        source=Source.WEBHOOK,
    )
