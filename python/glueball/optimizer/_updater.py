"""Updating arrays that are not parameters: an optimizer together with its states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball.base import ArgumentError
from glueball.optimizer.optimizer import Optimizer

if TYPE_CHECKING:
    from glueball import nd

__all__ = ["Updater", "get_updater"]


class Updater:
    """Calls an optimizer for single arrays, and keeps what it needs for each.

    Parameters
    ----------
    optimizer : Optimizer
        The rule.

    Attributes
    ----------
    states : dict
        What `create_state` returned, by index.

    Raises
    ------
    ValueError
        If it is not an Optimizer.

    Examples
    --------
    >>> from glueball import nd, optimizer
    >>> update = Updater(optimizer.SGD(learning_rate=0.5))
    >>> weight = nd.array([1, 2])
    >>> update(0, nd.ones(2), weight)
    >>> weight
    <BLANKLINE>
    [0.5 1.5]
    <NDArray 2 @cpu(0)>
    """

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            message = (
                f"expected an Optimizer, found {optimizer!r}; make one: optimizer.create('sgd')"
            )
            raise ArgumentError(message)
        self.optimizer = optimizer
        self.states: dict[Any, Any] = {}

    def __call__(self, index: Any, grad: Any, weight: Any) -> None:
        """Update an array in place, or each of several.

        Parameters
        ----------
        index : int or list of int
            Which it is, for its state, its count and its multipliers.
        grad, weight : NDArray or list of NDArray
            The gradient first.
        """
        several = isinstance(index, list | tuple)
        for i, g, w in (
            zip(index, grad, weight, strict=True) if several else ((index, grad, weight),)
        ):
            self._update(i, g, w)

    def _update(self, index: Any, grad: nd.NDArray, weight: nd.NDArray) -> None:
        if index not in self.states:
            self.states[index] = self.optimizer.create_state(index, weight)
        self.optimizer.update(index, weight, grad, self.states[index])


def get_updater(optimizer: Optimizer) -> Updater:
    """Return an `Updater`."""
    return Updater(optimizer)
