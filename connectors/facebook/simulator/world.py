"""Pages, posts and comments as they are on the simulated platform. No I/O."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from connectors.facebook.ids import last_part
from connectors.facebook.simulator.config import SimulatorConfig


@dataclass(slots=True)
class Comment:
    """A comment or reply; `parent_id` is the top-level comment of a reply. Times are unix seconds."""

    id: str
    post_id: str
    parent_id: str | None
    author_id: str
    author_name: str
    text: str
    created: float
    photo: str | None = None
    hidden: bool = False
    removed: bool = False
    listed_from: float = 0.0
    replies: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Post:
    """A post of the page; `comments` in order of creation, replies among them."""

    id: str
    text: str
    created: float
    comments: list[str] = field(default_factory=list)


class World:
    """One page. Ids are accepted in every form that the platform itself accepts."""

    def __init__(self, config: SimulatorConfig) -> None:
        self.page_id = config.page_id
        self.page_name = config.page_name
        self._next_id = config.first_id or time.time_ns() // 1000
        self.posts: dict[str, Post] = {}
        self.comments: dict[str, Comment] = {}
        self.deaths = 0
        for number in range(config.posts):
            post = Post(f"{self.page_id}_{self._new_id()}", f"Post number {number + 1}", time.time())
            self.posts[last_part(post.id)] = post
        self._post_ids = list(self.posts)
        self._people = 0

    def _new_id(self) -> int:
        self._next_id += 1
        return self._next_id

    def post(self, post_id: str) -> Post | None:
        """The post, or None."""
        return self.posts.get(last_part(post_id))

    def comment(self, comment_id: str) -> Comment | None:
        """The comment if it is not removed."""
        found = self.comments.get(last_part(comment_id))
        return None if found is None or found.removed else found

    def add(
        self,
        text: str,
        *,
        post_id: str | None = None,
        parent_id: str | None = None,
        author_id: str | None = None,
        author_name: str | None = None,
        photo: str | None = None,
        listed_after: float = 0.0,
    ) -> Comment:
        """A new comment; by a new person and on the next post where neither is named.

        A reply to a reply hangs below the top-level comment. Raises KeyError if post or parent do not exist.
        """
        now = time.time()
        parent = None
        if parent_id is not None:
            parent = self.comment(parent_id)
            if parent is None:
                raise KeyError(parent_id)
            if parent.parent_id is not None:
                parent = self.comments[last_part(parent.parent_id)]
        number = len(self.comments)
        where = parent.post_id if parent else post_id or self._post_ids[number % len(self._post_ids)]
        post = self.posts[last_part(where)]
        if author_id is None:
            self._people += 1
            author_id = str(7_000_000_000_000_000 + self._people)
            author_name = author_name or f"Person {self._people}"
        new = Comment(
            id=f"{last_part(post.id)}_{self._new_id()}",
            post_id=post.id,
            parent_id=parent.id if parent else None,
            author_id=author_id,
            author_name=author_name or "",
            text=text,
            created=now,
            photo=photo,
            listed_from=now + listed_after,
        )
        key = last_part(new.id)
        self.comments[key] = new
        post.comments.append(key)
        if parent is not None:
            parent.replies.append(key)
        return new

    def remove(self, comment: Comment) -> Iterator[Comment]:
        """Removes a comment and what hangs below it; gives all that went."""
        for key in [last_part(comment.id), *comment.replies]:
            gone = self.comments[key]
            if not gone.removed:
                gone.removed = True
                self.deaths += 1
                yield gone

    def below(self, parent: Post | Comment, *, toplevel: bool) -> list[str]:
        """Keys of the comments of a listing, oldest first, the removed among them so that cursors hold."""
        if isinstance(parent, Comment):
            return parent.replies
        if not toplevel:
            return parent.comments
        return [key for key in parent.comments if self.comments[key].parent_id is None]
