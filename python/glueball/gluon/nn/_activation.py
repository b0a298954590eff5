"""Elementwise functions as layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball import _core, nd
from glueball.base import ArgumentError
from glueball.gluon._declaration import Found, LayerDeclaration, OnnxForm
from glueball.gluon.nn._native import NativeLayer

if TYPE_CHECKING:
    from glueball.gluon._declaration import Rule
    from glueball.gluon.block import Block
    from glueball.onnx._graph import Graph
    from glueball.onnx._writing import Writer

__all__ = ["USUAL_ALPHA", "Activation", "NativeActivation", "check_activation", "write_onnx"]

# Elementwise functions by the one ONNX operator that computes them, and the usual parameter of some.
_OPERATORS = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softrelu": "Softplus",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "gelu": "Gelu",
    "mish": "Mish",
    "selu": "Selu",
    "leaky_relu": "LeakyRelu",
    "elu": "Elu",
}
USUAL_ALPHA = {"leaky_relu": 0.01, "elu": 1.0}


def check_activation(name: Any) -> str:
    """Return the name of an elementwise function; refuse others, with a list of the names."""
    known = _core.activation_names()
    if name not in known:
        message = (
            f"expected the name of an activation, found {name!r}; valid values are: "
            + ", ".join(repr(each) for each in known)
        )
        raise ArgumentError(message)
    return str(name)


class NativeActivation(NativeLayer):
    """A layer that one native elementwise function computes."""

    def function(self) -> tuple[str, float | None]:
        """Return the function's name, and its parameter."""
        raise NotImplementedError

    def _pieces(self) -> list[_core.Layer | Block]:
        name, alpha = self.function()
        return [_core.Activation(self.name, name, alpha)]

    def _from_functions(self, x: Any) -> Any:
        name, alpha = self.function()
        if name == "leaky_relu":
            return nd.LeakyReLU(x, act_type="leaky", slope=0.01 if alpha is None else alpha)
        if name in ("elu", "selu"):
            return nd.LeakyReLU(x, act_type=name, slope=1.0 if alpha is None else alpha)
        if name == "swish" and alpha is not None:
            return x * nd.sigmoid(alpha * x)
        return nd.identity(x) if name == "identity" else nd.Activation(x, name)


def _read(function: str, **names: Any) -> Activation:
    return Activation(function, **names)


def write_onnx(graph: Writer, layer: NativeActivation) -> None:
    function, alpha = layer.function()
    if function in _OPERATORS:
        alpha = USUAL_ALPHA.get(function) if alpha is None else alpha
        settings: Any = {} if alpha is None else {"alpha": alpha}
        graph.add(_OPERATORS[function], **settings)
    elif function in ("silu", "swish"):
        x = graph.tensor
        if alpha not in (None, 1.0):
            graph.add("Mul", x, graph.constant("beta", alpha), part="scaled")
        gate = graph.add("Sigmoid", part="gate")
        graph.add("Mul", x, gate)
    elif function == "log_sigmoid":  # -log(1 + e^-x)
        graph.add("Neg", part="minus")
        graph.add("Softplus", part="softplus")
        graph.add("Neg")
    else:
        assert function == "identity"


def _named(function: str) -> Rule:
    return lambda graph, node: Found(node.input[0], {"activation": function})


def _mish(graph: Graph, node: Any) -> Found | None:
    for factor, x, gate in graph.factors(node):
        tanh = graph.producer(gate, "Tanh")
        softplus = graph.producer(tanh.input[0], "Softplus") if tanh is not None else None
        if softplus is not None and softplus.input[0] == x and factor == 1.0:
            return Found(x, {"activation": "mish"})
    return None


def _log(graph: Graph, node: Any) -> Found | None:
    """Return log(sigmoid(x)) or log(1 + e^x), as exporters write them out."""
    sigmoid = graph.producer(node.input[0], "Sigmoid")
    if sigmoid is not None:
        return Found(sigmoid.input[0], {"activation": "log_sigmoid"})
    for value, one in graph.both_ways(graph.producer(node.input[0], "Add")):
        power = graph.producer(value, "Exp")
        if power is not None and graph.number(one) == 1.0:
            return Found(power.input[0], {"activation": "softrelu"})
    return None


def _where(graph: Graph, node: Any) -> Found | None:
    """Return softplus(x), where x itself stands in for it above a threshold that makes no difference."""
    condition, x, softplus = node.input
    greater = graph.producer(condition, "Greater")
    inner = graph.producer(softplus, "Div", "Mul")
    if inner is not None and graph.multiple(softplus, inner.input[0]) == 1.0:
        softplus = inner.input[0]
    made = graph.producer(softplus, "Softplus", "Log")
    if greater is None or made is None:
        return None
    found = _log(graph, made) if made.op_type == "Log" else Found(made.input[0], {})
    threshold = graph.number(greater.input[1])
    if (
        found is None
        or threshold is None
        or threshold < 15  # e^-15 is within float32's rounding of 15
        or graph.multiple(found.source, x) != 1.0
        or graph.multiple(greater.input[0], x) != 1.0
        or found.settings == {"activation": "log_sigmoid"}
    ):
        return None
    return Found(x, {"activation": "softrelu"})


def _log_sigmoid(graph: Graph, node: Any) -> Found | None:
    softplus = graph.producer(node.input[0], "Softplus")
    minus = graph.producer(softplus.input[0], "Neg") if softplus is not None else None
    return None if minus is None else Found(minus.input[0], {"activation": "log_sigmoid"})


class Activation(NativeActivation):
    """Apply an elementwise function.

    Parameters
    ----------
    activation : str
        ``relu``, ``sigmoid``, ``tanh``, ``softrelu`` (log(1 + e^x)), ``softsign`` (x / (1 + abs(x))), as in
        Gluon; also ``gelu``, ``silu``, ``elu``, ``selu``, ``leaky_relu``, ``log_sigmoid``, ``mish``.

    Raises
    ------
    ValueError
        For an unknown name.

    Examples
    --------
    >>> from glueball import nd
    >>> from glueball.gluon import nn
    >>> nn.Activation("relu")(nd.array([-1, 2]))
    <BLANKLINE>
    [0. 2.]
    <NDArray 2 @cpu(0)>
    """

    _declaration = LayerDeclaration(
        "Activation",
        lambda layer: {"function": layer._act_type},
        _read,
        onnx=OnnxForm(
            write_onnx,
            rules={
                "Log": _log,
                "Mish": _named("mish"),
                "Mul": _mish,
                "Neg": _log_sigmoid,
                "Relu": _named("relu"),
                "Sigmoid": _named("sigmoid"),
                "Softplus": _named("softrelu"),
                "Softsign": _named("softsign"),
                "Tanh": _named("tanh"),
                "Where": _where,
            },
        ),
    )

    def __init__(self, activation: str, **kwargs: Any) -> None:
        self.__dict__["_act_type"] = check_activation(activation)  # automatic names are made of it
        super().__init__(**kwargs)

    def _alias(self) -> str:
        return str(self._act_type)

    def function(self) -> tuple[str, float | None]:
        """Name of the function for the core, and its parameter: it has none."""
        return self._act_type, None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._act_type})"
