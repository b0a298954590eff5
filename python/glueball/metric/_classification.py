"""Metrics of classes: how often, and how evenly, they are found."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from glueball.base import ArgumentError, ShapeError
from glueball.metric._base import (
    StateMetric,
    SumMetric,
    alias,
    checked_average,
    class_numbers,
    pairs,
    register,
    shapes_error,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueball.nd._record import Plain

__all__ = ["F1", "MCC", "PCC", "Accuracy", "TopKAccuracy"]


@register
@alias("acc")
class Accuracy(SumMetric):
    """The share of samples whose class is found.

    Parameters
    ----------
    axis : int, default 1
        The axis of classes, along which the largest score counts. Predictions of the labels' shape are
        class numbers already.
    name, output_names, label_names
        As for `EvalMetric`; called 'accuracy' by default.

    Examples
    --------
    >>> from glueball import metric, nd
    >>> accuracy = metric.Accuracy()
    >>> accuracy.update(nd.array([0, 1, 1]), nd.array([[0.3, 0.7], [0, 1], [0.4, 0.6]]))
    >>> accuracy.get()
    ('accuracy', 0.6666666666666666)
    """

    def __init__(
        self,
        axis: int = 1,
        name: str = "accuracy",
        output_names: Sequence[str] | None = None,
        label_names: Sequence[str] | None = None,
    ) -> None:
        super().__init__(name, output_names, label_names, axis=axis)
        self.axis = axis

    def _measure(self, label: Plain, pred: Plain) -> tuple[float, int]:
        if pred.shape != label.shape:
            if not -pred.ndim <= self.axis < pred.ndim or pred.shape[self.axis] < 2:
                wanted = f"class numbers, or scores of two classes or more along axis {self.axis},"
                raise shapes_error(label, pred, self.name, wanted)
            pred = np.argmax(pred, axis=self.axis)
        if pred.size != label.size:
            raise shapes_error(label, pred, self.name, "one label for each sample")
        # Truncated, as Gluon does.
        found = pred.astype(np.int32).ravel() == label.astype(np.int32).ravel()
        return float(np.count_nonzero(found)), label.size


@register
@alias("top_k_accuracy", "top_k_acc")
class TopKAccuracy(SumMetric):
    """The share of samples whose class is among those of the `top_k` largest scores.

    Parameters
    ----------
    top_k : int
        How many; at least 2.
    name, output_names, label_names
        As for `EvalMetric`; called 'top_k_accuracy' followed by `top_k` by default.

    Raises
    ------
    ValueError
        If `top_k` is less than 2.

    Examples
    --------
    >>> from glueball import metric, nd
    >>> top = metric.TopKAccuracy(top_k=2)
    >>> top.update(nd.array([2, 0]), nd.array([[0.5, 0.2, 0.3], [0.1, 0.5, 0.4]]))
    >>> top.get()
    ('top_k_accuracy_2', 0.5)
    """

    def __init__(
        self,
        top_k: int = 1,
        name: str = "top_k_accuracy",
        output_names: Sequence[str] | None = None,
        label_names: Sequence[str] | None = None,
    ) -> None:
        # A NumPy integer is one too.
        if not isinstance(top_k, int | np.integer) or top_k < 2:  # type: ignore[redundant-expr]
            message = (
                "Please use Accuracy if top_k is no more than 1: expected an integer of 2 or more as "
                f"top_k, found {top_k!r}"
            )
            raise ArgumentError(message)
        super().__init__(f"{name}_{top_k}", output_names, label_names, top_k=top_k)
        self.top_k = int(top_k)
        self._given_name = name

    def get_config(self) -> dict[str, Any]:
        """Return the settings, of which `create` makes the same metric."""
        return {**super().get_config(), "name": self._given_name}

    def _measure(self, label: Plain, pred: Plain) -> tuple[float, int]:
        if pred.ndim != 2 or label.size != len(pred):
            wanted = "labels (batch,) and scores (batch, classes)"
            raise shapes_error(label, pred, self.name, wanted)
        best = np.argsort(-pred, axis=1, kind="stable")[:, : self.top_k]
        found = (best == label.astype(np.int32).reshape(-1, 1)).any(axis=1)
        return float(np.count_nonzero(found)), label.size


class _BinaryMetric(StateMetric):
    """Base of metrics of counts of true and false positives and negatives.

    Averaged 'macro', the value is computed for each update, and `get` gives the mean; averaged
    'micro', it is computed from the counts of all.
    """

    _usual_name: ClassVar[str]

    def __init__(
        self,
        name: str | None = None,
        output_names: Sequence[str] | None = None,
        label_names: Sequence[str] | None = None,
        average: str = "macro",
    ) -> None:
        name = self._usual_name if name is None else name
        self.average = checked_average(average, name)
        super().__init__(name, output_names, label_names, average=average)

    def _empty(self) -> Plain:
        return np.zeros((2, 2), np.int64)

    def update(self, labels: Any, preds: Any) -> None:
        """Count a batch.

        Parameters
        ----------
        labels, preds : array_like, or list of array_like
            Labels 0 and 1, (batch,) or (batch, 1); scores (batch, 2), or classes found, 0 and 1.

        Raises
        ------
        ValueError
            If there are more classes than two, or shapes do not fit.
        TypeError
            If they are not numbers.
        """
        tables = [self._table(*pair) for pair in pairs(labels, preds, self.name)]
        if self.average == "macro":
            if tables:
                self._add(self._score(np.sum(tables, axis=0)), 1)
            return
        for table in tables:
            self._state += table
            self._global_state += table
        # The value times the number of samples, so that sum_metric / num_inst is the value.
        self.num_inst = int(self._state.sum())
        self.sum_metric = self._score(self._state) * self.num_inst
        self.global_num_inst = int(self._global_state.sum())
        self.global_sum_metric = self._score(self._global_state) * self.global_num_inst

    def _table(self, label: Plain, pred: Plain) -> Plain:
        """Return numbers of samples by true class (row) and class found (column)."""
        kind = type(self).__name__
        if pred.shape != label.shape:
            if pred.ndim != 2 or label.size != len(pred) or pred.shape[1] < 2:
                wanted = "labels (batch,) and scores (batch, 2)"
                raise shapes_error(label, pred, self.name, wanted)
            if pred.shape[1] > 2:
                raise ShapeError(_not_binary(kind, f"scores of shape {pred.shape}"))
            pred = np.argmax(pred, axis=1)
        for array in (label, pred):
            if array.size and not np.isin(array, (0, 1)).all():
                raise ArgumentError(_not_binary(kind, f"{array[~np.isin(array, (0, 1))][0]}"))
        place = 2 * class_numbers(label, 2, self.name).ravel() + pred.astype(np.int64).ravel()
        table: Plain = np.bincount(place, minlength=4).reshape(2, 2)
        return table

    def _score(self, table: Plain) -> float:
        """Return the value of a table of counts."""
        raise NotImplementedError


def _not_binary(kind: str, found: str) -> str:
    return (
        f"{kind} currently only supports binary classification.: expected classes 0 and 1, found "
        f"{found}; give each sample scores of two classes, and label 0 or 1"
    )


@register
class F1(_BinaryMetric):
    """Harmonic mean of precision and recall of class 1, of two.

    Parameters
    ----------
    name, output_names, label_names
        As for `EvalMetric`; called 'f1' by default.
    average : {'macro', 'micro'}, default 'macro'
        'macro': the mean of the values of all updates; 'micro': one value, from all samples.

    Examples
    --------
    >>> from glueball import metric, nd
    >>> f1 = metric.F1()
    >>> f1.update(nd.array([1, 1, 0, 0]), nd.array([1, 0, 1, 0]))
    >>> f1.get()
    ('f1', 0.5)
    """

    _usual_name = "f1"

    def _score(self, table: Plain) -> float:
        wrong = table[0, 1] + table[1, 0]
        right = 2 * table[1, 1]
        return float(right / (right + wrong)) if right else 0.0


@register
class MCC(_BinaryMetric):
    """Matthews' correlation of the true classes and those found, from -1 to 1; 0 if either is constant.

    Parameters
    ----------
    name, output_names, label_names
        As for `EvalMetric`; called 'mcc' by default.
    average : {'macro', 'micro'}, default 'macro'
        'macro': the mean of the values of all updates; 'micro': one value, from all samples.

    References
    ----------
    B. W. Matthews, "Comparison of the predicted and observed secondary structure of T4 phage lysozyme",
    Biochim. Biophys. Acta 405 (1975).

    Examples
    --------
    >>> from glueball import metric, nd
    >>> mcc = metric.MCC()
    >>> mcc.update(nd.array([1, 1, 0, 0]), nd.array([1, 0, 0, 0]))
    >>> name, value = mcc.get()
    >>> f"{name} {value:.4f}"
    'mcc 0.5774'
    """

    _usual_name = "mcc"

    def _score(self, table: Plain) -> float:
        # Python's integers, because products of four counts pass int64.
        (tn, fp), (fn, tp) = table.tolist()
        product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
        return (tp * tn - fp * fn) / math.sqrt(product) if product else 0.0


@register
class PCC(StateMetric):
    """Correlation of the true classes and those found, of any number of classes; of two, it is `MCC`.

    One value of all samples since the last reset; 0 if either is constant.

    Parameters
    ----------
    name, output_names, label_names
        As for `EvalMetric`; called 'pcc' by default.

    References
    ----------
    J. Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient",
    Comput. Biol. Chem. 28 (2004), eq. 8.

    Examples
    --------
    >>> from glueball import metric, nd
    >>> pcc = metric.PCC()
    >>> pcc.update(nd.array([0, 1, 2, 2]), nd.array([0, 1, 2, 1]))
    >>> name, value = pcc.get()
    >>> f"{name} {value:.2f}"
    'pcc 0.70'
    """

    def __init__(
        self,
        name: str = "pcc",
        output_names: Sequence[str] | None = None,
        label_names: Sequence[str] | None = None,
    ) -> None:
        super().__init__(name, output_names, label_names)

    def _empty(self) -> Plain:
        return np.zeros((0, 0), np.int64)

    def update(self, labels: Any, preds: Any) -> None:
        """Count a batch.

        Parameters
        ----------
        labels, preds : array_like, or list of array_like
            Class numbers, (batch,) or (batch, 1); scores (batch, classes), or classes found.

        Raises
        ------
        ValueError
            If shapes do not fit.
        IndexError
            If a label is not a class number.
        TypeError
            If they are not numbers.
        """
        tables = [self._table(*pair) for pair in pairs(labels, preds, self.name)]
        for table in tables:
            self._state = _sum_of_tables(self._state, table)
            self._global_state = _sum_of_tables(self._global_state, table)
        self.num_inst = int(self._state.sum())
        self.sum_metric = _correlation(self._state) * self.num_inst
        self.global_num_inst = int(self._global_state.sum())
        self.global_sum_metric = _correlation(self._global_state) * self.global_num_inst

    def _table(self, label: Plain, pred: Plain) -> Plain:
        """Return numbers of samples by true class (row) and class found (column)."""
        if pred.shape != label.shape:
            if pred.ndim != 2 or label.size != len(pred) or pred.shape[1] < 2:
                wanted = "labels (batch,) and scores (batch, classes)"
                raise shapes_error(label, pred, self.name, wanted)
            classes = pred.shape[1]
            pred = np.argmax(pred, axis=1)
        else:
            classes = int(max(label.max(initial=0), pred.max(initial=0))) + 1
        true = class_numbers(label, classes, self.name).ravel()
        found = class_numbers(pred, classes, self.name).ravel()
        table: Plain = np.bincount(classes * true + found, minlength=classes**2)
        return table.reshape(classes, classes)


def _sum_of_tables(a: Plain, b: Plain) -> Plain:
    """Return the sum of two square tables, of which one may be larger."""
    total = np.zeros((max(len(a), len(b)),) * 2, np.int64)
    total[: len(a), : len(a)] += a
    total[: len(b), : len(b)] += b
    return total


def _correlation(table: Plain) -> float:
    # In Python's integers, because squares of counts may pass int64.
    true, found = table.sum(axis=1).tolist(), table.sum(axis=0).tolist()
    count = sum(true)
    both = count * int(np.trace(table)) - sum(t * f for t, f in zip(true, found, strict=True))
    squares = (count**2 - sum(t * t for t in true)) * (count**2 - sum(f * f for f in found))
    return both / math.sqrt(squares) if squares else 0.0
