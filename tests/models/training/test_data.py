"""The project's own comments, the mapping of public sources, and the variants made of texts."""

import random
from collections import Counter
from pathlib import Path

import pytest

from models.normalise import normalise
from models.training import augment, data
from models.training.further import gather, key
from schemas.labels import Intent, Sentiment


def test_own_comments_are_many_in_every_class_and_half_of_them_spanish() -> None:
    own = data.comments()
    assert len(own) >= 2_500
    assert min(Counter(e.intent for e in own).values()) >= 200
    languages = Counter(e.language for e in own)
    assert set(languages) == {"es", "pt", "fr", "de", "it", "en"}
    assert 0.4 <= languages["es"] / len(own) <= 0.6


def test_own_comments_are_hardly_ever_repeated() -> None:
    texts = Counter(e.text.casefold() for e in data.comments())
    assert sum(n - 1 for n in texts.values()) <= 0.02 * len(texts)


def test_what_is_held_out_can_be_taken_out_of_training() -> None:
    held = {e.text.casefold() for e in data.comments("heldout")}
    left = data.without(data.comments(), held)
    assert not held & {e.text.casefold() for e in left}
    assert len(left) > 0.98 * len(data.comments())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny folder of sources in the shape of the shared ones."""
    sources = tmp_path / "intent-sources"
    sources.mkdir()
    rows = {
        "clinc150": "order_status\twhere is my order\nnew_card\tplease send me a card\n"
        "weather\tis it hot\nyes\tsure",
        "banking77": "card_arrival\twhen does it come?\ntransaction_charged_twice\ti was charged twice",
        "app-reviews": "bug:1\tcrashes\nrating:5\tlove it\nfeature:4\tneeds folders\nfeature:1\tfix\n"
        "rating:3\tmeh",
        "questions-tweets": "question\twho knows http\u200b",
        "spam-instagram": "spam\tdm me to earn\nnot_spam\tcool",
        "spam-youtube": "spam\tsubscribe to me",
        "brand-tweets-unlabelled": "\thelp @brand",
    }
    for name, text in rows.items():
        (sources / f"{name}.tsv").write_text(text + "\n", "utf-8")
    return tmp_path


def test_public_sources_map_by_how_a_text_is_put(folder: Path) -> None:
    found = {e.text: e.intent for e in data.intent_sources(folder)}
    assert found["where is my order"] is Intent.QUESTION
    assert found["please send me a card"] is Intent.REQUEST
    assert found["i was charged twice"] is Intent.COMPLAINT
    assert found["crashes"] is Intent.COMPLAINT
    assert found["love it"] is Intent.COMPLIMENT
    assert found["needs folders"] is Intent.FEEDBACK
    assert found["dm me to earn"] is Intent.SPAM
    assert found["sure"] is Intent.OTHER
    assert found["is it hot"] is found["cool"] is found["help @user"] is None


def test_not_spam_rules_out_one_class_only(folder: Path) -> None:
    assert [e.text for e in data.intent_sources(folder) if e.not_spam] == ["cool"]


def test_an_angry_emoji_never_leaves_a_text_positive() -> None:
    rng = random.Random(1)
    happy = data.Example("me gusta mucho", "", "es", Sentiment.POSITIVE)
    for _ in range(3000):
        varied = augment.vary(happy, rng)
        if any(sign in varied.text for sign in "😡🤮👎🤬"):
            assert varied.sentiment is Sentiment.NEGATIVE


def test_variants_are_clean_texts_and_keep_the_intent() -> None:
    rng = random.Random(2)
    asked = data.Example("¿Cuándo abren la tienda de Málaga?", "", "es", Sentiment.NEUTRAL, Intent.QUESTION)
    variants = {augment.vary(asked, rng) for _ in range(300)}
    assert len(variants) > 50
    assert all(v.intent is Intent.QUESTION and v.text == normalise(v.text) and v.text for v in variants)


def test_emoji_items_hold_every_listed_sign_with_its_mood() -> None:
    items = augment.emoji_items(random.Random(3))
    alone = {e.text: e.sentiment for e in items}
    assert alone["😡"] is Sentiment.NEGATIVE
    assert alone["😍"] is Sentiment.POSITIVE
    assert alone["🤔"] is Sentiment.NEUTRAL


def test_further_texts_hold_none_that_figures_are_taken_from_and_each_once() -> None:
    known = {key("I love this phone!")}
    raw = [
        "RT @ann: I LOVE this phone @bob http://x.co/1",
        "What a lovely day",
        "what a lovely day!!",
        "короткий текст",
    ]
    assert gather([("tweets", 9, raw)], known) in (["What a lovely day"], ["what a lovely day!!"])


def test_no_more_texts_of_a_source_are_taken_than_asked() -> None:
    raw = [f"text number {number} of many" for number in "abcdefghij"]
    assert len(gather([("a", 3, raw), ("b", 2, [f"{each} more" for each in raw])], set())) == 5


def test_a_file_of_further_tweets_gives_cleaned_texts_once(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("Hello @ann\nHello @bob\n\nBye", "utf-8")
    assert [(each.text, each.sentiment) for each in data.plain(tmp_path / "t.txt")] == [
        ("Hello @user", None),
        ("Bye", None),
    ]
