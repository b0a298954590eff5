"""Normalisations as functions: they subtract a mean, divide by a deviation, scale and shift channels.

The layers of `gluon.nn` run natively; these serve programs that call ``nd.BatchNorm`` and the like, and
subclasses of the layers that compute in a ``hybrid_forward`` of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball._tape import MixedNode, state
from glueball.base import ArgumentError, ShapeError
from glueball.nd._record import check_same_dtype, class_of, finish, raw, result_axis, wrap

if TYPE_CHECKING:
    from glueball.nd._record import Plain

__all__ = ["BatchNorm", "GroupNorm", "InstanceNorm", "L2Normalization", "LayerNorm"]


def _mean(values: Plain, over: tuple[int, ...]) -> Plain:
    # Summed in float64: along the leading axis NumPy adds one by one, and float32 would lose digits.
    mean: Plain = values.mean(axis=over, keepdims=True, dtype=np.float64)
    return mean


def _moments(values: Plain, over: tuple[int, ...]) -> tuple[Plain, Plain]:
    """Return mean and biased variance, with the axes they were taken over kept at length 1.

    Both in float64: a mean rounded to float32 is of no use to values far from 0 that differ little, and a
    variance of large values is beyond float32.
    """
    mean = _mean(values, over)
    return mean, _mean(np.square(values - mean), over)


def _place(name: str, data: Any, channels: tuple[Any, ...], axis: int) -> int:
    """Return the axis of the channels, after checking it against the arrays that have one number each."""
    x = raw(data)
    along = result_axis(axis, x.ndim, name)
    for each in map(raw, channels):
        check_same_dtype(x, each, name)
        if each.shape != (x.shape[along],):
            message = (
                f"expected arrays of shape ({x.shape[along]},), one number for each channel on axis {axis} "
                f"of data of shape {x.shape}, for {name}, found {each.shape}; pass arrays of that shape"
            )
            raise ShapeError(message)
    return along


def _normalised(
    name: str,
    inputs: tuple[Any, Any, Any],
    axis: int,
    rows: Plain,
    over: tuple[int, ...],
    moments: tuple[Plain, Plain],
    eps: float,
    out: Any,
    *,
    constants: bool = False,
    unit_scale: bool = False,
) -> Any:
    """Return (rows - mean) / sqrt(variance + eps) * gamma + beta, recorded as one operation.

    Parameters
    ----------
    name : str
        The function, in error texts.
    inputs : tuple of NDArray
        The data, gamma and beta.
    axis : int
        The data's axis of channels.
    rows : numpy.ndarray
        The data, in a shape in which the moments are taken over the axes `over`.
    over : tuple of int
        See `rows`.
    moments : tuple of numpy.ndarray
        Mean and variance, which broadcast against `rows`.
    eps : float
        Added to the variance.
    out : NDArray or None
        Gets the result.
    constants : bool
        Whether no gradient flows through the moments.
    unit_scale : bool
        Whether gamma is taken to be 1.
    """
    data, gamma, beta = inputs
    x = raw(data)
    wide = [-1 if i == axis else 1 for i in range(x.ndim)]
    others = tuple(i for i in range(x.ndim) if i != axis)
    # A copy of gamma, so that an update between forward and backward does not change the derivative.
    scale = np.ones_like(raw(gamma)) if unit_scale else raw(gamma).copy()
    mean, variance = moments
    deviation = np.sqrt(variance + float(x.dtype.type(eps)))
    unit = ((rows - mean) / deviation).astype(x.dtype)

    def backward(g: Plain, _: Any) -> tuple[Plain, Plain, Plain]:
        h = (g * scale.reshape(wide)).reshape(rows.shape)
        if not constants:
            # Ioffe and Szegedy (2015), section 3, with the sums over a batch written as means.
            h = h - _mean(h, over) - unit * _mean(h * unit, over)
        by_gamma = (g * unit.reshape(x.shape)).sum(axis=others)
        return (h / deviation).astype(x.dtype).reshape(x.shape), by_gamma, g.sum(axis=others)

    value = unit.reshape(x.shape) * scale.reshape(wide) + raw(beta).reshape(wide)

    def formula(np: Any, x: Any, gamma: Any, beta: Any) -> Any:
        spread = np.reshape(x, rows.shape)
        centre, square = mean, variance
        if not constants:
            centre = np.mean(spread, axis=over, keepdims=True)
            square = np.mean((spread - centre) ** 2, axis=over, keepdims=True)
        normalised = np.reshape((spread - centre) / np.sqrt(square + eps), value.shape)
        if not unit_scale:
            normalised = normalised * np.reshape(gamma, wide)
        return normalised + np.reshape(beta, wide)

    return finish(value, inputs, backward, name, out, formula)


def BatchNorm(
    data: Any,
    gamma: Any,
    beta: Any,
    moving_mean: Any,
    moving_var: Any,
    eps: float = 1e-3,
    momentum: float = 0.9,
    fix_gamma: bool = True,
    use_global_stats: bool = False,
    output_mean_var: bool = False,
    axis: int = 1,
    cudnn_off: bool = False,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Normalise each channel over all other axes.

    S. Ioffe, C. Szegedy, "Batch normalization", ICML 2015.

    Parameters
    ----------
    data : NDArray
        Channels on `axis`.
    gamma, beta : NDArray
        Shape (channels,).
    moving_mean, moving_var : NDArray
        Shape (channels,). In training they are written: ``moving = momentum * moving + (1 - momentum) *
        batch``; otherwise, or with `use_global_stats`, they replace the batch's moments.
    eps : float, default 1e-3
        Added to the (biased) variance.
    momentum : float, default 0.9
        See `moving_mean`.
    fix_gamma : bool, default True
        Take gamma to be 1.
    use_global_stats : bool, default False
        Use the moving values in training too, and leave them as they are.
    output_mean_var : bool, default False
        Return mean and variance (constants) as well.
    axis : int, default 1
        The axis of the channels.
    cudnn_off : bool
        Not used.

    Raises
    ------
    ShapeError
        When an array is not of shape (channels,), or there is no sample to take the mean of.
    """
    del cudnn_off
    x, means, variances = raw(data), raw(moving_mean), raw(moving_var)
    along = _place("BatchNorm", data, (gamma, beta, moving_mean, moving_var), axis)
    over = tuple(i for i in range(x.ndim) if i != along)
    learns = state.training and not use_global_stats
    if learns and x.size == 0:
        message = (
            f"expected at least one sample to take the mean of for BatchNorm, found data of shape {x.shape}; "
            "leave empty batches out"
        )
        raise ShapeError(message)
    if learns:
        mean, variance = _moments(x, over)
    else:
        wide = [-1 if i == along else 1 for i in range(x.ndim)]
        # Copies: the moving values may change before backward.
        mean, variance = (each.astype(np.float64).reshape(wide) for each in (means, variances))
    output = _normalised(
        "BatchNorm", (data, gamma, beta), along, x, over, (mean, variance), eps, out,
        constants=not learns, unit_scale=fix_gamma,
    )  # fmt: skip
    if learns:
        with np.errstate(over="ignore"):  # a variance of large numbers may be beyond float32
            for moving, batch in ((means, mean), (variances, variance)):
                moving[...] = momentum * moving + (1 - momentum) * batch.reshape(-1)
    if not output_mean_var:
        return output
    cls = class_of((data,))
    return [output, *(wrap(each.reshape(-1).astype(x.dtype), cls) for each in (mean, variance))]


def LayerNorm(
    data: Any,
    gamma: Any,
    beta: Any,
    axis: int = -1,
    eps: float = 1e-5,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Normalise along one axis.

    J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer normalization", arXiv:1607.06450.

    Parameters
    ----------
    data : NDArray
        The array.
    gamma, beta : NDArray
        Of the length of the axis.
    axis : int, default -1
        The axis.
    eps : float, default 1e-5
        Added to the (biased) variance.

    Raises
    ------
    ShapeError
        When gamma or beta is of another length.
    """
    x = raw(data)
    along = _place("LayerNorm", data, (gamma, beta), axis)
    return _normalised(
        "LayerNorm", (data, gamma, beta), along, x, (along,), _moments(x, (along,)), eps, out
    )


def InstanceNorm(
    data: Any,
    gamma: Any,
    beta: Any,
    eps: float = 1e-3,
    axis: int = 1,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Normalise each channel of each sample over the other axes.

    D. Ulyanov, A. Vedaldi, V. Lempitsky, "Instance normalization", arXiv:1607.08022.

    Parameters
    ----------
    data : NDArray
        Shape (batch, channels, ...), or with the channels on another `axis`.
    gamma, beta : NDArray
        Shape (channels,).
    eps : float, default 1e-3
        Added to the (biased) variance.
    axis : int, default 1
        The axis of the channels.

    Raises
    ------
    ShapeError
        When gamma or beta is of another length, or nothing is left to take the mean over.
    """
    x = raw(data)
    along = _place("InstanceNorm", data, (gamma, beta), axis)
    over = tuple(i for i in range(1, x.ndim) if i != along)
    if not over or along == 0:
        message = (
            f"expected data with an axis besides batch and channels (axis {axis}) for InstanceNorm, found "
            f"the shape {x.shape}; LayerNorm normalises over features"
        )
        raise ShapeError(message)
    return _normalised(
        "InstanceNorm", (data, gamma, beta), along, x, over, _moments(x, over), eps, out
    )


def GroupNorm(
    data: Any,
    gamma: Any,
    beta: Any,
    num_groups: int = 1,
    eps: float = 1e-5,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Normalise each sample over groups of neighbouring channels, and all axes after them.

    Y. Wu, K. He, "Group normalization", ECCV 2018.

    Parameters
    ----------
    data : NDArray
        Shape (batch, channels, ...).
    gamma, beta : NDArray
        Shape (channels,).
    num_groups : int, default 1
        The number of groups of channels.
    eps : float, default 1e-5
        Added to the (biased) variance.

    Raises
    ------
    ArgumentError
        When `num_groups` does not divide the channels.
    ShapeError
        When gamma or beta is of another length.
    """
    x = raw(data)
    along = _place("GroupNorm", data, (gamma, beta), 1)
    if num_groups < 1 or x.shape[1] % num_groups:
        message = (
            f"expected a num_groups that divides {x.shape[1]} channels for GroupNorm, found {num_groups}; "
            "choose another"
        )
        raise ArgumentError(message)
    rows = x.reshape(len(x), num_groups, int(np.prod(x.shape[1:])) // num_groups)
    return _normalised(
        "GroupNorm", (data, gamma, beta), along, rows, (2,), _moments(rows, (2,)), eps, out
    )


def L2Normalization(
    data: Any, eps: float = 1e-10, mode: str = "instance", out: Any = None, name: str | None = None
) -> Any:
    """Compute x / sqrt(sum of x^2 + eps).

    Parameters
    ----------
    data : NDArray
        Shape (batch, channels, ...).
    eps : float, default 1e-10
        Keeps the root from 0.
    mode : {'instance', 'channel', 'spatial'}
        What is summed over: all but the batch, the channels, or the axes after them.

    Raises
    ------
    ArgumentError
        For another mode.
    """
    x = raw(data)
    ranges = {"instance": range(1, x.ndim), "channel": range(1, 2), "spatial": range(2, x.ndim)}
    if mode not in ranges:
        msg = (
            f"expected mode 'instance', 'channel' or 'spatial' for L2Normalization, found {mode!r}"
        )
        raise ArgumentError(msg)
    axes = tuple(ranges[mode])
    # In float64: squares of float32 numbers from 1e20 on are beyond float32.
    squares = np.square(x, dtype=np.float64).sum(axis=axes, keepdims=True)
    length = np.sqrt(squares + float(x.dtype.type(eps))).astype(x.dtype)
    y = x / length

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        return ((g - y * (g * y).sum(axis=axes, keepdims=True)) / length,)

    def formula(np: Any, x: Any) -> Any:
        return x / np.sqrt(np.sum(x * x, axis=axes, keepdims=True) + eps)

    return finish(y, (data,), backward, "L2Normalization", out, formula, MixedNode)
