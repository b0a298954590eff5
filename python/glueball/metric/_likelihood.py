"""Metrics of probabilities: how likely the labels are by them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from glueball.base import ArgumentError
from glueball.metric._base import SumMetric, alias, class_numbers, register, shapes_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueball.nd._record import Plain

__all__ = ["CrossEntropy", "NegativeLogLikelihood", "Perplexity"]


@register
@alias("ce")
class CrossEntropy(SumMetric):
    """Mean over samples of -log(p + eps), p the probability of the sample's class.

    Parameters
    ----------
    eps : float, default 1e-12
        Keeps the logarithm finite.
    name, output_names, label_names
        As for `EvalMetric`; called 'cross-entropy' by default.

    Examples
    --------
    >>> from glueball import metric, nd
    >>> ce = metric.CrossEntropy()
    >>> ce.update(nd.array([0, 1]), nd.array([[0.5, 0.5], [0.25, 0.75]]))
    >>> name, value = ce.get()
    >>> f"{name} {value:.6f}"
    'cross-entropy 0.490415'
    """

    def __init__(
        self,
        eps: float = 1e-12,
        name: str = "cross-entropy",
        output_names: Sequence[str] | None = None,
        label_names: Sequence[str] | None = None,
    ) -> None:
        super().__init__(name, output_names, label_names, eps=eps)
        self.eps = eps

    def _measure(self, label: Plain, pred: Plain) -> tuple[float, int]:
        if pred.ndim != 2 or label.size != len(pred):
            wanted = "labels (batch,) and probabilities (batch, classes)"
            raise shapes_error(label, pred, self.name, wanted)
        numbers = class_numbers(label.ravel(), pred.shape[1], self.name)
        picked = pred[np.arange(len(pred)), numbers].astype(np.float64)
        return float(-np.log(picked + self.eps).sum()), label.size


@register
@alias("nll_loss", "nll-loss")
class NegativeLogLikelihood(CrossEntropy):
    """As `CrossEntropy`, under another name.

    Parameters
    ----------
    eps : float, default 1e-12
        Keeps the logarithm finite.
    name, output_names, label_names
        As for `EvalMetric`; called 'nll-loss' by default.
    """

    def __init__(
        self,
        eps: float = 1e-12,
        name: str = "nll-loss",
        output_names: Sequence[str] | None = None,
        label_names: Sequence[str] | None = None,
    ) -> None:
        super().__init__(eps, name, output_names, label_names)


@register
class Perplexity(SumMetric):
    """exp of the mean of -log p, p the probability of the label; 1e-10 where p is less.

    Parameters
    ----------
    ignore_label : int or None
        Labels that do not count; None: all count.
    axis : int, default -1
        The axis of classes.
    name, output_names, label_names
        As for `EvalMetric`; called 'perplexity' by default.

    Examples
    --------
    >>> from glueball import metric, nd
    >>> perplexity = metric.Perplexity(ignore_label=None)
    >>> perplexity.update(nd.array([0, 1]), nd.array([[0.5, 0.5], [0.25, 0.75]]))
    >>> name, value = perplexity.get()
    >>> f"{name} {value:.5f}"
    'perplexity 1.63299'
    """

    def __init__(
        self,
        ignore_label: int | None,
        axis: int = -1,
        name: str = "perplexity",
        output_names: Sequence[str] | None = None,
        label_names: Sequence[str] | None = None,
    ) -> None:
        super().__init__(name, output_names, label_names, ignore_label=ignore_label, axis=axis)
        self.ignore_label = ignore_label
        self.axis = axis

    def _measure(self, label: Plain, pred: Plain) -> tuple[float, int]:
        if not -pred.ndim <= self.axis < pred.ndim:
            message = (
                f"expected predictions with an axis {self.axis} for metric '{self.name}', found shape "
                f"{pred.shape}; correct axis"
            )
            raise ArgumentError(message)
        rows = np.moveaxis(pred, self.axis, -1)
        classes = rows.shape[-1]
        if label.size * classes != pred.size:
            wanted = f"a label for each {classes} probabilities"
            raise shapes_error(label, pred, self.name, wanted)
        rows, label = rows.reshape(-1, classes), label.ravel()
        if self.ignore_label is not None:
            counts = label != self.ignore_label
            rows, label = rows[counts], label[counts]
        numbers = class_numbers(label, classes, self.name)
        picked = rows[np.arange(len(rows)), numbers].astype(np.float64)
        return float(-np.log(np.maximum(picked, 1e-10)).sum()), label.size

    def _value(self, total: float, count: int) -> float:
        mean = super()._value(total, count)
        # Above this a float64 ends; every probability is 1e-10 or more, so only NaN comes near.
        return math.exp(mean) if mean < 700 else mean
