"""Elementwise functions as layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from glueball import _core
from glueball.base import ArgumentError
from glueball.gluon.nn._native import NativeLayer

if TYPE_CHECKING:
    from glueball.gluon.block import Block

__all__ = ["Activation", "LeakyReLU", "NativeActivation", "check_activation"]


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


Activation._native_class = Activation
LeakyReLU._native_class = LeakyReLU
