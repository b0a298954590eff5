"""Layers without parameters: Dropout, Flatten, Lambda."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from glueball import _core, nd, npx
from glueball import np as np_mode
from glueball.base import ArgumentError, GlueballTypeError
from glueball.gluon.block import Block, HybridBlock
from glueball.gluon.nn._native import NativeLayer

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Dropout", "Flatten", "HybridLambda", "Lambda"]


class Dropout(NativeLayer):
    """In training, set elements to 0 at random and scale the rest up; else pass the input on.

    Parameters
    ----------
    rate : float
        Probability of an element to become 0, from 0 to 1; the others are multiplied by 1 / (1 - rate).
    axes : tuple of int, default ()
        Axes along which elements share their fate; negative ones count from the last. With ``axes=(1,)`` and
        an input of (batch, time, features), a feature is dropped at all times of a sample, or at none.

    Raises
    ------
    ValueError
        If `rate` is not between 0 and 1.
    TypeError
        If `axes` are no integers.
    MXNetError
        In a training call, if the input lacks one of the axes.

    References
    ----------
    N. Srivastava and others, "Dropout: a simple way to prevent neural networks from overfitting",
    JMLR 15, 2014.
    """

    def __init__(self, rate: float, axes: tuple[int, ...] = (), **kwargs: Any) -> None:
        if not 0 <= rate <= 1:
            message = (
                f"expected the rate of Dropout to be from 0 to 1, found {rate}; it is the share of "
                "elements that become 0"
            )
            raise ArgumentError(message)
        super().__init__(**kwargs)
        self._rate = float(rate)
        self._axes = _checked_axes(axes)

    def _pieces(self) -> list[_core.Layer | Block]:
        return [_core.Dropout(self.name, self._rate, self._axes)]

    def _from_functions(self, x: Any) -> Any:
        return x  # where elements are dropped, the chain multiplies by the mask that dropped them

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p = {self._rate}, axes={self._axes})"


def _checked_axes(axes: Any) -> tuple[int, ...]:
    try:
        return tuple(operator.index(axis) for axis in ((axes,) if isinstance(axes, int) else axes))
    except TypeError as error:
        message = (
            f"expected the axes of Dropout to be a tuple of integers, found {axes!r}; name those along "
            "which elements are dropped together"
        )
        raise GlueballTypeError(message) from error


class Flatten(NativeLayer):
    """Make (batch, a, b, ...) into (batch, a * b * ...), without a copy; (n,) into (n, 1)."""

    def _pieces(self) -> list[_core.Layer | Block]:
        return [_core.Flatten(self.name)]

    def _from_functions(self, x: Any) -> Any:
        return nd.flatten(x)

    def __repr__(self) -> str:
        return type(self).__name__


class _NamedFunction(Block):
    """What Lambda and HybridLambda have in common: a function that the core knows by name runs there."""

    _func_name: str
    _is_named = False

    def _pieces(self) -> list[_core.Layer | Block]:
        if self._is_named and self._func_name in _core.activation_names():
            return [_core.Activation(self.name, self._func_name)]
        return [self]

    def _from_functions(self, x: Any) -> Any:
        return getattr(nd, self._func_name)(x)

    def _infer_output(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if self._pieces() == [self]:
            self._cannot_infer()
        return super()._infer_output(shape)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._func_name})"


class Lambda(_NamedFunction):
    """Make a function a block.

    An elementwise function given by its name (``'relu'``, ``'tanh'`` ...) is native within a net.

    Parameters
    ----------
    function : callable or str
        Called with the block's arguments; a str names a function of `nd` (in NumPy mode of `np` or `npx`).

    Raises
    ------
    AssertionError
        If no function has the name.
    ValueError
        If it is neither a function nor a name.
    """

    def __init__(self, function: Callable[..., Any] | str, prefix: str | None = None) -> None:
        super().__init__(prefix=prefix)
        self._func_impl, self._func_name = _resolve(function)
        self._is_named = isinstance(function, str)

    def forward(self, *args: Any) -> Any:
        """Call the function."""
        return self._func_impl(*args)


class HybridLambda(_NamedFunction, HybridBlock):
    """Make a function that takes `F` first, or a named one, a HybridBlock.

    An elementwise function given by its name (``'relu'``, ``'tanh'`` ...) is native within a net.

    Parameters
    ----------
    function : callable or str
        ``function(F, x, ...)``, or the name of a function of `F`.
    """

    def __init__(self, function: Callable[..., Any] | str, prefix: str | None = None) -> None:
        super().__init__(prefix=prefix)
        implementation, self._func_name = _resolve(function)
        self._is_named = isinstance(function, str)
        self._func_impl = _WithoutF(implementation) if self._is_named else implementation

    def hybrid_forward(self, F: Any, x: Any, *args: Any) -> Any:
        """Call the function."""
        return self._func_impl(F, x, *args)


class _WithoutF:
    """A named function, called as if it took `F`; a class, so that nets can be pickled."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, F: Any, *args: Any) -> Any:
        return self._function(*args)


def _resolve(function: Callable[..., Any] | str) -> tuple[Callable[..., Any], str]:
    if isinstance(function, str):
        for module in (np_mode, npx) if npx.is_np_array() else (nd,):
            found: Callable[..., Any] | None = getattr(module, function, None)
            if callable(found):
                return found, function
        message = (
            f"Function name {function} is not found in ndarray. Expected the name of a function of "
            "nd (in NumPy mode of np or npx); pass the function itself"
        )
        raise ArgumentError(message)
    if callable(function):
        return function, getattr(function, "__name__", type(function).__name__)
    message = (
        f"Unrecognized function in lambda: {function} of type {type(function)}. Expected a function "
        "or a name; pass one"
    )
    raise ArgumentError(message)


for _layer in (Dropout, Flatten, Lambda, HybridLambda):
    _layer._native_class = _layer
