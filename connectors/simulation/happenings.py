"""What can happen to comments: it changes the world, is journalled and announced by webhook."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from connectors.journal import Journal
from connectors.simulation.world import Comment, World


@dataclass(slots=True)
class Notice:
    """One change to be delivered: what the platform says of it.

    `verb` (add, edited, remove, hide, unhide) and `comment_id` as the journal names it; `at`: unix seconds;
    `own`: about a comment by the account itself.
    """

    verb: str
    comment_id: str
    value: dict[str, Any]
    at: int
    own: bool


class Happenings:
    """The one place where the simulated world changes.

    `tell` is told (verb, comment) of each change after it took effect; the platform makes a notice of it.
    """

    def __init__(self, world: World, journal: Journal, tell: Callable[[str, Comment], None]) -> None:
        self.world = world
        self._journal = journal
        self._tell = tell

    def comment(self, text: str, *, ref: str | None = None, **where: Any) -> Comment:
        """Somebody comments; `where` as in `World.add`, `ref` goes to the journal."""
        new = self.world.add(text, **where)
        self._journal.write(
            "comment",
            comment_id=new.id,
            post_id=new.post_id,
            parent_id=new.parent_id,
            author_id=new.author_id,
            effect="created",
            **({"ref": ref} if ref is not None else {}),
        )
        self._tell("add", new)
        return new

    def own_reply(self, text: str, parent_id: str, *, listed_after: float = 0.0) -> Comment:
        """The account answers a comment; its own webhook follows. Raises KeyError if the parent is gone.

        Not journalled here: the request that asked for it is.
        """
        world = self.world
        new = world.add(
            text,
            parent_id=parent_id,
            author_id=world.account_id,
            author_name=world.account_name,
            listed_after=listed_after,
        )
        self._tell("add", new)
        return new

    def staff_reply(self, text: str, parent_id: str) -> Comment:
        """Somebody of the staff answers in the platform's own interface."""
        new = self.own_reply(text, parent_id)
        self._journal.write("staff_reply", comment_id=parent_id, reply_id=new.id, text=text, effect="created")
        return new

    def edit(self, comment: Comment, text: str, *, by: str) -> None:
        """A comment gets another text; `by`: author or api."""
        self.world.edit(comment, text)
        self._journal.write("edit", comment_id=comment.id, by=by, effect="edited")
        self._tell("edited", comment)

    def remove(self, comment: Comment, *, by: str) -> None:
        """A comment goes, and the replies below it."""
        for gone in self.world.remove(comment):
            self._journal.write("remove", comment_id=gone.id, by=by, effect="removed")
            self._tell("remove", gone)

    def set_hidden(self, comment: Comment, hidden: bool, *, by: str) -> None:
        """A comment is hidden or shown again."""
        if comment.hidden != hidden:
            comment.hidden = hidden
            self._journal.write("hide", comment_id=comment.id, by=by, hidden=hidden, effect="changed")
            self._tell("hide" if hidden else "unhide", comment)

    def like(self, comment: Comment) -> None:
        """Somebody likes a comment; no platform announces that as a change of the comment."""
        comment.likes += 1
        self._journal.write("like", comment_id=comment.id, effect="liked")
