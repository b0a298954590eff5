"""What normalisations have in common: they take a mean away, divide by a deviation, scale and shift by channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball.base import ArgumentError
from glueball.gluon._checks import FixedSetting, check_count, check_number
from glueball.gluon._declaration import ArrayNames, Found
from glueball.gluon.nn._native import NativeLayer
from glueball.nd._record import result_axis

if TYPE_CHECKING:
    from glueball.gluon._declaration import Rule
    from glueball.gluon.parameter import Parameter, ParameterDict
    from glueball.onnx._graph import Graph
    from glueball.onnx._writing import Writer

__all__ = ["AFFINE", "Normalisation", "affine_from_onnx", "affine_to_onnx", "check_onnx_axis"]

AFFINE = (
    ArrayNames("gamma", "weight", "gamma", ("scale",), unlearned=1.0),
    ArrayNames("beta", "bias", "beta", ("offset",), unlearned=0.0),
)


def check_onnx_axis(graph: Writer, layer: Any, axis: int, words: str) -> None:
    """Refuse a layer over another axis than ONNX has it for, which is called `words`."""
    rank = len(graph.shape)
    wanted = axis if axis >= 0 else rank + axis
    if wanted >= rank or result_axis(layer._axis, rank, layer.name) != wanted:
        message = (
            f"expected {layer._declaration.kind} over {words} at '{graph.path}', which is what ONNX has, "
            f"found axis {layer._axis} of an input of shape {graph.shape}; export the net without it"
        )
        raise ArgumentError(message)


def affine_to_onnx(graph: Writer, layer: Any, op_type: str, **settings: Any) -> None:
    """Write a layer that is one node of x, gamma and beta."""
    arrays = [graph.constant(name, getattr(layer, name).data()) for name in ("gamma", "beta")]
    graph.add(op_type, graph.tensor, *arrays, epsilon=layer._epsilon, **settings)


def affine_from_onnx(axis: int) -> Rule:
    """Return the rule for a node of x, gamma and perhaps beta, over an axis."""

    def rule(graph: Graph, node: Any) -> Found | None:
        settings = graph.attributes(node)
        rank = graph.rank(node.input[0])
        given = settings.get("axis", axis)
        vectors = graph.vectors(name for name in node.input[1:] if name)
        is_ours = given == axis or (rank is not None and given == rank + axis)
        if vectors is None or not is_ours:
            return None
        # Vectors of one element serve all.
        lengths = {vector.size for vector in vectors} - {1}
        shape = graph.shape(node.input[0])
        width = lengths.pop() if lengths else shape[axis] if shape is not None else -1
        if width == -1:
            return None
        vectors = [
            np.broadcast_to(vector, (width,)) if vector.size == 1 else vector for vector in vectors
        ]
        made_with = {
            "axis": axis,
            "epsilon": graph.short(settings.get("epsilon", 1e-5)),
            "center": len(vectors) == 2,
            "scale": True,
            "in_channels": vectors[0].size,
        }
        arrays = dict(zip(("gamma", "beta"), [*vectors, np.zeros_like(vectors[0])], strict=False))
        return Found(node.input[0], made_with, arrays)

    return rule


class Normalisation(NativeLayer):
    """What all four have: gamma and beta of shape (channels,), which wait for the first input."""

    _center = FixedSetting()
    _scale = FixedSetting()

    def __init__(
        self,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: Any,
        gamma_initializer: Any,
        in_channels: int,
        prefix: str | None,
        params: ParameterDict | None,
    ) -> None:
        kind = type(self).__name__
        epsilon = check_number(f"epsilon of {kind}", epsilon, least=0)
        in_channels = check_count(f"in_channels of {kind}", in_channels, least=0)
        super().__init__(prefix=prefix, params=params)
        self._epsilon = epsilon
        self._center, self._scale = bool(center), bool(scale)
        self.gamma = self._make("gamma", in_channels, gamma_initializer, scale)
        self.beta = self._make("beta", in_channels, beta_initializer, center)

    def _make(self, name: str, in_channels: int, init: Any, learned: bool) -> Parameter:
        return self.params.get(
            name,
            grad_req="write" if learned else "null",
            shape=(in_channels,),
            init=init,
            allow_deferred_init=True,
            differentiable=learned,
        )

    def _written(self, *settings: str) -> dict[str, Any]:
        """Return what model files hold: what all four have, and the settings named."""
        common = {"epsilon": self._epsilon, "center": self._center, "scale": self._scale}
        own = {name: getattr(self, f"_{name}") for name in settings}
        return common | {"in_channels": self.gamma.data().size} | own

    def _settings(self) -> dict[str, Any]:
        """Return what the repr shows, in Gluon's order and words."""
        raise NotImplementedError

    def __repr__(self) -> str:
        settings = ", ".join(f"{key}={value}" for key, value in self._settings().items())
        return f"{type(self).__name__}({settings})"

    def _channels(self) -> int:
        shape = self.gamma.shape
        return 0 if shape is None else shape[0]
