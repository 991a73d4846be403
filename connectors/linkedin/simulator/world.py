"""An organisation's posts and comments under the urns that LinkedIn gives them."""

from typing import Final

from connectors.linkedin.urns import CommentUrn, comment_urn
from connectors.simulation import Post, World

_BETWEEN: Final = 403_110_376
"""What lies between the number of a share and that of its activity, as in the documentation's sample."""


class OrganisationWorld(World):
    """Posts are shares; comments are named by the activity of their post. `account_id` is a urn here."""

    def post_name(self, number: int) -> str:
        """`urn:li:share:<number>`."""
        return f"urn:li:share:{number}"

    def comment_name(self, number: int, post: Post) -> str:
        """`urn:li:comment:(<activity of the post>,<number>)`."""
        return str(CommentUrn(activity_of(post), str(number)))

    def person(self, number: int) -> tuple[str, str]:
        """Persons have urns; no name is ever told."""
        return f"urn:li:person:p{number}", ""

    def key(self, platform_id: str) -> str:
        """The number of a comment, or of a post's share whether it is named so or by its activity."""
        comment = comment_urn(platform_id)
        if comment is not None:
            return comment.number
        kind, _, number = platform_id.rpartition(":")
        return str(int(number) - _BETWEEN) if kind.endswith(":activity") and number.isdigit() else number


def activity_of(post: Post) -> str:
    """The urn of the activity by which comments name a post."""
    return f"urn:li:activity:{int(post.id.rpartition(':')[2]) + _BETWEEN}"
