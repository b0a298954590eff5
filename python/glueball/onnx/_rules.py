"""Which nodes make which layer. A rule looks at a node and, through its inputs, at those before it.

It returns the layer and the tensor that the layer is applied to, or None if the node is something else.
Some layers are several nodes (``x * sigmoid(x)``), whose last one the rule is asked about.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball.gluon import nn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from glueball.gluon import Block
    from glueball.onnx._graph import Graph

    Rule = Callable[[Graph, Any], "Found | None"]

__all__ = ["RULES", "Found"]


@dataclass
class Found:
    """A layer.

    Attributes
    ----------
    source : str
        The tensor that it is applied to.
    kind : type or None
        Its class; None if it does nothing.
    settings : dict
        What it is made with.
    arrays : dict
        Its parameters' values, by name.
    """

    source: str
    kind: type[Block] | None
    settings: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)


# ---- dense layers ---------------------------------------------------------------------------


def _dense(
    source: str, weight: np.ndarray[Any, Any], bias: np.ndarray[Any, Any] | None, **settings: Any
) -> Found | None:
    """Return a dense layer of a weight (units, in_units) and a bias that broadcasts to (units,)."""
    if weight.ndim != 2 or weight.size == 0:
        return None
    units, in_units = weight.shape
    arrays = {"weight": weight}
    if bias is not None:
        if bias.size not in (1, units) or bias.shape not in ((), (bias.size,), (1, bias.size)):
            return None
        arrays["bias"] = np.broadcast_to(bias.reshape(-1), (units,))
    settings |= {"units": units, "in_units": in_units, "use_bias": bias is not None}
    return Found(source, nn.Dense, settings, arrays)


def _gemm(graph: Graph, node: Any) -> Found | None:
    settings = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0} | graph.attributes(node)
    weight = graph.constant(node.input[1])
    has_bias = len(node.input) > 2 and node.input[2] != ""
    bias = graph.constant(node.input[2]) if has_bias else None
    if weight is None or settings["transA"] or (has_bias and bias is None):
        return None
    weight = (weight if settings["transB"] else weight.T) * weight.dtype.type(settings["alpha"])
    if bias is not None:
        bias = bias * bias.dtype.type(settings["beta"])
    return _dense(node.input[0], weight, bias)


def _matmul(graph: Graph, node: Any, bias: np.ndarray[Any, Any] | None = None) -> Found | None:
    weight = graph.constant(node.input[1])
    if weight is None:
        return None
    return _dense(node.input[0], weight.T, bias, flatten=False)


def _add(graph: Graph, node: Any) -> Found | None:
    for product, constant in _both_ways(node):
        bias, before = graph.constant(constant), graph.producer(product, "MatMul")
        if bias is not None and before is not None:
            return _matmul(graph, before, bias)
    return None


# ---- elementwise functions ------------------------------------------------------------------


def _activation(name: str) -> Rule:
    def rule(graph: Graph, node: Any) -> Found | None:
        return Found(node.input[0], nn.Activation, {"activation": name})

    return rule


def _with_alpha(kind: type[Block], usual: float) -> Rule:
    def rule(graph: Graph, node: Any) -> Found | None:
        alpha = graph.attributes(node).get("alpha", usual)
        return Found(node.input[0], kind, {"alpha": _short(alpha)})

    return rule


def _short(value: float) -> float:
    """Return the number that was meant: attributes are float32, in which 0.01 is 0.00999999977."""
    return float(str(np.float32(value)))


def _selu(graph: Graph, node: Any) -> Found | None:
    usual = {"alpha": 1.6732632423543772, "gamma": 1.0507009873554805}
    settings = usual | graph.attributes(node)
    if not all(math.isclose(settings[key], usual[key], rel_tol=1e-6) for key in usual):
        return None
    return Found(node.input[0], nn.SELU)


def _gelu(graph: Graph, node: Any) -> Found | None:
    exact = graph.attributes(node).get("approximate", b"none") == b"none"
    return Found(node.input[0], nn.GELU) if exact else None


def _prelu(graph: Graph, node: Any) -> Found | None:
    slopes, rank = graph.constant(node.input[1]), graph.rank(node.input[0])
    if slopes is None:
        return None
    # ONNX lines shapes up at their ends; here there is a slope for each channel on axis 1.
    if slopes.size != 1:
        channel_axis = -1 if rank is None else slopes.ndim - (rank - 1)
        if channel_axis not in (0, 1) or slopes.shape[channel_axis] != slopes.size:
            return None
    return Found(
        node.input[0], nn.PReLU, {"in_channels": slopes.size}, {"alpha": slopes.reshape(-1)}
    )


def _product(graph: Graph, node: Any) -> Found | None:
    """Swish, mish and gelu, as products with a function of the same tensor."""
    for factor, x, gate in _factors(graph, node):
        sigmoid = graph.producer(gate, "Sigmoid")
        if sigmoid is not None and factor == 1.0:
            beta = _multiple(graph, sigmoid.input[0], x)
            if beta is not None:
                return Found(x, nn.Swish, {"beta": beta}) if beta != 1.0 else Found(x, nn.SiLU)
        tanh = graph.producer(gate, "Tanh")
        softplus = graph.producer(tanh.input[0], "Softplus") if tanh is not None else None
        if softplus is not None and softplus.input[0] == x and factor == 1.0:
            return Found(x, nn.Activation, {"activation": "mish"})
        if math.isclose(factor, 0.5, rel_tol=1e-6) and _is_twice_normal(graph, gate, x):
            return Found(x, nn.GELU)
    return None


def _is_twice_normal(graph: Graph, tensor: str, x: str) -> bool:
    """Whether a tensor is 1 + erf(x / sqrt(2)), twice the normal distribution function."""
    node = graph.producer(tensor, "Add")
    for value, one in _both_ways(node) if node is not None else ():
        erf = graph.producer(value, "Erf")
        if erf is not None and graph.number(one) == 1.0:
            factor = _multiple(graph, erf.input[0], x)
            if factor is not None and math.isclose(factor, math.sqrt(0.5), rel_tol=1e-6):
                return True
    return False


def _negative(graph: Graph, node: Any) -> Found | None:
    softplus = graph.producer(node.input[0], "Softplus")
    minus = graph.producer(softplus.input[0], "Neg") if softplus is not None else None
    if minus is None:
        return None
    return Found(minus.input[0], nn.Activation, {"activation": "log_sigmoid"})


def _both_ways(node: Any) -> Iterator[tuple[str, str]]:
    first, second = node.input
    yield first, second
    yield second, first


def _factors(graph: Graph, node: Any) -> Iterator[tuple[float, str, str]]:
    """Yield each way to read a product as number * tensor * tensor."""
    for a, b in _both_ways(node):
        yield 1.0, a, b
        inner = graph.producer(b, "Mul")
        for c, d in _both_ways(inner) if inner is not None else ():
            for number, x, gate in ((a, c, d), (c, a, d), (c, d, a)):
                factor = graph.number(number)
                if factor is not None:
                    yield factor, x, gate


def _multiple(graph: Graph, tensor: str, x: str) -> float | None:
    """Return k if a tensor is k x."""
    if tensor == x:
        return 1.0
    node = graph.producer(tensor, "Mul", "Div")
    if node is None:
        return None
    if node.op_type == "Div":
        divisor = graph.number(node.input[1])
        return 1.0 / divisor if node.input[0] == x and divisor else None
    return next((graph.number(number) for value, number in _both_ways(node) if value == x), None)


# ---- shapes, normalisations, probabilities --------------------------------------------------


def _nothing(graph: Graph, node: Any) -> Found | None:
    return Found(node.input[0], None)


def _dropout(graph: Graph, node: Any) -> Found | None:
    rate: float | None = graph.attributes(node).get("ratio", 0.5)
    if len(node.input) > 1 and node.input[1]:
        rate = graph.number(node.input[1])
    trains = graph.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else False
    if rate is None or trains is None or np.any(trains):
        return None
    return Found(node.input[0], nn.Dropout, {"rate": rate})


def _flatten(graph: Graph, node: Any) -> Found | None:
    is_ours = graph.attributes(node).get("axis", 1) == 1
    return Found(node.input[0], nn.Flatten) if is_ours else None


def _reshape(graph: Graph, node: Any) -> Found | None:
    wanted, shape = graph.constant(node.input[1]), graph.shape(node.input[0])
    if wanted is None or wanted.size != 2:
        return None
    batch, rest = (int(length) for length in wanted)
    width = math.prod(shape[1:]) if shape and -1 not in shape[1:] else None
    is_flatten = (batch == 0 and rest in (-1, width)) or (batch == -1 and rest == width)
    return Found(node.input[0], nn.Flatten) if is_flatten else None


def _softmax(name: str) -> Rule:
    def rule(graph: Graph, node: Any) -> Found | None:
        rank = graph.rank(node.input[0])
        axis = graph.attributes(node).get("axis", -1 if graph.opset >= 13 else 1)
        is_last = axis == -1 or (rank is not None and axis == rank - 1)
        return Found(node.input[0], nn.HybridLambda, {"function": name}) if is_last else None

    return rule


def _constants(graph: Graph, names: list[str]) -> list[np.ndarray[Any, Any]] | None:
    """Return the arrays of vectors that never change, or None if not all are that."""
    arrays = [graph.constant(name) for name in names]
    vectors = [array for array in arrays if array is not None and array.ndim == 1]
    return vectors if len(vectors) == len(names) else None


def _batch_norm(graph: Graph, node: Any) -> Found | None:
    settings = graph.attributes(node)
    vectors = _constants(graph, list(node.input[1:5]))
    if vectors is None or settings.get("training_mode", 0):
        return None
    names = ("gamma", "beta", "running_mean", "running_var")
    made_with = {
        "epsilon": _short(settings.get("epsilon", 1e-5)),
        "momentum": _short(settings.get("momentum", 0.9)),
        "in_channels": vectors[0].size,
    }
    return Found(node.input[0], nn.BatchNorm, made_with, dict(zip(names, vectors, strict=True)))


def _affine_norm(kind: type[Block], axis: int) -> Rule:
    def rule(graph: Graph, node: Any) -> Found | None:
        settings = graph.attributes(node)
        rank = graph.rank(node.input[0])
        given = settings.get("axis", axis)
        vectors = _constants(graph, [name for name in node.input[1:] if name])
        is_ours = given == axis or (rank is not None and given == rank + axis)
        if vectors is None or not is_ours:
            return None
        made_with = {
            "axis": axis,
            "epsilon": _short(settings.get("epsilon", 1e-5)),
            "center": len(vectors) == 2,
            "scale": True,
            "in_channels": vectors[0].size,
        }
        arrays = dict(zip(("gamma", "beta"), [*vectors, np.zeros_like(vectors[0])], strict=False))
        return Found(node.input[0], kind, made_with, arrays)

    return rule


RULES: dict[str, tuple[Rule, ...]] = {
    "Add": (_add,),
    "BatchNormalization": (_batch_norm,),
    "Dropout": (_dropout,),
    "Elu": (_with_alpha(nn.ELU, 1.0),),
    "Flatten": (_flatten,),
    "Gelu": (_gelu,),
    "Gemm": (_gemm,),
    "Identity": (_nothing,),
    "InstanceNormalization": (_affine_norm(nn.InstanceNorm, 1),),
    "LayerNormalization": (_affine_norm(nn.LayerNorm, -1),),
    "LeakyRelu": (_with_alpha(nn.LeakyReLU, 0.01),),
    "LogSoftmax": (_softmax("log_softmax"),),
    "MatMul": (_matmul,),
    "Mish": (_activation("mish"),),
    "Mul": (_product,),
    "Neg": (_negative,),
    "PRelu": (_prelu,),
    "Relu": (_activation("relu"),),
    "Reshape": (_reshape,),
    "Selu": (_selu,),
    "Sigmoid": (_activation("sigmoid"),),
    "Softmax": (_softmax("softmax"),),
    "Softplus": (_activation("softrelu"),),
    "Softsign": (_activation("softsign"),),
    "Tanh": (_activation("tanh"),),
}
