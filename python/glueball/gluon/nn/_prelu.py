"""The leaky rectifier that learns its slopes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _core, nd
from glueball import init as initializers
from glueball.gluon._checks import check_count
from glueball.gluon._declaration import ArrayNames, Found, LayerDeclaration, OnnxForm
from glueball.gluon.nn._native import NativeLayer

if TYPE_CHECKING:
    from glueball.gluon.block import Block
    from glueball.gluon.parameter import ParameterDict
    from glueball.onnx._graph import Graph
    from glueball.onnx._writing import Writer

__all__ = ["PReLU"]

# The slope at the start: K. He and others, ICCV 2015, section 2.1.
_QUARTER = initializers.Constant(0.25)


def _to_onnx(graph: Writer, layer: PReLU) -> None:
    slopes = np.array(layer.alpha.data())
    if slopes.size > 1:  # of the channels on axis 1; ONNX would take the last axis
        slopes = slopes.reshape(-1, *(1,) * (len(graph.shape) - 2))
    graph.add("PRelu", graph.tensor, graph.constant("alpha", slopes))


def _from_onnx(graph: Graph, node: Any) -> Found | None:
    slopes, rank = graph.constant(node.input[1]), graph.rank(node.input[0])
    if slopes is None:
        return None
    if rank is not None and slopes.ndim > rank:  # they would give the tensor more axes
        return None
    # ONNX lines shapes up at their ends; here there is a slope for each channel on axis 1.
    if slopes.size != 1:
        before = -1 if rank is None else rank - slopes.ndim
        lengths = [1] * before + list(slopes.shape)
        if before < 0 or len(lengths) < 2 or lengths[1] != slopes.size:
            return None
    return Found(node.input[0], {"in_channels": slopes.size}, {"alpha": slopes.reshape(-1)})


class PReLU(NativeLayer):
    """Apply max(x, 0) + alpha min(x, 0) with learned slopes alpha.

    Parameters
    ----------
    alpha_initializer : str, Initializer or callable
        Fills alpha; ``Constant(0.25)`` if nothing is said.
    in_channels : int, default 1
        Number of slopes: 1 for all, or one for each channel on axis 1; 0: inferred from the first input.
    prefix, params
        As for `Block`.

    Attributes
    ----------
    alpha : Parameter
        Shape (in_channels,).

    Raises
    ------
    ValueError
        If `in_channels` is negative, or the initializer unknown.

    References
    ----------
    K. He and others, "Delving deep into rectifiers: surpassing human-level performance on ImageNet
    classification", ICCV 2015.
    """

    _declaration = LayerDeclaration(
        "PReLU",
        lambda layer: {"in_channels": layer.alpha.data().size},
        arrays=(ArrayNames("alpha", "weight", "alpha", ("negative_slope",)),),
        onnx=OnnxForm(_to_onnx, rules={"PRelu": _from_onnx}),
    )

    def __init__(
        self,
        alpha_initializer: Any = _QUARTER,
        in_channels: int = 1,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        slopes = check_count("in_channels of PReLU", in_channels, least=0)
        super().__init__(prefix=prefix, params=params)
        self.alpha = self.params.get(
            "alpha", shape=(slopes,), init=alpha_initializer, allow_deferred_init=True
        )

    def _pieces(self) -> list[_core.Layer | Block]:
        return [_core.PReLU(self.name, self.alpha)]

    def hybrid_forward(self, F: Any, x: Any, alpha: Any) -> Any:
        """Apply the slopes `alpha`, of shape (1,) or (channels,), to `x`, for subclasses."""
        return nd.LeakyReLU(x, alpha, act_type="prelu")
