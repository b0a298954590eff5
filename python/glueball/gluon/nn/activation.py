"""Elementwise functions as layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from glueball import _core, nd
from glueball import init as initializers
from glueball.base import ArgumentError
from glueball.gluon.nn._checks import check_count, check_number
from glueball.gluon.nn._native import NativeLayer

if TYPE_CHECKING:
    from glueball.gluon.block import Block
    from glueball.gluon.parameter import ParameterDict

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "LeakyReLU",
    "NativeActivation",
    "PReLU",
    "SiLU",
    "Swish",
    "check_activation",
]

# Slope of PReLU at the start: K. He and others, ICCV 2015, section 2.1.
_QUARTER = initializers.Constant(0.25)


def check_activation(name: Any) -> str:
    """Return the name of an elementwise function.

    Raises
    ------
    ValueError
        If there is none of that name; lists the names.
    """
    known = _core.activation_names()
    if name not in known:
        message = (
            f"expected the name of an activation, found {name!r}; valid values are: "
            + ", ".join(repr(each) for each in known)
        )
        raise ArgumentError(message)
    return str(name)


class NativeActivation(NativeLayer):
    """A layer that one native elementwise function computes."""

    def function(self) -> tuple[str, float | None]:
        """Return the function's name, and its parameter."""
        raise NotImplementedError

    def _pieces(self) -> list[_core.Layer | Block]:
        name, alpha = self.function()
        return [_core.Activation(self.name, name, alpha)]

    def _from_functions(self, x: Any) -> Any:
        name, alpha = self.function()
        if name == "leaky_relu":
            return nd.LeakyReLU(x, act_type="leaky", slope=0.01 if alpha is None else alpha)
        if name in ("elu", "selu"):
            return nd.LeakyReLU(x, act_type=name, slope=1.0 if alpha is None else alpha)
        if name == "swish" and alpha is not None:
            return x * nd.sigmoid(alpha * x)
        return nd.identity(x) if name == "identity" else nd.Activation(x, name)


class Activation(NativeActivation):
    """Apply an elementwise function.

    Parameters
    ----------
    activation : str
        ``relu``, ``sigmoid``, ``tanh``, ``softrelu`` (log(1 + e^x)), ``softsign`` (x / (1 + abs(x))), as in
        Gluon; also ``gelu``, ``silu``, ``elu``, ``selu``, ``leaky_relu``, ``log_sigmoid``, ``mish``.

    Raises
    ------
    ValueError
        For an unknown name.

    Examples
    --------
    >>> from glueball import nd
    >>> from glueball.gluon import nn
    >>> nn.Activation("relu")(nd.array([-1, 2]))
    <BLANKLINE>
    [0. 2.]
    <NDArray 2 @cpu(0)>
    """

    _native_class: ClassVar[type[Block] | None]

    def __init__(self, activation: str, **kwargs: Any) -> None:
        self.__dict__["_act_type"] = check_activation(activation)  # automatic names are made of it
        super().__init__(**kwargs)

    def _alias(self) -> str:
        return str(self._act_type)

    def function(self) -> tuple[str, float | None]:
        """Name of the function for the core, and its parameter: it has none."""
        return self._act_type, None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._act_type})"


class LeakyReLU(NativeActivation):
    """Apply max(x, 0) + alpha min(x, 0).

    Parameters
    ----------
    alpha : float
        Slope for negative elements, 0 or more.

    Raises
    ------
    AssertionError
        If alpha is negative.
    """

    def __init__(self, alpha: float, **kwargs: Any) -> None:
        if isinstance(alpha, str) or not alpha >= 0:  # type: ignore[redundant-expr]
            message = (
                "Slope coefficient for LeakyReLU must be no less than 0. Expected alpha >= 0, found "
                f"{alpha!r}; pass a small positive number such as 0.01"
            )
            raise ArgumentError(message)
        super().__init__(**kwargs)
        self._alpha = float(alpha)

    def function(self) -> tuple[str, float | None]:
        """Name of the function for the core, and its slope below zero."""
        return "leaky_relu", self._alpha

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._alpha})"


class ELU(NativeActivation):
    """Apply x where x > 0, and alpha (e^x - 1) elsewhere.

    Parameters
    ----------
    alpha : float, default 1.0
        Minus the limit for large negative x.

    Raises
    ------
    ValueError
        If alpha is not finite.

    References
    ----------
    D.-A. Clevert, T. Unterthiner, S. Hochreiter, "Fast and accurate deep network learning by exponential
    linear units", ICLR 2016.
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        alpha = check_number("alpha of ELU", alpha)
        super().__init__(**kwargs)
        self._alpha = alpha

    def function(self) -> tuple[str, float | None]:
        """Name of the function for the core, and its alpha."""
        return "elu", self._alpha


class SELU(NativeActivation):
    """Apply 1.0507009873554805 times an ELU of alpha 1.6732632423543772.

    References
    ----------
    G. Klambauer and others, "Self-normalizing neural networks", NIPS 2017.
    """

    def function(self) -> tuple[str, float | None]:
        """Name of the function for the core, and its parameter: it has none."""
        return "selu", None


class GELU(NativeActivation):
    """Apply x times the standard normal distribution function of x, exactly.

    References
    ----------
    D. Hendrycks, K. Gimpel, "Gaussian error linear units", arXiv:1606.08415, 2016.
    """

    def function(self) -> tuple[str, float | None]:
        """Name of the function for the core, and its parameter: it has none."""
        return "gelu", None


class SiLU(NativeActivation):
    """Apply x sigmoid(x): `Swish` with a beta of 1.

    References
    ----------
    S. Elfwing, E. Uchibe, K. Doya, "Sigmoid-weighted linear units for neural network function
    approximation in reinforcement learning", Neural Networks 107, 2018.
    """

    def function(self) -> tuple[str, float | None]:
        """Name of the function for the core, and its factor in the sigmoid."""
        return "silu", 1.0


class Swish(NativeActivation):
    """Apply x sigmoid(beta x).

    Parameters
    ----------
    beta : float, default 1.0
        0 makes the layer x / 2; the larger, the nearer to max(x, 0).

    Raises
    ------
    ValueError
        If beta is not finite.

    References
    ----------
    P. Ramachandran, B. Zoph, Q. V. Le, "Searching for activation functions", arXiv:1710.05941, 2017.
    """

    def __init__(self, beta: float = 1.0, **kwargs: Any) -> None:
        beta = check_number("beta of Swish", beta)
        super().__init__(**kwargs)
        self._beta = beta

    def function(self) -> tuple[str, float | None]:
        """Name of the function for the core, and its factor in the sigmoid."""
        return "swish", self._beta


class PReLU(NativeLayer):
    """Apply max(x, 0) + alpha min(x, 0) with learned slopes alpha.

    Parameters
    ----------
    alpha_initializer : str, Initializer or callable
        Fills alpha; ``Constant(0.25)`` if nothing is said.
    in_channels : int, default 1
        Number of slopes: 1 for all, or one for each channel on axis 1; 0: inferred from the first input.
    prefix, params
        As for `Block`.

    Attributes
    ----------
    alpha : Parameter
        Shape (in_channels,).

    Raises
    ------
    ValueError
        If `in_channels` is negative, or the initializer unknown.

    References
    ----------
    K. He and others, "Delving deep into rectifiers: surpassing human-level performance on ImageNet
    classification", ICCV 2015.
    """

    def __init__(
        self,
        alpha_initializer: Any = _QUARTER,
        in_channels: int = 1,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        slopes = check_count("in_channels of PReLU", in_channels, least=0)
        super().__init__(prefix=prefix, params=params)
        self.alpha = self.params.get(
            "alpha", shape=(slopes,), init=alpha_initializer, allow_deferred_init=True
        )

    def _pieces(self) -> list[_core.Layer | Block]:
        return [_core.PReLU(self.name, self.alpha)]

    def hybrid_forward(self, F: Any, x: Any, alpha: Any) -> Any:
        """Apply the slopes `alpha`, of shape (1,) or (channels,), to `x`, for subclasses."""
        return nd.LeakyReLU(x, alpha, act_type="prelu")


for _layer in (Activation, LeakyReLU, ELU, SELU, GELU, SiLU, Swish, PReLU):
    _layer._native_class = _layer
