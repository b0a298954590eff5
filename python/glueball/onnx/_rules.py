"""Which nodes make which layer. A rule looks at a node and, through its inputs, at those before it.

It returns the layer and the tensor that the layer is applied to, or None if the node is something else.
Some layers are several nodes (``x * sigmoid(x)``), whose last one the rule is asked about.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball.gluon import nn
from glueball.onnx._found import Found, short
from glueball.onnx._graph import both_ways
from glueball.onnx._norm_rules import affine_norm, batch_norm, group_norm, groups_as_instances

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glueball.gluon import Block
    from glueball.onnx._found import Rule
    from glueball.onnx._graph import Graph

__all__ = ["RULES"]


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
    for product, constant in both_ways(node):
        bias, before = graph.constant(constant), graph.producer(product, "MatMul")
        if bias is not None and before is not None:
            return _matmul(graph, before, bias)
    return None


def _gather(graph: Graph, node: Any) -> Found | None:
    weight, source = graph.constant(node.input[0]), node.input[1]
    if weight is None or weight.ndim != 2 or graph.attributes(node).get("axis", 0) not in (0, -2):
        return None
    while (cast := graph.producer(source, "Cast")) is not None and graph.is_to_indices(cast):
        source = cast.input[0]
    rows, columns = weight.shape
    settings = {"input_dim": rows, "output_dim": columns}
    return Found(source, nn.Embedding, settings, {"weight": weight})


# ---- elementwise functions ------------------------------------------------------------------


def _activation(name: str) -> Rule:
    def rule(graph: Graph, node: Any) -> Found | None:
        return Found(node.input[0], nn.Activation, {"activation": name})

    return rule


def _with_alpha(kind: type[Block], usual: float) -> Rule:
    def rule(graph: Graph, node: Any) -> Found | None:
        alpha = graph.attributes(node).get("alpha", usual)
        return Found(node.input[0], kind, {"alpha": short(alpha)})

    return rule


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
    for value, one in both_ways(node) if node is not None else ():
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


def _factors(graph: Graph, node: Any) -> Iterator[tuple[float, str, str]]:
    """Yield each way to read a product as number * tensor * tensor."""
    for a, b in both_ways(node):
        yield 1.0, a, b
        inner = graph.producer(b, "Mul")
        for c, d in both_ways(inner) if inner is not None else ():
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
    return next((graph.number(number) for value, number in both_ways(node) if value == x), None)


# ---- shapes, probabilities ------------------------------------------------------------------


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


RULES: dict[str, tuple[Rule, ...]] = {
    "Add": (_add, groups_as_instances),
    "BatchNormalization": (batch_norm,),
    "Dropout": (_dropout,),
    "Elu": (_with_alpha(nn.ELU, 1.0),),
    "Flatten": (_flatten,),
    "Gather": (_gather,),
    "Gelu": (_gelu,),
    "Gemm": (_gemm,),
    "GroupNormalization": (group_norm,),
    "Identity": (_nothing,),
    "InstanceNormalization": (affine_norm(nn.InstanceNorm, 1),),
    "LayerNormalization": (affine_norm(nn.LayerNorm, -1),),
    "LeakyRelu": (_with_alpha(nn.LeakyReLU, 0.01),),
    "LogSoftmax": (_softmax("log_softmax"),),
    "MatMul": (_matmul,),
    "Mish": (_activation("mish"),),
    "Mul": (_product, groups_as_instances),
    "Neg": (_negative,),
    "PRelu": (_prelu,),
    "Relu": (_activation("relu"),),
    "Reshape": (_reshape, groups_as_instances),
    "Selu": (_selu,),
    "Sigmoid": (_activation("sigmoid"),),
    "Softmax": (_softmax("softmax"),),
    "Softplus": (_activation("softrelu"),),
    "Softsign": (_activation("softsign"),),
    "Tanh": (_activation("tanh"),),
}
