"""Losses of vectors that should lie near each other, or apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from glueball import _core, nd
from glueball.base import ArgumentError, ShapeError
from glueball.gluon.loss._base import (
    Loss,
    as_array,
    check_not_hollow,
    checked,
    finite,
    like_predictions,
    recorded,
)
from glueball.nd._record import raw

__all__ = ["CosineEmbeddingLoss", "SDMLLoss", "TripletLoss"]


class TripletLoss(Loss):
    r"""How much nearer a sample is to a negative example than to a positive one.

    :math:`\max(0, \sum (p - positive)^2 - \sum (p - negative)^2 + margin)`, the sums over everything but
    the batch axis.

    Parameters
    ----------
    margin : float, default 1
        How much farther the negative example has to be to cost nothing, in squared distance.
    weight, batch_axis
        As for `Loss`.

    References
    ----------
    F. Schroff, D. Kalenichenko and J. Philbin, "FaceNet: a unified embedding for face recognition and
    clustering", CVPR 2015, eq. 2.

    Examples
    --------
    >>> from glueball import gluon, nd
    >>> x = nd.array([[0, 0], [0, 0]])
    >>> gluon.loss.TripletLoss()(
    ...     x, nd.array([[1, 1], [0, 1]]), nd.array([[1, 0], [3, 0]])
    ... ).asnumpy()
    array([2., 0.], dtype=float32)
    """

    def __init__(
        self, margin: float = 1, weight: float | None = None, batch_axis: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(weight, batch_axis, **kwargs)
        self._margin = finite("margin", margin, self.name)

    def forward(self, pred: Any, positive: Any, negative: Any, sample_weight: Any = None) -> Any:
        """Return the loss of each sample.

        Parameters
        ----------
        pred : NDArray
            The samples, of any shape with a batch axis.
        positive, negative : array_like
            What each should be near to, and far from: as many elements as pred.
        sample_weight : array_like, optional
            (batch,).

        Returns
        -------
        NDArray
            Shape (batch,).

        Raises
        ------
        ValueError
            If shapes do not fit, or `pred` is not an NDArray.
        TypeError
            If examples or weights are not numbers.
        """
        positive, sample_weight = checked(self.name, pred, positive, sample_weight)
        negative = as_array(negative, f"negative examples of '{self.name}'", pred)
        check_not_hollow(self.name, pred, self._batch_axis)
        positive = like_predictions(self.name, positive, pred)
        negative = like_predictions(self.name, negative, pred)
        return super().forward(pred, positive, negative, sample_weight)

    def hybrid_forward(
        self, F: Any, pred: Any, positive: Any, negative: Any, sample_weight: Any = None
    ) -> Any:
        """Compare the squared distances of each sample, and weigh the result."""
        inputs = (pred, positive, negative)
        if self._batch_axis != 0:
            inputs = tuple(nd.swapaxes(each, 0, self._batch_axis) for each in inputs)
        a, b, c = map(raw, inputs)
        parts = _core.triplet_loss(a, b, c, self._margin)
        loss = recorded(self.name, parts, inputs, self._formula)
        # One value a sample is left, on axis 0.
        if sample_weight is not None:
            loss = loss * _vector(sample_weight, loss)
        return loss if self._weight is None else loss * self._weight

    def _formula(self, np: Any, pred: Any, positive: Any, negative: Any) -> Any:
        terms = np.square(pred - positive) - np.square(pred - negative)
        return np.maximum(np.sum(terms, axis=tuple(range(1, terms.ndim))) + self._margin, 0)


class CosineEmbeddingLoss(Loss):
    r"""Cosine distance of pairs that belong together, cosine similarity of pairs that do not.

    With :math:`c = a \cdot b / \max(|a| |b|, 10^{-12})` along the last axis: :math:`1 - c` where the label
    is 1, and :math:`\max(0, c - margin)` where it is -1.

    Parameters
    ----------
    weight : float, optional
        Every value is multiplied by it.
    batch_axis : int, default 0
        The axis whose entries are samples, for sample weights.
    margin : float, default 0
        The similarity up to which pairs that do not belong together cost nothing, from -1 to 1.

    Examples
    --------
    >>> from glueball import gluon, nd
    >>> a, b = nd.array([[1, 0], [1, 0]]), nd.array([[0, 2], [3, 0]])
    >>> gluon.loss.CosineEmbeddingLoss()(a, b, nd.array([1, -1])).asnumpy()
    array([[1.],
           [1.]], dtype=float32)
    """

    def __init__(
        self, weight: float | None = None, batch_axis: int = 0, margin: float = 0, **kwargs: Any
    ) -> None:
        super().__init__(weight, batch_axis, **kwargs)
        self._margin = finite("margin", margin, self.name)

    def forward(self, input1: Any, input2: Any, label: Any, sample_weight: Any = None) -> Any:
        """Return the loss of each pair.

        Parameters
        ----------
        input1 : NDArray
            Vectors along the last axis: (batch, features).
        input2 : array_like
            As many elements as input1; taken in its shape.
        label : array_like
            1 or -1 for each pair.
        sample_weight : array_like, optional
            (batch,) or (batch, 1).

        Returns
        -------
        NDArray
            Shape (batch, 1).

        Raises
        ------
        ValueError
            If shapes do not fit, a label is neither 1 nor -1, or `input1` is not an NDArray.
        TypeError
            If vectors, labels or weights are not numbers.
        """
        label, sample_weight = checked(self.name, input1, label, sample_weight)
        input2 = as_array(input2, f"second vectors of '{self.name}'", input1)
        check_not_hollow(self.name, input1, self._batch_axis)
        input2 = like_predictions(self.name, input2, input1)
        pairs = input1.size // input1.shape[-1]
        if label.size != pairs:
            message = (
                f"expected {pairs} labels, one for each pair of vectors of shape "
                f"{tuple(input1.shape)} for '{self.name}', found {tuple(label.shape)}; give each "
                "pair 1 or -1"
            )
            raise ShapeError(message)
        wrong = np.abs(np.asarray(label)) != 1
        if wrong.any():
            message = (
                f"expected labels 1 and -1 for '{self.name}', found {np.asarray(label)[wrong][0]}; "
                "give 1 to pairs that belong together, and -1 to others"
            )
            raise ArgumentError(message)
        return super().forward(input1, input2, label, sample_weight)

    def hybrid_forward(
        self, F: Any, input1: Any, input2: Any, label: Any, sample_weight: Any = None
    ) -> Any:
        """Compute the similarity of each pair, and from it the loss by the pair's label."""
        rows = (-1, input1.shape[-1])
        inputs = (input1.reshape(rows), input2.reshape(rows), label.reshape((-1,)))
        a, b, labels = map(raw, inputs)
        parts = _core.cosine_embedding_loss(a, b, labels, self._margin)
        loss = recorded(self.name, parts, inputs, self._formula).reshape((-1, 1))
        if sample_weight is not None:
            loss = loss * _vector(sample_weight, loss).reshape((-1, 1))
        return loss if self._weight is None else loss * self._weight

    def _formula(self, np: Any, first: Any, second: Any, label: Any) -> Any:
        # A square above 0, so that a vector of zeros has a derivative.
        a, b = (
            np.sqrt(np.maximum(np.sum(np.square(each), axis=1), 1e-37)) for each in (first, second)
        )
        similarity = np.sum(first * second, axis=1) / np.maximum(a * b, 1e-12)
        return np.where(label == 1, 1 - similarity, np.maximum(similarity - self._margin, 0))


class SDMLLoss(Loss):
    r"""Smoothed deep metric learning: each vector of one batch should be nearest to its partner in the other.

    With squared distances :math:`d_{ij} = |a_i - b_j|^2`, the Kullback-Leibler divergence of
    :math:`\mathrm{softmax}_j(-d_{ij})` from labels that give :math:`1 - s` to the partner and :math:`s / (n - 1)` to
    each of the others.

    Parameters
    ----------
    smoothing_parameter : float, default 0.3
        The share s of probability that pairs which do not belong together are given, from 0 to below 1.
    weight : float, optional
        Every value is multiplied by it.
    batch_axis : int, default 0
        Only 0: partners are found along it.

    Raises
    ------
    ValueError
        If `smoothing_parameter` is not from 0 to below 1, or `batch_axis` is not 0.

    References
    ----------
    D. Bonadiman, A. Kumar and A. Mittal, "Large scale question paraphrase retrieval with smoothed deep metric
    learning", arXiv:1905.12786 (2019).

    Examples
    --------
    >>> from glueball import gluon, nd
    >>> a = nd.array([[0, 0], [1, 1]])
    >>> gluon.loss.SDMLLoss()(a, a).asnumpy().round(3)
    array([0.116, 0.116], dtype=float32)
    """

    def __init__(
        self,
        smoothing_parameter: float = 0.3,
        weight: float | None = 1.0,
        batch_axis: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(weight, batch_axis, **kwargs)
        share = finite("smoothing_parameter", smoothing_parameter, self.name)
        if not 0 <= share < 1:
            message = (
                f"expected smoothing_parameter from 0 to below 1 for '{self.name}', found {share}; it is the "
                "share of probability for pairs that do not belong together"
            )
            raise ArgumentError(message)
        if batch_axis != 0:
            message = f"expected batch_axis 0 for '{self.name}', found {batch_axis}; transpose the batches"
            raise ArgumentError(message)
        self.smoothing_parameter = share

    def forward(self, x1: Any, x2: Any) -> Any:
        """Return the loss of each pair.

        Parameters
        ----------
        x1 : NDArray
            Vectors, (batch, features); two or more of them.
        x2 : array_like
            The partner of each, of the same shape.

        Returns
        -------
        NDArray
            Shape (batch,).

        Raises
        ------
        ValueError
            If shapes do not fit, or `x1` is not an NDArray.
        TypeError
            If the partners are not numbers.
        """
        x2, _ = checked(self.name, x1, x2, None)
        x2 = as_array(x2, f"second vectors of '{self.name}'", x1)
        if x1.ndim != 2 or x1.shape != x2.shape or len(x1) < 2:
            message = (
                f"expected two batches of one shape (batch, features) for '{self.name}', with two vectors or more, "
                f"found {tuple(x1.shape)} and {tuple(x2.shape)}; other vectors of the batch stand for those that "
                "do not belong together"
            )
            raise ShapeError(message)
        return super().forward(x1, x2)

    def hybrid_forward(self, F: Any, x1: Any, x2: Any) -> Any:
        """Compare every vector with every other, and the result with the smoothed labels."""
        distances = nd.sum(nd.square(nd.expand_dims(x1, 1) - nd.expand_dims(x2, 0)), axis=2)
        pairs = np.eye(len(x1), dtype=x1.dtype)
        share = self.smoothing_parameter
        labels = pairs * (1 - share) + (1 - pairs) * (share / (len(x1) - 1))
        loss = nd.sum(
            (np.log(labels + 1e-12) - nd.log_softmax(-distances, axis=1)) * labels, axis=1
        )
        return loss if self._weight is None else loss * self._weight


def _vector(sample_weight: Any, loss: Any) -> Any:
    """Return one weight for each of the loss's values, as a vector."""
    if sample_weight.size not in (1, loss.size) or sample_weight.size != max(
        sample_weight.shape, default=1
    ):
        message = (
            f"expected sample_weight of shape ({loss.size},), found {tuple(sample_weight.shape)}; "
            "give one weight a sample"
        )
        raise ShapeError(message)
    return sample_weight.reshape((-1,))
