"""The layer that does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball.gluon import _plain
from glueball.gluon._checks import check_input
from glueball.gluon._declaration import Found, LayerDeclaration, OnnxForm
from glueball.gluon.nn._native import NativeLayer

if TYPE_CHECKING:
    from glueball import _core
    from glueball.gluon._declaration import Rule
    from glueball.gluon.block import Block
    from glueball.onnx._graph import Graph

__all__ = ["Identity"]


# By op type, the number that changes nothing, and whether it may come first.
_NEUTRAL = {"Add": (0.0, True), "Div": (1.0, False), "Mul": (1.0, True), "Sub": (0.0, False)}


def _nothing(graph: Graph, node: Any, source: str | None = None) -> Found:
    return Found(source or node.input[0], None)


def _with_neutral(neutral: float, may_be_first: bool) -> Rule:
    def rule(graph: Graph, node: Any) -> Found | None:
        ways = list(graph.both_ways(node))[: 2 if may_be_first else 1]
        for value, other in ways:
            constant = graph.constant(other)
            # An array of one element on more axes than the tensor would give it more.
            if (
                constant is not None
                and graph.number(other) == neutral
                and constant.ndim <= (graph.rank(value) or 0)
            ):
                return _nothing(graph, node, value)
        return None

    return rule


def _to_own_shape(graph: Graph, node: Any) -> Found | None:
    """Return that nothing is done, if a Reshape gives a tensor the shape that it has."""
    wanted, shape = graph.constant(node.input[1]), graph.shape(node.input[0])
    if wanted is None or shape is None or graph.attributes(node) or wanted.size != len(shape):
        return None
    changed = [
        int(length)
        for length, own in zip(wanted, shape, strict=True)
        if length != 0 and not length == own != -1
    ]
    is_same = changed == [] or (changed == [-1] and shape.count(-1) <= 1)
    return _nothing(graph, node) if is_same else None


class Identity(NativeLayer):
    """Return the input itself: with `Concurrent`, what a shortcut is made of."""

    _declaration = LayerDeclaration(
        "Identity",
        onnx=OnnxForm(
            rules={
                "Identity": _nothing,
                "Cast": lambda graph, node: (
                    _nothing(graph, node) if graph.keeps_type(node) else None
                ),
                "Reshape": _to_own_shape,
                **{op_type: _with_neutral(*neutral) for op_type, neutral in _NEUTRAL.items()},
            }
        ),
    )

    def forward(self, x: Any, *args: Any) -> Any:
        """Return `x`."""
        if not self._runs_hybrid_forward and not args:
            if _plain.calls.is_plain(x):
                return _plain.calls.plain_input(x, None, self.name)
            check_input(x, self.name)
            return x
        return super().forward(x, *args)

    def hybrid_forward(self, F: Any, x: Any, *args: Any, **params: Any) -> Any:
        """Return `x`."""
        return x

    def _pieces(self) -> list[_core.Layer | Block]:
        return []
