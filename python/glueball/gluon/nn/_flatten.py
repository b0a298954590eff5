"""The layer that makes each sample one row."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from glueball import _core, nd
from glueball.gluon._declaration import Found, LayerDeclaration, OnnxForm
from glueball.gluon.nn._native import NativeLayer

if TYPE_CHECKING:
    from glueball.gluon.block import Block
    from glueball.onnx._graph import Graph
    from glueball.onnx._writing import Writer

__all__ = ["Flatten"]


def _to_onnx(graph: Writer, layer: Flatten) -> None:
    graph.add("Flatten", axis=1)


def _from_flatten(graph: Graph, node: Any) -> Found | None:
    is_ours = graph.attributes(node).get("axis", 1) == 1
    return Found(node.input[0], {}) if is_ours else None


def _from_reshape(graph: Graph, node: Any) -> Found | None:
    wanted, shape = graph.constant(node.input[1]), graph.shape(node.input[0])
    if wanted is None or wanted.size != 2:
        return None
    batch, rest = (int(length) for length in wanted)
    width = math.prod(shape[1:]) if shape and -1 not in shape[1:] else None
    is_flatten = (batch == 0 and rest in (-1, width)) or (batch == -1 and rest == width)
    return Found(node.input[0], {}) if is_flatten else None


class Flatten(NativeLayer):
    """Make (batch, a, b, ...) into (batch, a * b * ...), without a copy; (n,) into (n, 1)."""

    _declaration = LayerDeclaration(
        "Flatten",
        onnx=OnnxForm(_to_onnx, rules={"Flatten": _from_flatten, "Reshape": _from_reshape}),
    )

    def _pieces(self) -> list[_core.Layer | Block]:
        return [_core.Flatten(self.name)]

    def _from_functions(self, x: Any) -> Any:
        return nd.flatten(x)

    def __repr__(self) -> str:
        return type(self).__name__
