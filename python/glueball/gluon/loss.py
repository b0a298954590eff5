"""Losses: one value for each sample."""

from __future__ import annotations

from typing import Any

import numpy as np

from glueball import _core, _tape, nd
from glueball.base import DtypeError, GlueballIndexError, ShapeError
from glueball.gluon._arrays import array_type, check_input
from glueball.gluon.block import HybridBlock

__all__ = ["L2Loss", "Loss", "SoftmaxCELoss", "SoftmaxCrossEntropyLoss"]


class Loss(HybridBlock):
    """Base of losses: keeps the weight and the batch axis.

    Parameters
    ----------
    weight : float or None
        Every value is multiplied by it.
    batch_axis : int
        The axis whose entries are samples.
    """

    def __init__(self, weight: float | None, batch_axis: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._weight = weight
        self._batch_axis = batch_axis

    def __repr__(self) -> str:
        return f"{type(self).__name__}(batch_axis={self._batch_axis}, w={self._weight})"

    def _weighted_mean(self, F: Any, loss: Any, sample_weight: Any) -> Any:
        """Return the mean over everything but the batch axis, of the weighted elements."""
        if sample_weight is not None:
            loss = loss * _per_sample(sample_weight, loss, self._batch_axis)
        if self._weight is not None:
            loss = loss * self._weight
        return _mean_per_sample(loss, self._batch_axis)


class SoftmaxCrossEntropyLoss(Loss):
    r"""Cross entropy of softmax(pred) and the label.

    For class numbers, :math:`-\log \mathrm{softmax}(pred)_{label}`; for dense labels
    :math:`-\sum_k label_k \log \mathrm{softmax}(pred)_k`.

    Parameters
    ----------
    axis : int, default -1
        The axis of classes.
    sparse_label : bool, default True
        Whether labels are class numbers, shape of pred without `axis`, or have pred's shape.
    from_logits : bool, default False
        Whether pred holds log-probabilities already.
    weight : float, optional
        Every value is multiplied by it.
    batch_axis : int, default 0
        The axis whose entries are samples.

    Examples
    --------
    >>> from glueball import gluon, nd
    >>> loss = gluon.loss.SoftmaxCrossEntropyLoss()
    >>> loss(nd.array([[1, 2], [3, 5]]), nd.array([1, 0])).asnumpy().round(4)
    array([0.3133, 2.1269], dtype=float32)
    """

    def __init__(
        self,
        axis: int = -1,
        sparse_label: bool = True,
        from_logits: bool = False,
        weight: float | None = None,
        batch_axis: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(weight, batch_axis, **kwargs)
        self._axis = axis
        self._sparse_label = sparse_label
        self._from_logits = from_logits

    def forward(self, pred: Any, label: Any, sample_weight: Any = None) -> Any:
        """Return the loss of each sample.

        Parameters
        ----------
        pred : NDArray
            Scores, classes along `axis`: (batch, classes).
        label : array_like
            Class numbers of any dtype, (batch,) or (batch, 1); or shape of pred.
        sample_weight : array_like, optional
            (batch,), or a shape of the loss's rank that broadcasts to it.

        Returns
        -------
        NDArray
            Shape (batch,).

        Raises
        ------
        IndexError
            If a label is no class number.
        ValueError
            If shapes do not fit, or `pred` is no NDArray.
        TypeError
            If labels or weights are no numbers.
        """
        label, sample_weight = _checked(self.name, pred, label, sample_weight)
        if (
            self._sparse_label
            and not self._from_logits
            and self._batch_axis == 0
            and pred.ndim == 2
            and self._axis in (-1, 1)
        ):
            loss = _sparse_softmax_cross_entropy(self.name, pred, label)
            if sample_weight is not None:
                loss = loss * _per_sample(sample_weight, loss, 0)
            return loss if self._weight is None else loss * self._weight
        return super().forward(pred, label, sample_weight)

    def hybrid_forward(self, F: Any, pred: Any, label: Any, sample_weight: Any = None) -> Any:
        """Compute the general case from array functions."""
        log_probabilities = pred if self._from_logits else nd.log_softmax(pred, axis=self._axis)
        if self._sparse_label:
            axis = self._axis % pred.ndim
            without = tuple(n for i, n in enumerate(pred.shape) if i != axis)
            kept = tuple(1 if i == axis else n for i, n in enumerate(pred.shape))
            if label.shape not in (without, kept):
                _refuse_labels(self.name, pred, label, without)
            _check_labels(label, pred.shape[axis])
            loss = -nd.pick(log_probabilities, label, axis=self._axis, keepdims=True)
        else:
            if label.shape != pred.shape:
                message = (
                    f"expected dense labels of the predictions' shape {pred.shape} for "
                    f"'{self.name}', found {label.shape}; pass sparse_label=True for class numbers"
                )
                raise ShapeError(message)
            loss = -nd.sum(log_probabilities * label, axis=self._axis, keepdims=True)
        return self._weighted_mean(F, loss, sample_weight)


SoftmaxCELoss = SoftmaxCrossEntropyLoss


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
            If the numbers of elements differ, or `pred` is no NDArray.
        TypeError
            If labels or weights are no numbers.
        """
        label, sample_weight = _checked(self.name, pred, label, sample_weight)
        if label.size != pred.size:
            message = (
                f"Cannot reshape array of size {label.size} into shape {tuple(pred.shape)}: expected "
                f"as many labels as predictions for '{self.name}', found {tuple(label.shape)}; pass "
                "labels of the predictions' shape"
            )
            raise ShapeError(message)
        if sample_weight is None and self._batch_axis == 0 and label._node is None:
            return _l2_loss(pred, label, 1.0 if self._weight is None else self._weight)
        return super().forward(pred, label, sample_weight)

    def hybrid_forward(self, F: Any, pred: Any, label: Any, sample_weight: Any = None) -> Any:
        """Compute the general case from array functions."""
        half = 0.5 if self._weight is None else self._weight / 2
        difference = label.reshape(pred.shape) - pred
        loss = difference * difference * half
        if sample_weight is not None:
            loss = loss * _per_sample(sample_weight, loss, self._batch_axis)
        return _mean_per_sample(loss, self._batch_axis)


def _checked(name: str, pred: Any, label: Any, sample_weight: Any) -> tuple[Any, Any]:
    """Return labels and weights as arrays of the present mode; refuse what is none."""
    if type(pred) is not array_type():
        check_input(pred, name)
    if pred.dtype.char not in "fd":
        message = (
            f"expected predictions of float32 or float64 for '{name}', found {pred.dtype}; "
            "convert them: .astype('float32')"
        )
        raise DtypeError(message)
    if not isinstance(label, nd.NDArray):
        label = _to_array(label, f"labels of '{name}'", pred)
    if sample_weight is not None and not isinstance(sample_weight, nd.NDArray):
        sample_weight = _to_array(sample_weight, f"sample_weight of '{name}'", pred)
    return label, sample_weight


def _to_array(value: Any, what: str, pred: Any) -> Any:
    try:
        numbers = np.asarray(value)
        if numbers.dtype.kind not in "fiub":
            raise TypeError(f"dtype {numbers.dtype}")  # noqa: EM102, TRY301
    except (TypeError, ValueError) as error:
        message = (
            f"expected numbers as {what}, found {type(value).__name__} ({error}); pass an NDArray"
        )
        raise DtypeError(message) from error
    return numbers.astype(pred.dtype).view(type(pred))


def _refuse_labels(name: str, pred: Any, label: Any, wanted: tuple[int, ...]) -> None:
    message = (
        f"Shape inconsistent, Provided = {list(label.shape)}, inferred shape={list(wanted)}: expected "
        f"one label of shape {wanted} for each prediction of '{name}', found labels of shape "
        f"{tuple(label.shape)} and predictions of {tuple(pred.shape)}; give each its class number, "
        "or pass sparse_label=False for dense labels"
    )
    raise ShapeError(message)


def _sparse_softmax_cross_entropy(name: str, pred: Any, label: Any) -> Any:
    numbers = np.asarray(label)
    batch = pred.shape[0]
    if numbers.shape not in ((batch,), (batch, 1)):
        _refuse_labels(name, pred, label, (batch,))
    _check_labels(numbers, pred.shape[1])
    loss, tape = _core.softmax_cross_entropy(pred, numbers.reshape(-1))

    def backward(head_grad: Any, _: Any) -> tuple[Any, ...]:
        return (tape.backward(head_grad),)

    _tape.attach(loss, (pred,), backward, "SoftmaxCrossEntropyLoss")
    return loss


def _l2_loss(pred: Any, label: Any, weight: float) -> Any:
    values = np.asarray(label, pred.dtype).reshape(pred.shape)
    loss, tape = _core.l2_loss(pred, values, weight)

    def backward(head_grad: Any, _: Any) -> tuple[Any, ...]:
        return (tape.backward(head_grad).reshape(pred_shape),)

    pred_shape = pred.shape
    _tape.attach(loss, (pred,), backward, "L2Loss")
    return loss


def _check_labels(label: Any, classes: int) -> None:
    """Refuse what is no class number, NaN and fractions included."""
    numbers = np.asarray(label)
    wrong = ~((numbers >= 0) & (numbers < classes) & (numbers == np.floor(numbers)))
    if wrong.any():
        place = np.argwhere(wrong)[0].tolist()
        message = (
            f"expected labels to be class numbers from 0 to {classes - 1}, found "
            f"{numbers[tuple(place)]} at {place}; correct the labels, or make the net's output wider"
        )
        raise GlueballIndexError(message)


def _per_sample(sample_weight: Any, loss: Any, batch_axis: int) -> Any:
    """Return the weights in a shape that multiplies samples, not other axes."""
    axis = batch_axis % loss.ndim
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


def _mean_per_sample(loss: Any, batch_axis: int) -> Any:
    axis = batch_axis % loss.ndim
    if loss.ndim == 1:
        return loss
    return nd.mean(loss, axis=tuple(i for i in range(loss.ndim) if i != axis))
