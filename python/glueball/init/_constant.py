"""Initializers that draw nothing: constants, identities and fixed kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from glueball import _core
from glueball.base import GlueballTypeError
from glueball.init._base import Initializer
from glueball.init._check import describe, finite, integer, number
from glueball.init._registry import alias, register

__all__ = ["Assign", "Bilinear", "Constant", "Dirac", "Identity", "LSTMBias", "One", "Zero"]


@alias("zeros")
@register
class Zero(_core.Zero, Initializer):
    """Fills with 0.

    Examples
    --------
    >>> import numpy as np
    >>> from glueball import init
    >>> weight = np.empty((1, 3), "float32")
    >>> init.Zero()("dense0_weight", weight)
    >>> weight
    array([[0., 0., 0.]], dtype=float32)
    """

    def __init__(self) -> None:
        self._build({})


@alias("ones")
@register
class One(_core.One, Initializer):
    """Fills with 1.

    Called by hand on a name that ends in ``bias`` it gives 0, as every initializer does whose class
    has no hook for biases; given to a layer as ``bias_initializer`` it gives 1.

    Examples
    --------
    >>> import numpy as np
    >>> from glueball import init
    >>> weight = np.empty((1, 3), "float32")
    >>> init.One()("dense0_weight", weight)
    >>> weight
    array([[1., 1., 1.]], dtype=float32)
    """

    def __init__(self) -> None:
        self._build({})


@alias("assign")
@register
class Constant(_core.Constant, Initializer):
    """Fills with one number, or with a given array.

    Parameters
    ----------
    value : float, str or array_like
        What to write. An array (or nested list) is copied now, and broadcast to the parameter's
        shape by NumPy's rule; a string has to read as a number.

    Raises
    ------
    TypeError
        When `value` is neither a number nor an array of numbers.
    ShapeError
        When it fills a parameter to whose shape the array cannot be broadcast.

    Examples
    --------
    >>> import numpy as np
    >>> from glueball import init
    >>> weight = np.empty((2, 3), "float32")
    >>> init.Constant([1, 2, 3])("dense0_weight", weight)
    >>> weight
    array([[1., 2., 3.],
           [1., 2., 3.]], dtype=float32)
    """

    def __init__(self, value: Any) -> None:
        kept = _constant(value)
        self._build({"value": kept}, value=kept)

    @property
    def _kwargs(self) -> dict[str, Any]:  # type: ignore[override]
        """The settings as JSON can hold them: libraries write ``json.dumps([name, init._kwargs])``."""
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in self.__dict__["_kwargs"].items()
        }

    def _moments(self, name: str, shape: tuple[int, ...]) -> tuple[float, float]:
        if isinstance(self.value, np.ndarray):
            return super()._moments(name, shape)  # which is exact: nothing is drawn
        return float(self.value), 0.0


Assign = Constant
"""PaddlePaddle's name for a `Constant` that holds an array."""


def _constant(value: Any) -> float | np.ndarray[Any, np.dtype[np.float64]]:
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            pass
    elif isinstance(value, (np.ndarray, list, tuple)):
        try:
            values = np.asarray(value)
        except ValueError:
            values = np.asarray(None)
        if values.dtype.kind in "biuf" or values.dtype.kind == "U":
            try:
                return np.array(values, dtype=np.float64, order="C")
            except ValueError:
                pass
    elif isinstance(value, (bool, np.bool_)):
        return float(value)
    else:
        value = number("Constant", "value", value)
        # Infinity and NaN say what they are.
        return finite("Constant", "value", value) if np.isfinite(value) else value
    message = (
        f"expected a number or an array of numbers for value of Constant, found {describe(value)}; "
        "pass a float, a list or an array"
    )
    raise GlueballTypeError(message)


@alias("eye")
@register
class Identity(_core.Identity, Initializer):
    """Fills a matrix with `gain` on its diagonal and 0 elsewhere; it need not be square.

    Parameters
    ----------
    gain : float, default 1.0
        The value on the diagonal.

    Raises
    ------
    ShapeError
        When it fills an array that has not two axes.

    References
    ----------
    Q. Le, N. Jaitly and G. Hinton, "A simple way to initialize recurrent networks of rectified
    linear units", arXiv 1504.00941.

    Examples
    --------
    >>> import numpy as np
    >>> from glueball import init
    >>> weight = np.empty((2, 3), "float32")
    >>> init.Identity(0.5)("dense0_weight", weight)
    >>> weight
    array([[0.5, 0. , 0. ],
           [0. , 0.5, 0. ]], dtype=float32)
    """

    def __init__(self, gain: float = 1.0) -> None:
        gain = finite("Identity", "gain", gain)
        self._build({"gain": gain}, gain=gain)


@register
class Dirac(_core.Dirac, Initializer):
    r"""Lets a convolution pass its input through unchanged.

    For each of `groups` groups g and each channel :math:`d < \min(out/groups, in)`,
    ``w[g * out/groups + d, d, centre]`` is 1, where the centre of an axis of length n is
    ``n // 2``; all else is 0. On a matrix it is `Identity`.

    Parameters
    ----------
    groups : int, default 1
        Groups of the convolution; has to divide the weight's first axis.

    Raises
    ------
    ArgumentError
        When `groups` is less than 1.
    ShapeError
        When it fills an array that has not two to five axes, or whose first does not divide by
        `groups`.

    References
    ----------
    S. Zagoruyko and N. Komodakis, "DiracNets", arXiv 1706.00388.

    Examples
    --------
    >>> import numpy as np
    >>> from glueball import init
    >>> weight = np.empty((1, 1, 3), "float32")
    >>> init.Dirac()("conv0_weight", weight)
    >>> weight
    array([[[0., 1., 0.]]], dtype=float32)
    """

    def __init__(self, groups: int = 1) -> None:
        groups = integer("Dirac", "groups", groups)
        self._build({"groups": groups}, groups=groups)


@register
class Bilinear(_core.Bilinear, Initializer):
    r"""Fills every pair of channels with the kernel of bilinear upsampling.

    With W the length of the last axis, :math:`f = \lceil W/2 \rceil` and
    :math:`c = (2f - 1 - f \bmod 2) / (2f)`, the element at row y and column x of a kernel is
    :math:`(1 - |x/f - c|)\,(1 - |y/f - c|)`.

    Raises
    ------
    ShapeError
        When it fills an array that has not four axes.

    References
    ----------
    J. Long, E. Shelhamer and T. Darrell, "Fully convolutional networks for semantic segmentation",
    arXiv 1411.4038.

    Examples
    --------
    >>> import numpy as np
    >>> from glueball import init
    >>> weight = np.empty((1, 1, 4, 4), "float32")
    >>> init.Bilinear()("upsampling0_weight", weight)
    >>> weight[0, 0, 1]
    array([0.1875, 0.5625, 0.5625, 0.1875], dtype=float32)
    """

    def __init__(self) -> None:
        self._build({})


@alias("lstm_bias")
@register
class LSTMBias(_core.LSTMBias, Initializer):
    """Fills an LSTM's bias with 0, and its second quarter, the forget gate's, with `forget_bias`.

    Parameters
    ----------
    forget_bias : float, default 1.0
        What the forget gate starts from.

    Raises
    ------
    ShapeError
        When it fills an array whose first axis does not divide by four.

    References
    ----------
    R. Jozefowicz, W. Zaremba and I. Sutskever, "An empirical exploration of recurrent network
    architectures", ICML 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from glueball import init
    >>> bias = np.empty(8, "float32")
    >>> init.LSTMBias()._init_weight("lstm0_i2h_bias", bias)
    >>> bias
    array([0., 0., 1., 1., 0., 0., 0., 0.], dtype=float32)
    """

    def __init__(self, forget_bias: float = 1.0) -> None:
        forget_bias = finite("LSTMBias", "forget_bias", forget_bias)
        self._build({"forget_bias": forget_bias}, forget_bias=forget_bias)
