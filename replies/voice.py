"""How a brand speaks: a document that travels on `config.changes` and stands in the prompt."""

from collections.abc import Mapping
from typing import Annotated, Final, Self

from pydantic import Field

from replies.documents import Document, read_json, validated
from schemas.events import ConfigChange

EVERYWHERE: Final = "default"
"""Key of the voice of accounts that have none of their own; theirs is "platform:account id"."""

_Line = Annotated[str, Field(min_length=1, max_length=200)]


class Voice(Document):
    """A few sentences about the tone, and what to do and to avoid."""

    tone: str = Field(
        "Warm, short and natural, like a kind person at the counter; never stiff, never salesy.",
        min_length=1,
        max_length=2000,
    )
    do: tuple[_Line, ...] = Field((), max_length=20)
    avoid: tuple[_Line, ...] = Field((), max_length=20)

    @classmethod
    def from_change(cls, change: ConfigChange) -> Self:
        """The voice a change brings; raises ConfigurationError."""
        what = f"voice {change.key} version {change.version}"
        return validated(cls, read_json(change.payload, what), what)


def voice_of(voices: Mapping[str, Voice], account_key: str) -> Voice:
    """The account's voice, else the one for everywhere, else the shipped one."""
    return voices.get(account_key) or voices.get(EVERYWHERE) or Voice()
