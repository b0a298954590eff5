"""Metrics of numbers: errors, and correlation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from glueball.base import ShapeError
from glueball.metric._base import (
    StateMetric,
    SumMetric,
    alias,
    checked_average,
    pairs,
    register,
    shapes_error,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueball.nd._record import Plain

__all__ = ["MAE", "MSE", "RMSE", "PearsonCorrelation"]


class _ErrorMetric(SumMetric):
    """Base of mean errors: the mean over each sample's elements, summed over samples."""

    _usual_name: ClassVar[str]

    def __init__(
        self,
        name: str | None = None,
        output_names: Sequence[str] | None = None,
        label_names: Sequence[str] | None = None,
    ) -> None:
        super().__init__(self._usual_name if name is None else name, output_names, label_names)

    def _measure(self, label: Plain, pred: Plain) -> tuple[float, int]:
        if label.size != pred.size or label.shape[:1] != pred.shape[:1]:
            raise shapes_error(label, pred, self.name, "as many labels as predictions")
        if label.ndim == 0 or label.size == 0:
            if label.ndim and len(label) == 0:
                return 0.0, 0
            message = (
                f"expected at least one element a sample, and a batch axis, for metric '{self.name}', "
                f"found shape {label.shape}; pass arrays (batch, ...)"
            )
            raise ShapeError(message)
        error = label.astype(np.float64).ravel() - pred.astype(np.float64).ravel()
        batch = len(label)
        return float(self._each(error).sum()) * batch / label.size, batch

    def _each(self, error: Plain) -> Plain:
        """Return what each error counts."""
        raise NotImplementedError


@register
class MAE(_ErrorMetric):
    """Mean over all samples of abs(label - pred).

    Samples count alike, whatever the sizes of batches: the value is that of one large batch.

    Parameters
    ----------
    name, output_names, label_names
        As for `EvalMetric`; called 'mae' by default.

    Examples
    --------
    >>> from glueball import metric, nd
    >>> mae = metric.MAE()
    >>> mae.update(nd.array([1, 2, 3]), nd.array([1, 2, 6]))
    >>> mae.get()
    ('mae', 1.0)
    """

    _usual_name = "mae"

    def _each(self, error: Plain) -> Plain:
        return np.abs(error)


@register
class MSE(_ErrorMetric):
    """Mean over all samples of (label - pred)^2.

    Samples count alike, whatever the sizes of batches: the value is that of one large batch.

    Parameters
    ----------
    name, output_names, label_names
        As for `EvalMetric`; called 'mse' by default.

    Examples
    --------
    >>> from glueball import metric, nd
    >>> mse = metric.MSE()
    >>> mse.update(nd.array([1, 2, 3]), nd.array([1, 2, 6]))
    >>> mse.get()
    ('mse', 3.0)
    """

    _usual_name = "mse"

    def _each(self, error: Plain) -> Plain:
        return np.square(error)


@register
class RMSE(MSE):
    """Square root of the mean over all samples of (label - pred)^2.

    Parameters
    ----------
    name, output_names, label_names
        As for `EvalMetric`; called 'rmse' by default.

    Examples
    --------
    >>> from glueball import metric, nd
    >>> rmse = metric.RMSE()
    >>> rmse.update(nd.array([1, 2]), nd.array([1, 2]))
    >>> rmse.update(nd.array([1, 2]), nd.array([5, 2]))
    >>> rmse.get()
    ('rmse', 2.0)
    """

    _usual_name = "rmse"

    def _value(self, total: float, count: int) -> float:
        return math.sqrt(super()._value(total, count))


_LEAST = -1074  # float64's least exponent


class _Moments:
    """Means, squares and products of two series, to which batches can be added.

    Deviations are taken from means, which keeps digits that sums of squares would lose: T. F. Chan,
    G. H. Golub and R. J. LeVeque, "Algorithms for computing the sample variance", Am. Stat. 37 (1983).
    Each series is in units of a power of two near its largest size, so that no square leaves float64's
    range; a correlation does not depend on units.
    """

    def __init__(self) -> None:
        self.count = 0
        self._exponents = np.full(2, _LEAST)
        self._mean = np.zeros(2)
        self._products = np.zeros((2, 2))

    def add(self, series: Plain) -> None:
        """Add a batch of shape (2, size)."""
        size = series.shape[1]
        if size == 0:
            return
        self._choose_units(series)
        series = np.ldexp(series, -self._exponents[:, None])
        mean = series.mean(axis=1)
        centred = series - mean[:, None]
        between = mean - self._mean
        total = self.count + size
        self._products += centred @ centred.T
        self._products += np.outer(between, between) * (self.count * size / total)
        self._mean += between * (size / total)
        self.count = total

    def _choose_units(self, series: Plain) -> None:
        """Widen the units so that the batch's largest elements are about 1."""
        largest = np.abs(series).max(axis=1)
        exponents = np.where(largest > 0, np.frexp(largest)[1], _LEAST)
        exponents = np.maximum(exponents, self._exponents)
        shift = self._exponents - exponents
        self._mean = np.ldexp(self._mean, shift)
        self._products = np.ldexp(self._products, shift[:, None] + shift)
        self._exponents = exponents

    def correlation(self) -> float:
        """Return Pearson's coefficient; NaN if a series is constant."""
        first, second = math.sqrt(self._products[0, 0]), math.sqrt(self._products[1, 1])
        return float(self._products[0, 1]) / first / second if first and second else math.nan


@register
@alias("pearsonr")
class PearsonCorrelation(StateMetric):
    """Pearson's correlation of labels and predictions; NaN if one is constant.

    Parameters
    ----------
    name, output_names, label_names
        As for `EvalMetric`; called 'pearsonr' by default.
    average : {'macro', 'micro'}, default 'macro'
        'macro': the mean of the correlations of all updates; 'micro': one correlation, of all samples.

    Examples
    --------
    >>> from glueball import metric, nd
    >>> pearson = metric.PearsonCorrelation()
    >>> pearson.update(nd.array([1, 2, 3]), nd.array([2, 4, 6]))
    >>> name, value = pearson.get()
    >>> f"{name} {value:.6f}"
    'pearsonr 1.000000'
    """

    def __init__(
        self,
        name: str = "pearsonr",
        output_names: Sequence[str] | None = None,
        label_names: Sequence[str] | None = None,
        average: str = "macro",
    ) -> None:
        self.average = checked_average(average, name)
        super().__init__(name, output_names, label_names, average=average)

    def _empty(self) -> _Moments:
        return _Moments()

    def update(self, labels: Any, preds: Any) -> None:
        """Count a batch.

        Parameters
        ----------
        labels, preds : array_like, or list of array_like
            Labels first; of the same shapes.

        Raises
        ------
        ValueError
            If numbers or shapes of arrays do not fit.
        TypeError
            If they are not numbers.
        """
        batches = []
        for label, pred in pairs(labels, preds, self.name):
            if label.shape != pred.shape:
                raise shapes_error(label, pred, self.name, "as many labels as predictions")
            batches.append(np.stack([label.ravel(), pred.ravel()]).astype(np.float64))
        for batch in batches:
            if self.average == "micro":
                self._state.add(batch)
                self._global_state.add(batch)
                continue
            moments = _Moments()
            moments.add(batch)
            self._add(moments.correlation(), 1)
        if self.average == "micro":
            self.num_inst = self._state.count
            self.global_num_inst = self._global_state.count

    def get(self) -> tuple[str, float]:
        """Return the name, and the correlation since the last reset, NaN before any update."""
        if self.average == "micro":
            return self.name, self._state.correlation()
        return super().get()

    def get_global(self) -> tuple[str, float]:
        """Return the name, and the correlation since the last `reset`."""
        if self.average == "micro":
            return self.name, self._global_state.correlation()
        return super().get_global()
