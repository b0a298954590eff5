"""Where the tape delivers a parameter's gradient."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from glueball import _core
    from glueball.gluon.parameter._parameter import Parameter
    from glueball.nd import NDArray

__all__ = ["GradientSink"]


class GradientSink:
    """Where the tape delivers the gradient of a parameter's array.

    Holds the parameter weakly: the parameter holds the array, the array its leaf, and the leaf this.
    """

    __slots__ = ("_parameter",)

    def __init__(self, parameter: Parameter) -> None:
        self._parameter = weakref.ref(parameter)

    @property
    def grad(self) -> NDArray | None:
        """The array's `grad`."""
        parameter = self._parameter()
        return None if parameter is None else parameter.grad()

    @property
    def parameter(self) -> Parameter | None:
        """The parameter, if it still exists."""
        return self._parameter()

    def mark_written(self) -> None:
        parameter = self._parameter()
        if parameter is not None:
            parameter._mark_written()

    def accumulate(self, gradient: np.ndarray, pass_: _core.BackwardPass) -> None:
        parameter = self._parameter()
        if parameter is not None:
            parameter._accumulate_grad(gradient, pass_)
