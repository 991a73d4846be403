"""Comments that say alike are found; those that do not are left alone."""

import numpy as np
import pytest

from models.analyzer import Analyzer
from models.themes import find_themes

DELAYED = [
    "¿Dónde está mi pedido? Llevo dos semanas esperando",
    "Mi pedido no llega, ¿dónde está?",
    "Sigo esperando mi pedido, ¿dónde está mi pedido?",
    "Mi pedido no ha llegado todavía, ¿dónde está mi pedido?",
    "Donde esta mi pedido, llevo una semana esperando",
    "¿Dónde está mi pedido? Llevo dos semanas esperando!!",
]
PRAISE = [
    "Me encanta este bolso, precioso",
    "Qué bolso tan precioso, me encanta",
    "Precioso bolso 😍 me encanta",
    "Me encanta el bolso, es precioso",
    "Qué precioso el bolso, me encanta 😍",
]


def _vectors(analyzer: Analyzer, texts: list[str]) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    return np.stack([found.embedding for found in analyzer.analyze(texts) if found.embedding is not None])


def test_two_things_people_say_are_two_themes_with_their_words(analyzer: Analyzer) -> None:
    texts = [*DELAYED, *PRAISE, "Wann macht ihr auf?"]
    delayed, praise = find_themes(_vectors(analyzer, texts), texts, least=4)
    assert {texts[place] for place in delayed.members} <= set(DELAYED)
    assert {texts[place] for place in praise.members} <= set(PRAISE)
    assert "pedido" in delayed.terms
    assert "bolso" in praise.terms


def test_near_duplicates_count_as_one_wording_and_one_example(analyzer: Analyzer) -> None:
    texts = [DELAYED[0], DELAYED[0] + "!!", DELAYED[0] + " ", *DELAYED[1:5]]
    (theme,) = find_themes(_vectors(analyzer, texts), texts, least=4)
    of_first = {w for place, w in zip(theme.members, theme.wordings, strict=True) if place < 3}
    assert len(of_first) == 1
    assert len(set(theme.examples)) == len(theme.examples) == min(5, len(set(theme.wordings)))


def test_a_word_that_one_person_wrote_is_no_term(analyzer: Analyzer) -> None:
    texts = [*DELAYED, "Soy Filomena, ¿dónde está mi pedido?"]
    terms = [term for theme in find_themes(_vectors(analyzer, texts), texts, least=4) for term in theme.terms]
    assert "filomena" not in terms


@pytest.mark.parametrize("count", [0, 1, 3])
def test_few_texts_make_no_theme(count: int) -> None:
    vectors = np.eye(4, dtype=np.float32)[:count]
    assert find_themes(vectors, ["x"] * count, least=2) == []


def test_a_long_list_is_grouped_as_a_short_one_is() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(6, 64))
    vectors = (np.repeat(centres, 300, 0) + 0.3 * rng.normal(size=(1800, 64))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    themes = find_themes(vectors, [f"text {i}" for i in range(1800)])
    assert len(themes) == 6
    assert all(len({place // 300 for place in theme.members}) == 1 for theme in themes)
