"""Losses of vectors that should lie near each other, or apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from glueball import nd
from glueball.base import ArgumentError, ShapeError
from glueball.gluon.loss._base import (
    Loss,
    as_array,
    check_not_hollow,
    checked,
    finite,
    like_predictions,
)

__all__ = ["CosineEmbeddingLoss", "TripletLoss"]


class TripletLoss(Loss):
    r"""How much nearer a sample is to a negative example than to a positive one.

    :math:`\max(0, \sum (p - positive)^2 - \sum (p - negative)^2 + margin)`, the sums over everything but
    the batch axis.

    Parameters
    ----------
    margin : float, default 1
        How much farther the negative example has to be to cost nothing, in squared distance.
    weight : float, optional
        Every value is multiplied by it.
    batch_axis : int, default 0
        The axis whose entries are samples.

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
        self,
        margin: float = 1,
        weight: float | None = None,
        batch_axis: int = 0,
        **kwargs: Any,
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
            If shapes do not fit, or `pred` is no NDArray.
        TypeError
            If examples or weights are no numbers.
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
        loss = nd.square(pred - positive) - nd.square(pred - negative)
        if loss.ndim > 1:
            loss = nd.sum(loss, axis=self._batch_axis, exclude=True)
        loss = nd.relu(loss + self._margin)
        # One value a sample is left, on axis 0.
        if sample_weight is not None:
            loss = loss * _vector(sample_weight, loss)
        return loss if self._weight is None else loss * self._weight


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
        self,
        weight: float | None = None,
        batch_axis: int = 0,
        margin: float = 0,
        **kwargs: Any,
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
            If shapes do not fit, a label is neither 1 nor -1, or `input1` is no NDArray.
        TypeError
            If vectors, labels or weights are no numbers.
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
        norms = nd.norm(input1, axis=-1) * nd.norm(input2, axis=-1)
        similarity = nd.sum(input1 * input2, axis=-1) / nd.maximum(norms, 1e-12)
        similarity = similarity.reshape((-1, 1))
        loss = nd.where(
            label.reshape((-1, 1)) == 1, 1 - similarity, nd.relu(similarity - self._margin)
        )
        if sample_weight is not None:
            loss = loss * _vector(sample_weight, loss).reshape((-1, 1))
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
