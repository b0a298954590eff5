"""Losses of numbers: squares, absolute values, and Huber's mixture of both."""

from __future__ import annotations

from typing import Any

import numpy as np

from glueball import _core, nd
from glueball.gluon.loss._base import (
    Loss,
    PairLoss,
    check_not_hollow,
    checked,
    finite,
    like_predictions,
    mean_per_sample,
    per_sample,
)

__all__ = ["HuberLoss", "L1Loss", "L2Loss"]


class L2Loss(Loss):
    """Mean over each sample of weight / 2 (pred - label)^2.

    Parameters
    ----------
    weight : float or None, default 1.0
        Every value is multiplied by half of it; None is 1.
    batch_axis : int, default 0
        The axis whose entries are samples.

    Examples
    --------
    >>> from glueball import gluon, nd
    >>> gluon.loss.L2Loss()(nd.array([[1, 2], [3, 5]]), nd.array([[1, 0], [0, 1]]))
    <BLANKLINE>
    [1.   6.25]
    <NDArray 2 @cpu(0)>
    """

    def __init__(self, weight: float | None = 1.0, batch_axis: int = 0, **kwargs: Any) -> None:
        super().__init__(weight, batch_axis, **kwargs)

    def forward(self, pred: Any, label: Any, sample_weight: Any = None) -> Any:
        """Return the loss of each sample; arguments, result and errors as for `L1Loss.forward`."""
        is_plain = sample_weight is None and self._batch_axis == 0
        if is_plain and getattr(label, "_node", None) is None:
            weight = 1.0 if self._weight is None else self._weight
            loss = _core.l2_loss(pred, label, weight, _l2_from_functions)
            if loss is not None:
                return loss
        label, sample_weight = checked(self.name, pred, label, sample_weight)
        label = like_predictions(self.name, label, pred)
        check_not_hollow(self.name, pred, self._batch_axis)
        return super().forward(pred, label, sample_weight)

    def hybrid_forward(self, F: Any, pred: Any, label: Any, sample_weight: Any = None) -> Any:
        """Compute the general case from array functions."""
        half = 0.5 if self._weight is None else self._weight / 2
        difference = label - pred
        loss = difference * difference * half
        if sample_weight is not None:
            loss = loss * per_sample(sample_weight, loss, self._batch_axis)
        return mean_per_sample(loss, self._batch_axis)


class L1Loss(PairLoss):
    """Mean over each sample of abs(pred - label).

    Parameters
    ----------
    weight, batch_axis
        As for `Loss`.

    Examples
    --------
    >>> from glueball import gluon, nd
    >>> gluon.loss.L1Loss()(nd.array([[1, 2], [3, 5]]), nd.array([[1, 0], [0, 1]])).asnumpy()
    array([1. , 3.5], dtype=float32)
    """

    _kind = "l1"

    def _terms(self, pred: Any, label: Any) -> Any:
        return nd.abs(pred - label)


class HuberLoss(PairLoss):
    r"""Squares of small differences, absolute values of large ones: outliers weigh less.

    With :math:`d = |p - y|`, the mean over each sample of :math:`d - \rho / 2` where :math:`d > \rho`, and of
    :math:`d^2 / (2 \rho)` elsewhere.

    Parameters
    ----------
    rho : float, default 1
        Where squares end and absolute values begin.
    weight, batch_axis
        As for `Loss`.

    Raises
    ------
    ValueError
        If `rho` is not positive.

    References
    ----------
    P. J. Huber, "Robust estimation of a location parameter", Ann. Math. Statist. 35 (1964).

    Examples
    --------
    >>> from glueball import gluon, nd
    >>> gluon.loss.HuberLoss()(nd.array([[1, 2], [3, 5]]), nd.array([[1, 0], [0, 1]])).asnumpy()
    array([0.75, 3.  ], dtype=float32)
    """

    _kind = "huber"

    def __init__(
        self, rho: float = 1, weight: float | None = None, batch_axis: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(weight, batch_axis, **kwargs)
        self._parameter = finite("rho", rho, self.name, least=0)

    def _terms(self, pred: Any, label: Any) -> Any:
        difference = pred - label
        distance = nd.abs(difference)
        rho = self._parameter
        return nd.where(distance > rho, distance - rho / 2, nd.square(difference) * (0.5 / rho))


def _l2_from_functions(pred: Any, label: Any, weight: float) -> Any:
    """Compute the plain case from array functions, for second derivatives."""
    difference = pred - np.asarray(label)
    return nd.mean(difference * difference, axis=0, exclude=True) * (0.5 * weight)
