"""What a weight's variance is scaled by: its fans, and the gain of what follows it."""

from __future__ import annotations

import numbers
import operator
from typing import TYPE_CHECKING, Any

from glueball import _core
from glueball.base import GlueballTypeError
from glueball.init._check import describe, optional_number, word

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypedDict

    class FanSettings(TypedDict, total=False):
        """Settings of initializers that scale by fans, besides their own: see `VarianceScaling`."""

        fan_in: float | None
        fan_out: float | None
        in_axes: Sequence[int]
        out_axes: Sequence[int]


__all__ = ["checked_fans", "fans", "gain"]


def gain(nonlinearity: str, param: float | None = None) -> float:
    r"""Return what a weight's standard deviation is multiplied by for the activation that follows it.

    Parameters
    ----------
    nonlinearity : str
        ``'linear'``, ``'identity'``, ``'sigmoid'`` (1); ``'tanh'`` (5/3); ``'relu'``
        (:math:`\sqrt 2`); ``'leaky_relu'`` (:math:`\sqrt{2 / (1 + a^2)}`); ``'selu'`` (3/4, or
        ``'snn'``: 1); ``'gelu'``, ``'silu'``, ``'swish'``, ``'elu'``, ``'softplus'``,
        ``'softrelu'``, ``'softsign'``, ``'mish'`` (:math:`1 / \sqrt{E[f(z)^2]}` with z from N(0,
        1)).
    param : float, optional
        The slope a of ``'leaky_relu'``, 0.01 when not given.

    Returns
    -------
    float
        The gain.

    Raises
    ------
    ArgumentError
        For another name.

    Examples
    --------
    >>> from glueball import init
    >>> round(init.gain("relu"), 4), round(init.gain("tanh"), 4)
    (1.4142, 1.6667)
    """
    slope = optional_number("gain", "param", param)
    return float(_core.gain(word("gain", "nonlinearity", nonlinearity), slope))


def fans(shape: Sequence[int], name: str = "weight") -> tuple[float, float]:
    """Return fan-in and fan-out of a weight.

    Parameters
    ----------
    shape : sequence of int
        ``(out, in, *kernel)``.
    name : str, default 'weight'
        What an error calls the weight.

    Returns
    -------
    tuple of float
        ``in`` and ``out``, each times the number of the kernel's elements.

    Raises
    ------
    ShapeError
        When there are fewer than two axes.

    Examples
    --------
    >>> from glueball import init
    >>> init.fans((256, 20)), init.fans((16, 8, 3, 3))
    ((20.0, 256.0), (72.0, 144.0))
    """
    fan_in, fan_out = _core.fans(name, tuple(shape))
    return float(fan_in), float(fan_out)


def _axes(owner: str, name: str, axes: Any) -> list[int]:
    try:
        if isinstance(axes, numbers.Integral):
            return [int(axes)]
        return [operator.index(axis) for axis in axes]
    except TypeError:
        message = (
            f"expected axes (integers) for {name} of {owner}, found {describe(axes)}; "
            f"pass a tuple such as {name}=(0, 1)"
        )
        raise GlueballTypeError(message) from None


def checked_fans(
    owner: str,
    fan_in: float | None = None,
    fan_out: float | None = None,
    in_axes: Sequence[int] = (),
    out_axes: Sequence[int] = (),
    **unknown: Any,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Check the four settings; return them as the extension takes and as the reader sees them."""
    if unknown:
        message = (
            f"expected only documented settings of {owner}, found {', '.join(unknown)}; remove them"
        )
        raise GlueballTypeError(message)
    native = {
        "fan_in": optional_number(owner, "fan_in", fan_in),
        "fan_out": optional_number(owner, "fan_out", fan_out),
        "in_axes": _axes(owner, "in_axes", in_axes),
        "out_axes": _axes(owner, "out_axes", out_axes),
    }
    return native, {name: value if value != [] else None for name, value in native.items()}
