"""Losses of yes or no: cross entropy of a sigmoid, hinges, logistic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import nd
from glueball.base import ArgumentError, ShapeError
from glueball.gluon.loss._base import (
    Loss,
    PairLoss,
    as_array,
    check_not_hollow,
    checked,
    compare,
    finite,
    like_predictions,
)
from glueball.nd._activation import _sigmoid as sigmoid
from glueball.nd._activation import _softplus as softplus

if TYPE_CHECKING:
    from glueball.gluon.loss._base import Plain

__all__ = [
    "HingeLoss",
    "LogisticLoss",
    "SigmoidBCELoss",
    "SigmoidBinaryCrossEntropyLoss",
    "SquaredHingeLoss",
]

# Keeps the logarithm of a probability finite; Gluon's number.
_EPSILON = 1e-12


class SigmoidBinaryCrossEntropyLoss(Loss):
    r"""Cross entropy of sigmoid(pred) and the label, for classes that do not exclude each other.

    :math:`-pos\_weight\, y \log \sigma(p) - (1 - y) \log (1 - \sigma(p))`, the mean over each
    sample. Labels may lie between 0 and 1. Computed as
    :math:`y \log(1 + e^{-p}) + (1 - y) \log(1 + e^p)`, which is exact for large scores, and whose
    derivative is :math:`\sigma(p) - y` at 0, too.

    Parameters
    ----------
    from_sigmoid : bool, default False
        Whether pred holds probabilities already; 1e-12 is then added before each logarithm.
    weight : float, optional
        Every value is multiplied by it.
    batch_axis : int, default 0
        The axis whose entries are samples.

    Examples
    --------
    >>> from glueball import gluon, nd
    >>> loss = gluon.loss.SigmoidBCELoss()
    >>> loss(nd.array([[1, 2], [3, 5]]), nd.array([[1, 0], [0, 1]])).asnumpy().round(4)
    array([1.2201, 1.5277], dtype=float32)
    """

    def __init__(
        self,
        from_sigmoid: bool = False,
        weight: float | None = None,
        batch_axis: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(weight, batch_axis, **kwargs)
        self._from_sigmoid = from_sigmoid

    def forward(
        self, pred: Any, label: Any, sample_weight: Any = None, pos_weight: Any = None
    ) -> Any:
        """Return the loss of each sample.

        Parameters
        ----------
        pred : NDArray
            Scores, or probabilities if `from_sigmoid`, of any shape with a batch axis.
        label : array_like
            As many elements as pred; taken in pred's shape.
        sample_weight : array_like, optional
            (batch,), or a shape of pred's rank that broadcasts to it.
        pos_weight : array_like, optional
            What the term of the positive class is multiplied by; broadcasts to pred: (classes,).

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
        if pos_weight is not None:
            pos_weight = as_array(pos_weight, f"pos_weight of '{self.name}'", pred)
            if pos_weight.ndim > pred.ndim or any(
                length not in (1, wanted)
                for length, wanted in zip(pos_weight.shape[::-1], pred.shape[::-1], strict=False)
            ):
                message = (
                    f"expected pos_weight of a shape that broadcasts to the predictions' "
                    f"{tuple(pred.shape)} for '{self.name}', found {tuple(pos_weight.shape)}; give "
                    "one weight a class"
                )
                raise ShapeError(message)
        return super().forward(pred, label, sample_weight, pos_weight)

    def hybrid_forward(
        self, F: Any, pred: Any, label: Any, sample_weight: Any = None, pos_weight: Any = None
    ) -> Any:
        """Compute the cross entropy of each element, weigh it, and take the mean of each sample."""
        if not self._from_sigmoid and pos_weight is None:
            loss = compare(
                self.name,
                pred,
                label,
                _cross_entropy,
                _slope_by_score,
                _slope_by_label,
                _cross_entropy_formula,
            )
            return self._weighted_mean(F, loss, sample_weight)
        if self._from_sigmoid:
            positive = -nd.log(pred + _EPSILON)
            negative = -nd.log(1 - pred + _EPSILON)
        else:
            positive = nd.softrelu(-pred)
            negative = nd.softrelu(pred)
        if pos_weight is not None:
            positive = positive * pos_weight
        loss = label * positive + (1 - label) * negative
        return self._weighted_mean(F, loss, sample_weight)


SigmoidBCELoss = SigmoidBinaryCrossEntropyLoss


class HingeLoss(PairLoss):
    r"""Mean over each sample of :math:`\max(0, margin - p y)`, with labels -1 and 1.

    Parameters
    ----------
    margin : float, default 1
        How far on the right side a score has to lie to cost nothing.
    weight : float, optional
        Every value is multiplied by it.
    batch_axis : int, default 0
        The axis whose entries are samples.

    Examples
    --------
    >>> from glueball import gluon, nd
    >>> gluon.loss.HingeLoss()(nd.array([[0.5], [2], [3]]), nd.array([1, 1, -1])).asnumpy()
    array([0.5, 0. , 4. ], dtype=float32)
    """

    def __init__(
        self,
        margin: float = 1,
        weight: float | None = None,
        batch_axis: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(weight, batch_axis, **kwargs)
        self._margin = finite("margin", margin, self.name)

    def _value(self, pred: Plain, label: Plain) -> Plain:
        return np.maximum(self._margin - pred * label, 0)

    def _slope_by_pred(self, pred: Plain, label: Plain) -> Plain:
        return -label * self._slope(pred * label)

    def _slope_by_label(self, pred: Plain, label: Plain) -> Plain:
        return -pred * self._slope(pred * label)

    def _formula(self, np: Any, pred: Any, label: Any) -> Any:
        slack = self._margin - pred * label
        return np.where(slack > 0, slack, 0)

    def _slope(self, product: Plain) -> Plain:
        """Return minus the derivative by pred * label; 0 at the corner."""
        return (product < self._margin).astype(product.dtype)


class SquaredHingeLoss(HingeLoss):
    r"""Mean over each sample of :math:`\max(0, margin - p y)^2`, with labels -1 and 1.

    Parameters are those of `HingeLoss`.

    Examples
    --------
    >>> from glueball import gluon, nd
    >>> gluon.loss.SquaredHingeLoss()(nd.array([[0.5], [2], [3]]), nd.array([1, 1, -1])).asnumpy()
    array([ 0.25,  0.  , 16.  ], dtype=float32)
    """

    def _value(self, pred: Plain, label: Plain) -> Plain:
        return np.square(super()._value(pred, label))

    def _formula(self, np: Any, pred: Any, label: Any) -> Any:
        return np.square(super()._formula(np, pred, label))

    def _slope(self, product: Plain) -> Plain:
        return 2 * np.maximum(self._margin - product, 0)


class LogisticLoss(PairLoss):
    r"""Mean over each sample of :math:`\log(1 + e^{-p y})`, with labels -1 and 1.

    Labels between count in proportion, as for `SigmoidBinaryCrossEntropyLoss`.

    Parameters
    ----------
    weight : float, optional
        Every value is multiplied by it.
    batch_axis : int, default 0
        The axis whose entries are samples.
    label_format : {'signed', 'binary'}, default 'signed'
        Labels are -1 and 1, or 0 and 1.

    Raises
    ------
    ValueError
        If `label_format` is another word.

    Examples
    --------
    >>> from glueball import gluon, nd
    >>> loss = gluon.loss.LogisticLoss()
    >>> loss(nd.array([[0], [10], [10]]), nd.array([1, 1, -1])).asnumpy().round(3)
    array([ 0.693,  0.   , 10.   ], dtype=float32)
    """

    def __init__(
        self,
        weight: float | None = None,
        batch_axis: int = 0,
        label_format: str = "signed",
        **kwargs: Any,
    ) -> None:
        super().__init__(weight, batch_axis, **kwargs)
        if label_format not in ("signed", "binary"):
            message = (
                f"label_format can only be signed or binary, recieved {label_format}. Expected "
                "'signed' for labels -1 and 1, or 'binary' for 0 and 1, found "
                f"{label_format!r}; correct it"
            )
            raise ArgumentError(message)
        self._label_format = label_format

    def _value(self, pred: Plain, label: Plain) -> Plain:
        return _cross_entropy(pred, self._share(label))

    def _slope_by_pred(self, pred: Plain, label: Plain) -> Plain:
        return _slope_by_score(pred, self._share(label))

    def _slope_by_label(self, pred: Plain, label: Plain) -> Plain:
        return -pred / 2 if self._label_format == "signed" else -pred

    def _formula(self, np: Any, pred: Any, label: Any) -> Any:
        return _cross_entropy_formula(np, pred, self._share(label))

    def _share(self, label: Plain) -> Plain:
        """Return labels from 0 to 1."""
        return (label + 1) / 2 if self._label_format == "signed" else label


def _cross_entropy(score: Plain, label: Plain) -> Plain:
    """Return that of sigmoid(score) and the label; each term is exact where the other is large."""
    return label * softplus(-score) + (1 - label) * softplus(score)  # type: ignore[no-any-return]


def _cross_entropy_formula(np: Any, score: Any, label: Any) -> Any:
    return label * np.logaddexp(0.0, -score) + (1 - label) * np.logaddexp(0.0, score)


def _slope_by_score(score: Plain, label: Plain) -> Plain:
    return sigmoid(score) - label


def _slope_by_label(score: Plain, label: Plain) -> Plain:
    # softplus(-score) - softplus(score)
    return -score
