"""Noise for training: elements that are dropped at random."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _core
from glueball.base import ArgumentError, GlueballTypeError
from glueball.gluon._declaration import Found, LayerDeclaration, OnnxForm
from glueball.gluon.nn._native import NativeLayer

if TYPE_CHECKING:
    from glueball.gluon.block import Block
    from glueball.onnx._graph import Graph

__all__ = ["Dropout"]


def _from_onnx(graph: Graph, node: Any) -> Found | None:
    rate: float | None = graph.attributes(node).get("ratio", 0.5)
    if len(node.input) > 1 and node.input[1]:
        rate = graph.number(node.input[1])
    trains = graph.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else False
    if rate is None or trains is None or np.any(trains):
        return None
    return Found(node.input[0], {"rate": rate})


class Dropout(NativeLayer):
    """In training, set elements to 0 at random and scale the rest up; else pass the input on.

    Parameters
    ----------
    rate : float
        Probability of an element to become 0, from 0 to 1; the others are multiplied by 1 / (1 - rate).
    axes : tuple of int, default ()
        Axes along which elements are dropped together; negative ones count from the last. With ``axes=(1,)`` and
        an input of (batch, time, features), a feature is dropped at all times of a sample, or at none.

    Raises
    ------
    ValueError
        If `rate` is not between 0 and 1.
    TypeError
        If `axes` are not integers.
    MXNetError
        In a training call, if the input lacks one of the axes.

    References
    ----------
    N. Srivastava and others, "Dropout: a simple way to prevent neural networks from overfitting",
    JMLR 15, 2014.
    """

    _declaration = LayerDeclaration(
        "Dropout", lambda layer: layer._settings(), onnx=OnnxForm(rules={"Dropout": _from_onnx})
    )

    def __init__(self, rate: float, axes: tuple[int, ...] = (), **kwargs: Any) -> None:
        if not isinstance(rate, int | float | np.number):
            message = (
                f"expected a number as rate of Dropout, found {rate!r}; pass a float from 0 to 1"
            )
            raise GlueballTypeError(message)
        if not 0 <= rate <= 1:
            message = (
                f"expected the rate of Dropout to be from 0 to 1, found {rate}; it is the share of "
                "elements that become 0"
            )
            raise ArgumentError(message)
        super().__init__(**kwargs)
        self._rate = float(rate)
        self._axes = _checked_axes(axes)

    def _settings(self) -> dict[str, Any]:
        return {"rate": self._rate} | ({"axes": list(self._axes)} if self._axes else {})

    def _pieces(self) -> list[_core.Layer | Block]:
        return [_core.Dropout(self.name, self._rate, self._axes)]

    def _from_functions(self, x: Any) -> Any:
        return x  # where elements are dropped, the chain multiplies by the mask that dropped them

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p = {self._rate}, axes={self._axes})"


def _checked_axes(axes: Any) -> tuple[int, ...]:
    try:
        return tuple(
            operator.index(axis)
            for axis in ((axes,) if isinstance(axes, int | np.integer) else axes)
        )
    except TypeError as error:
        message = (
            f"expected the axes of Dropout to be a tuple of integers, found {axes!r}; name those along "
            "which elements are dropped together"
        )
        raise GlueballTypeError(message) from error
