"""What a competitor has to offer; how it does so is up to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from bench.cases import Net

Call: TypeAlias = Callable[[], Any]


class Peer:
    """A competitor, in a process of its own.

    Each method returns a call to be timed, with everything that can be prepared done, in the best
    way that the competitor's documentation gives; or None for what the competitor doesn't have.
    Inputs are already in the competitor's own kind of array, and outputs stay in it.

    Parameters
    ----------
    threads : int
        How many threads it may compute on.
    """

    def __init__(self, threads: int) -> None:
        raise NotImplementedError

    def forward(self, net: Net) -> Call | None:
        """Return a call that gives the net's output on its batch."""
        return None

    def train(self, net: Net, rate: float) -> tuple[Call, Callable[[], list[Any]]] | None:
        """Return a training step, and a call that gives weight, bias, weight ... as they are now.

        A step is forward, mean softmax cross entropy, backward, and stochastic gradient descent
        with momentum, on the same batch each time.
        """
        return None

    def fill(self, distribution: str, count: int) -> Call | None:
        """Return a call that fills `count` floats, and returns them, in place where it can.

        Uniform on (-0.07, 0.07); normal with standard deviation 0.01; the same cut off at two
        standard deviations.
        """
        return None

    def orthogonal(self, rows: int) -> Call | None:
        """Return a call that draws a square orthogonal matrix."""
        return None

    def numpy(self, array: Any) -> np.ndarray:
        """Return one of the competitor's arrays as NumPy's."""
        return np.asarray(array)
