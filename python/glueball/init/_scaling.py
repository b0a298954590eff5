"""Initializers whose variance depends on a weight's fan-in and fan-out: the general rule, and MXNet's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball import _core
from glueball.init._base import Initializer
from glueball.init._check import finite, number, word
from glueball.init._fans import checked_fans
from glueball.init._registry import alias, register

if TYPE_CHECKING:
    from typing import Unpack

    from glueball.init._fans import FanSettings

__all__ = ["MSRAPrelu", "VarianceScaling", "Xavier"]


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
        **fans: Unpack[FanSettings],
    ) -> None:
        scale = number("VarianceScaling", "scale", scale)
        mode = word("VarianceScaling", "mode", mode)
        distribution = word("VarianceScaling", "distribution", distribution)
        own = {"scale": scale, "mode": mode, "distribution": distribution}
        self._scale(scale, mode, distribution, fans, **own)

    variance = Initializer.variance

    def _moments(self, name: str, shape: tuple[int, ...]) -> tuple[float, float]:
        return 0.0, self._bound.variance(self, name, shape)  # type: ignore[attr-defined]

    def _scale(
        self,
        scale: float,
        mode: str,
        distribution: str,
        fans: FanSettings,
        /,
        **settings: Any,
    ) -> None:
        """Build the rule under the settings that the subclass's users know."""
        native, shown = checked_fans(type(self).__name__, **fans)
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
        **fans: Unpack[FanSettings],
    ) -> None:
        own = {
            "rnd_type": word("Xavier", "rnd_type", rnd_type),
            "factor_type": word("Xavier", "factor_type", factor_type),
            "magnitude": number("Xavier", "magnitude", magnitude),
        }
        native, shown = checked_fans("Xavier", **fans)
        self._build({**own, **native}, **own, **shown)

    variance = Initializer.variance
    _moments = VarianceScaling._moments


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
        self, factor_type: str = "avg", slope: float = 0.25, **fans: Unpack[FanSettings]
    ) -> None:
        own = {
            "factor_type": word("MSRAPrelu", "factor_type", factor_type),
            "slope": finite("MSRAPrelu", "slope", slope),
        }
        native, shown = checked_fans("MSRAPrelu", **fans)
        self._build({**own, **native}, **own, **shown)

    variance = Initializer.variance
    _moments = VarianceScaling._moments
