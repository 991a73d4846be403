"""An account's media and comments under the ids and names that Instagram gives them."""

from connectors.simulation import Comment, World


class AccountWorld(World):
    """Ids are bare numbers; people are user names. A reply to a reply hangs below the top-level comment."""

    def person(self, number: int) -> tuple[str, str]:
        """(Instagram-scoped id, user name)."""
        return str(1_230_000_000_000_000 + number), f"person_{number}"

    def newest_first(self, media_id: str) -> list[str]:
        """Keys of a media's top-level comments, in the order in which Instagram lists them."""
        post = self.posts[media_id]
        return [key for key in reversed(post.comments) if self.comments[key].parent_id is None]

    def is_own(self, comment: Comment) -> bool:
        """True if the account wrote it."""
        return comment.author_id == self.account_id
