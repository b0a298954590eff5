"""Losses of yes or no: cross entropy of a sigmoid, hinges, logistic."""

from __future__ import annotations

from typing import Any

from glueball import nd
from glueball.base import ArgumentError, ShapeError
from glueball.gluon.loss._base import (
    ElementLoss,
    PairLoss,
    as_array,
    check_not_hollow,
    checked,
    finite,
    like_predictions,
)

__all__ = [
    "HingeLoss", "LogisticLoss", "SigmoidBCELoss", "SigmoidBinaryCrossEntropyLoss",
    "SquaredHingeLoss",
]  # fmt: skip

# Keeps the logarithm of a probability finite; Gluon's number.
_EPSILON = 1e-12


class SigmoidBinaryCrossEntropyLoss(ElementLoss):
    r"""Cross entropy of sigmoid(pred) and the label, for classes that do not exclude each other.

    :math:`-pos\_weight\, y \log \sigma(p) - (1 - y) \log (1 - \sigma(p))`, the mean over each
    sample. Labels may lie between 0 and 1. Computed as
    :math:`y \log(1 + e^{-p}) + (1 - y) \log(1 + e^p)`, which is exact for large scores, and whose
    derivative is :math:`\sigma(p) - y` at 0, too.

    Parameters
    ----------
    from_sigmoid : bool, default False
        Whether pred holds probabilities already; 1e-12 is then added before each logarithm.
    weight, batch_axis
        As for `Loss`.

    Examples
    --------
    >>> from glueball import gluon, nd
    >>> loss = gluon.loss.SigmoidBCELoss()
    >>> loss(nd.array([[1, 2], [3, 5]]), nd.array([[1, 0], [0, 1]])).asnumpy().round(4)
    array([1.2201, 1.5277], dtype=float32)
    """

    _kind = "sigmoid_binary_cross_entropy"

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
        label, sample_weight
            As for `L1Loss.forward`, whose result and errors these are too.
        pos_weight : array_like, optional
            What the term of the positive class is multiplied by; broadcasts to pred: (classes,).
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
            return super().hybrid_forward(F, pred, label, sample_weight)
        return self._weighted_mean(F, self._terms(pred, label, pos_weight), sample_weight)

    def _terms(self, pred: Any, label: Any, pos_weight: Any = None) -> Any:
        if self._from_sigmoid:
            positive = -nd.log(pred + _EPSILON)
            negative = -nd.log(1 - pred + _EPSILON)
        else:
            positive = nd.softrelu(-pred)
            negative = nd.softrelu(pred)
        if pos_weight is not None:
            positive = positive * pos_weight
        return label * positive + (1 - label) * negative


SigmoidBCELoss = SigmoidBinaryCrossEntropyLoss


class HingeLoss(PairLoss):
    r"""Mean over each sample of :math:`\max(0, margin - p y)`, with labels -1 and 1.

    Parameters
    ----------
    margin : float, default 1
        How far on the right side a score has to lie to cost nothing.
    weight, batch_axis
        As for `Loss`.

    Examples
    --------
    >>> from glueball import gluon, nd
    >>> gluon.loss.HingeLoss()(nd.array([[0.5], [2], [3]]), nd.array([1, 1, -1])).asnumpy()
    array([0.5, 0. , 4. ], dtype=float32)
    """

    _kind = "hinge"

    def __init__(
        self, margin: float = 1, weight: float | None = None, batch_axis: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(weight, batch_axis, **kwargs)
        self._parameter = finite("margin", margin, self.name)

    def _terms(self, pred: Any, label: Any) -> Any:
        return nd.relu(self._parameter - pred * label)


class SquaredHingeLoss(HingeLoss):
    r"""Mean over each sample of :math:`\max(0, margin - p y)^2`, with labels -1 and 1.

    Parameters are those of `HingeLoss`.

    Examples
    --------
    >>> from glueball import gluon, nd
    >>> gluon.loss.SquaredHingeLoss()(nd.array([[0.5], [2], [3]]), nd.array([1, 1, -1])).asnumpy()
    array([ 0.25,  0.  , 16.  ], dtype=float32)
    """

    _kind = "squared_hinge"

    def _terms(self, pred: Any, label: Any) -> Any:
        return nd.square(super()._terms(pred, label))


class LogisticLoss(PairLoss):
    r"""Mean over each sample of :math:`\log(1 + e^{-p y})`, with labels -1 and 1.

    Labels between count in proportion, as for `SigmoidBinaryCrossEntropyLoss`.

    Parameters
    ----------
    weight, batch_axis
        As for `Loss`.
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

    @property
    def _kind(self) -> str:  # type: ignore[override]
        return "logistic" if self._label_format == "signed" else "sigmoid_binary_cross_entropy"

    def _terms(self, pred: Any, label: Any) -> Any:
        share = (label + 1) / 2 if self._label_format == "signed" else label
        return share * nd.softrelu(-pred) + (1 - share) * nd.softrelu(pred)
