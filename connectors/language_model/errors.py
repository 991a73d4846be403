"""How a call to a language model can fail. The type says whether it may be made again.

LanguageModelError    `reason`: a short fixed name, for metrics and for the draft's reasons
├── Unavailable       no answer this time (connection, time-out, 5xx, 429): the same call may be made again
├── Unanswerable      there was an answer and it is of no use, or this very request is refused: not again
└── Stopped           nothing will be answered until a person acts (quota, key, model's name): alert
"""

from schemas.errors import ParleyError


class LanguageModelError(ParleyError):
    """Base; `str(error)` tells what the endpoint said."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Unavailable(LanguageModelError):
    """No answer. `retry_in`: seconds the far side asked for; `repeat`: False where it must not be retried."""

    def __init__(
        self, reason: str, message: str, *, retry_in: float | None = None, repeat: bool = True
    ) -> None:
        super().__init__(reason, message)
        self.retry_in = retry_in
        self.repeat = repeat


class Unanswerable(LanguageModelError):
    """An answer without use, or a request that is refused as it is. `tokens`: what it cost all the same."""

    def __init__(self, reason: str, message: str, *, tokens: tuple[int, int] = (0, 0)) -> None:
        super().__init__(reason, message)
        self.tokens = tokens


class Stopped(LanguageModelError):
    """Pointless until a person acts."""
