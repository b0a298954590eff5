"""What all metrics share: totals, names, the order labels before predictions, the registry."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from glueball.base import (
    ArgumentError,
    ArrayNotFoundError,
    DtypeError,
    GlueballIndexError,
    ShapeError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from glueball.nd._record import Plain


__all__ = [
    "REGISTRY", "EvalMetric", "StateMetric", "SumMetric", "alias", "check_label_shapes",
    "checked_average", "class_numbers", "numbers", "pairs", "register", "shapes_error",
]  # fmt: skip

REGISTRY: dict[str, type[EvalMetric]] = {}
_Class = TypeVar("_Class", bound="type[EvalMetric]")


class EvalMetric:
    """Base of metrics: a total, and the count that it is divided by.

    A metric of your own defines ``update(self, labels, preds)``, which adds to ``self.sum_metric`` and
    ``self.num_inst``.

    Parameters
    ----------
    name : str
        What `get` calls the value.
    output_names, label_names : list of str, optional
        Which entries `update_dict` takes; all by default.
    **kwargs
        Kept for `get_config`.

    Attributes
    ----------
    num_inst : int
        How many samples, or batches, were counted since `reset` or `reset_local`.
    sum_metric : float
        Their total.
    """

    _has_global_stats = False

    def __init__(
        self,
        name: str,
        output_names: Sequence[str] | None = None,
        label_names: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        self.name = str(name)
        self.output_names = output_names
        self.label_names = label_names
        self._has_global_stats = bool(kwargs.pop("has_global_stats", self._has_global_stats))
        self._kwargs = kwargs
        self.reset()

    def __str__(self) -> str:
        return f"EvalMetric: {dict(self.get_name_value())}"

    def get_config(self) -> dict[str, Any]:
        """Return the settings, of which `create` makes the same metric."""
        return {
            **self._kwargs,
            "metric": type(self).__name__,
            "name": self.name,
            "output_names": self.output_names,
            "label_names": self.label_names,
        }

    def update_dict(self, label: Mapping[str, Any], pred: Mapping[str, Any]) -> None:
        """Count a batch whose labels and predictions have names.

        Parameters
        ----------
        label, pred : dict of str to array_like
            Those of `label_names` and of `output_names` are taken, or all.

        Raises
        ------
        KeyError
            If one is not there.
        """
        labels = _chosen(label, self.label_names, self.name)
        self.update(labels, _chosen(pred, self.output_names, self.name))

    def update(self, labels: Any, preds: Any) -> None:
        """Count a batch.

        Parameters
        ----------
        labels, preds : array_like, or list of array_like
            Labels first.
        """
        message = (
            f"expected class {type(self).__name__} to define update(self, labels, preds), found none; "
            "define it, adding to self.sum_metric and self.num_inst"
        )
        raise UnsupportedError(message)

    def reset(self) -> None:
        """Forget everything."""
        self.global_num_inst = 0
        self.global_sum_metric = 0.0
        self.reset_local()

    def reset_local(self) -> None:
        """Reset the value of `get`, and keep that of `get_global`."""
        self.num_inst = 0
        self.sum_metric = 0.0

    def get(self) -> tuple[Any, Any]:
        """Return the name, and the value since the last reset, NaN before any update."""
        return self.name, self._value(self.sum_metric, self.num_inst)

    def get_global(self) -> tuple[Any, Any]:
        """Return the name, and the value since the last `reset`, whatever `reset_local` forgot."""
        if not self._has_global_stats:
            return self.get()
        return self.name, self._value(self.global_sum_metric, self.global_num_inst)

    def get_name_value(self) -> list[tuple[str, float]]:
        """Return pairs of names and values."""
        return _listed(*self.get())

    def get_global_name_value(self) -> list[tuple[str, float]]:
        """Return pairs of names and values since the last `reset`."""
        return _listed(*self.get_global())

    def _value(self, total: float, count: int) -> float:
        return total / count if count else math.nan

    def _add(self, total: float, count: int) -> None:
        self.sum_metric += total
        self.global_sum_metric += total
        self.num_inst += count
        self.global_num_inst += count


class SumMetric(EvalMetric):
    """Base of the built-in metrics: each pair of arrays adds to a total and to a count.

    A subclass defines ``_measure(label, pred)``. A batch that is refused changes nothing.
    """

    _has_global_stats = True

    def update(self, labels: Any, preds: Any) -> None:
        """Count a batch.

        Parameters
        ----------
        labels, preds : array_like, or list of array_like
            Labels first; as many arrays of one as of the other.

        Raises
        ------
        ValueError
            If numbers or shapes of arrays do not fit.
        TypeError
            If they are not numbers.
        """
        total, count = 0.0, 0
        for label, pred in pairs(labels, preds, self.name):
            more, several = self._measure(label, pred)
            total += more
            count += several
        self._add(total, count)

    def _measure(self, label: Plain, pred: Plain) -> tuple[float, int]:
        """Return what one pair of arrays adds to the total, and to the count."""
        raise NotImplementedError


class StateMetric(EvalMetric):
    """Base of metrics whose value is not a sum: batches are added to a state.

    A subclass defines ``_empty()``, the state before any batch, and adds to ``self._state`` and
    ``self._global_state``.
    """

    _has_global_stats = True

    def _empty(self) -> Any:
        raise NotImplementedError

    def reset(self) -> None:
        """Forget everything."""
        self._global_state = self._empty()
        super().reset()

    def reset_local(self) -> None:
        """Reset the value of `get`, and keep that of `get_global`."""
        self._state = self._empty()
        super().reset_local()


def checked_average(average: str, name: str) -> str:
    """Return how the values of batches are averaged; refuse another word."""
    if average not in ("macro", "micro"):
        message = (
            "expected average 'macro' (mean over updates) or 'micro' (from all samples) for metric "
            f"'{name}', found {average!r}; correct it"
        )
        raise ArgumentError(message)
    return average


def _chosen(arrays: Mapping[str, Any], names: Sequence[str] | None, metric: str) -> list[Any]:
    if names is None:
        return list(arrays.values())
    missing = [each for each in names if each not in arrays]
    if missing:
        message = (
            f"expected arrays called {', '.join(map(repr, names))} for metric '{metric}', found "
            f"{', '.join(map(repr, arrays)) or 'none'}; give the metric other label_names and output_names"
        )
        raise ArrayNotFoundError(message)
    return [arrays[each] for each in names]


def _listed(name: Any, value: Any) -> list[tuple[str, float]]:
    names = name if isinstance(name, list) else [name]
    values = value if isinstance(value, list) else [value]
    return list(zip(names, values, strict=True))


def numbers(value: Any, what: str) -> Plain:
    """Return an array's numbers as a plain NumPy array; a TypeError for anything else."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        message = f"expected an array of numbers as {what}, found {error}; pass an NDArray"
        raise DtypeError(message) from error
    if array.dtype.kind not in "fiub":
        message = (
            f"expected an array of numbers as {what}, found {type(value).__name__} of dtype "
            f"{array.dtype}; pass an NDArray"
        )
        raise DtypeError(message)
    return array


def pairs(labels: Any, preds: Any, name: str) -> list[tuple[Plain, Plain]]:
    """Return pairs of label and prediction arrays; refuse unequal numbers of them."""
    labels, preds = check_label_shapes(labels, preds, wrap=True)
    return [
        (numbers(label, f"labels of metric '{name}'"), numbers(pred, f"predictions of '{name}'"))
        for label, pred in zip(labels, preds, strict=True)
    ]


def check_label_shapes(
    labels: Any, preds: Any, wrap: bool = False, shape: bool = False
) -> tuple[Any, Any]:
    """Compare the lengths of labels and predictions.

    Parameters
    ----------
    labels, preds : array_like, or list of array_like
        What to compare.
    wrap : bool, default False
        Make a list of a single array first.
    shape : bool, default False
        Compare whole shapes.

    Returns
    -------
    tuple
        Both.

    Raises
    ------
    ValueError
        If they differ.
    """
    if wrap:
        labels = labels if isinstance(labels, list | tuple) else [labels]
        preds = preds if isinstance(preds, list | tuple) else [preds]
    found = (labels.shape, preds.shape) if shape else (len(labels), len(preds))
    if found[0] != found[1]:
        message = (
            f"Shape of labels {found[0]} does not match shape of predictions {found[1]}: expected as "
            "many of one as of the other; pass lists of equal length, labels first"
        )
        raise ShapeError(message)
    return labels, preds


def shapes_error(label: Plain, pred: Plain, name: str, wanted: str) -> ShapeError:
    """Return the error for a label array that does not fit its predictions."""
    return ShapeError(
        f"Shape of labels {label.shape} does not match shape of predictions {pred.shape}: expected "
        f"{wanted} for metric '{name}'; give each prediction its label, labels first"
    )


def class_numbers(label: Plain, classes: int, name: str) -> Plain:
    """Return labels as int64; an IndexError if one is not a class number."""
    wrong = ~((label >= 0) & (label < classes) & (label == np.floor(label)))
    if wrong.any():
        message = (
            f"expected labels to be class numbers from 0 to {classes - 1} for metric '{name}', found "
            f"{label[wrong][0]}; correct the labels"
        )
        raise GlueballIndexError(message)
    return label.astype(np.int64)


def register(klass: _Class) -> _Class:
    """Make a class known by its lower-case name."""
    REGISTRY[klass.__name__.lower()] = klass
    return klass


def alias(*names: str) -> Callable[[_Class], _Class]:
    """Make a class known by other names as well; a decorator."""

    def add(klass: _Class) -> _Class:
        for name in names:
            REGISTRY[name.lower()] = klass
        return klass

    return add
