"""Texts and labels for training: the shared files, their mapping to the product's classes, own comments."""

import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from models.normalise import normalise
from schemas.labels import Intent, Sentiment

LANGUAGES = {"arabic": "ar", "english": "en", "french": "fr", "german": "de", "hindi": "hi", "italian": "it",
             "portuguese": "pt", "spanish": "es"}  # fmt: skip
SENTIMENTS, INTENTS = list(Sentiment), list(Intent)
"""The order of the heads' outputs."""

COMMENTS = Path(__file__).parent / "comments"


@dataclass(frozen=True, slots=True)
class Example:
    """One cleaned text. A label that its source does not give is None; `not_spam` rules one class out."""

    text: str
    source: str
    language: str = ""
    sentiment: Sentiment | None = None
    intent: Intent | None = None
    not_spam: bool = False


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text("utf-8").split("\n"):
        if "\t" in line:
            label, text = line.split("\t", 1)
            if cleaned := normalise(text):
                yield label, cleaned


def english_sentiment(data: Path, split: str) -> list[Example]:
    """`split` is train or val; tweets of SemEval-2017 task 4A."""
    return [
        Example(text, "sentiment-en", "en", Sentiment(label))
        for label, text in _rows(data / f"sentiment-en/{split}.tsv")
    ]


def multilingual_sentiment(data: Path, split: str) -> list[Example]:
    """UMSAB in eight languages; English is left out of train, where `english_sentiment` holds it."""
    return [
        Example(text, f"umsab-{code}", code, Sentiment(label))
        for name, code in LANGUAGES.items()
        if split != "train" or code != "en"
        for label, text in _rows(data / f"sentiment-multilingual/{name}-{split}.tsv")
    ]


def comments(*names: str) -> list[Example]:
    """The project's own comments: all files but `heldout` where no name is given."""
    files = [COMMENTS / f"{n}.jsonl" for n in names] or [
        p for p in sorted(COMMENTS.glob("*.jsonl")) if p.stem != "heldout"
    ]
    found = []
    for path in files:
        for line in path.read_text("utf-8").splitlines():
            if line.strip():
                row = json.loads(line)
                found.append(
                    Example(normalise(row["text"]), f"comments-{path.stem}", row["language"],
                            Sentiment(row["sentiment"]), Intent(row["intent"]))
                )  # fmt: skip
    return [example for example in found if example.text]


_ASKS = re.compile(
    r"(what|how|when|where|why|who|which|whose|is|are|am|do|does|did|has|have|will|should|was|were)\b",
    re.IGNORECASE,
)
_WANTS = re.compile(
    r"(please|can you|could you|would you|i need you to|i want you to|i'd like|i would like|i want|help me|"
    r"cancel|order|book|change|freeze|transfer|send|give|tell|set|put|add|remove|close|refund|block|reset|"
    r"let me)\b",
    re.IGNORECASE,
)
_CLINC_SERVICE = frozenset((
    "accept_reservations", "account_blocked", "application_status", "balance", "bill_balance",
    "bill_due", "book_flight", "book_hotel", "cancel_reservation", "car_rental", "card_declined",
    "carry_on", "confirm_reservation", "damaged_card", "exchange_rate", "expiration_date",
    "flight_status", "freeze_account", "how_busy", "ingredients_list", "insurance", "insurance_change",
    "interest_rate", "international_fees", "lost_luggage", "new_card", "nutrition_info", "order",
    "order_status", "pay_bill", "pin_change", "redeem_rewards", "replacement_card_duration",
    "report_fraud", "report_lost_card", "restaurant_reservation", "restaurant_reviews",
    "rewards_balance", "schedule_maintenance", "share_location", "traffic", "update_playlist",
    "calories", "gas_type", "meal_suggestion", "play_music", "sync_device", "reset_settings",
    "change_language",
))  # fmt: skip
_CLINC_CHATTER = frozenset((
    "greeting", "goodbye", "yes", "no", "maybe", "thank_you", "what_are_your_hobbies", "tell_joke",
    "fun_fact", "flip_coin", "repeat",
))  # fmt: skip
_BANK_COMPLAINT = re.compile(
    r"not_recognised|charged|declined|failed|wrong|not_received|not_showing|not_working|extra_charge|"
    r"reverted|swallowed"
)


def _clinc(label: str, text: str) -> Intent | None:
    if label in _CLINC_CHATTER:
        return Intent.OTHER if label != "thank_you" and len(text) < 60 else None
    if label not in _CLINC_SERVICE:
        return None
    return Intent.QUESTION if _ASKS.match(text) else Intent.REQUEST if _WANTS.match(text) else None


def _banking(label: str, text: str) -> Intent | None:
    if _ASKS.match(text):
        return Intent.QUESTION if text.endswith("?") else None
    if _WANTS.match(text) and not _BANK_COMPLAINT.search(label):
        return Intent.REQUEST
    return Intent.COMPLAINT if _BANK_COMPLAINT.search(label) and "?" not in text else None


def _review(label: str) -> tuple[Intent | None, Sentiment | None]:
    kind, stars = label.split(":")
    low, high = int(stars) <= 2, int(stars) >= 4
    mood = Sentiment.NEGATIVE if low else Sentiment.POSITIVE if int(stars) == 5 else None
    if kind == "rating":
        return (Intent.COMPLAINT if low else Intent.COMPLIMENT if high else Intent.FEEDBACK), mood
    if kind == "bug":
        return (Intent.COMPLAINT if low else None), mood
    if kind == "feature":
        return (None if low else Intent.FEEDBACK), None
    return (Intent.COMPLAINT if low else Intent.FEEDBACK if stars in "34" else Intent.COMPLIMENT), mood


def intent_sources(data: Path) -> list[Example]:
    """The public sources mapped to the seven classes; texts that map to none keep no intent.

    How a text is put decides between question, request and complaint, not its source, so that "bank" is no
    question. Public sets of spam also say what is not spam.
    """
    folder, found = data / "intent-sources", []
    for label, text in _rows(folder / "clinc150.tsv"):
        found.append(Example(text, "clinc150", "en", intent=_clinc(label, text)))
    for label, text in _rows(folder / "banking77.tsv"):
        found.append(Example(text, "banking77", "en", intent=_banking(label, text)))
    for label, text in _rows(folder / "app-reviews.tsv"):
        intent, mood = _review(label)
        found.append(Example(text, "app-reviews", "en", mood, intent))
    for _, text in _rows(folder / "questions-tweets.tsv"):
        found.append(Example(text, "questions-tweets", "en", intent=Intent.QUESTION))
    for name in ("spam-instagram", "spam-youtube"):
        for label, text in _rows(folder / f"{name}.tsv"):
            spam = label == "spam"
            found.append(Example(text, name, "en", intent=Intent.SPAM if spam else None, not_spam=not spam))
    lines = (folder / "brand-tweets-unlabelled.tsv").read_text("utf-8").splitlines()
    return found + [Example(cleaned, "brand-tweets", "en") for line in lines if (cleaned := normalise(line))]


def plain(path: Path) -> list[Example]:
    """A file of further English tweets, one a line, without labels, each once."""
    lines = dict.fromkeys(normalise(line) for line in path.read_text("utf-8").split("\n"))
    return [Example(text, "tweets", "en") for text in lines if text]


def without(examples: list[Example], texts: set[str]) -> list[Example]:
    """Drop every example whose text, without case, is one of `texts`: the guard against leaks."""
    return [example for example in examples if example.text.casefold() not in texts]


def held_out(folder: Path) -> set[str]:
    """Every text that a figure is taken from, in lower case: none of them may be trained on."""
    english, several = english_sentiment(folder, "val"), multilingual_sentiment(folder, "val")
    return {e.text.casefold() for e in english + several + comments("heldout")}


def set_aside(examples: list[Example], every: int) -> tuple[list[Example], list[Example]]:
    """Split by a hash of the text into (for training, set aside for calibration), one of `every` aside."""
    aside = [zlib.crc32(e.text.casefold().encode()) % every == 0 for e in examples]
    return [e for e, a in zip(examples, aside, strict=True) if not a], [
        e for e, a in zip(examples, aside, strict=True) if a
    ]
