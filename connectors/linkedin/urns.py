"""LinkedIn's urns, and the one name of a comment.

A comment is `urn:li:comment:(<urn of its post>,<id>)`. Webhooks name it in two forms: `generatedActivity`
short, `urn:li:comment:(activity:7,8)`, and the decorations long, `urn:li:comment:(urn:li:activity:7,8)`. The
long form is the name here. Where a post is met as share or ugcPost and as activity, the activity names the
comment, as in every documented comment urn.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

_COMMENT: Final = re.compile(
    r"urn:li:comment:\((?:urn:li:)?([A-Za-z]{1,40}:[0-9A-Za-z_-]{1,40}),([0-9]{1,24})\)"
)
_URN: Final = re.compile(r"urn:li:[A-Za-z]{1,40}:[0-9A-Za-z_-]{1,64}")
_ORGANISATION: Final = re.compile(r"urn:li:organization(?:Brand)?:([0-9]{1,24})")
_ACTIVITY: Final = "urn:li:activity:"


@dataclass(frozen=True, slots=True)
class CommentUrn:
    """A comment: `post` is the urn of what it stands below, `number` its own id there."""

    post: str
    number: str

    def __str__(self) -> str:
        return f"urn:li:comment:({self.post},{self.number})"

    def below(self, post: object) -> "CommentUrn":
        """The same comment; named by `post` if that is the activity and this name is not."""
        if isinstance(post, str) and post.startswith(_ACTIVITY) and not self.post.startswith(_ACTIVITY):
            return CommentUrn(post, self.number)
        return self


def comment_urn(value: object) -> CommentUrn | None:
    """The comment that a urn in either form names; None for anything else."""
    found = _COMMENT.fullmatch(value) if isinstance(value, str) else None
    return CommentUrn(f"urn:li:{found[1]}", found[2]) if found else None


def is_urn(value: object) -> bool:
    """True for a simple urn, of a post, a person or an organisation."""
    return isinstance(value, str) and _URN.fullmatch(value) is not None


def organisation_id(value: object) -> str | None:
    """The id in the urn of an organisation or of one of its brands; None for anything else."""
    found = _ORGANISATION.fullmatch(value) if isinstance(value, str) else None
    return found[1] if found else None


def organisation_urn(account_id: str) -> str:
    """The urn of an account, which is known by its organisation's id."""
    return f"urn:li:organization:{account_id}"


def encoded(urn: str) -> str:
    """A urn as it stands in a path or a query: colons, brackets and commas percent-encoded."""
    return quote(urn, safe="")
