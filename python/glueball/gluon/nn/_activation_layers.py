"""Elementwise functions that have a layer of their own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from glueball.base import ArgumentError
from glueball.gluon._checks import check_number
from glueball.gluon._declaration import Found, LayerDeclaration, OnnxForm
from glueball.gluon.nn._activation import USUAL_ALPHA, NativeActivation, write_onnx

if TYPE_CHECKING:
    from glueball.gluon._declaration import Rule
    from glueball.onnx._graph import Graph

__all__ = ["ELU", "GELU", "SELU", "LeakyReLU", "SiLU", "Swish"]

_SELU = {"alpha": 1.6732632423543772, "gamma": 1.0507009873554805}


def _with_alpha(function: str) -> Rule:
    def rule(graph: Graph, node: Any) -> Found | None:
        alpha = graph.attributes(node).get("alpha", USUAL_ALPHA[function])
        return Found(node.input[0], {"alpha": graph.short(alpha)})

    return rule


def _selu(graph: Graph, node: Any) -> Found | None:
    given = _SELU | graph.attributes(node)
    is_usual = all(math.isclose(given[key], _SELU[key], rel_tol=1e-6) for key in _SELU)
    return Found(node.input[0], {}) if is_usual else None


def _gelu(graph: Graph, node: Any) -> Found | None:
    exact = graph.attributes(node).get("approximate", b"none") == b"none"
    return Found(node.input[0], {}) if exact else None


def _gelu_product(graph: Graph, node: Any) -> Found | None:
    for factor, x, gate in graph.factors(node):
        if math.isclose(factor, 0.5, rel_tol=1e-6) and _is_twice_normal(graph, gate, x):
            return Found(x, {})
    return None


def _is_twice_normal(graph: Graph, tensor: str, x: str) -> bool:
    """Whether a tensor is 1 + erf(x / sqrt(2)), twice the normal distribution function."""
    for value, one in graph.both_ways(graph.producer(tensor, "Add")):
        erf = graph.producer(value, "Erf")
        if erf is not None and graph.number(one) == 1.0:
            factor = graph.multiple(erf.input[0], x)
            if factor is not None and math.isclose(factor, math.sqrt(0.5), rel_tol=1e-6):
                return True
    return False


def _swish_beta(graph: Graph, node: Any) -> tuple[str, float] | None:
    """Return x and beta if a product is x sigmoid(beta x)."""
    for factor, x, gate in graph.factors(node):
        sigmoid = graph.producer(gate, "Sigmoid")
        beta = graph.multiple(sigmoid.input[0], x) if sigmoid is not None else None
        if beta is not None and factor == 1.0:
            return x, beta
    return None


def _silu(graph: Graph, node: Any) -> Found | None:
    found = _swish_beta(graph, node)
    return Found(found[0], {}) if found is not None and found[1] == 1.0 else None


def _swish(graph: Graph, node: Any) -> Found | None:
    found = _swish_beta(graph, node)
    return None if found is None else Found(found[0], {"beta": found[1]})


class LeakyReLU(NativeActivation):
    """Apply max(x, 0) + alpha min(x, 0).

    Parameters
    ----------
    alpha : float
        Slope for negative elements, 0 or more.

    Raises
    ------
    AssertionError
        If alpha is negative.
    """

    _declaration = LayerDeclaration(
        "LeakyReLU",
        lambda layer: {"alpha": layer._alpha},
        onnx=OnnxForm(write_onnx, rules={"LeakyRelu": _with_alpha("leaky_relu")}),
    )

    def __init__(self, alpha: float, **kwargs: Any) -> None:
        if isinstance(alpha, str) or not alpha >= 0:  # type: ignore[redundant-expr]
            message = (
                "Slope coefficient for LeakyReLU must be no less than 0. Expected alpha >= 0, found "
                f"{alpha!r}; pass a small positive number such as 0.01"
            )
            raise ArgumentError(message)
        alpha = check_number("alpha of LeakyReLU", alpha, least=0)
        super().__init__(**kwargs)
        self._alpha = alpha

    def function(self) -> tuple[str, float | None]:
        """Name of the function for the core, and its slope below zero."""
        return "leaky_relu", self._alpha

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._alpha})"


class ELU(NativeActivation):
    """Apply x where x > 0, and alpha (e^x - 1) elsewhere.

    Parameters
    ----------
    alpha : float, default 1.0
        Minus the limit for large negative x.

    Raises
    ------
    ValueError
        If alpha is not finite.

    References
    ----------
    D.-A. Clevert, T. Unterthiner, S. Hochreiter, "Fast and accurate deep network learning by exponential
    linear units", ICLR 2016.
    """

    _declaration = LayerDeclaration(
        "ELU",
        lambda layer: {"alpha": layer._alpha},
        onnx=OnnxForm(write_onnx, rules={"Elu": _with_alpha("elu")}),
    )

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        alpha = check_number("alpha of ELU", alpha)
        super().__init__(**kwargs)
        self._alpha = alpha

    def function(self) -> tuple[str, float | None]:
        """Name of the function for the core, and its alpha."""
        return "elu", self._alpha


class SELU(NativeActivation):
    """Apply 1.0507009873554805 times an ELU of alpha 1.6732632423543772.

    References
    ----------
    G. Klambauer and others, "Self-normalizing neural networks", NIPS 2017.
    """

    _declaration = LayerDeclaration(
        "SELU",
        onnx=OnnxForm(write_onnx, rules={"Selu": _selu}),
    )

    def function(self) -> tuple[str, float | None]:
        """Name of the function for the core, and its parameter: it has none."""
        return "selu", None


class GELU(NativeActivation):
    """Apply x times the standard normal distribution function of x, exactly.

    References
    ----------
    D. Hendrycks, K. Gimpel, "Gaussian error linear units", arXiv:1606.08415, 2016.
    """

    _declaration = LayerDeclaration(
        "GELU",
        onnx=OnnxForm(write_onnx, rules={"Gelu": _gelu, "Mul": _gelu_product}),
    )

    def function(self) -> tuple[str, float | None]:
        """Name of the function for the core, and its parameter: it has none."""
        return "gelu", None


class SiLU(NativeActivation):
    """Apply x sigmoid(x): `Swish` with a beta of 1.

    References
    ----------
    S. Elfwing, E. Uchibe, K. Doya, "Sigmoid-weighted linear units for neural network function
    approximation in reinforcement learning", Neural Networks 107, 2018.
    """

    _declaration = LayerDeclaration(
        "SiLU",
        onnx=OnnxForm(write_onnx, rules={"Mul": _silu}),
    )

    def function(self) -> tuple[str, float | None]:
        """Name of the function for the core, and its factor in the sigmoid."""
        return "silu", 1.0


class Swish(NativeActivation):
    """Apply x sigmoid(beta x).

    Parameters
    ----------
    beta : float, default 1.0
        0 makes the layer x / 2; the larger, the nearer to max(x, 0).

    Raises
    ------
    ValueError
        If beta is not finite.

    References
    ----------
    P. Ramachandran, B. Zoph, Q. V. Le, "Searching for activation functions", arXiv:1710.05941, 2017.
    """

    _declaration = LayerDeclaration(
        "Swish",
        lambda layer: {"beta": layer._beta},
        onnx=OnnxForm(write_onnx, rules={"Mul": _swish}),
    )

    def __init__(self, beta: float = 1.0, **kwargs: Any) -> None:
        beta = check_number("beta of Swish", beta)
        super().__init__(**kwargs)
        self._beta = beta

    def function(self) -> tuple[str, float | None]:
        """Name of the function for the core, and its factor in the sigmoid."""
        return "swish", self._beta
