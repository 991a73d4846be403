"""The network: a BERT encoder of multilingual-e5-small's shape, two heads and a sentence embedding."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.training.packed import Array, PackedEncoder

HIDDEN, HEADS, FFN, POSITIONS = 384, 12, 1536, 512
EPSILON = 1e-12


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the network says of a batch of n texts.

    Logits (n, 3) and (n, 7), unit sentence embedding (n, 384), pooled state (n, 384), and each layer's
    hidden states (n, tokens, 384), the embeddings' first.
    """

    sentiment: Tensor
    intent: Tensor
    embedding: Tensor
    pooled: Tensor
    hidden: list[Tensor]


class Layer(nn.Module):
    """One post-norm transformer layer; matrix products run in the type of the state that comes in."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(HIDDEN, 3 * HIDDEN)
        self.out = nn.Linear(HIDDEN, HIDDEN)
        self.norm1 = nn.LayerNorm(HIDDEN, EPSILON)
        self.up = nn.Linear(HIDDEN, FFN)
        self.down = nn.Linear(FFN, HIDDEN)
        self.norm2 = nn.LayerNorm(HIDDEN, EPSILON)

    def forward(self, x: Tensor, bias: Tensor, quantized: bool = False) -> Tensor:
        """`x` (n, tokens, 384); `bias` (n * heads, 1, tokens) is 0 for tokens, very negative for padding."""
        n, length, _ = x.shape
        qkv = (
            _linear(x, self.qkv, quantized).view(n, length, 3, HEADS, HIDDEN // HEADS).permute(2, 0, 3, 1, 4)
        )
        q, k, v = (part.reshape(n * HEADS, length, -1) for part in qkv)
        weights = torch.softmax(torch.bmm(q, k.transpose(1, 2)) * (HIDDEN // HEADS) ** -0.5 + bias, -1)
        mixed = torch.bmm(weights, v).view(n, HEADS, length, -1).transpose(1, 2).reshape(n, length, HIDDEN)
        x = _norm(x + _linear(mixed, self.out, quantized), self.norm1)
        inner = functional.gelu(_linear(x, self.up, quantized))
        return _norm(x + _linear(inner, self.down, quantized), self.norm2)


class Encoder(nn.Module):
    """Embeddings, `layers` layers, mean pooling, heads.

    With `quantized` set, matrix products are rounded as in the exported model: training then allows for it.
    Dropout acts on the pooled state alone: inside the layers its random numbers cost a third of a CPU's time.
    """

    quantized = False

    def __init__(self, vocabulary: int, layers: int) -> None:
        super().__init__()
        self.word = nn.Embedding(vocabulary, HIDDEN, sparse=True)
        self.position = nn.Parameter(torch.zeros(POSITIONS, HIDDEN))
        self.norm = nn.LayerNorm(HIDDEN, EPSILON)
        self.layers = nn.ModuleList(Layer() for _ in range(layers))
        self.sentiment_in, self.sentiment = nn.Linear(HIDDEN, HIDDEN), nn.Linear(HIDDEN, 3)
        self.intent_in, self.intent = nn.Linear(HIDDEN, HIDDEN), nn.Linear(HIDDEN, 7)
        self.embedding = nn.Linear(HIDDEN, HIDDEN)
        self.dropout = 0.1

    def forward(self, ids: Tensor, mask: Tensor) -> Outputs:
        """`ids` and `mask` (n, tokens): mask is 1 for tokens, 0 for padding."""
        dropout = self.dropout if self.training else 0.0
        x = self.word(ids) + self.position[: ids.shape[1]]
        x = _norm(x, self.norm).to(torch.bfloat16)
        bias = ((1.0 - mask) * -1e4).repeat_interleave(HEADS, 0).unsqueeze(1).to(x.dtype)
        hidden = [x]
        for layer in self.layers:
            x = layer(x, bias, self.quantized)
            hidden.append(x)
        weight = (mask / mask.sum(1, keepdim=True)).unsqueeze(-1)
        pooled = (x.float() * weight).sum(1)
        dropped = functional.dropout(pooled, dropout)
        return Outputs(
            self.sentiment(functional.dropout(torch.tanh(self.sentiment_in(dropped)), dropout)),
            self.intent(functional.dropout(torch.tanh(self.intent_in(dropped)), dropout)),
            functional.normalize(self.embedding(pooled), dim=-1),
            pooled,
            hidden,
        )


def _linear(x: Tensor, layer: nn.Linear, quantized: bool) -> Tensor:
    weight = layer.weight
    if quantized:
        x, weight = _as_bytes(x), _as_levels(weight)
    return functional.linear(x, weight.to(x.dtype), layer.bias.to(x.dtype))


def _as_bytes(x: Tensor) -> Tensor:
    """`x` rounded to 256 steps over its range, as onnxruntime does by batch; gradients pass unrounded."""
    with torch.no_grad():
        low, high = x.amin().float().clamp(max=0), x.amax().float().clamp(min=0)
        step = (high - low).clamp(min=1e-8) / 255
        error = (x.float() / step).round() * step - x.float()
    return x + error.to(x.dtype)


def _as_levels(weight: Tensor, levels: int = 63) -> Tensor:
    """`weight` rounded to `levels` steps either side of zero in each row; the gradient passes unrounded."""
    with torch.no_grad():
        step = weight.abs().amax(1, keepdim=True).clamp(min=1e-9) / levels
        error = (weight / step).round() * step - weight
    return weight + error


def _norm(x: Tensor, layer: nn.LayerNorm) -> Tensor:
    return functional.layer_norm(x, (HIDDEN,), layer.weight.to(x.dtype), layer.bias.to(x.dtype), EPSILON)


def from_packed(packed: PackedEncoder, rows: Array, layers: list[int]) -> Encoder:
    """An encoder with the base model's `layers` (indices, in order), and `rows` as word embeddings."""
    model = Encoder(len(rows), len(layers))
    tensors = {name: torch.from_numpy(value) for name, value in packed.tensors.items()}
    with torch.no_grad():
        model.word.weight.copy_(torch.from_numpy(rows))
        model.position.copy_(tensors["emb.pos"] + tensors["emb.type"][0])
        model.norm.weight.copy_(tensors["emb.ln.w"])
        model.norm.bias.copy_(tensors["emb.ln.b"])
        for target, source in zip(model.layers, layers, strict=True):
            part = {
                name.split(".", 1)[1]: value
                for name, value in tensors.items()
                if name.startswith(f"l{source}.")
            }
            target.qkv.weight.copy_(torch.cat([part["q.w"], part["k.w"], part["v.w"]]))
            target.qkv.bias.copy_(torch.cat([part["q.b"], part["k.b"], part["v.b"]]))
            for name, key in (
                ("out", "ao"),
                ("norm1", "aln"),
                ("up", "fi"),
                ("down", "fo"),
                ("norm2", "oln"),
            ):
                getattr(target, name).weight.copy_(part[f"{key}.w"])
                getattr(target, name).bias.copy_(part[f"{key}.b"])
    return model


def shallow(model: Encoder, layers: list[int]) -> Encoder:
    """A copy of `model` that keeps only `layers` (indices, in order)."""
    student = Encoder(model.word.num_embeddings, len(layers))
    state = {k: v for k, v in model.state_dict().items() if not k.startswith("layers.")}
    for target, source in enumerate(layers):
        prefix = f"layers.{source}."
        state |= {
            f"layers.{target}.{k.removeprefix(prefix)}": v
            for k, v in model.state_dict().items()
            if k.startswith(prefix)
        }
    student.load_state_dict(state)
    return student
