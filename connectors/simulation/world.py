"""Accounts, posts and comments as they are on a simulated platform. No I/O."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Comment:
    """A comment or reply; `parent_id` is what it answers, None for one on a post. Times are unix seconds.

    `listed_from`: listings show it from then on. `replies`: keys of what hangs directly below it.
    """

    id: str
    post_id: str
    parent_id: str | None
    author_id: str
    author_name: str
    text: str
    created: float
    edited: float | None = None
    photo: str | None = None
    hidden: bool = False
    removed: bool = False
    likes: int = 0
    listed_from: float = 0.0
    replies: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Post:
    """A post of the account; `comments`: keys in order of creation, replies among them."""

    id: str
    text: str
    created: float
    removed: bool = False
    likes: int = 0
    comments: list[str] = field(default_factory=list)


class World:
    """One account. A platform names its things by overriding `post_name`, `comment_name`, `person` and `key`.

    `flattened`: a reply to a reply hangs below the top-level comment (else below the reply).
    """

    flattened = True

    def __init__(self, account_id: str, account_name: str, *, posts: int, first_id: int | None) -> None:
        self.account_id = account_id
        self.account_name = account_name
        self._next_id = first_id or time.time_ns() // 1000
        self.posts: dict[str, Post] = {}
        self.comments: dict[str, Comment] = {}
        self.deaths = 0
        self._people = 0
        for number in range(posts):
            self.add_post(f"Post number {number + 1}")

    def post_name(self, number: int) -> str:
        """The id of a new post."""
        return str(number)

    def comment_name(self, number: int, post: Post) -> str:  # noqa: ARG002 - for platforms that name the post
        """The id of a new comment."""
        return str(number)

    def person(self, number: int) -> tuple[str, str]:
        """(id, name) of a new person."""
        return str(7_000_000_000_000_000 + number), f"Person {number}"

    def key(self, platform_id: str) -> str:
        """What stays the same in every form of an id that the platform accepts."""
        return platform_id

    def place(self, post_id: str | None, parent: Comment | None) -> Post:
        """The post below which a new comment comes to stand, if need be the next one; raises KeyError."""
        where = parent.post_id if parent else post_id or self._next_post()
        return self.posts[self.key(where)]

    def new_number(self) -> int:
        """A number that no other thing of this world has."""
        self._next_id += 1
        return self._next_id

    def add_post(self, text: str) -> Post:
        """The account publishes a post."""
        post = Post(self.post_name(self.new_number()), text, time.time())
        self.posts[self.key(post.id)] = post
        return post

    def post(self, post_id: str) -> Post | None:
        """The post if it is not removed."""
        found = self.posts.get(self.key(post_id))
        return None if found is None or found.removed else found

    def comment(self, comment_id: str) -> Comment | None:
        """The comment if it is not removed."""
        found = self.comments.get(self.key(comment_id))
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

        Raises KeyError if post or parent do not exist.
        """
        now = time.time()
        parent = None
        if parent_id is not None:
            parent = self.comment(parent_id)
            if parent is None:
                raise KeyError(parent_id)
            if self.flattened and parent.parent_id is not None:
                parent = self.comments[self.key(parent.parent_id)]
        post = self.place(post_id, parent)
        new_id = self.comment_name(self.new_number(), post)
        if author_id is None:
            self._people += 1
            author_id, name = self.person(self._people)
            author_name = author_name or name
        new = Comment(
            id=new_id,
            post_id=post.id,
            parent_id=parent.id if parent else None,
            author_id=author_id,
            author_name=author_name or "",
            text=text,
            created=now,
            photo=photo,
            listed_from=now + listed_after,
        )
        key = self.key(new.id)
        self.comments[key] = new
        post.comments.append(key)
        if parent is not None:
            parent.replies.append(key)
        return new

    def edit(self, comment: Comment, text: str) -> None:
        """Another text under the same id."""
        comment.text = text
        comment.edited = time.time()

    def remove(self, comment: Comment) -> Iterator[Comment]:
        """Removes a comment and all that hangs below it; gives what went."""
        if not comment.removed:
            comment.removed = True
            self.deaths += 1
            yield comment
        for key in comment.replies:
            yield from self.remove(self.comments[key])

    def below(self, parent: Post | Comment, *, toplevel: bool) -> list[str]:
        """Keys of the comments of a listing, oldest first, the removed among them so that cursors hold."""
        if isinstance(parent, Comment):
            return parent.replies
        if not toplevel:
            return parent.comments
        return [key for key in parent.comments if self.comments[key].parent_id is None]

    def _next_post(self) -> str:
        there = list(self.posts)
        return there[len(self.comments) % len(there)]
