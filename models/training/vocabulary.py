"""Cuts the 250,002 pieces of the base model down to what the target languages, emoji and masks need."""

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import emoji
import numpy as np
import wordfreq
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

from models.training.packed import Array, PackedEncoder

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
MASKS = {"@user": "user", "http": "http", "[number]": "number", "[email]": "email"}
"""Masks of `models.normalise` and the word that their new piece starts from."""

LANGUAGES = {"en": 60_000, "es": 80_000, "pt": 60_000, "fr": 60_000, "de": 60_000, "it": 60_000, "ar": 25_000,
             "hi": 15_000, "ca": 8_000, "nl": 8_000}  # fmt: skip
"""Words of each language's frequency list whose pieces count."""

_SPECIAL_SCORE = -100.0
_SCRIPTS = ("LATIN", "GREEK", "CYRILLIC", "ARABIC", "DEVANAGARI", "DIGIT")
_EMOJI_LANGUAGES = ("en", "es", "pt", "fr", "de", "it")
_EMOJI_SCORE = -11.0


def build_tokenizer(pieces: list[tuple[str, float]]) -> Tokenizer:
    """Give a unigram tokenizer over `pieces`; ids are positions, the first four are `SPECIALS`.

    Special pieces get a score so low that a literal ``<s>`` in a comment is spelt out instead.
    """
    scored = [
        (piece, _SPECIAL_SCORE if i < len(SPECIALS) else score) for i, (piece, score) in enumerate(pieces)
    ]
    tokenizer = Tokenizer(models.Unigram(scored, unk_id=3, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def cut(packed: PackedEncoder, texts: Iterable[str], size: int) -> tuple[list[tuple[str, float]], Array]:
    """Give `size` old pieces with scores, then new ones for masks and emoji, and their embedding rows.

    Kept first: specials, single characters of the target scripts, symbols and emoji; then the pieces most
    used in `texts` (cleaned, a use counts in full) and in the languages' frequency lists.
    """
    full = build_tokenizer(list(zip(packed.pieces, packed.scores, strict=True)))
    uses: Counter[int] = Counter()
    for batch in _batches(texts):
        for encoding in full.encode_batch_fast(batch, add_special_tokens=False):
            uses.update(encoding.ids)
    for language, words in LANGUAGES.items():
        frequent = wordfreq.top_n_list(language, words)
        for rank, encoding in enumerate(full.encode_batch_fast(frequent, add_special_tokens=False)):
            weight = 3e5 * wordfreq.word_frequency(frequent[rank], language)
            uses.update(dict.fromkeys(encoding.ids, weight + 0.02))  # type: ignore[dict-item]
        for encoding in full.encode_batch_fast([w.capitalize() for w in frequent[:20_000]]):
            uses.update(dict.fromkeys(encoding.ids, 0.02))  # type: ignore[dict-item]
    kept = list(range(len(SPECIALS)))
    kept += [i for i, piece in enumerate(packed.pieces) if i >= len(kept) and _always(piece)]
    taken = set(kept)
    for piece, _ in uses.most_common():
        if len(kept) >= size:
            break
        if piece not in taken:
            taken.add(piece)
            kept.append(piece)
    kept = kept[: len(SPECIALS)] + sorted(kept[len(SPECIALS) :])
    rows = packed.tensors["emb.word"]
    masks = {start + mask for mask in MASKS for start in ("▁", "")}
    pieces = [(p, 0.0 if p in masks else packed.scores[i]) for i in kept for p in (packed.pieces[i],)]
    new = _new_pieces(packed, full)
    return pieces + [(piece, score) for piece, score, _ in new], np.concatenate(
        [rows[kept], np.stack([row for _, _, row in new])]
    )


def _always(piece: str) -> bool:
    body = piece.lstrip("▁")
    if not body:
        return True
    if len(body) > 1:
        return all(c in emoji.EMOJI_DATA or c == "❤" for c in body) and len(body) <= 3
    name = unicodedata.name(body, "")
    return name.startswith(_SCRIPTS) or unicodedata.category(body)[0] in "PSN"


def _new_pieces(packed: PackedEncoder, full: Tokenizer) -> list[tuple[str, float, Array]]:
    """Pieces for the masks, and for each emoji that the base does not know, started from its names."""
    rows = packed.tensors["emb.word"]
    known = set(packed.pieces)

    def mean_of(words: list[str]) -> Array:
        ids = [i for e in full.encode_batch_fast(words, add_special_tokens=False) for i in e.ids if i > 6]
        return np.asarray(rows[ids].mean(axis=0), dtype=np.float32)

    new = [(start + mask, 0.0, mean_of([word])) for mask, word in MASKS.items() for start in ("▁", "")]
    new = [entry for entry in new if entry[0] not in known]
    faces = np.asarray([rows[i] for i, p in enumerate(packed.pieces) if p in emoji.EMOJI_DATA])
    centre = faces.mean(axis=0)
    for sign, data in emoji.EMOJI_DATA.items():
        if len(sign) > 1 or sign in known or "▁" + sign in known or unicodedata.category(sign) == "Sk":
            continue
        names = [str(data[k]).strip(":").replace("_", " ") for k in _EMOJI_LANGUAGES if k in data]
        word = mean_of(names)
        row = 0.5 * centre + 0.5 * word * (np.linalg.norm(centre) / max(float(np.linalg.norm(word)), 1e-6))
        new.append((sign, _EMOJI_SCORE, row.astype(np.float32)))
    return new


def _batches(texts: Iterable[str], size: int = 2_000) -> Iterator[list[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def save(pieces: list[tuple[str, float]], path: Path) -> None:
    """Write `tokenizer.json`. Raises `ValueError` where a score is no number or a piece is there twice."""
    names = [piece for piece, _ in pieces]
    if len(set(names)) != len(names) or not all(math.isfinite(score) for _, score in pieces):
        raise ValueError("pieces repeat or have no score")
    build_tokenizer(pieces).save(str(path), pretty=False)
