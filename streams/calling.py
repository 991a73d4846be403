"""Calls to a language model as the draft stage makes them: bounded, repeated where it helps, then given up.

One attempt passes the tokens a minute and the circuit breaker; what an error means is told by its type
(`connectors.language_model.errors`), and how often and when a call is repeated is decided here.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from connectors.language_model.client import Completion
from connectors.language_model.errors import Stopped, Unanswerable, Unavailable
from infra import logs, metrics
from replies.breaker import Breaker
from replies.budget import TokensAMinute
from replies.prompt import Prompt

log = logs.get(__name__)

ATTEMPTS: Final = 3
"""Calls for one draft, at most."""

HELD_LONGEST: Final = 900.0
"""Seconds for which nothing is asked, at most, where the far side names a long time."""

STOPPED_FOR: Final = 300.0
"""Seconds after which one call tries whether a person has acted."""

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 8.0


class Model(Protocol):
    """A language model; see `connectors.language_model.client`."""

    name: str

    async def complete(
        self, *, system: str, user: str, schema: Mapping[str, Any], call_id: str
    ) -> Completion:
        """The content it answers with; raises LanguageModelError."""


class NoAnswer(Exception):
    """No usable answer within the bounds; `reason` is a short fixed name."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True, kw_only=True)
class Caller:
    """Asks one model. `time_limit`: seconds for all attempts of one draft; `max_tokens`: of an answer.

    `used(prompt tokens, completion tokens)` of an answered call goes to who asked. One event loop.
    """

    model: Model
    schema: Mapping[str, Any]
    breaker: Breaker
    tokens: TokensAMinute
    time_limit: float
    max_tokens: int
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[float, float], float] = random.uniform
    _stopped: bool = False

    async def ask(self, prompt: Prompt, call_id: str, used: Callable[[str, int, int], None]) -> Completion:
        """The answer; raises NoAnswer. Attempt n is named `call_id`.n to the far side."""
        deadline = self.clock() + self.time_limit
        for attempt in range(1, ATTEMPTS + 1):
            guess = prompt.tokens + self.max_tokens
            await self._room(guess, deadline)
            ticket = self.breaker.allows()
            self._show()
            if ticket is None:
                raise NoAnswer("stopped" if self._stopped else "breaker_open")
            try:
                completion = await self._once(prompt, f"{call_id}.{attempt}", deadline)
            except Unavailable as error:
                self.tokens.correct(guess, 0)
                self.breaker.failed(ticket)
                pause = await self._pause(error, attempt, deadline)
                await asyncio.sleep(pause)
            except Unanswerable as error:
                self.tokens.correct(guess, sum(error.tokens))
                used(self.model.name, *error.tokens)
                if error.reason == "refused":
                    self.breaker.failed(ticket)
                else:
                    self._answered(ticket)
                raise NoAnswer(error.reason) from error
            except Stopped as error:
                self.tokens.correct(guess, 0)
                self._stop(error)
                raise NoAnswer(error.reason) from error
            except BaseException:
                self.tokens.correct(guess, 0)
                self.breaker.neutral(ticket)
                raise
            else:
                self.tokens.correct(guess, completion.prompt_tokens + completion.completion_tokens)
                used(completion.model, completion.prompt_tokens, completion.completion_tokens)
                self._answered(ticket)
                return completion
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, prompt: Prompt, call_id: str, deadline: float) -> Completion:
        began = self.clock()
        result = "given_up"
        try:
            async with asyncio.timeout(max(0.0, deadline - began)):
                completion = await self.model.complete(
                    system=prompt.system, user=prompt.user, schema=self.schema, call_id=call_id
                )
            result = "answered"
        except TimeoutError as error:
            result = "time_limit"
            raise Unavailable("time_limit", "no answer within the draft's time", repeat=False) from error
        except (Unavailable, Unanswerable, Stopped) as error:
            result = error.reason
            raise
        finally:
            metrics.LANGUAGE_MODEL_CALLS.labels(result).inc()
            metrics.LANGUAGE_MODEL_SECONDS.observe(self.clock() - began)
        metrics.LANGUAGE_MODEL_TOKENS.labels("prompt").inc(completion.prompt_tokens)
        metrics.LANGUAGE_MODEL_TOKENS.labels("completion").inc(completion.completion_tokens)
        return completion

    async def _room(self, tokens: int, deadline: float) -> None:
        """Waits for the tokens a minute."""
        while (wait := self.tokens.take(tokens)) > 0:
            if self.clock() + wait > deadline:
                raise NoAnswer("tokens_a_minute")
            await asyncio.sleep(self.jitter(wait, wait * 1.2))

    async def _pause(self, error: Unavailable, attempt: int, deadline: float) -> float:
        """Seconds until the next attempt; raises NoAnswer where there must be none."""
        asked = error.retry_in
        if asked is not None and asked > self.time_limit:
            log.warning("the language model asks for a long pause", seconds=round(asked), reason=error.reason)
            self.breaker.hold(min(asked, HELD_LONGEST))
        self._show()
        ceiling = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (attempt - 1))
        pause = self.jitter(ceiling * 0.75, ceiling) if asked is None else asked + self.jitter(0.0, 0.1)
        hopeless = not error.repeat or attempt == ATTEMPTS or not self.breaker.may_repeat()
        if hopeless or self.clock() + pause >= deadline:
            raise NoAnswer(error.reason) from error
        return pause

    def _answered(self, ticket: int) -> None:
        self.breaker.succeeded(ticket)
        if self._stopped and self.breaker.may_repeat():
            log.info("the language model answers again")
            self._stopped = False
        self._show()

    def _stop(self, error: Stopped) -> None:
        """Nothing is asked for a while, and a person is told, once."""
        if not self._stopped:
            log.error("the language model is not asked any more; templates draft", error=str(error))
        self._stopped = True
        self.breaker.hold(STOPPED_FOR)
        self._show()

    def _show(self) -> None:
        metrics.LANGUAGE_MODEL_OPEN.set(0 if self.breaker.may_repeat() else 1)
        metrics.LANGUAGE_MODEL_STOPPED.set(1 if self._stopped else 0)
