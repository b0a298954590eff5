"""Products of matrices, activations and the other functions that nets are made of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from glueball import _core, _tape
from glueball.base import ArgumentError, ShapeError
from glueball.nd import _special
from glueball.nd._index import integers
from glueball.nd._record import check_same_dtype, finish, fit, raw, result_axis
from glueball.nd._shape import flatten

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Plain: TypeAlias = npt.NDArray[Any]

__all__ = [
    "Activation", "Dropout", "FullyConnected", "L2Normalization", "LayerNorm", "LeakyReLU", "batch_dot", "dot",
    "gelu", "hard_sigmoid", "hard_swish", "log_sigmoid", "log_softmax", "mish", "relu", "sigmoid", "silu",
    "softmax", "softmax_cross_entropy", "softmin", "softplus", "softrelu", "softsign",
]  # fmt: skip


def dot(
    lhs: Any, rhs: Any, transpose_a: bool = False, transpose_b: bool = False, out: Any = None
) -> Any:
    """Sum of products over the last axis of `lhs` and the first of `rhs`.

    Parameters
    ----------
    lhs, rhs : NDArray
        Shapes (..., n) and (n, ...); two vectors give an array of shape (1,).
    transpose_a, transpose_b : bool, default False
        Move the first axis of `lhs` last, the last of `rhs` first: for matrices, transpose.

    Raises
    ------
    ShapeError
        When the summed axes differ in length.
    """
    a, b = raw(lhs), raw(rhs)
    check_same_dtype(a, b, "dot")
    left = np.moveaxis(a, 0, -1) if transpose_a and a.ndim > 1 else a
    right = np.moveaxis(b, -1, 0) if transpose_b and b.ndim > 1 else b
    if a.ndim == 0 or b.ndim == 0 or left.shape[-1] != right.shape[0]:
        msg = (
            f"expected the last axis of lhs as long as the first of rhs for dot, found {a.shape} and {b.shape}"
            f"{' with transpose_a' if transpose_a else ''}{' with transpose_b' if transpose_b else ''}; "
            f"transpose one of them"
        )
        raise ShapeError(msg)

    def backward(g: Plain, _: Any) -> tuple[Plain, Plain]:
        rank = left.ndim - 1
        grad_left = np.tensordot(g, right, (range(rank, g.ndim), range(1, right.ndim)))
        grad_right = np.tensordot(left, g, (range(rank), range(rank)))
        return (
            np.moveaxis(grad_left, -1, 0) if left is not a else grad_left,
            np.moveaxis(grad_right, 0, -1) if right is not b else grad_right,
        )

    # Only for matrices and vectors do NumPy's dot and Gluon's agree.
    value = np.dot(left, right) if right.ndim <= 2 else np.tensordot(left, right, 1)
    return finish(value, (lhs, rhs), backward, "dot", out)


def batch_dot(
    lhs: Any, rhs: Any, transpose_a: bool = False, transpose_b: bool = False, out: Any = None
) -> Any:
    """Products of matrices, one for each place on the leading axes.

    Parameters
    ----------
    lhs, rhs : NDArray
        Shapes (batch, m, k) and (batch, k, n); the result is (batch, m, n).
    transpose_a, transpose_b : bool, default False
        Exchange the last two axes first.

    Raises
    ------
    ShapeError
        When the shapes do not fit.
    """
    a, b = raw(lhs), raw(rhs)
    check_same_dtype(a, b, "batch_dot")
    fits = a.ndim == b.ndim >= 3 and a.shape[:-2] == b.shape[:-2]
    left = a.swapaxes(-1, -2) if fits and transpose_a else a
    right = b.swapaxes(-1, -2) if fits and transpose_b else b
    if not fits or left.shape[-1] != right.shape[-2]:
        msg = (
            f"expected shapes (batch, m, k) and (batch, k, n) for batch_dot, found {a.shape} and {b.shape}"
            f"; use transpose_a= or transpose_b=, or dot for two matrices"
        )
        raise ShapeError(msg)

    def backward(g: Plain, _: Any) -> tuple[Plain, Plain]:
        grad_left = g @ right.swapaxes(-1, -2)
        grad_right = left.swapaxes(-1, -2) @ g
        return (
            grad_left.swapaxes(-1, -2) if transpose_a else grad_left,
            grad_right.swapaxes(-1, -2) if transpose_b else grad_right,
        )

    return finish(left @ right, (lhs, rhs), backward, "batch_dot", out)


def FullyConnected(
    data: Any,
    weight: Any,
    bias: Any = None,
    num_hidden: int | None = None,
    no_bias: bool = False,
    flatten: bool = True,
    out: Any = None,
) -> Any:
    """A dense layer: ``data weight^T + bias``.

    Parameters
    ----------
    data : NDArray
        Shape (batch, in_units), or with more axes: flattened, or with `flatten` False taken as they are.
    weight : NDArray
        Shape (units, in_units).
    bias : NDArray, optional
        Shape (units,).
    num_hidden : int, optional
        Units; checked against `weight`.
    no_bias : bool, default False
        Leave `bias` out.
    flatten : bool, default True
        Make one axis of all but the first.

    Raises
    ------
    ShapeError
        When the shapes do not fit.
    """
    x, w = raw(data), raw(weight)
    check_same_dtype(x, w, "FullyConnected")
    use_bias = bias is not None and not no_bias
    rows = x.reshape(len(x), -1 if x.size else int(np.prod(x.shape[1:]))) if flatten else x
    if w.ndim != 2 or rows.shape[-1] != w.shape[1] or num_hidden not in (None, w.shape[0]):
        msg = (
            f"expected a weight of shape ({num_hidden or 'units'}, {rows.shape[-1]}) for FullyConnected on "
            f"data of shape {x.shape}, found {w.shape}; it is (units, in_units)"
        )
        raise ShapeError(msg)
    y = rows @ w.T
    b = raw(bias) if use_bias else None
    if b is not None:
        if b.shape != (w.shape[0],):
            msg = f"expected a bias of shape ({w.shape[0]},) for FullyConnected, found {b.shape}; it is (units,)"
            raise ShapeError(msg)
        check_same_dtype(x, b, "FullyConnected")
        y += b

    def backward(g: Plain, _: Any) -> tuple[Plain, ...]:
        flat = g.reshape(-1, g.shape[-1])
        grads = ((g @ w).reshape(x.shape), flat.T @ rows.reshape(-1, rows.shape[-1]))
        return grads if b is None else (*grads, flat.sum(axis=0))

    inputs = (data, weight) if b is None else (data, weight, bias)
    return finish(y, inputs, backward, "FullyConnected", out)


def _sigmoid(x: Plain) -> Plain:
    # exp of a negative number never overflows.
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)  # type: ignore[no-any-return]


def _softplus(x: Plain) -> Plain:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def relu(data: Any, out: Any = None) -> Any:
    """max(x, 0). Its derivative at 0 is taken as 0."""
    x = raw(data)
    y = np.maximum(x, 0)
    return finish(y, (data,), lambda g, _: (g * (y > 0),), "relu", out)


def sigmoid(data: Any, out: Any = None) -> Any:
    """1 / (1 + exp(-x))."""
    y = _sigmoid(raw(data))
    return finish(y, (data,), lambda g, _: (g * y * (1 - y),), "sigmoid", out)


def log_sigmoid(data: Any, out: Any = None) -> Any:
    """log(1 / (1 + exp(-x)))."""
    x = raw(data)
    return finish(-_softplus(-x), (data,), lambda g, _: (g * _sigmoid(-x),), "log_sigmoid", out)


def softrelu(data: Any, out: Any = None) -> Any:
    """log(1 + exp(x)), also called softplus."""
    x = raw(data)
    return finish(_softplus(x), (data,), lambda g, _: (g * _sigmoid(x),), "softrelu", out)


def softplus(data: Any, out: Any = None) -> Any:
    """As `softrelu`."""
    return softrelu(data, out)


def softsign(data: Any, out: Any = None) -> Any:
    """x / (1 + abs(x))."""
    x = raw(data)
    d = 1 + np.abs(x)
    return finish(x / d, (data,), lambda g, _: (g / (d * d),), "softsign", out)


def silu(data: Any, out: Any = None) -> Any:
    """x sigmoid(x), also called swish."""
    x = raw(data)
    s = _sigmoid(x)
    return finish(x * s, (data,), lambda g, _: (g * s * (1 + x * (1 - s)),), "silu", out)


def mish(data: Any, out: Any = None) -> Any:
    """x tanh(log(1 + exp(x))); D. Misra, "Mish", BMVC 2020."""
    x = raw(data)
    t = np.tanh(_softplus(x))
    return finish(
        x * t, (data,), lambda g, _: (g * (t + x * (1 - t * t) * _sigmoid(x)),), "mish", out
    )


def gelu(data: Any, out: Any = None) -> Any:
    """x times the standard normal distribution function; D. Hendrycks, K. Gimpel, arXiv:1606.08415."""
    x = raw(data)
    phi = (1 + _special.erf(x * x.dtype.type(math.sqrt(0.5)))) * x.dtype.type(0.5)

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        return (g * (phi + x * np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)),)

    return finish(x * phi, (data,), backward, "gelu", out)


def hard_sigmoid(data: Any, alpha: float = 0.2, beta: float = 0.5, out: Any = None) -> Any:
    """alpha x + beta, kept within 0 and 1."""
    x = raw(data)
    line = alpha * x + beta
    inside = (line > 0) & (line < 1)
    return finish(
        np.clip(line, 0, 1), (data,), lambda g, _: (g * inside * alpha,), "hard_sigmoid", out
    )


def hard_swish(data: Any, out: Any = None) -> Any:
    """x times min(max(x + 3, 0), 6) / 6; A. Howard et al., "Searching for MobileNetV3", ICCV 2019."""
    x = raw(data)
    gate = np.clip(x + 3, 0, 6) / 6
    inside = (x > -3) & (x < 3)
    return finish(x * gate, (data,), lambda g, _: (g * (gate + x * inside / 6),), "hard_swish", out)


_ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "gelu": gelu,
    "hard_sigmoid": hard_sigmoid,
    "hard_swish": hard_swish,
    "log_sigmoid": log_sigmoid,
    "mish": mish,
    "relu": relu,
    "sigmoid": sigmoid,
    "silu": silu,
    "softrelu": softrelu,
    "softsign": softsign,
    "swish": silu,
}


def Activation(data: Any, act_type: str, out: Any = None) -> Any:
    """The activation called `act_type`.

    Parameters
    ----------
    data : NDArray
        The array.
    act_type : str
        'relu', 'sigmoid', 'tanh', 'softrelu', 'softsign', 'log_sigmoid', 'gelu', 'silu' or 'swish', 'mish',
        'hard_sigmoid', 'hard_swish'.

    Raises
    ------
    ArgumentError
        For another name.
    """
    if act_type == "tanh":
        y = np.tanh(raw(data))
        return finish(y, (data,), lambda g, _: (g * (1 - y * y),), "tanh", out)
    function = _ACTIVATIONS.get(act_type)
    if function is None:
        known = ", ".join(sorted([*_ACTIVATIONS, "tanh"]))
        msg = f"expected an activation among {known}, found {act_type!r}; choose one of them"
        raise ArgumentError(msg)
    return function(data, out=out)


def LeakyReLU(
    data: Any,
    gamma: Any = None,
    act_type: str = "leaky",
    slope: float = 0.25,
    lower_bound: float = 0.125,
    upper_bound: float = 0.334,
    out: Any = None,
) -> Any:
    """Activations with a slope below 0.

    Parameters
    ----------
    data : NDArray
        Shape (batch, channels, ...).
    gamma : NDArray, optional
        For 'prelu': the slopes, of shape (channels,) or (1,).
    act_type : {'leaky', 'elu', 'selu', 'gelu', 'prelu', 'rrelu'}
        Which; 'rrelu' draws its slopes in training and takes their mean in prediction.
    slope : float, default 0.25
        Below 0, of 'leaky' and 'elu'.
    lower_bound, upper_bound : float
        Of the slopes of 'rrelu'.

    Raises
    ------
    ArgumentError
        For another `act_type`, or 'prelu' without `gamma`.
    """
    x = raw(data)
    if act_type == "gelu":
        return gelu(data, out)
    if act_type in ("elu", "selu"):
        # selu's constants: G. Klambauer et al., "Self-normalizing neural networks", NIPS 2017.
        alpha, scale = (
            (slope, 1.0) if act_type == "elu" else (1.6732632423543772, 1.0507009873554805)
        )
        positive = x > 0
        low = alpha * np.expm1(np.minimum(x, 0))
        y = x.dtype.type(scale) * np.where(positive, x, low)
        return finish(
            y,
            (data,),
            lambda g, _: (g * np.where(positive, scale, scale * (low + alpha)),),
            act_type,
            out,
        )
    if act_type == "prelu":
        if gamma is None:
            msg = "expected gamma for LeakyReLU with act_type='prelu', found None; pass an array of the slopes"
            raise ArgumentError(msg)
        w = raw(gamma)
        slopes = w.reshape((1, -1) + (1,) * (x.ndim - 2)) if x.ndim > 1 and w.size > 1 else w

        def backward(g: Plain, _: Any) -> tuple[Plain, Plain]:
            return g * np.where(x > 0, 1, slopes), fit(g * np.minimum(x, 0), slopes).reshape(
                w.shape
            )

        return finish(np.where(x > 0, x, slopes * x), (data, gamma), backward, "prelu", out)
    if act_type == "rrelu" and _tape.state.training:
        steepness = np.empty(x.shape, x.dtype if x.dtype.kind == "f" else np.float32)
        _core.default_generator().uniform(steepness, lower_bound, upper_bound)
    elif act_type in ("leaky", "rrelu"):
        mean = slope if act_type == "leaky" else (lower_bound + upper_bound) / 2
        steepness = np.full((), mean, x.dtype)
    else:
        msg = (
            f"expected act_type 'leaky', 'elu', 'selu', 'gelu', 'prelu' or 'rrelu' for LeakyReLU, found "
            f"{act_type!r}; choose one of them"
        )
        raise ArgumentError(msg)
    factor = np.where(x > 0, 1, steepness).astype(x.dtype)
    return finish(x * factor, (data,), lambda g, _: (g * factor,), act_type, out)


def _normalised(x: Plain, axis: int, temperature: float | None) -> Plain:
    scaled = x if temperature in (None, 1.0) else x / x.dtype.type(temperature)
    # The largest exponent becomes 0, which nothing can overflow. A row of -inf alone stays as it is.
    top = scaled.max(axis=axis, keepdims=True, initial=-np.inf)
    return scaled - np.where(np.isneginf(top), 0, top)


def softmax(
    data: Any,
    axis: int = -1,
    length: Any = None,
    temperature: float | None = None,
    use_length: bool = False,
    dtype: Any = None,
    out: Any = None,
) -> Any:
    """exp(x) divided by its sum along an axis.

    Parameters
    ----------
    data : NDArray
        The array.
    axis : int, default -1
        The axis whose elements shall sum to 1.
    length : NDArray, optional
        With `use_length`: how many leading elements along the axis count; the others become 0.
    temperature : float, optional
        Divides x first.
    """
    x = raw(data)
    x = x.astype(dtype) if dtype is not None else x
    along = result_axis(int(axis), x.ndim, "softmax")
    if use_length and length is not None:
        counts = np.expand_dims(integers(raw(length), "length"), along)
        places = np.arange(x.shape[along]).reshape((-1,) + (1,) * (x.ndim - 1 - along))
        x = np.where(places < counts, x, -np.inf).astype(x.dtype)
    e = np.exp(_normalised(x, along, temperature))
    total = e.sum(axis=along, keepdims=True)
    y = e / np.where(total == 0, 1, total)
    rate = 1.0 if temperature is None else 1.0 / temperature

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        return (y * (g - (g * y).sum(axis=along, keepdims=True)) * rate,)

    return finish(y, (data,), backward, "softmax", out)


def softmin(data: Any, axis: int = -1, temperature: float | None = None, out: Any = None) -> Any:
    """softmax(-x)."""
    return softmax(-data, axis=axis, temperature=temperature, out=out)


def log_softmax(
    data: Any, axis: int = -1, temperature: float | None = None, dtype: Any = None, out: Any = None
) -> Any:
    """Logarithm of `softmax`, exact where that underflows."""
    x = raw(data)
    x = x.astype(dtype) if dtype is not None else x
    along = result_axis(int(axis), x.ndim, "log_softmax")
    shifted = _normalised(x, along, temperature)
    y = shifted - np.log(np.exp(shifted).sum(axis=along, keepdims=True))
    rate = 1.0 if temperature is None else 1.0 / temperature

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        return ((g - np.exp(y) * g.sum(axis=along, keepdims=True)) * rate,)

    return finish(y, (data,), backward, "log_softmax", out)


def softmax_cross_entropy(data: Any, label: Any, out: Any = None) -> Any:
    """Sum over the batch of -log softmax(data)[label], of shape (1,).

    Parameters
    ----------
    data : NDArray
        Shape (batch, classes).
    label : NDArray
        Class numbers, shape (batch,).

    Raises
    ------
    IndexError
        When a label is not a class.
    """
    x = raw(data)
    classes = integers(raw(label), "label")
    if x.ndim != 2 or classes.shape != x.shape[:1]:
        msg = f"expected data (batch, classes) and label (batch,), found {x.shape} and {classes.shape}"
        raise ShapeError(msg)
    if classes.size and (classes.min() < 0 or classes.max() >= x.shape[1]):
        bad = int(np.flatnonzero((classes < 0) | (classes >= x.shape[1]))[0])
        msg = f"expected labels in 0..{x.shape[1] - 1}, found {classes[bad]} at position {bad}; check the data"
        raise IndexError(msg)
    shifted = _normalised(x, 1, None)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(x))

    def backward(g: Plain, _: Any) -> tuple[Plain, None]:
        grad = np.exp(logs)
        grad[rows, classes] -= 1
        return grad * g, None

    value = -logs[rows, classes].sum(dtype=x.dtype)
    return finish(value, (data, label), backward, "softmax_cross_entropy", out)


def Dropout(
    data: Any, p: float = 0.5, mode: str = "training", axes: Any = (), out: Any = None
) -> Any:
    """In training, set elements to 0 with probability `p` and divide the others by 1 - p.

    Parameters
    ----------
    data : NDArray
        The array.
    p : float, default 0.5
        Probability of a zero, in [0, 1].
    mode : {'training', 'always'}
        Whether also in prediction.
    axes : tuple of int
        Axes along which all elements share their fate.

    Raises
    ------
    ArgumentError
        When `p` is no probability.
    """
    if not 0 <= p <= 1:
        msg = f"expected p in [0, 1] for Dropout, found {p}; it is the probability of a zero"
        raise ArgumentError(msg)
    x = raw(data)
    if p == 0 or not (_tape.state.training or mode == "always"):
        return finish(x.copy(), (data,), lambda g, _: (g,), "Dropout", out)
    shape = tuple(1 if i in tuple(axes) else n for i, n in enumerate(x.shape))
    draws = np.empty(shape, np.float32)
    _core.default_generator().uniform(draws, 0.0, 1.0)
    mask = (draws >= p) * x.dtype.type(0 if p == 1 else 1 / (1 - p))
    return finish(x * mask, (data,), lambda g, _: (g * mask,), "Dropout", out)


def L2Normalization(data: Any, eps: float = 1e-10, mode: str = "instance", out: Any = None) -> Any:
    """x / sqrt(sum of x^2 + eps).

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
    length = np.sqrt(np.square(x).sum(axis=axes, keepdims=True) + x.dtype.type(eps))
    y = x / length

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        return ((g - y * (g * y).sum(axis=axes, keepdims=True)) / length,)

    return finish(y, (data,), backward, "L2Normalization", out)


def LayerNorm(
    data: Any, gamma: Any, beta: Any, axis: int = -1, eps: float = 1e-5, out: Any = None
) -> Any:
    """(x - mean) / sqrt(variance + eps) along an axis, times gamma, plus beta.

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
        Keeps the root from 0.
    """
    x, scale, shift = raw(data), raw(gamma), raw(beta)
    along = result_axis(int(axis), x.ndim, "LayerNorm")
    wide = [-1 if i == along else 1 for i in range(x.ndim)]
    centred = x - x.mean(axis=along, keepdims=True)
    deviation = np.sqrt(np.square(centred).mean(axis=along, keepdims=True) + x.dtype.type(eps))
    unit = centred / deviation
    others = tuple(i for i in range(x.ndim) if i != along)

    def backward(g: Plain, _: Any) -> tuple[Plain, Plain, Plain]:
        h = g * scale.reshape(wide)
        mean = h.mean(axis=along, keepdims=True)
        slope = (h * unit).mean(axis=along, keepdims=True)
        return (
            (h - mean - unit * slope) / deviation,
            (g * unit).sum(axis=others),
            g.sum(axis=others),
        )

    value = unit * scale.reshape(wide) + shift.reshape(wide)
    return finish(value, (data, gamma, beta), backward, "LayerNorm", out)


Flatten = flatten
