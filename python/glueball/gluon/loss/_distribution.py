"""Losses of distributions: the Kullback-Leibler divergence, and counts by Poisson."""

from __future__ import annotations

import math
from typing import Any

from glueball import nd
from glueball.base import ShapeError
from glueball.gluon.loss._base import (
    ElementLoss,
    as_array,
    check_not_hollow,
    checked,
    like_predictions,
)

__all__ = ["KLDivLoss", "PoissonNLLLoss"]

# Keeps the logarithm of a rate finite; Gluon's number.
_EPSILON = 1e-08


class KLDivLoss(ElementLoss):
    r"""Kullback-Leibler divergence of the label from the prediction, both distributions.

    :math:`\sum y (\log(y + 10^{-12}) - \log p)` over everything but the batch axis.

    Parameters
    ----------
    from_logits : bool, default True
        Whether pred holds log-probabilities; else they are log_softmax(pred).
    axis : int, default -1
        The axis of classes, for log_softmax.
    weight, batch_axis
        As for `Loss`.

    Examples
    --------
    >>> from glueball import gluon, nd
    >>> loss = gluon.loss.KLDivLoss()
    >>> half = nd.array([[0.5, 0.5]])
    >>> loss(nd.log(half), nd.array([[1, 0]])).asnumpy().round(4)
    array([0.6931], dtype=float32)
    """

    _kind = "kl_divergence"

    def __init__(
        self,
        from_logits: bool = True,
        axis: int = -1,
        weight: float | None = None,
        batch_axis: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(weight, batch_axis, **kwargs)
        self._from_logits = from_logits
        self._axis = axis

    def forward(self, pred: Any, label: Any, sample_weight: Any = None) -> Any:
        """Return the divergence of each sample.

        Parameters
        ----------
        pred : NDArray
            Log-probabilities, or scores if not `from_logits`: (batch, ..., classes, ...).
        label : array_like
            Probabilities, of pred's shape.
        sample_weight
            As for `L1Loss.forward`, whose result and errors these are too.
        """
        label, sample_weight = checked(self.name, pred, label, sample_weight)
        check_not_hollow(self.name, pred, self._batch_axis)
        if label.shape != pred.shape:
            message = (
                f"expected labels of the predictions' shape {tuple(pred.shape)} for '{self.name}', "
                f"found {tuple(label.shape)}; give each class its probability, or use "
                "SoftmaxCrossEntropyLoss for class numbers"
            )
            raise ShapeError(message)
        label = as_array(label, f"labels of '{self.name}'", pred)
        return super().forward(pred, label, sample_weight)

    def hybrid_forward(self, F: Any, pred: Any, label: Any, sample_weight: Any = None) -> Any:
        """Compute the terms, weigh them, and sum up each sample's."""
        if not self._from_logits:
            pred = nd.log_softmax(pred, axis=self._axis)
        return super().hybrid_forward(F, pred, label, sample_weight)

    def _terms(self, pred: Any, label: Any) -> Any:
        return label * (nd.log(label + 1e-12) - pred)

    def _reduced(self, terms: Any, batch_axis: int) -> Any:
        return terms if terms.ndim == 1 else nd.sum(terms, axis=batch_axis, exclude=True)


class PoissonNLLLoss(ElementLoss):
    r"""Negative log-likelihood of counts under Poisson distributions; the mean over everything.

    :math:`e^p - y p` if `pred` holds logarithms of rates, else :math:`p - y \log(p + 10^{-8})`; the
    term :math:`\log y!`, which does not depend on the prediction, is left out unless `compute_full`.

    Parameters
    ----------
    weight : float, optional
        Every value is multiplied by it.
    from_logits : bool, default True
        Whether pred holds logarithms of rates.
    batch_axis : int, default 0
        The axis whose entries are samples, for sample weights.
    compute_full : bool, default False
        Whether to add Stirling's approximation of :math:`\log y!`,
        :math:`y \log y - y + \log(2 \pi y) / 2`, for counts above 1.

    Examples
    --------
    >>> from glueball import gluon, nd
    >>> gluon.loss.PoissonNLLLoss()(nd.array([0.0, 0.0]), nd.array([3, 5]))
    <BLANKLINE>
    [1.]
    <NDArray 1 @cpu(0)>
    """

    def __init__(
        self,
        weight: float | None = None,
        from_logits: bool = True,
        batch_axis: int = 0,
        compute_full: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(weight, batch_axis, **kwargs)
        self._from_logits = from_logits
        self._compute_full = compute_full

    @property
    def _kind(self) -> str:  # type: ignore[override]
        return "poisson_nll" if self._from_logits else "poisson_nll_of_rates"

    def forward(
        self, pred: Any, target: Any, sample_weight: Any = None, epsilon: float = _EPSILON
    ) -> Any:
        """Return the mean loss of all elements.

        Parameters
        ----------
        pred : NDArray
            Logarithms of rates, or rates if not `from_logits`, of any shape with a batch axis.
        target : array_like
            Counts, as many as pred has elements; taken in pred's shape.
        sample_weight : array_like, optional
            (batch,), or a shape of pred's rank that broadcasts to it.
        epsilon : float, default 1e-8
            Added to rates, which keeps their logarithm finite.

        Returns
        -------
        NDArray
            Shape (1,), in NumPy mode ().

        Raises
        ------
        ValueError
            If shapes do not fit, there are no elements, or `pred` is not an NDArray.
        TypeError
            If counts or weights are not numbers.
        """
        target, sample_weight = checked(self.name, pred, target, sample_weight)
        if pred.size == 0:
            message = (
                f"expected at least one prediction for '{self.name}', found shape "
                f"{tuple(pred.shape)}; the mean of nothing is not a number"
            )
            raise ShapeError(message)
        target = like_predictions(self.name, target, pred)
        return super().forward(pred, target, sample_weight, epsilon)

    def hybrid_forward(
        self,
        F: Any,
        pred: Any,
        target: Any,
        sample_weight: Any = None,
        epsilon: float = _EPSILON,
    ) -> Any:
        """Compute the loss of each element, weigh it, and take the mean of all."""
        loss = None
        if not self._compute_full and epsilon == _EPSILON:
            loss = self._compiled(pred, target, sample_weight)
        if loss is None:
            loss = self._terms(pred, target, epsilon)
        if self._compute_full:
            # Up to 1 the count is replaced, so that neither values nor derivatives meet log(0).
            count = nd.maximum(target, 1)
            stirling = count * nd.log(count) - count + 0.5 * nd.log(2 * math.pi * count)
            loss = loss + nd.where(target > 1, stirling, nd.zeros_like(stirling))
        return nd.mean(self._weighted(loss, sample_weight))

    def _terms(self, pred: Any, label: Any, epsilon: float = _EPSILON) -> Any:
        if self._from_logits:
            return nd.exp(pred) - label * pred
        return pred - label * nd.log(pred + epsilon)
