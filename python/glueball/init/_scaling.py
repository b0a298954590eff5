"""Initializers whose variance depends on a weight's fan-in and fan-out."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

from glueball import _core
from glueball.base import ArgumentError
from glueball.init._base import Initializer
from glueball.init._check import describe, number, optional_number, word
from glueball.init._registry import alias, name_factory, register

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "KaimingNormal",
    "KaimingUniform",
    "LeCunNormal",
    "LeCunUniform",
    "MSRAPrelu",
    "VarianceScaling",
    "Xavier",
    "XavierNormal",
    "XavierUniform",
    "fans",
    "gain",
]


def gain(nonlinearity: str, param: float | None = None) -> float:
    r"""Return what a weight's standard deviation is multiplied by for the activation behind it.

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
        if isinstance(axes, int):
            return [axes]
        return [operator.index(axis) for axis in axes]
    except TypeError:
        message = (
            f"expected axes (whole numbers) for {name} of {owner}, found {describe(axes)}; "
            f"pass a tuple such as {name}=(0, 1)"
        )
        raise TypeError(message) from None


def _fan_settings(
    owner: str,
    fan_in: float | None,
    fan_out: float | None,
    in_axes: Sequence[int],
    out_axes: Sequence[int],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Check the four settings; return them as the extension takes and as the reader sees them."""
    native = {
        "fan_in": optional_number(owner, "fan_in", fan_in),
        "fan_out": optional_number(owner, "fan_out", fan_out),
        "in_axes": _axes(owner, "in_axes", in_axes),
        "out_axes": _axes(owner, "out_axes", out_axes),
    }
    return native, {name: value if value != [] else None for name, value in native.items()}


@alias("variance_scaling")
@register
class VarianceScaling(_core.VarianceScaling, Initializer):
    r"""Draws with variance ``scale / fan``: the rule of which the others in this module are cases.

    Uniform draws are from :math:`U(-L, L)` with :math:`L = \sqrt{3\,scale/fan}`; normal ones from
    :math:`N(0, scale/fan)`; truncated ones from a normal cut at two of its own sigmas and rescaled,
    so that their variance too is :math:`scale/fan`.

    A weight of shape ``(out, in, *kernel)`` has fan-in ``in * prod(kernel)`` and fan-out
    ``out * prod(kernel)``.

    Parameters
    ----------
    scale : float, default 1.0
        Variance times fan.
    mode : {'fan_in', 'fan_out', 'fan_avg', 'fan_geo_avg'}, default 'fan_in'
        What the variance is divided by: a fan, their mean, or the root of their product.
    distribution : {'truncated_normal', 'normal', 'uniform'}, default 'truncated_normal'
        What is drawn from. ``'untruncated_normal'`` is ``'normal'``. (In Keras ``'normal'`` is
        truncated.)
    fan_in, fan_out : float, optional
        The fans, in place of those that the shape gives: for weights of another layout.
    in_axes, out_axes : sequence of int, optional
        Axes whose lengths multiply to fan-in and fan-out, in place of the rule above.

    Raises
    ------
    ArgumentError
        When `scale` or a fan is negative or not finite, or a word is not one of those above.
    TypeError
        When a setting is not a number: a parameter or an array given for `fan_in`, for example.
    ShapeError
        When it fills an array of fewer than two axes: a bias has no fan-in.

    Examples
    --------
    >>> from glueball import init
    >>> init.VarianceScaling(2.0, "fan_out").variance("dense0_weight", (256, 20))
    0.0078125
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        *,
        fan_in: float | None = None,
        fan_out: float | None = None,
        in_axes: Sequence[int] = (),
        out_axes: Sequence[int] = (),
    ) -> None:
        scale = number("VarianceScaling", "scale", scale)
        mode = word("VarianceScaling", "mode", mode)
        distribution = word("VarianceScaling", "distribution", distribution)
        fan_settings = (fan_in, fan_out, in_axes, out_axes)
        own = {"scale": scale, "mode": mode, "distribution": distribution}
        self._scale(scale, mode, distribution, fan_settings, **own)

    def _scale(
        self,
        scale: float,
        mode: str,
        distribution: str,
        fan_settings: tuple[float | None, float | None, Sequence[int], Sequence[int]],
        /,
        **settings: Any,
    ) -> None:
        """Build the rule under the settings that the subclass's users know."""
        native, shown = _fan_settings(type(self).__name__, *fan_settings)
        native["scale"] = scale
        native["mode"] = mode
        native["distribution"] = "normal" if distribution == "untruncated_normal" else distribution
        self._build(native, **settings, **shown)


@register
class Xavier(_core.Xavier, Initializer):
    r"""Keeps activations and gradients at one scale through the layers: Gluon's initializer.

    With :math:`s = \sqrt{magnitude / fan}`, draws from :math:`U(-s, s)`, or from
    :math:`N(0, s^2)` when `rnd_type` is ``'gaussian'``.

    Parameters
    ----------
    rnd_type : {'uniform', 'gaussian'}, default 'uniform'
        What is drawn from.
    factor_type : {'avg', 'in', 'out'}, default 'avg'
        Which fan: the mean of fan-in and fan-out, or one of them.
    magnitude : float, default 3
        :math:`s^2` times fan. With 3 the uniform has variance ``1 / fan``, and the normal three
        times as much: for Glorot's normal say 1, for He's ``factor_type='in', magnitude=2``.
    fan_in, fan_out, in_axes, out_axes
        As in `VarianceScaling`.

    Raises
    ------
    ArgumentError
        When a word is unknown, or `magnitude` is negative or not finite.
    ShapeError
        When it fills an array of fewer than two axes: a bias has no fan-in.

    References
    ----------
    X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward
    neural networks", AISTATS 2010, eq. 16.

    Examples
    --------
    >>> import numpy as np
    >>> from glueball import init
    >>> weight = np.empty((256, 20), "float32")
    >>> init.Xavier()("dense0_weight", weight)
    >>> bool(abs(weight).max() < np.sqrt(3 / 138))
    True
    """

    def __init__(
        self,
        rnd_type: str = "uniform",
        factor_type: str = "avg",
        magnitude: float = 3,
        *,
        fan_in: float | None = None,
        fan_out: float | None = None,
        in_axes: Sequence[int] = (),
        out_axes: Sequence[int] = (),
    ) -> None:
        own = {
            "rnd_type": word("Xavier", "rnd_type", rnd_type),
            "factor_type": word("Xavier", "factor_type", factor_type),
            "magnitude": number("Xavier", "magnitude", magnitude),
        }
        native, shown = _fan_settings("Xavier", fan_in, fan_out, in_axes, out_axes)
        self._build({**own, **native}, **own, **shown)


@alias("msra_prelu")
@register
class MSRAPrelu(_core.MSRAPrelu, Initializer):
    r"""Draws from :math:`N(0, 2 / ((1 + slope^2)\,fan))`: Gluon's initializer for rectifiers.

    Parameters
    ----------
    factor_type : {'avg', 'in', 'out'}, default 'avg'
        Which fan. The paper's is ``'in'``.
    slope : float, default 0.25
        The rectifier's slope left of 0. For relu say 0.
    fan_in, fan_out, in_axes, out_axes
        As in `VarianceScaling`.

    Raises
    ------
    ArgumentError
        When `factor_type` is unknown, or `slope` is not finite.
    ShapeError
        When it fills an array of fewer than two axes: a bias has no fan-in.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers", arXiv 1502.01852.

    Examples
    --------
    >>> from glueball import init
    >>> round(init.MSRAPrelu().variance("dense0_weight", (400, 300)) ** 0.5, 4)
    0.0733
    """

    def __init__(
        self,
        factor_type: str = "avg",
        slope: float = 0.25,
        *,
        fan_in: float | None = None,
        fan_out: float | None = None,
        in_axes: Sequence[int] = (),
        out_axes: Sequence[int] = (),
    ) -> None:
        own = {
            "factor_type": word("MSRAPrelu", "factor_type", factor_type),
            "slope": number("MSRAPrelu", "slope", slope),
        }
        native, shown = _fan_settings("MSRAPrelu", fan_in, fan_out, in_axes, out_axes)
        self._build({**own, **native}, **own, **shown)


def _gain_setting(owner: str, value: float) -> float:
    value = number(owner, "gain", value)
    # Squaring would hide the sign, and a negative gain is somebody's mistake.
    if not (value >= 0 and math.isfinite(value)):
        message = (
            f"expected a finite gain of 0 or more for {owner}, found {value}; "
            "pass for example init.gain('tanh')"
        )
        raise ArgumentError(message)
    return value


@alias("xavier_uniform")
@register
class XavierUniform(VarianceScaling):
    r"""Draws from :math:`U(-L, L)` with :math:`L = gain \sqrt{6 / (n_{in} + n_{out})}`.

    PyTorch's ``xavier_uniform_``, Keras's and JAX's Glorot uniform, PaddlePaddle's
    ``XavierUniform``.

    Parameters
    ----------
    gain : float, default 1.0
        The activation's gain, see `gain`.
    fan_in, fan_out, in_axes, out_axes
        As in `VarianceScaling`.

    Raises
    ------
    ArgumentError
        When `gain` is negative or not finite.
    ShapeError
        When it fills an array of fewer than two axes: a bias has no fan-in.

    References
    ----------
    X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward
    neural networks", AISTATS 2010, eq. 16.

    Examples
    --------
    >>> from glueball import init
    >>> init.XavierUniform() == init.create("glorot_uniform")
    True
    """

    def __init__(
        self,
        gain: float = 1.0,
        *,
        fan_in: float | None = None,
        fan_out: float | None = None,
        in_axes: Sequence[int] = (),
        out_axes: Sequence[int] = (),
    ) -> None:
        gain = _gain_setting("XavierUniform", gain)
        fan_settings = (fan_in, fan_out, in_axes, out_axes)
        self._scale(gain * gain, "fan_avg", "uniform", fan_settings, gain=gain)


def _normal(truncated: bool) -> str:
    return "truncated_normal" if truncated else "normal"


@alias("xavier_normal")
@register
class XavierNormal(VarianceScaling):
    r"""Draws from a normal with variance :math:`2\,gain^2 / (n_{in} + n_{out})`.

    As it stands, PyTorch's ``xavier_normal_`` and PaddlePaddle's ``XavierNormal``; with
    ``truncated=True`` Keras's and JAX's Glorot normal.

    Parameters
    ----------
    gain : float, default 1.0
        The activation's gain, see `gain`.
    truncated : bool, default False
        Whether to cut at two sigmas, and rescale to the same variance.
    fan_in, fan_out, in_axes, out_axes
        As in `VarianceScaling`.

    Raises
    ------
    ArgumentError
        When `gain` is negative or not finite.
    ShapeError
        When it fills an array of fewer than two axes: a bias has no fan-in.

    References
    ----------
    X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward
    neural networks", AISTATS 2010, eq. 12.

    Examples
    --------
    >>> from glueball import init
    >>> init.create("glorot_normal")
    XavierNormal(gain=1.0, truncated=True)
    """

    def __init__(
        self,
        gain: float = 1.0,
        truncated: bool = False,
        *,
        fan_in: float | None = None,
        fan_out: float | None = None,
        in_axes: Sequence[int] = (),
        out_axes: Sequence[int] = (),
    ) -> None:
        gain = _gain_setting("XavierNormal", gain)
        own = {"gain": gain, "truncated": bool(truncated)}
        fan_settings = (fan_in, fan_out, in_axes, out_axes)
        self._scale(gain * gain, "fan_avg", _normal(truncated), fan_settings, **own)


def _kaiming(owner: str, a: float, mode: str, nonlinearity: str) -> tuple[float, dict[str, Any]]:
    """Return gain squared, and the settings; `a` is a slope, and counts for leaky_relu only."""
    own = {
        "a": number(owner, "a", a),
        "mode": word(owner, "mode", mode),
        "nonlinearity": word(owner, "nonlinearity", nonlinearity),
    }
    factor = gain(nonlinearity, a if nonlinearity == "leaky_relu" else None)
    return factor * factor, own


@alias("kaiming_uniform")
@register
class KaimingUniform(VarianceScaling):
    r"""Draws from :math:`U(-L, L)` with :math:`L = gain \sqrt{3 / fan}`: He's rule for rectifiers.

    PyTorch's and PaddlePaddle's Kaiming uniform, Keras's and JAX's He uniform.

    Parameters
    ----------
    a : float, default 0.0
        Slope left of 0 of a leaky rectifier; counts for ``'leaky_relu'`` only, and 0 is relu.
    mode : {'fan_in', 'fan_out', 'fan_avg', 'fan_geo_avg'}, default 'fan_in'
        Which fan.
    nonlinearity : str, default 'leaky_relu'
        Whose gain: see `gain`.
    fan_in, fan_out, in_axes, out_axes
        As in `VarianceScaling`.

    Raises
    ------
    ArgumentError
        When a word is unknown, or `a` is not finite.
    ShapeError
        When it fills an array of fewer than two axes: a bias has no fan-in.

    Notes
    -----
    PyTorch's ``Linear`` uses ``a=sqrt(5)``, which is a historical accident: its standard
    deviation is 2.45 times smaller than He's.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers", arXiv 1502.01852.

    Examples
    --------
    >>> from glueball import init
    >>> round(init.KaimingUniform().variance("dense0_weight", (256, 20)) ** 0.5, 6)
    0.316228
    """

    def __init__(
        self,
        a: float = 0.0,
        mode: str = "fan_in",
        nonlinearity: str = "leaky_relu",
        *,
        fan_in: float | None = None,
        fan_out: float | None = None,
        in_axes: Sequence[int] = (),
        out_axes: Sequence[int] = (),
    ) -> None:
        scale, own = _kaiming("KaimingUniform", a, mode, nonlinearity)
        self._scale(scale, mode, "uniform", (fan_in, fan_out, in_axes, out_axes), **own)


@alias("kaiming_normal")
@register
class KaimingNormal(VarianceScaling):
    r"""Draws from a normal with variance :math:`gain^2 / fan`: He's rule for rectifiers.

    As it stands, PyTorch's and PaddlePaddle's Kaiming normal; with ``truncated=True`` Keras's and
    JAX's He normal.

    Parameters
    ----------
    a : float, default 0.0
        Slope left of 0 of a leaky rectifier; counts for ``'leaky_relu'`` only, and 0 is relu.
    mode : {'fan_in', 'fan_out', 'fan_avg', 'fan_geo_avg'}, default 'fan_in'
        Which fan.
    nonlinearity : str, default 'leaky_relu'
        Whose gain: see `gain`.
    truncated : bool, default False
        Whether to cut at two sigmas, and rescale to the same variance.
    fan_in, fan_out, in_axes, out_axes
        As in `VarianceScaling`.

    Raises
    ------
    ArgumentError
        When a word is unknown, or `a` is not finite.
    ShapeError
        When it fills an array of fewer than two axes: a bias has no fan-in.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers", arXiv 1502.01852.

    Examples
    --------
    >>> from glueball import init
    >>> init.create("he_normal")
    KaimingNormal(a=0.0, mode='fan_in', nonlinearity='leaky_relu', truncated=True)
    """

    def __init__(
        self,
        a: float = 0.0,
        mode: str = "fan_in",
        nonlinearity: str = "leaky_relu",
        truncated: bool = False,
        *,
        fan_in: float | None = None,
        fan_out: float | None = None,
        in_axes: Sequence[int] = (),
        out_axes: Sequence[int] = (),
    ) -> None:
        scale, own = _kaiming("KaimingNormal", a, mode, nonlinearity)
        own["truncated"] = bool(truncated)
        fan_settings = (fan_in, fan_out, in_axes, out_axes)
        self._scale(scale, mode, _normal(truncated), fan_settings, **own)


@register
class LeCunUniform(VarianceScaling):
    r"""Draws from :math:`U(-L, L)` with :math:`L = \sqrt{3 / n_{in}}`: variance :math:`1 / n_{in}`.

    Parameters
    ----------
    fan_in, fan_out, in_axes, out_axes
        As in `VarianceScaling`.

    Raises
    ------
    ShapeError
        When it fills an array of fewer than two axes: a bias has no fan-in.

    References
    ----------
    Y. LeCun, L. Bottou, G. Orr and K.-R. Müller, "Efficient BackProp", 1998, section 4.6.

    Examples
    --------
    >>> from glueball import init
    >>> init.LeCunUniform().variance("dense0_weight", (256, 20))
    0.05
    """

    def __init__(
        self,
        *,
        fan_in: float | None = None,
        fan_out: float | None = None,
        in_axes: Sequence[int] = (),
        out_axes: Sequence[int] = (),
    ) -> None:
        self._scale(1.0, "fan_in", "uniform", (fan_in, fan_out, in_axes, out_axes))


@register
class LeCunNormal(VarianceScaling):
    r"""Draws from a normal with variance :math:`1 / n_{in}`.

    Parameters
    ----------
    truncated : bool, default False
        Whether to cut at two sigmas, and rescale to the same variance, as Keras and JAX do.
    fan_in, fan_out, in_axes, out_axes
        As in `VarianceScaling`.

    Raises
    ------
    ShapeError
        When it fills an array of fewer than two axes: a bias has no fan-in.

    References
    ----------
    Y. LeCun, L. Bottou, G. Orr and K.-R. Müller, "Efficient BackProp", 1998, section 4.6.

    Examples
    --------
    >>> from glueball import init
    >>> init.create("lecun_normal")
    LeCunNormal(truncated=True)
    """

    def __init__(
        self,
        truncated: bool = False,
        *,
        fan_in: float | None = None,
        fan_out: float | None = None,
        in_axes: Sequence[int] = (),
        out_axes: Sequence[int] = (),
    ) -> None:
        fan_settings = (fan_in, fan_out, in_axes, out_axes)
        self._scale(1.0, "fan_in", _normal(truncated), fan_settings, truncated=bool(truncated))


# kaiming_* and xavier_* are PyTorch's names and mean what they do there; these are Keras's and
# JAX's, where "normal" is truncated.
name_factory("glorot_uniform", XavierUniform)
name_factory("glorot_normal", XavierNormal, truncated=True)
name_factory("he_uniform", KaimingUniform)
name_factory("he_normal", KaimingNormal, truncated=True)
name_factory("lecun_uniform", LeCunUniform)
name_factory("lecun_normal", LeCunNormal, truncated=True)

# What a dense layer of these systems starts from when nothing is said; their biases are 0, as here.
name_factory("keras", XavierUniform)
name_factory("paddle", XavierUniform)
name_factory("flax", LeCunNormal, truncated=True)
