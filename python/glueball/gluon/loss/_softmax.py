"""Cross entropy of softmax, for classes that exclude each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from glueball import _core, nd
from glueball.base import GlueballIndexError, ShapeError
from glueball.gluon.loss._base import Loss, as_array, checked
from glueball.nd._record import result_axis

__all__ = ["SoftmaxCELoss", "SoftmaxCrossEntropyLoss"]


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
    weight, batch_axis
        As for `Loss`.

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

    # One row of scores and one class number a sample: what the core computes. Kept, since four attributes
    # of a block take a sixth of the time of a small loss to look at.
    _takes_class_numbers = False

    def _note_change(self, attribute: str) -> None:
        super()._note_change(attribute)
        settings = self.__dict__
        settings["_takes_class_numbers"] = (
            settings.get("_sparse_label", False)
            and not settings.get("_from_logits")
            and settings.get("_batch_axis") == 0
            and settings.get("_axis") in (-1, 1)
        )

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
            If a label is not a class number.
        ValueError
            If shapes do not fit, or `pred` is not an NDArray.
        TypeError
            If labels or weights are not numbers.
        """
        if self._takes_class_numbers and sample_weight is None:
            loss = _core.softmax_cross_entropy(pred, label, _from_functions)
            if loss is not None:
                return loss if self._weight is None else loss * self._weight
        label, sample_weight = checked(self.name, pred, label, sample_weight)
        return super().forward(pred, label, sample_weight)

    def hybrid_forward(self, F: Any, pred: Any, label: Any, sample_weight: Any = None) -> Any:
        """Compute the general case from array functions."""
        log_probabilities = pred if self._from_logits else nd.log_softmax(pred, axis=self._axis)
        if self._sparse_label:
            axis = result_axis(self._axis, pred.ndim, self.name)
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
            label = as_array(label, f"labels of '{self.name}'", pred)
            loss = -nd.sum(log_probabilities * label, axis=self._axis, keepdims=True)
        return self._weighted_mean(F, loss, sample_weight)


SoftmaxCELoss = SoftmaxCrossEntropyLoss


def _refuse_labels(name: str, pred: Any, label: Any, wanted: tuple[int, ...]) -> None:
    message = (
        f"Shape inconsistent, Provided = {list(label.shape)}, inferred shape={list(wanted)}: expected "
        f"one label of shape {wanted} for each prediction of '{name}', found labels of shape "
        f"{tuple(label.shape)} and predictions of {tuple(pred.shape)}; give each its class number, "
        "or pass sparse_label=False for dense labels"
    )
    raise ShapeError(message)


def _from_functions(pred: Any, label: Any) -> Any:
    """Compute the plain case from array functions, for second derivatives."""
    return -nd.pick(nd.log_softmax(pred, axis=-1), np.asarray(label).reshape(-1), axis=-1)


def _check_labels(label: Any, classes: int) -> None:
    """Refuse what is not a class number, NaN and fractions included."""
    numbers = np.asarray(label)
    wrong = ~((numbers >= 0) & (numbers < classes) & (numbers == np.floor(numbers)))
    if wrong.any():
        place = np.argwhere(wrong)[0].tolist()
        message = (
            f"expected labels to be class numbers from 0 to {classes - 1}, found "
            f"{numbers[tuple(place)]} at {place}; correct the labels, or make the net's output wider"
        )
        raise GlueballIndexError(message)
