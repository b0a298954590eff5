"""Scalings of variance by the names and settings that PyTorch, Keras and JAX give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball._number import fits_float32
from glueball.base import ArgumentError
from glueball.init._check import number, word
from glueball.init._fans import gain
from glueball.init._registry import alias, name_factory, register
from glueball.init._scaling import VarianceScaling

if TYPE_CHECKING:
    from typing import Unpack

    from glueball.init._fans import FanSettings

__all__ = [
    "KaimingNormal", "KaimingUniform", "LeCunNormal", "LeCunUniform", "XavierNormal",
    "XavierUniform",
]  # fmt: skip


def _gain_setting(owner: str, value: float) -> float:
    value = number(owner, "gain", value)
    # Squaring would hide the sign, and a negative gain is somebody's mistake.
    if not (value >= 0 and fits_float32(value)):
        message = (
            f"expected a finite gain of 0 or more for {owner}, found {value}; "
            "pass for example init.gain('tanh')"
        )
        raise ArgumentError(message)
    return value


def _normal(truncated: bool) -> str:
    return "truncated_normal" if truncated else "normal"


def _kaiming(owner: str, a: float, mode: str, nonlinearity: str) -> tuple[float, dict[str, Any]]:
    """Return gain squared, and the settings; `a` is a slope, and counts for leaky_relu only."""
    own = {
        "a": number(owner, "a", a),
        "mode": word(owner, "mode", mode),
        "nonlinearity": word(owner, "nonlinearity", nonlinearity),
    }
    factor = gain(nonlinearity, a if nonlinearity == "leaky_relu" else None)
    return factor * factor, own


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
    TypeError, ShapeError
        As `VarianceScaling`.

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

    def __init__(self, gain: float = 1.0, **fans: Unpack[FanSettings]) -> None:
        gain = _gain_setting("XavierUniform", gain)
        self._scale(gain * gain, "fan_avg", "uniform", fans, gain=gain)


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
    TypeError, ShapeError
        As `VarianceScaling`.

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
        self, gain: float = 1.0, truncated: bool = False, **fans: Unpack[FanSettings]
    ) -> None:
        gain = _gain_setting("XavierNormal", gain)
        own = {"gain": gain, "truncated": bool(truncated)}
        self._scale(gain * gain, "fan_avg", _normal(truncated), fans, **own)


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
    TypeError, ShapeError
        As `VarianceScaling`.

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
        **fans: Unpack[FanSettings],
    ) -> None:
        scale, own = _kaiming("KaimingUniform", a, mode, nonlinearity)
        self._scale(scale, mode, "uniform", fans, **own)


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
    TypeError, ShapeError
        As `VarianceScaling`.

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
        **fans: Unpack[FanSettings],
    ) -> None:
        scale, own = _kaiming("KaimingNormal", a, mode, nonlinearity)
        own["truncated"] = bool(truncated)
        self._scale(scale, mode, _normal(truncated), fans, **own)


@register
class LeCunUniform(VarianceScaling):
    r"""Draws from :math:`U(-L, L)` with :math:`L = \sqrt{3 / n_{in}}`: variance :math:`1 / n_{in}`.

    Parameters
    ----------
    fan_in, fan_out, in_axes, out_axes
        As in `VarianceScaling`.

    Raises
    ------
    ArgumentError, TypeError, ShapeError
        As `VarianceScaling`.

    References
    ----------
    Y. LeCun, L. Bottou, G. Orr and K.-R. Müller, "Efficient BackProp", 1998, section 4.6.

    Examples
    --------
    >>> from glueball import init
    >>> init.LeCunUniform().variance("dense0_weight", (256, 20))
    0.05
    """

    def __init__(self, **fans: Unpack[FanSettings]) -> None:
        self._scale(1.0, "fan_in", "uniform", fans)


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
    ArgumentError, TypeError, ShapeError
        As `VarianceScaling`.

    References
    ----------
    Y. LeCun, L. Bottou, G. Orr and K.-R. Müller, "Efficient BackProp", 1998, section 4.6.

    Examples
    --------
    >>> from glueball import init
    >>> init.create("lecun_normal")
    LeCunNormal(truncated=True)
    """

    def __init__(self, truncated: bool = False, **fans: Unpack[FanSettings]) -> None:
        self._scale(1.0, "fan_in", _normal(truncated), fans, truncated=bool(truncated))


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
