"""Plain functions as initializers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball.base import GlueballTypeError
from glueball.init._base import Initializer

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

__all__ = ["Function"]


class Function(Initializer):
    """Fills a parameter by a function of the user's.

    Made by `create` wherever an initializer is taken and a function is given.

    Parameters
    ----------
    function : callable
        With two required arguments, ``f(desc, array)``: fills `array` in place. With one,
        ``f(shape)``, or two of which the first is called `shape`, ``f(shape, dtype)``: returns an
        array of that shape, or a number. Further arguments need defaults.

    Raises
    ------
    TypeError
        When `function` has another number of required arguments.
    ShapeError
        When what it returns has another shape than the parameter.

    Examples
    --------
    >>> import numpy as np
    >>> from glueball import init
    >>> weight = np.empty((2, 3), "float32")
    >>> init.create(lambda shape: np.arange(6).reshape(shape))("dense0_weight", weight)
    >>> weight
    array([[0., 1., 2.],
           [3., 4., 5.]], dtype=float32)
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function=function)
        names = _required_arguments(function)
        self._fills_in_place = len(names) == 2 and names[0] != "shape"
        self._takes_dtype = len(names) == 2 and not self._fills_in_place

    def _init_weight(self, desc: str, arr: npt.NDArray[Any]) -> Any:
        function = self._kwargs["function"]
        if self._fills_in_place:
            return function(desc, arr)  # what it returns is written, or refused
        return function(arr.shape, arr.dtype.name) if self._takes_dtype else function(arr.shape)


def _required_arguments(function: Callable[..., Any]) -> list[str]:
    import inspect  # here, because few programs use functions, and it takes milliseconds

    advice = "write f(desc, array), which fills array, or f(shape), which returns an array"
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        message = (
            f"expected a function with one or two required arguments, found {function!r}, "
            f"whose arguments cannot be read; {advice}, such as a lambda around it"
        )
        raise GlueballTypeError(message) from None
    required = [p for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    positional = [p for p in required if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if any(p.kind is p.VAR_POSITIONAL for p in required) and len(positional) <= 2:
        return ["desc", "array"]
    if len(positional) not in (1, 2) or len(positional) != len(required):
        message = (
            "expected a function with one or two required arguments as initializer, found "
            f"{getattr(function, '__name__', function)!r} with "
            f"({', '.join(p.name for p in required)}); "
            f"{advice}"
        )
        raise GlueballTypeError(message)
    return [p.name for p in positional]
