"""Initializers whose weights are orthogonal matrices."""

from __future__ import annotations

import math

from glueball import _core
from glueball.init._base import Initializer
from glueball.init._check import number, word
from glueball.init._registry import alias, register

__all__ = ["DeltaOrthogonal", "Orthogonal"]


@register
class Orthogonal(_core.Orthogonal, Initializer):
    r"""Fills with `scale` times a matrix whose rows, or columns, are orthonormal.

    The array is taken as a matrix W of ``(shape[0], rest)``: :math:`W W^T = scale^2 I` when it has
    no more rows than columns, else :math:`W^T W = scale^2 I`.

    Parameters
    ----------
    scale : float, default 1.414
        Length of each row or column.
    rand_type : {'uniform', 'normal'}, default 'uniform'
        What the matrix is made from: :math:`U(-1, 1)`, which is Gluon's and not quite even over all
        orthogonal matrices, or :math:`N(0, 1)`, which is, by either method.
    method : {'qr', 'svd'}, default 'qr'
        ``'qr'`` multiplies Householder reflections of random vectors: of normal ones, their product
        is distributed as the Q of a random matrix with R's diagonal positive, which other systems
        take. ``'svd'`` is Gluon's way, U or V of a random matrix. It takes many times as long: use
        it where that is the point.

    Raises
    ------
    ArgumentError
        When `scale` is not finite, or a word is unknown.
    ShapeError
        When it fills an array of fewer than two axes.

    References
    ----------
    A. Saxe, J. McClelland and S. Ganguli, "Exact solutions to the nonlinear dynamics of learning
    in deep linear neural networks", arXiv 1312.6120. The reflections: G. Stewart, "The efficient
    generation of random orthogonal matrices with an application to condition estimators", SIAM
    J. Numer. Anal. 17 (1980).

    Examples
    --------
    >>> import numpy as np
    >>> from glueball import init
    >>> weight = np.empty((3, 5))
    >>> init.Orthogonal(scale=1.0, rand_type="normal")("dense0_weight", weight)
    >>> np.allclose(weight @ weight.T, np.eye(3), atol=1e-6)
    True
    """

    def __init__(
        self, scale: float = 1.414, rand_type: str = "uniform", method: str = "qr"
    ) -> None:
        scale = number("Orthogonal", "scale", scale)
        rand_type = word("Orthogonal", "rand_type", rand_type)
        method = word("Orthogonal", "method", method)
        self._build(
            {"scale": scale, "rand_type": rand_type, "method": method},
            scale=scale,
            rand_type=rand_type,
            method=None if method == "qr" else method,
        )

    def _moments(self, name: str, shape: tuple[int, ...]) -> tuple[float, float]:
        if len(shape) < 2:
            return super()._moments(name, shape)  # which refuses
        # The squares of min(rows, columns) vectors of length `scale` sum to this, whatever is drawn.
        return 0.0, self.scale**2 / max(shape[0], math.prod(shape[1:]))


@alias("delta_orthogonal")
@register
class DeltaOrthogonal(_core.DeltaOrthogonal, Initializer):
    r"""Fills a convolution's kernel with an orthogonal matrix at its centre, and 0 elsewhere.

    Lets signals pass through very deep convolutional nets without normalisation.

    Parameters
    ----------
    scale : float, default 1.0
        Length of each of the matrix's columns.

    Raises
    ------
    ShapeError
        When it fills an array that has not three to five axes, or that has more channels in than
        out.

    References
    ----------
    L. Xiao and others, "Dynamical isometry and a mean field theory of CNNs", arXiv 1806.05393.

    Examples
    --------
    >>> import numpy as np
    >>> from glueball import init
    >>> weight = np.empty((4, 2, 3), "float32")
    >>> init.DeltaOrthogonal()("conv0_weight", weight)
    >>> np.allclose(weight[:, :, 1].T @ weight[:, :, 1], np.eye(2), atol=1e-6)
    True
    """

    def __init__(self, scale: float = 1.0) -> None:
        scale = number("DeltaOrthogonal", "scale", scale)
        self._build({"scale": scale}, scale=scale)

    def _moments(self, name: str, shape: tuple[int, ...]) -> tuple[float, float]:
        if not 3 <= len(shape) <= 5 or shape[1] > shape[0]:
            return super()._moments(name, shape)  # which refuses
        return 0.0, self.scale**2 / (shape[0] * math.prod(shape[2:]))
