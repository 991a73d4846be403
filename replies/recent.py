"""What an account said lately, so that the same words are not posted in a row."""

from collections import OrderedDict, deque
from typing import Final

from replies import wording
from schemas.events import Platform

KEPT: Final = 3
"""Texts that may not come again at once: the books hold three to six wordings of a kind."""

ACCOUNTS: Final = 10_000


def same(text: str) -> str:
    """What is equal in two texts that readers would call the same."""
    return " ".join(wording.fold(text).split())


class Recent:
    """The latest texts by account, bounded; within one process, so two workers may meet by chance."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._texts: OrderedDict[tuple[Platform, str], deque[str]] = OrderedDict()

    def of(self, account: tuple[Platform, str]) -> tuple[str, ...]:
        """The account's latest texts, the latest last."""
        return tuple(self._texts.get(account, ()))

    def add(self, account: tuple[Platform, str], text: str) -> None:
        """Notes a text that is about to be proposed."""
        texts = self._texts.get(account)
        if texts is None:
            texts = self._texts[account] = deque(maxlen=self._kept)
            if len(self._texts) > ACCOUNTS:
                self._texts.popitem(last=False)
        self._texts.move_to_end(account)
        texts.append(text)
