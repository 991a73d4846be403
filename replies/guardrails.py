"""What a draft must pass before it may go out by itself; each check has a name, which becomes the rule's.

    language       written in another language than the comment
    empty          nothing in it
    too_long       longer than the platform takes
    too_many       more hashtags or links than the platform takes
    unfilled       template marks left in it
    control        control or direction characters
    e_mail, link, phone, price, date, time, number, mention, personal_data
                   stated by neither template nor context: `replies.statements`
    quoted         a family name, or a long piece of the comment
    instructions   what only a program would say: roles, markup, a word about its prompt
    promise, claim, toxic, forbidden and what else the policy's `replies` names
                   phrases that a reply may not hold unless its template does
    repeated       the same text as a recent reply

Lengths are counted so that the platform never counts more. Sources: platform-contracts.md; Instagram and
LinkedIn name no limit in their current reference, so Instagram's is that of its own interface.
"""

import functools
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from replies import wording
from replies.phrases import Phrases
from replies.recent import same
from replies.statements import FINDERS
from schemas.events import Draft, Platform
from schemas.lengths import weighted_length

LIMITS: Final = {
    Platform.FACEBOOK: 8000,
    Platform.INSTAGRAM: 2200,
    Platform.X: 280,
    Platform.LINKEDIN: 1250,
}
"""Characters a reply may have (X: weighted)."""

HASHTAGS: Final = {Platform.INSTAGRAM: 4}
LINKS: Final = {Platform.INSTAGRAM: 1}
"""How many of them a reply may have, where a platform says so."""

_QUOTED: Final = 6
"""Words of the comment in a row that a reply may not repeat."""

_FAMILY_NAME: Final = 3
_HASHTAG: Final = re.compile(r"(?<!\w)#\w+")
_UNFILLED: Final = re.compile(
    r"\{\{|\}\}|\{%|%\}|\[(?:your |tu |seu |votre |dein |il tuo )?(?:name|nombre|nome|nom|brand|marca"
    r"|marke|marque|link|order|pedido|insert\b.{0,30})\]|<\w+>",
    re.IGNORECASE,
)
_PROGRAM: Final = re.compile(
    r"^\W{0,3}(?:assistant|system|user|reply|response|answer|draft|respuesta|resposta|reponse|antwort|risposta)\W{0,3}:"
    r"|\*\*|__|^#{1,6} |^\s*[-*] .*\n\s*[-*] |^[\"“].*[\"”]$",
    re.MULTILINE,
)
_CONTROL: Final = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\uf8ff\U000f0000-\U0010ffff]"
)
"""Control characters, halves of characters, private ones, and marks of direction, which show another text."""


class Failure(NamedTuple):
    """Which check a draft failed, and what it found."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Surrounding:
    """What a draft is held against.

    `language`: the comment's, None where it has none. `allowed`: what the draft may repeat links, numbers and
    promises of beside its grounds: its template and the brand's name. `recent`: texts lately sent from the
    account. `comment`, `author_name`: what a stranger wrote, which is no context. `phrases`: those of the
    policy, by failure.
    """

    platform: Platform
    language: str | None = None
    allowed: str = ""
    recent: Collection[str] = ()
    comment: str = ""
    author_name: str = ""
    phrases: tuple[Phrases, ...] = ()


def length_on(platform: Platform, text: str) -> int:
    """Characters of `text` as the platform counts them, or more.

    Beside X, UTF-16 units are counted, as the strictest counters do.
    """
    if platform is Platform.X:
        return weighted_length(text)
    return len(unicodedata.normalize("NFC", text).encode("utf-16-le", "surrogatepass")) // 2


def check(draft: Draft, surrounding: Surrounding) -> Failure | None:
    """The first check that a draft fails, or None."""
    return next(_failures(draft, surrounding), None)


def failures(draft: Draft, surrounding: Surrounding) -> tuple[Failure, ...]:
    """Every check that a draft fails, for a repair; `repeated` comes last."""
    return tuple(_failures(draft, surrounding))


def _failures(draft: Draft, around: Surrounding) -> Iterator[Failure]:
    text, platform = draft.text, around.platform
    if draft.grounds:
        around = replace(around, allowed="\n".join((around.allowed, *draft.grounds)))
    if around.language not in (None, draft.language):
        yield Failure("language", f"the draft is in {draft.language}, the comment in {around.language}")
    if not text.strip():
        yield Failure("empty", "the draft has no text")
        return
    length = length_on(platform, text)
    if length > LIMITS[platform]:
        yield Failure("too_long", f"{length} characters, {platform} takes {LIMITS[platform]}")
    for what, most, found in (
        ("hashtags", HASHTAGS.get(platform), len(_HASHTAG.findall(text))),
        ("links", LINKS.get(platform), len(wording.links(text))),
    ):
        if most is not None and found > most:
            yield Failure("too_many", f"{found} {what}, {platform} takes {most}")
    if _UNFILLED.search(text):
        yield Failure("unfilled", "template marks are left in the text")
    if _CONTROL.search(text):
        yield Failure("control", "the text holds control characters")
    yield from _stated(text, around)
    yield from _said(text, draft.language, around)
    if same(text) in {same(other) for other in around.recent}:
        yield Failure("repeated", "the same text was sent recently")


def _stated(text: str, around: Surrounding) -> Iterator[Failure]:
    for name, what, find in FINDERS:
        found = find(text)
        if found and found - find(around.allowed):
            yield Failure(name, f"the draft holds {what} that is in neither template nor context")


def _said(text: str, language: str, around: Surrounding) -> Iterator[Failure]:
    seen = wording.read(text)
    if _PROGRAM.search(wording.fold(text)) or seen.markup:
        yield Failure("instructions", "the draft has marks or a role that only a program writes")
    for phrases in around.phrases:
        found = phrases.find(seen.words, language)
        for name, phrase in found.items() if found else ():
            if name not in _allowed(phrases, around.allowed, language):
                yield Failure(name, f"the draft says what no template says ({phrase!r})")
    if _quotes(seen.words, around):
        yield Failure("quoted", "the draft repeats what or whom the comment names")


@functools.lru_cache(maxsize=256)  # the same few templates
def _allowed(phrases: Phrases, allowed: str, language: str) -> frozenset[str]:
    return frozenset(phrases.find(wording.read(allowed).words, language))


def _quotes(words: tuple[str, ...], around: Surrounding) -> bool:
    names = {each for each in wording.split(around.author_name)[1:] if len(each) >= _FAMILY_NAME}
    if names and names & set(words) - set(wording.split(around.allowed)):
        return True
    return bool(_runs(words) & _runs(wording.split(around.comment)) - _runs(wording.split(around.allowed)))


def _runs(words: tuple[str, ...]) -> set[tuple[str, ...]]:
    return {words[at : at + _QUOTED] for at in range(len(words) - _QUOTED + 1)}
