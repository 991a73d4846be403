"""Writes the encoder as an ONNX graph by hand, so that each node is one that onnxruntime runs fused.

Input `ids` (n, tokens) int64, padding is 1. Outputs `sentiment` (n, 3) and `intent` (n, 7) logits and the
unit `embedding` (n, 384). Weights of matrix products are 8-bit integers with a scale for each output column;
word rows are 8-bit with a scale each; the rest stays 32-bit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.training.encoder import EPSILON, FFN, HEADS, HIDDEN, Encoder

Array = npt.NDArray[np.float32]
Kind = Literal["float", "dynamic", "static"]
_CONTRIB = "com.microsoft"


@dataclass(frozen=True, slots=True)
class Range:
    """What goes into a matrix product, from measurement: see `models.training.ranges`.

    `smooth` (inputs,) divides the activations and multiplies the weights; then `scale` and `zero` map them to
    unsigned bytes.
    """

    smooth: Array
    scale: float
    zero: int


@dataclass(frozen=True, slots=True)
class Precision:
    """How matrix products are run.

    `float`: in 32 bits, for comparison. `dynamic`: the activations' range is taken from each batch, so a
    text's scores depend a little on its company. `static`: ranges are fixed, by product name in `ranges`;
    a product that is not in there is dynamic.
    `levels` is 127, or 63 where a CPU without VNNI must not saturate its 16-bit sums.
    """

    kind: Kind = "static"
    levels: int = 63
    ranges: Mapping[str, Range] = field(default_factory=dict)


class _Graph:
    def __init__(self, precision: Precision) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.precision = precision
        self.inputs: dict[str, str] = {}

    def weight(self, name: str, value: npt.NDArray[np.generic]) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(
        self, op: str, inputs: list[str], outputs: int = 1, domain: str = "", **attributes: object
    ) -> list[str]:
        names = [f"{op}_{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, domain=domain, **attributes))
        return names

    def linear(
        self, x: str, name: str, weight: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]
    ) -> str:
        """x @ weight.T + bias, `weight` (out, in)."""
        self.inputs[name] = x
        if self.precision.kind == "float":
            product = self.add("MatMul", [x, self.weight(f"{name}.w", weight.T)])[0]
            return self.add("Add", [product, self.weight(f"{name}.b", bias)])[0]
        measured = self.precision.ranges.get(name)
        if measured is not None:
            weight = weight * measured.smooth
        scale = np.maximum(np.abs(weight).max(1), 1e-9).astype(np.float32) / self.precision.levels
        quantized = self.weight(f"{name}.w", np.rint(weight / scale[:, None]).astype(np.int8).T)
        scales, biases = self.weight(f"{name}.s", scale), self.weight(f"{name}.b", bias)
        if measured is None:
            return self.add("DynamicQuantizeMatMul", [x, quantized, scales, "", biases], domain=_CONTRIB)[0]
        if not np.allclose(measured.smooth, 1.0):
            x = self.add("Mul", [x, self.weight(f"{name}.m", (1.0 / measured.smooth).astype(np.float32))])[0]
        step = self.weight(f"{name}.a", np.array(measured.scale, np.float32))
        zero = self.weight(f"{name}.z", np.array(measured.zero, np.uint8))
        whole = self.add("QuantizeLinear", [x, step, zero])[0]
        inputs = [whole, quantized, step, scales, zero, "", biases]
        return self.add("MatMulIntegerToFloat", inputs, domain=_CONTRIB)[0]


def build(model: Encoder, precision: Precision, *, probes: bool = False) -> onnx.ModelProto:
    """Give the graph of `model`; with `probes` it also gives what goes into each matrix product, by name."""
    state = {k: v.detach().float().numpy() for k, v in model.state_dict().items()}
    g = _Graph(precision)
    one = g.weight("one", np.array(1, np.int64))
    mask = g.add("Cast", [g.add("Not", g.add("Equal", ["ids", one]))[0]], to=TensorProto.INT32)[0]
    x = _embed(g, state)
    for i in range(len(model.layers)):
        x = _layer(
            g,
            {k.removeprefix(f"layers.{i}."): v for k, v in state.items() if k.startswith(f"layers.{i}.")},
            x,
            mask,
            f"l{i}",
        )
    weights = g.add("Cast", [mask], to=TensorProto.FLOAT)[0]
    axis = g.weight("axis1", np.array([1], np.int64))
    total = g.add("ReduceSum", [weights, axis], keepdims=1)[0]
    share = g.add("Unsqueeze", [g.add("Div", [weights, total])[0], axis])[0]
    pooled = g.add("Squeeze", [g.add("MatMul", [share, x])[0], axis])[0]
    for head in ("sentiment", "intent"):
        inner = g.add("Tanh", [_dense(g, pooled, f"{head}_in", state)])[0]
        g.nodes.append(helper.make_node("Identity", [_dense(g, inner, head, state)], [head]))
    raw = _dense(g, pooled, "embedding", state)
    norm = g.add("ReduceL2", [raw, axis], keepdims=1)[0]
    floor = g.weight("floor", np.array(1e-9, np.float32))
    g.nodes.append(helper.make_node("Div", [raw, g.add("Max", [norm, floor])[0]], ["embedding"]))
    outputs = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", w])
        for n, w in (("sentiment", 3), ("intent", 7), ("embedding", HIDDEN))
    ]
    if probes:
        for name, value in g.inputs.items():
            g.nodes.append(helper.make_node("Identity", [value], [name]))
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", "tokens", "width"]))
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["n", "tokens"])
    graph = helper.make_graph(g.nodes, "parley", [ids], outputs, g.weights)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(_CONTRIB, 1)]
    proto = helper.make_model(graph, opset_imports=opsets, producer_name="parley", ir_version=9)
    onnx.checker.check_model(proto)
    return proto


def _dense(g: _Graph, x: str, name: str, state: dict[str, npt.NDArray[np.float32]]) -> str:
    """A layer of the heads, in 32 bits: they are small and their precision is the score's."""
    inputs = [x, g.weight(f"{name}.w", state[f"{name}.weight"]), g.weight(f"{name}.b", state[f"{name}.bias"])]
    return g.add("Gemm", inputs, transB=1)[0]


def _embed(g: _Graph, state: dict[str, npt.NDArray[np.float32]]) -> str:
    rows = state["word.weight"]
    if g.precision.kind == "float":
        words = g.add("Gather", [g.weight("word", rows), "ids"])[0]
    else:
        scale = np.maximum(np.abs(rows).max(1, keepdims=True), 1e-9) / 127
        quantized = g.weight("word", np.rint(rows / scale).astype(np.int8))
        whole = g.add("Cast", [g.add("Gather", [quantized, "ids"])[0]], to=TensorProto.FLOAT)[0]
        words = g.add(
            "Mul", [whole, g.add("Gather", [g.weight("word.s", scale.astype(np.float32)), "ids"])[0]]
        )[0]
    length = g.add("Shape", ["ids"], start=1, end=2)[0]
    zero = g.weight("zero", np.array([0], np.int64))
    places = g.add("Slice", [g.weight("position", state["position"][:256]), zero, length, zero])[0]
    x = g.add("Add", [words, places])[0]
    norm = [g.weight("norm.w", state["norm.weight"]), g.weight("norm.b", state["norm.bias"])]
    return g.add("LayerNormalization", [x, *norm], axis=-1, epsilon=EPSILON)[0]


def _layer(g: _Graph, part: dict[str, npt.NDArray[np.float32]], x: str, mask: str, name: str) -> str:
    qkv = g.linear(x, f"{name}.qkv", part["qkv.weight"], part["qkv.bias"])
    q, k, v = g.add("Split", [qkv], 3, axis=-1, num_outputs=3)
    mixed = g.add("MultiHeadAttention", [q, k, v, "", mask], domain=_CONTRIB, num_heads=HEADS)[0]
    x = _residual(
        g, x, g.linear(mixed, f"{name}.out", part["out.weight"], part["out.bias"]), part, f"{name}.norm1"
    )
    up = g.linear(x, f"{name}.up", part["up.weight"], part["up.bias"])
    gelu = g.add("Gelu", [up], domain=_CONTRIB)[0]
    assert part["down.weight"].shape == (HIDDEN, FFN)
    return _residual(
        g, x, g.linear(gelu, f"{name}.down", part["down.weight"], part["down.bias"]), part, f"{name}.norm2"
    )


def _residual(g: _Graph, x: str, y: str, part: dict[str, npt.NDArray[np.float32]], name: str) -> str:
    key = name.rsplit(".", 1)[1]
    norm = [g.weight(f"{name}.w", part[f"{key}.weight"]), g.weight(f"{name}.b", part[f"{key}.bias"])]
    return g.add("LayerNormalization", [g.add("Add", [x, y])[0], *norm], axis=-1, epsilon=EPSILON)[0]
