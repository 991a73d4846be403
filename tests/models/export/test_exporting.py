"""A Hugging Face model becomes one of Parley's; needs the extra `export` (`make test-export`)."""

import json
from pathlib import Path

import pytest

pytest.importorskip("optimum", reason="needs the extra `export`: make test-export")
pytest.importorskip("torch", reason="needs the extra `export`: make test-export")

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import RobertaConfig, RobertaForSequenceClassification, RobertaTokenizerFast

from models.analyzer import DEFAULT_MODEL, Analyzer
from models.exporting import ExportRefused, Source, export_model
from models.registry import ModelDamaged, ModelIncompatible, find, read_manifest
from models.training.data import comments
from models.verifying import verify
from schemas.labels import Sentiment

torch.set_num_threads(1)  # the models are tiny, threads that wait for each other cost more than they give
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
TEXTS = [example.text for example in comments("heldout")][:80]


def build(folder: Path, labels: list[str]) -> Path:
    """A small RoBERTa with random weights and a BPE tokenizer made from the project's own comments."""
    folder.mkdir(parents=True)
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator([e.text for e in comments()], vocab_size=1_500, special_tokens=SPECIAL)
    bpe.save_model(str(folder))
    tokenizer = RobertaTokenizerFast(str(folder / "vocab.json"), str(folder / "merges.txt"))
    tokenizer.save_pretrained(folder)
    torch.manual_seed(3)
    config = RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=140,
        type_vocab_size=1,
        id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)},
        initializer_range=0.2,
    )
    RobertaForSequenceClassification(config).eval().save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def moods(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("hub") / "tiny-roberta", ["negative", "neutral", "positive"])


@pytest.fixture(scope="session")
def exported(moods: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    found = export_model(Source(str(moods), "sentiment"), folder, texts=TEXTS)
    assert found["difference_onnx"] <= 0.001
    assert found["difference_int8"] <= found["tolerance"] == 0.03
    assert found["same_label"] > 0.9
    return Path(found["folder"])


def test_the_folder_verifies_and_is_found_by_name_and_hash(exported: Path) -> None:
    manifest = read_manifest(exported)
    assert manifest.heads == ("sentiment",)
    assert any("known answers: 3" in line for line in verify(exported))
    assert find(f"tiny-roberta@{manifest.hash[:8]}", [exported.parent]) == exported
    with pytest.raises(ModelIncompatible, match="has the hash"):
        find("tiny-roberta@0000", [exported.parent])


def test_scores_are_the_original_models(exported: Path, moods: Path) -> None:
    tokenizer = RobertaTokenizerFast.from_pretrained(moods)
    model = RobertaForSequenceClassification.from_pretrained(moods).eval()
    analyzer = Analyzer.load(exported, cache_texts=0)
    apart = []
    for text, found in zip(TEXTS[:30], analyzer.analyze(TEXTS[:30]), strict=True):
        with torch.inference_mode():
            given = tokenizer(text, return_tensors="pt", truncation=True, max_length=128)
            expected = torch.softmax(model(**given).logits[0], -1).tolist()
        scores = [found.sentiment_scores[label] for label in Sentiment]
        apart.append(max(abs(a - b) for a, b in zip(scores, expected, strict=True)))
    assert sum(apart) / len(apart) < 0.03


def test_the_shipped_model_gives_the_other_head_and_the_hash_is_of_both(exported: Path) -> None:
    both, shipped = Analyzer.load(exported, cache_texts=0), Analyzer.load(cache_texts=0)
    assert both.name == "parley-e5-s+tiny-roberta"
    assert len(both.hash) == 64
    assert both.hash not in {shipped.hash, read_manifest(exported).hash}
    for ours, theirs in zip(shipped.analyze(TEXTS[:10]), both.analyze(TEXTS[:10]), strict=True):
        assert ours.intent is theirs.intent
        assert theirs.embedding is not None


def test_labels_in_another_order_or_of_other_names_are_mapped(tmp_path: Path) -> None:
    model = build(tmp_path / "hub" / "praise", ["POS", "gripe", "neu"])
    with pytest.raises(ExportRefused, match="--label gripe=LABEL"):
        export_model(Source(str(model), "sentiment"), tmp_path / "models", texts=TEXTS)
    assert not list((tmp_path / "models").glob("*"))
    source = Source(str(model), "sentiment", "mapped", {"gripe": "negative"})
    found = export_model(source, tmp_path / "models", texts=TEXTS)
    assert found["labels"] == {"sentiment": ["positive", "negative", "neutral"]}
    (analysis,) = Analyzer.load(tmp_path / "models" / "mapped").analyze(["hola"])
    assert sum(analysis.sentiment_scores.values()) == pytest.approx(1, abs=1e-4)


def test_an_intent_model_may_know_fewer_intents(tmp_path: Path) -> None:
    model = build(tmp_path / "hub" / "spotter", ["spam", "other"])
    export_model(Source(str(model), "intent"), tmp_path / "models", texts=TEXTS)
    for found in Analyzer.load(tmp_path / "models" / "spotter").analyze(TEXTS[:10]):
        assert found.intent in {"spam", "other"}
        assert len(found.intent_scores) == 7


def test_an_export_that_is_too_far_off_leaves_nothing_behind(moods: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportRefused, match="tolerance"):
        export_model(Source(str(moods), "sentiment"), tmp_path, texts=TEXTS, tolerance=0.0)
    assert not list(tmp_path.iterdir())


def test_labels_that_do_not_match_the_file_are_damage(exported: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in exported.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    content = json.loads((copy / "manifest.json").read_text())
    content["labels"]["sentiment"] = ["negative", "positive"]
    (copy / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(ModelDamaged, match="does not answer as its manifest says"):
        Analyzer.load(copy)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ExportRefused, match="does not load"):
        export_model(Source(str(tmp_path / "empty"), "sentiment"), tmp_path / "models")
    assert DEFAULT_MODEL.exists()
