"""Whose turn it is among accounts whose past is waiting, and how much each may take. Pure."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from aiokafka import TopicPartition

from infra.kafka import Message

TURN: Final = 20
"""Records of one account published in its turn."""

Taken: TypeAlias = tuple[TopicPartition, int, Message, str]
"""Where it was read, its offset, what is published, and whose it is."""


class UnderWay:
    """How many records of each account may still wait to be enriched, at most `most` of one.

    Records are enriched about in the order in which they were published: of a lag of n records, at most the
    last n that were fed in are ours.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._fed: deque[str] = deque()
        self._of: Counter[str] = Counter()

    def add(self, accounts: Iterable[str]) -> None:
        """One record of each of these accounts was published."""
        for account in accounts:
            self._fed.append(account)
            self._of[account] += 1

    def room(self, lag: int) -> Callable[[str], int]:
        """While `lag` records wait: how many more an account may have under way."""
        while len(self._fed) > max(lag, 0):
            account = self._fed.popleft()
            self._of[account] -= 1
            if not self._of[account]:
                del self._of[account]
        return lambda account: self._most - self._of[account]


class Turns:
    """Records waiting by account. `take` gives them by turns, `done` tells what may be committed."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[tuple[TopicPartition, int, Message]]] = {}
        self._order: deque[str] = deque()
        self._unfinished: dict[TopicPartition, set[int]] = {}
        self._next: dict[TopicPartition, int] = {}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def add(self, account: str, place: TopicPartition, offset: int, message: Message | None) -> None:
        """A record that was read; without a message it counts as finished."""
        self._next[place] = offset + 1
        if message is None:
            return
        self._unfinished.setdefault(place, set()).add(offset)
        if account not in self._waiting:
            self._waiting[account] = deque()
            self._order.append(account)
        self._waiting[account].append((place, offset, message))

    def take(self, most: int, room: Callable[[str], int]) -> list[Taken]:
        """Up to `most` records, `TURN` of each account in turn, of none more than `room` allows it."""
        taken: list[Taken] = []
        left: dict[str, int] = {}
        passed = 0
        while self._order and len(taken) < most and passed < len(self._order):
            account = self._order.popleft()
            queue = self._waiting[account]
            free = left.get(account, room(account))
            number = min(TURN, len(queue), most - len(taken), max(free, 0))
            taken += [(*queue.popleft(), account) for _ in range(number)]
            left[account] = free - number
            passed = 0 if number else passed + 1
            if queue:
                self._order.append(account)
            else:
                del self._waiting[account]
        return taken

    def done(self, taken: Sequence[Taken]) -> dict[TopicPartition, int]:
        """Offsets to commit once these are acknowledged: the finished prefix of every partition."""
        for place, offset, _, _ in taken:
            self._unfinished[place].discard(offset)
        return {place: min(self._unfinished.get(place) or {end}) for place, end in self._next.items()}
