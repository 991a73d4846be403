"""A page's posts and comments under the ids that Facebook gives them."""

from connectors.facebook.ids import last_part
from connectors.simulation import Post, World


class PageWorld(World):
    """Posts are `<page>_<number>`, comments `<post>_<number>`; the last number alone is accepted as well."""

    def post_name(self, number: int) -> str:
        """`<page>_<number>`."""
        return f"{self.account_id}_{number}"

    def comment_name(self, number: int, post: Post) -> str:
        """`<post>_<number>`."""
        return f"{last_part(post.id)}_{number}"

    def key(self, platform_id: str) -> str:
        """The last number."""
        return last_part(platform_id)
