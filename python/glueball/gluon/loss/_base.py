"""What losses share: weights, the batch axis, and the checks of what they are given."""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from glueball import nd
from glueball.base import ArgumentError, DtypeError, ShapeError
from glueball.gluon._arrays import array_type, check_input
from glueball.gluon.block import HybridBlock
from glueball.nd._record import finish, raw, result_axis

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Plain: TypeAlias = npt.NDArray[Any]
    Binary: TypeAlias = Callable[[Plain, Plain], Plain]
    Formula: TypeAlias = Callable[..., Any]

__all__ = [
    "Loss",
    "PairLoss",
    "as_array",
    "check_not_hollow",
    "checked",
    "compare",
    "finite",
    "like_predictions",
    "mean_per_sample",
    "per_sample",
]


class Loss(HybridBlock):
    """Base of losses: keeps the weight and the batch axis.

    Parameters
    ----------
    weight : float or None
        Every value is multiplied by it.
    batch_axis : int
        The axis whose entries are samples.

    Raises
    ------
    ValueError
        If `weight` is no finite number.
    """

    def __init__(self, weight: float | None, batch_axis: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if weight is not None:
            finite("weight", weight, self.name)
        self._weight = weight
        self._batch_axis = batch_axis

    def __repr__(self) -> str:
        return f"{type(self).__name__}(batch_axis={self._batch_axis}, w={self._weight})"

    def _weighted(self, loss: Any, sample_weight: Any) -> Any:
        """Return the elements, weighted."""
        if sample_weight is not None:
            loss = loss * per_sample(sample_weight, loss, self._batch_axis)
        return loss if self._weight is None else loss * self._weight

    def _weighted_mean(self, F: Any, loss: Any, sample_weight: Any) -> Any:
        """Return the mean over everything but the batch axis, of the weighted elements."""
        return mean_per_sample(self._weighted(loss, sample_weight), self._batch_axis)


class PairLoss(Loss):
    """Base of losses that compare each prediction with the label at its place.

    A subclass defines the loss of each element and its derivatives, functions of plain NumPy arrays;
    autograd records all three as one step.
    """

    def forward(self, pred: Any, label: Any, sample_weight: Any = None) -> Any:
        """Return the loss of each sample.

        Parameters
        ----------
        pred : NDArray
            Predictions of any shape with a batch axis.
        label : array_like
            As many elements as pred; taken in pred's shape.
        sample_weight : array_like, optional
            (batch,), or a shape of pred's rank that broadcasts to it.

        Returns
        -------
        NDArray
            Shape (batch,).

        Raises
        ------
        ValueError
            If shapes do not fit, or `pred` is no NDArray.
        TypeError
            If labels or weights are no numbers.
        """
        label, sample_weight = checked(self.name, pred, label, sample_weight)
        check_not_hollow(self.name, pred, self._batch_axis)
        label = like_predictions(self.name, label, pred)
        return super().forward(pred, label, sample_weight)

    def hybrid_forward(self, F: Any, pred: Any, label: Any, sample_weight: Any = None) -> Any:
        """Compare the elements, weigh them, and take the mean of each sample."""
        loss = compare(
            self.name,
            pred,
            label,
            self._value,
            self._slope_by_pred,
            self._slope_by_label,
            self._formula,
        )
        return self._weighted_mean(F, loss, sample_weight)

    def _value(self, pred: Plain, label: Plain) -> Plain:
        """Return the loss of each element."""
        raise NotImplementedError

    def _slope_by_pred(self, pred: Plain, label: Plain) -> Plain:
        """Return the derivative of each element's loss by its prediction."""
        raise NotImplementedError

    def _slope_by_label(self, pred: Plain, label: Plain) -> Plain:
        """Return the derivative of each element's loss by its label."""
        raise NotImplementedError

    def _formula(self, np: Any, pred: Any, label: Any) -> Any:
        """Return the loss of each element from functions of `np`, for second derivatives."""
        raise NotImplementedError


def compare(
    name: str,
    pred: Any,
    label: Any,
    value: Binary,
    slope_by_pred: Binary,
    slope_by_label: Binary,
    formula: Formula,
) -> Any:
    """Return value(pred, label), elementwise, recorded with its derivatives as one step.

    ``formula(np, pred, label)`` is the same from functions of ``autograd.numpy``, for second derivatives.
    """
    p, y = raw(pred), raw(label)
    by_label_too = label._node is not None

    def backward(grad: Plain, _: Any) -> tuple[Plain | None, ...]:
        by_label = grad * slope_by_label(p, y) if by_label_too else None
        return grad * slope_by_pred(p, y), by_label

    return finish(value(p, y), (pred, label), backward, name, None, formula)


def checked(name: str, pred: Any, label: Any, sample_weight: Any) -> tuple[Any, Any]:
    """Return labels and weights as arrays of the present mode; refuse what is none.

    Raises
    ------
    ValueError
        If `pred` is no NDArray.
    TypeError
        If predictions are no floats, or labels or weights no numbers.
    """
    if type(pred) is not array_type():
        check_input(pred, name)
    if pred.dtype.char not in "fd":
        message = (
            f"expected predictions of float32 or float64 for '{name}', found {pred.dtype}; "
            "convert them: .astype('float32')"
        )
        raise DtypeError(message)
    if not isinstance(label, nd.NDArray):
        label = as_array(label, f"labels of '{name}'", pred)
    if sample_weight is not None:
        sample_weight = as_array(sample_weight, f"sample_weight of '{name}'", pred)
    return label, sample_weight


def check_not_hollow(name: str, pred: Any, batch_axis: int) -> None:
    """Refuse samples without elements, which have no mean.

    Raises
    ------
    ValueError
        In that case, or if there is no such batch axis.
    """
    axis = result_axis(batch_axis, pred.ndim, name)
    if pred.size == 0 and pred.shape[axis] > 0:
        message = (
            f"expected at least one element a sample for '{name}', found predictions of shape "
            f"{tuple(pred.shape)}; the mean of nothing is not a number: drop the empty axis"
        )
        raise ShapeError(message)


def as_array(value: Any, what: str, pred: Any) -> Any:
    """Return numbers as an array like `pred`, in class and dtype.

    Raises
    ------
    TypeError
        If they are no numbers.
    """
    if isinstance(value, nd.NDArray):
        return value if value.dtype == pred.dtype else nd.cast(value, pred.dtype)
    try:
        numbers = np.asarray(value)
        if numbers.dtype.kind not in "fiub":
            raise TypeError(f"dtype {numbers.dtype}")  # noqa: EM102
    except (TypeError, ValueError) as error:
        message = (
            f"expected numbers as {what}, found {type(value).__name__} ({error}); pass an NDArray"
        )
        raise DtypeError(message) from error
    return numbers.astype(pred.dtype).view(type(pred))


def like_predictions(name: str, label: Any, pred: Any) -> Any:
    """Return the labels in the predictions' shape and dtype.

    Raises
    ------
    ValueError
        If there are more of them, or fewer.
    """
    if label.size != pred.size:
        message = (
            f"Cannot reshape array of size {label.size} into shape {tuple(pred.shape)}: expected "
            f"as many labels as predictions for '{name}', found {tuple(label.shape)}; pass "
            "labels of the predictions' shape"
        )
        raise ShapeError(message)
    if label.shape != pred.shape:
        label = nd.reshape_like(label, pred)
    return as_array(label, "labels", pred)


def per_sample(sample_weight: Any, loss: Any, batch_axis: int) -> Any:
    """Return the weights in a shape that multiplies samples, not other axes.

    Raises
    ------
    ValueError
        If there is none.
    """
    if sample_weight.size == 1:
        return sample_weight.reshape((1,) * loss.ndim)
    axis = result_axis(batch_axis, loss.ndim, "batch_axis")
    batch = loss.shape[axis]
    if sample_weight.ndim == 1 and sample_weight.shape[0] == batch and loss.ndim > 1:
        return sample_weight.reshape(tuple(-1 if i == axis else 1 for i in range(loss.ndim)))
    if loss.ndim == 1 and sample_weight.size == batch and sample_weight.shape[0] == batch:
        return sample_weight.reshape((batch,))
    fits = sample_weight.ndim <= loss.ndim and all(
        length in (1, wanted)
        for length, wanted in zip(sample_weight.shape[::-1], loss.shape[::-1], strict=False)
    )
    if sample_weight.ndim == loss.ndim and fits:
        return sample_weight
    message = (
        f"expected sample_weight of shape ({batch},), or one of as many axes that broadcasts to the "
        f"loss's {tuple(loss.shape)}, found {tuple(sample_weight.shape)}; give one weight a sample"
    )
    raise ShapeError(message)


def mean_per_sample(loss: Any, batch_axis: int) -> Any:
    """Return the mean over everything but the batch axis."""
    axis = result_axis(batch_axis, loss.ndim, "batch_axis")
    if loss.ndim == 1:
        return loss
    return nd.mean(loss, axis=tuple(i for i in range(loss.ndim) if i != axis))


def finite(what: str, value: Any, name: str, least: float = -math.inf) -> float:
    """Return a setting as a number.

    Raises
    ------
    ValueError
        If it is none, not finite, or not above `least`.
    """
    if not isinstance(value, Real) or not math.isfinite(value) or value <= least:
        number = "a finite number" if least == -math.inf else f"a finite number above {least:g}"
        message = f"expected {number} as {what} of '{name}', found {value!r}; correct it"
        raise ArgumentError(message)
    return float(value)
