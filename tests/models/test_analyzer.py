"""What the shipped model says, and that any text has an answer."""

import numpy as np
import pytest

from models.analyzer import Analyzer
from models.training.quality import COMPANY, NEVER_NEGATIVE, NEVER_POSITIVE
from schemas.labels import Intent, Sentiment


@pytest.mark.parametrize(
    "text",
    ["", "   ", "\u200b\ufe0f", "\ud800", "\x00\x01"],
    ids=["empty", "spaces", "invisible", "half", "nul"],
)
def test_nothing_readable_is_neutral_other_and_in_no_language(analyzer: Analyzer, text: str) -> None:
    (found,) = analyzer.analyze([text])
    assert (found.sentiment, found.intent, found.language) == (Sentiment.NEUTRAL, Intent.OTHER, "und")
    assert found.embedding is None


@pytest.mark.parametrize(
    "text",
    [
        "😡",
        "👨‍👩‍👧‍👦🏳️‍🌈",
        "a" * 100_000,
        "qué tal " * 12_500,
        "\ud83d\ude21 \ud800",
        "<s></s><pad>",
        "\\ud83d",
    ],
    ids=["emoji", "joined", "one-word", "long", "surrogates", "specials", "escape"],
)
def test_any_text_has_scores_that_sum_to_one(analyzer: Analyzer, text: str) -> None:
    (found,) = analyzer.analyze([text])
    assert sum(found.sentiment_scores.values()) == pytest.approx(1, abs=1e-4)
    assert sum(found.intent_scores.values()) == pytest.approx(1, abs=1e-4)
    assert list(found.sentiment_scores) == [s.value for s in Sentiment]
    assert list(found.intent_scores) == [i.value for i in Intent]


@pytest.mark.parametrize(
    ("text", "intent", "sentiment"),
    [
        ("¿A qué hora abren el domingo?", Intent.QUESTION, Sentiment.NEUTRAL),
        ("Llevo tres semanas esperando mi pedido y nadie contesta", Intent.COMPLAINT, Sentiment.NEGATIVE),
        ("Amei o atendimento, nota dez!", Intent.COMPLIMENT, Sentiment.POSITIVE),
        ("Gagnez 500€ par jour depuis chez vous, lien en bio", Intent.SPAM, None),
        ("Könnt ihr mir bitte die Rechnung nochmal schicken", Intent.REQUEST, None),
        ("Che schifo, mai più", Intent.COMPLAINT, Sentiment.NEGATIVE),
        ("Best coffee in town, thank you so much", Intent.COMPLIMENT, Sentiment.POSITIVE),
        ("@user @user", Intent.OTHER, Sentiment.NEUTRAL),
    ],
)
def test_plain_cases(analyzer: Analyzer, text: str, intent: Intent, sentiment: Sentiment | None) -> None:
    (found,) = analyzer.analyze([text])
    assert found.intent is intent
    assert sentiment is None or found.sentiment is sentiment


@pytest.mark.parametrize("company", COMPANY)
def test_angry_emoji_are_never_positive_and_loving_ones_never_negative(
    analyzer: Analyzer, company: str
) -> None:
    angry = analyzer.analyze([f"{company} {sign}" for sign in NEVER_POSITIVE])
    loving = analyzer.analyze([f"{company} {sign}" for sign in NEVER_NEGATIVE])
    assert Sentiment.POSITIVE not in {a.sentiment for a in angry}
    assert Sentiment.NEGATIVE not in {a.sentiment for a in loving}


def test_answers_keep_the_order_of_the_texts_and_repeats_are_equal(analyzer: Analyzer) -> None:
    texts = ["hola", "¿Tienen talla M?", "", "hola", "me encanta 😍" * 40, "no"]
    together = analyzer.analyze(texts)
    assert together[0] == together[3]
    for text, found in zip(texts, together, strict=True):
        (alone,) = analyzer.analyze([text])
        assert alone.sentiment is found.sentiment
        assert alone.intent is found.intent


def test_company_in_a_batch_hardly_moves_the_scores() -> None:
    fresh = Analyzer.load(threads=1, cache_texts=0)
    text = "el envío llegó un día tarde pero bien"
    (alone,) = fresh.analyze([text])
    among = fresh.analyze([text, "WTF 🤬🤬🤬 !!!", "x" * 400, "ok"])[0]
    for label, score in alone.intent_scores.items():
        assert among.intent_scores[label] == pytest.approx(score, abs=0.01)


def test_a_text_of_foreign_letters_is_mostly_unknown(analyzer: Analyzer) -> None:
    found = analyzer.analyze(["ᚠᚢᚦᚨᚱᚲ ᚷᚹᚺᚾ", "hola ᚠᚢ, ¿tienen stock hoy mismo?", "hola"])
    assert found[0].unknown_share > 0.5
    assert 0 < found[1].unknown_share < 0.5
    assert found[2].unknown_share == 0


def test_embeddings_are_unit_vectors_and_near_for_near_texts(analyzer: Analyzer) -> None:
    texts = ["¿Dónde está mi pedido?", "donde esta mi pedido??", "Unos zapatos preciosos"]
    a, b, c = (np.asarray(f.embedding) for f in analyzer.analyze(texts))
    assert np.linalg.norm(a) == pytest.approx(1, abs=1e-3)
    near, far = float(a @ b), float(a @ c)
    assert near > 0.7 > 0.5 > far


def test_languages_are_told(analyzer: Analyzer) -> None:
    texts = {
        "es": "¿Cuándo vuelven a tener existencias de este producto?",
        "pt": "Quando é que vocês vão abrir uma loja em Coimbra?",
        "fr": "Est-ce que vous livrez aussi en Belgique, s'il vous plaît ?",
        "de": "Wann kommt endlich meine Bestellung an?",
        "it": "Quando arriva il mio ordine, per favore?",
        "en": "When will my order finally arrive, please?",
        "und": "12345 !!!",
    }
    assert [found.language for found in analyzer.analyze(list(texts.values()))] == list(texts)


def test_an_empty_call_is_an_empty_answer(analyzer: Analyzer) -> None:
    assert analyzer.analyze([]) == []


def test_the_cache_is_bounded() -> None:
    small = Analyzer.load(threads=1, cache_texts=3)
    small.analyze([f"texto número {i}" for i in range(10)])
    assert len(small._cache) == 3


def test_the_model_is_known_by_name_and_hash(analyzer: Analyzer) -> None:
    assert analyzer.name == "parley-e5-s"
    assert len(analyzer.hash) == 64
