"""An account's posts and what people answer, under the ids that X gives them. No I/O."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from connectors.simulation import Comment, Post, World

_EPOCH_MS = 1_288_834_974_657

ELSEWHERE = "elsewhere"
"""Named as `post_id`, the new post begins a conversation of its own."""


@dataclass(frozen=True, slots=True)
class Wording:
    """One wording of a post under its own id; `created` in unix seconds."""

    id: str
    text: str
    created: float


class XWorld(World):
    """A free tree of posts; an edited one gets another id, a removed one leaves its answers."""

    flattened = False

    def __init__(
        self, account_id: str, account_name: str, username: str, *, posts: int, first_id: int | None
    ) -> None:
        self.username = username
        self._wordings: dict[str, list[Wording]] = {}
        self._first: dict[str, str] = {}
        self.names = {account_id: username}
        self.users = {username.lower(): account_id}
        self.followers: dict[str, int] = {}
        number = first_id or (int(time.time() * 1000) - _EPOCH_MS) << 22
        super().__init__(account_id, account_name, posts=posts, first_id=number)

    def person(self, number: int) -> tuple[str, str]:
        """A person, with the user name `person_<number>`; every tenth is followed by many."""
        author_id = str(7_000_000_000 + number)
        self.followers[author_id] = 10_000 if number % 10 == 0 else 100
        self.names[author_id] = f"person_{number}"
        self.users[f"person_{number}"] = author_id
        return author_id, f"Person {number}"

    def key(self, platform_id: str) -> str:
        """The id of the first wording."""
        return self._first.get(platform_id, platform_id)

    def place(self, post_id: str | None, parent: Comment | None) -> Post:
        """See `World.place`; a conversation of somebody else's is not kept, nor listed with the account's."""
        if parent is not None and parent.post_id not in self.posts:
            return Post(parent.post_id, "", time.time())
        if parent is None and post_id == ELSEWHERE:
            return Post(ELSEWHERE, "", time.time())
        return super().place(post_id, parent)

    def comment_name(self, number: int, post: Post) -> str:
        """The number; the first post of a conversation names the conversation, too."""
        if post.id == ELSEWHERE:
            post.id = str(number)
        return str(number)

    def edit(self, comment: Comment, text: str) -> None:
        """Another text under another id; the former ids stay readable."""
        self._wordings[comment.id] = self.wordings(comment)
        super().edit(comment, text)
        new = Wording(str(self.new_number()), text, comment.edited or time.time())
        self._first[new.id] = comment.id
        self._wordings[comment.id].append(new)

    def remove(self, comment: Comment) -> Iterator[Comment]:
        """Removes this post alone."""
        if not comment.removed:
            comment.removed = True
            self.deaths += 1
            yield comment

    def wordings(self, thing: Comment | Post) -> list[Wording]:
        """All wordings, the first one first."""
        return self._wordings.get(thing.id) or [Wording(thing.id, thing.text, thing.created)]

    def things(self) -> Iterator[Comment | Post]:
        """All that exists, the account's posts and everybody's answers."""
        yield from (post for post in self.posts.values() if not post.removed)
        yield from (comment for comment in self.comments.values() if not comment.removed)

    def find(self, platform_id: str) -> Comment | Post | None:
        """A post of the account or an answer, by any of its ids."""
        return self.comment(platform_id) or self.post(platform_id)

    def author(self, thing: Comment | Post) -> str:
        """Id of who wrote it."""
        return thing.author_id if isinstance(thing, Comment) else self.account_id
