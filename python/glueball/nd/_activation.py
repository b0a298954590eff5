"""Activations, and Dropout."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _core
from glueball._tape import LinearNode, ResultNode, state
from glueball.base import ArgumentError
from glueball.nd import _special
from glueball.nd._elementwise import identity
from glueball.nd._record import finish, fit, raw, result_axis
from glueball.nd._traced import traced_erf

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueball.nd._record import Plain


__all__ = [
    "Activation", "Dropout", "LeakyReLU", "gelu", "hard_sigmoid", "hard_swish", "log_sigmoid",
    "mish", "relu", "sigmoid", "silu", "softplus", "softrelu", "softsign",
]  # fmt: skip


def _sigmoid(x: Plain) -> Plain:
    # exp of a negative number never overflows.
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)  # type: ignore[no-any-return]


def _smooth_sigmoid(np: Any, x: Any) -> Any:
    # In one expression, whose derivatives do not overflow either.
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def _softplus(x: Plain) -> Plain:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def relu(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute max(x, 0). Its derivative at 0 is taken as 0."""
    x = raw(data)
    y = np.maximum(x, 0)
    return finish(
        y, (data,), lambda g, _: (g * (y > 0),), "relu", out,
        lambda np, x: np.where(x > 0, x, 0), ResultNode,
    )  # fmt: skip


def sigmoid(data: Any, out: Any = None, name: str | None = None) -> Any:
    """1 / (1 + exp(-x))."""
    y = _sigmoid(raw(data))
    return finish(
        y, (data,), lambda g, _: (g * y * (1 - y),), "sigmoid", out, _smooth_sigmoid, ResultNode
    )


def log_sigmoid(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute log(1 / (1 + exp(-x)))."""
    x = raw(data)
    return finish(
        -_softplus(-x), (data,), lambda g, _: (g * _sigmoid(-x),), "log_sigmoid", out,
        lambda np, x: -np.logaddexp(0.0, -x),
    )  # fmt: skip


def softrelu(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute log(1 + exp(x)), also called softplus."""
    x = raw(data)
    return finish(
        _softplus(x), (data,), lambda g, _: (g * _sigmoid(x),), "softrelu", out,
        lambda np, x: np.logaddexp(0.0, x),
    )  # fmt: skip


def softplus(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute `softrelu`."""
    return softrelu(data, out)


def softsign(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute x / (1 + abs(x))."""
    x = raw(data)
    d = 1 + np.abs(x)
    return finish(
        x / d, (data,), lambda g, _: (g / (d * d),), "softsign", out,
        lambda np, x: x / (1 + np.abs(x)),
    )  # fmt: skip


def silu(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute x sigmoid(x), also called swish."""
    x = raw(data)
    s = _sigmoid(x)
    return finish(
        x * s, (data,), lambda g, _: (g * s * (1 + x * (1 - s)),), "silu", out,
        lambda np, x: x * _smooth_sigmoid(np, x),
    )  # fmt: skip


def mish(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute x tanh(log(1 + exp(x))); D. Misra, "Mish", BMVC 2020."""
    x = raw(data)
    t = np.tanh(_softplus(x))
    return finish(
        x * t, (data,), lambda g, _: (g * (t + x * (1 - t * t) * _sigmoid(x)),), "mish", out,
        lambda np, x: x * np.tanh(np.logaddexp(0.0, x)),
    )  # fmt: skip


def gelu(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute x times the standard normal distribution function; D. Hendrycks, K. Gimpel, arXiv:1606.08415."""
    x = raw(data)
    phi = (1 + _special.erf(x * x.dtype.type(math.sqrt(0.5)))) * x.dtype.type(0.5)

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        return (g * (phi + x * np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)),)

    return finish(
        x * phi, (data,), backward, "gelu", out,
        lambda np, x: x * (0.5 + 0.5 * traced_erf()(x * math.sqrt(0.5))),
    )  # fmt: skip


def hard_sigmoid(
    data: Any, alpha: float = 0.2, beta: float = 0.5, out: Any = None, name: str | None = None
) -> Any:
    """Compute alpha x + beta, kept within 0 and 1."""
    x = raw(data)
    line = alpha * x + beta
    inside = (line > 0) & (line < 1)
    return finish(
        np.clip(line, 0, 1), (data,), lambda g, _: (g * inside * alpha,), "hard_sigmoid", out,
        lambda np, x: np.where(inside, alpha * x + beta, np.where(line > 0, 1, 0)),
    )  # fmt: skip


def hard_swish(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute x times min(max(x + 3, 0), 6) / 6; A. Howard et al., "Searching for MobileNetV3", ICCV 2019."""
    x = raw(data)
    gate = np.clip(x + 3, 0, 6) / 6
    inside = (x > -3) & (x < 3)
    return finish(
        x * gate, (data,), lambda g, _: (g * (gate + x * inside / 6),), "hard_swish", out,
        lambda np, x: x * np.where(inside, (x + 3) / 6, gate),
    )  # fmt: skip


_ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "gelu": gelu,
    "hard_sigmoid": hard_sigmoid,
    "hard_swish": hard_swish,
    "log_sigmoid": log_sigmoid,
    "mish": mish,
    "relu": relu,
    "sigmoid": sigmoid,
    "silu": silu,
    "softplus": softplus,
    "softrelu": softrelu,
    "softsign": softsign,
    "swish": silu,
}


def Activation(data: Any, act_type: str, out: Any = None, name: str | None = None) -> Any:
    """Apply the activation called `act_type`.

    Parameters
    ----------
    data : NDArray
        The array.
    act_type : str
        'relu', 'sigmoid', 'tanh', 'softrelu' or 'softplus', 'softsign', 'log_sigmoid', 'gelu', 'silu' or
        'swish', 'mish', 'hard_sigmoid', 'hard_swish'.

    Raises
    ------
    ArgumentError
        For another name.
    """
    if act_type == "tanh":
        y = np.tanh(raw(data))
        return finish(
            y, (data,), lambda g, _: (g * (1 - y * y),), "tanh", out,
            lambda np, x: np.tanh(x), ResultNode,
        )  # fmt: skip
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
    name: str | None = None,
) -> Any:
    """Apply an activation with a slope below 0.

    Parameters
    ----------
    data : NDArray
        Shape (batch, channels, ...).
    gamma : NDArray, optional
        For 'prelu': the slopes, of shape (channels,) or (1,).
    act_type : {'leaky', 'elu', 'selu', 'gelu', 'prelu', 'rrelu'}
        Its kind; 'rrelu' draws its slopes in training and takes their mean in prediction.
    slope : float, default 0.25
        The slope below 0 of 'leaky' and 'elu'.
    lower_bound, upper_bound : float
        Bounds of the slopes of 'rrelu'.

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
            (float(slope), 1.0) if act_type == "elu" else (1.6732632423543772, 1.0507009873554805)
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
            lambda np, x: scale * np.where(positive, x, alpha * np.expm1(np.where(positive, 0, x))),
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

        return finish(
            np.where(x > 0, x, slopes * x), (data, gamma), backward, "prelu", out,
            lambda np, x, w: np.where(x > 0, x, np.reshape(w, slopes.shape) * x),
        )  # fmt: skip
    if act_type == "rrelu" and state.training:
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
    return finish(
        x * factor, (data,), lambda g, _: (g * factor,), act_type, out,
        lambda _, x: x * factor,
    )  # fmt: skip


def Dropout(
    data: Any,
    p: float = 0.5,
    mode: str = "training",
    axes: Any = (),
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Set elements to 0 with probability `p` and divide the others by 1 - p, in training.

    Parameters
    ----------
    data : NDArray
        The array.
    p : float, default 0.5
        Probability of a zero, in [0, 1].
    mode : {'training', 'always'}
        Whether only in training, or in prediction too.
    axes : tuple of int
        Axes along which all elements are kept or dropped together; negative ones count from the last.

    Raises
    ------
    ArgumentError
        When `p` is not a probability, or there is no such axis.
    """
    if not 0 <= p <= 1:
        msg = f"expected p in [0, 1] for Dropout, found {p}; it is the probability of a zero"
        raise ArgumentError(msg)
    x = raw(data)
    if p == 0 or not (state.training or mode == "always"):
        return identity(data, out)
    shared = {result_axis(axis, x.ndim, "Dropout") for axis in axes}
    shape = tuple(1 if i in shared else n for i, n in enumerate(x.shape))
    draws = np.empty(shape, np.float32)
    _core.default_generator().uniform(draws, 0.0, 1.0)
    mask = (draws >= p) * x.dtype.type(0 if p == 1 else 1 / (1 - p))
    return finish(
        x * mask,
        (data,),
        lambda g, _: (g * mask,),
        "Dropout",
        out,
        lambda _, x: x * mask,
        LinearNode,
    )
