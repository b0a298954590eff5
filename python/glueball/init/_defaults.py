"""What layers made from now on are initialized by, when nothing is said: `set_default`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueball.init._registry import InitializerLike, create

if TYPE_CHECKING:
    from types import TracebackType

    from glueball.init._base import Initializer

__all__ = ["default_bias", "default_weight", "set_default"]

_weight: Initializer | None = None
_bias: Initializer | None = None


class set_default:
    """Set what fills parameters of layers made from now on that are given no initializer.

    It holds at once, for the whole process. In a ``with`` statement it ends with the block.

    Parameters
    ----------
    weight : Initializer, str or callable, optional
        For weights; None leaves them to the initializer given to `initialize()`, as in Gluon.
    bias : Initializer, str or callable, optional
        For biases; None is ``'zeros'``, as in Gluon.

    Raises
    ------
    ArgumentError
        When a name is not registered.

    Examples
    --------
    >>> from glueball import init
    >>> with init.set_default(weight="he_normal", bias=init.Constant(0.1)):
    ...     print(init.default_bias())
    Constant(value=0.1)
    >>> print(init.default_bias())
    None
    """

    def __init__(
        self, weight: InitializerLike | None = None, bias: InitializerLike | None = None
    ) -> None:
        global _weight, _bias
        new = tuple(None if each is None else create(each) for each in (weight, bias))
        self._before = _weight, _bias
        _weight, _bias = new

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        global _weight, _bias
        _weight, _bias = self._before


def default_weight() -> Initializer | None:
    """Return what `set_default` gave for weights, or None."""
    return _weight


def default_bias() -> Initializer | None:
    """Return what `set_default` gave for biases, or None."""
    return _bias
