"""What losses share: weights, the batch axis, and the checks of what they are given."""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _core, nd
from glueball._number import fits_float32
from glueball.base import ArgumentError, DtypeError, ShapeError
from glueball.gluon._checks import array_type, check_input
from glueball.gluon.block import HybridBlock
from glueball.nd._record import finish, result_axis

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glueball.nd._record import Plain


__all__ = [
    "ElementLoss", "Loss", "PairLoss", "as_array", "check_not_hollow", "checked", "finite",
    "like_predictions", "mean_per_sample", "per_sample", "recorded",
]  # fmt: skip


class Loss(HybridBlock):
    """Base of losses: keeps the weight and the batch axis.

    Parameters
    ----------
    weight : float, optional
        Every value is multiplied by it.
    batch_axis : int, default 0
        The axis whose entries are samples.

    Raises
    ------
    ValueError
        If `weight` is not a finite number.
    """

    def __init__(self, weight: float | None = None, batch_axis: int = 0, **kwargs: Any) -> None:
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


class ElementLoss(Loss):
    """Base of losses that are made of one for each element.

    A subclass names its kind in the core, which computes the plain case as one step, and defines the
    loss of each element from array functions: for the other cases, and for second derivatives.
    """

    _kind: str
    _parameter = 1.0

    def hybrid_forward(self, F: Any, pred: Any, label: Any, sample_weight: Any = None) -> Any:
        """Compare the elements, weigh them, and reduce them to a value for each sample."""
        loss = self._compiled(pred, label, sample_weight)
        if loss is not None:
            return loss if self._weight is None else loss * self._weight
        return self._reduced(
            self._weighted(self._terms(pred, label), sample_weight), self._batch_axis
        )

    def _compiled(self, pred: Any, label: Any, sample_weight: Any) -> Any:
        """Return the core's loss of each sample; None where there is more to do than it does."""
        if sample_weight is not None or self._batch_axis != 0 or label._node is not None:
            return None
        return _core.elementwise_loss(
            self._kind, self._parameter, pred, label, self.name, self._again
        )

    def _again(self, pred: Any, label: Any) -> Any:
        """Compute what the core does from array functions, for second derivatives."""
        return self._reduced(self._terms(pred, label), 0)

    def _terms(self, pred: Any, label: Any) -> Any:
        """Return the loss of each element, from array functions."""
        raise NotImplementedError

    def _reduced(self, terms: Any, batch_axis: int) -> Any:
        """Return one value for each sample."""
        return mean_per_sample(terms, batch_axis)


class PairLoss(ElementLoss):
    """Base of losses that compare each prediction with the label at its place, and need no more."""

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
            If shapes do not fit, or `pred` is not an NDArray.
        TypeError
            If labels or weights are not numbers.
        """
        label, sample_weight = checked(self.name, pred, label, sample_weight)
        check_not_hollow(self.name, pred, self._batch_axis)
        label = like_predictions(self.name, label, pred)
        return super().forward(pred, label, sample_weight)


def recorded(
    name: str, parts: Sequence[Plain], inputs: Sequence[Any], formula: Callable[..., Any]
) -> Any:
    """Return a loss that the core computed with its derivatives by the first inputs, recorded as one step.

    ``formula(np, *inputs)`` is the same from functions of ``autograd.numpy``, for second derivatives.
    """
    loss, *slopes = parts

    def backward(grad: Plain, _: Any) -> tuple[Plain | None, ...]:
        by_inputs = [grad.reshape((-1,) + (1,) * (slope.ndim - 1)) * slope for slope in slopes]
        return (*by_inputs, *[None] * (len(inputs) - len(slopes)))

    return finish(loss, inputs, backward, name, None, formula)


def checked(name: str, pred: Any, label: Any, sample_weight: Any) -> tuple[Any, Any]:
    """Return labels and weights as arrays of the present mode; refuse what is neither an NDArray nor numbers."""
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
    """Refuse samples without elements, which have no mean, and a batch axis that is not there."""
    axis = result_axis(batch_axis, pred.ndim, name)
    if pred.size == 0 and pred.shape[axis] > 0:
        message = (
            f"expected at least one element a sample for '{name}', found predictions of shape "
            f"{tuple(pred.shape)}; the mean of nothing is not a number: drop the empty axis"
        )
        raise ShapeError(message)


def as_array(value: Any, what: str, pred: Any) -> Any:
    """Return numbers as an array like `pred`, in class and dtype; a TypeError for anything else."""
    if isinstance(value, nd.NDArray):
        return value if value.dtype == pred.dtype else nd.cast(value, pred.dtype)
    try:
        numbers = np.asarray(value)
        found = f"dtype {numbers.dtype}"
    except (TypeError, ValueError) as error:
        numbers, found = None, str(error)
    if numbers is None or numbers.dtype.kind not in "fiub":
        message = (
            f"expected numbers as {what}, found {type(value).__name__} ({found}); pass an NDArray"
        )
        raise DtypeError(message)
    return numbers.astype(pred.dtype).view(type(pred))


def like_predictions(name: str, label: Any, pred: Any) -> Any:
    """Return the labels in the predictions' shape and dtype; refuse another number of them."""
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
    """Return the weights in a shape that multiplies samples, not other axes; refuse those that have none."""
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
    """Return a setting as a number; refuse one that is not finite, or not above `least`."""
    if not isinstance(value, Real) or not fits_float32(float(value)) or value <= least:
        number = "a finite number" if least == -math.inf else f"a finite number above {least:g}"
        message = f"expected {number} as {what} of '{name}', found {value!r}; correct it"
        raise ArgumentError(message)
    return float(value)
