"""Initializers that choose among others: by name (`Mixed`), or by what a file holds (`Load`)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _files
from glueball.base import ArgumentError, ShapeError
from glueball.init._base import InitDesc, Initializer
from glueball.init._check import describe, shorten
from glueball.init._log import log_info
from glueball.init._registry import InitializerLike, create, register

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

__all__ = ["Load", "Mixed"]


def _own_of(desc: str) -> Any:
    """Return the initializer that the parameter has of its own, or None."""
    return getattr(desc, "attrs", {}).get("__init__") or None


def _hand_over(initializer: Initializer, desc: str, arr: Array, *, as_own: bool) -> None:
    """Let another initializer fill, as the parameter's own one or as the default of its kind."""
    attrs = {k: v for k, v in getattr(desc, "attrs", {}).items() if k != "__init__"}
    if as_own:
        attrs["__init__"] = initializer
    initializer(InitDesc(desc, attrs, getattr(desc, "global_init", None)), arr)


@register
class Mixed(Initializer):
    """Chooses an initializer by the parameter's name.

    The first pattern that is found anywhere in the name decides. Its initializer then fills the
    parameter as its own: ``One()`` gives a bias 1. Where the pattern fits any name, such as
    ``'.*'``, its initializer is only a default: a bias is filled through its ``_init_bias``, which
    gives 0. In a net, a parameter that has an initializer of its own (a Dense's bias has
    ``'zeros'``) keeps that one, and a warning names those that a specific pattern was meant for.

    Parameters
    ----------
    patterns : sequence of str
        Regular expressions.
    initializers : sequence of Initializer, str or callable
        One for each pattern; see `create`.

    Raises
    ------
    ArgumentError
        When there are not as many initializers as patterns, a pattern is no regular expression, or
        (when filling) no pattern is found in a name.

    Examples
    --------
    >>> import numpy as np
    >>> from glueball import init
    >>> mixed = init.Mixed(["bias", ".*"], [init.One(), init.Constant(3)])
    >>> bias, weight = np.empty(2, "float32"), np.empty((1, 2), "float32")
    >>> mixed("dense0_bias", bias)
    >>> mixed("dense0_weight", weight)
    >>> bias, weight
    (array([1., 1.], dtype=float32), array([[3., 3.]], dtype=float32))
    """

    def __init__(self, patterns: Sequence[str], initializers: Sequence[InitializerLike]) -> None:
        if isinstance(patterns, str) or isinstance(initializers, (str, Initializer)):
            message = (
                "expected a list of patterns and a list of initializers, "
                f"found {describe(patterns)} and {describe(initializers)}; put them in lists"
            )
            raise TypeError(message)
        if len(patterns) != len(initializers):
            message = (
                "expected as many initializers as patterns for Mixed, "
                f"found {len(patterns)} patterns and {len(initializers)} initializers; pair them"
            )
            raise ArgumentError(message)
        chosen = [create(initializer) for initializer in initializers]
        super().__init__(patterns=list(patterns), initializers=chosen)
        self._rules = [
            (_compile(pattern), each) for pattern, each in zip(patterns, chosen, strict=True)
        ]

    def __call__(self, desc: str, arr: Array) -> None:
        """Fill `arr` by the first rule whose pattern is found in the name `desc`."""
        own = _own_of(desc)
        if own is not None and own is not self:
            super().__call__(desc, arr)
            return
        pattern, initializer = self._rule_for(desc)
        specific = not _fits_any_name(pattern)
        _hand_over(initializer, desc, arr, as_own=specific or own is self)

    def _init_weight(self, desc: str, arr: Array) -> None:
        _, initializer = self._rule_for(desc)
        _hand_over(initializer, desc, arr, as_own=True)

    def _rule_for(self, name: str) -> tuple[re.Pattern[str], Initializer]:
        for pattern, initializer in self._rules:
            if pattern.search(name):
                return pattern, initializer
        message = (
            f"Parameter name {name} did not match any pattern: expected to find one of "
            f"{shorten([pattern.pattern for pattern, _ in self._rules])} in it; "
            'add a ".*" pattern at the end with a default initializer'
        )
        raise ArgumentError(message)

    def _has_specific_rule_for(self, name: str) -> bool:
        found = next((pattern for pattern, _ in self._rules if pattern.search(name)), None)
        return found is not None and not _fits_any_name(found)


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except (re.error, TypeError) as error:
        message = (
            f"expected regular expressions as patterns of Mixed, found {pattern!r} ({error}); "
            "correct it, or write re.escape(name) for a name as it stands"
        )
        raise ArgumentError(message) from None


def _fits_any_name(pattern: re.Pattern[str]) -> bool:
    # No parameter is called this, so a pattern that is found in it speaks of none in particular.
    return pattern.search("\x01") is not None


@register
class Load(Initializer):
    """Fills parameters from a file or a dict, and the rest by another initializer.

    Everything that is held is taken from there, biases too, whatever initializer a layer was given.
    The rest is filled by the parameter's own initializer where it has one, else by `default_init`.

    Parameters
    ----------
    param : str, os.PathLike or mapping
        A ``.safetensors``, ``.params`` or ``.npz`` file, whatever its name, or a mapping of names to
        arrays. A leading ``arg:`` or ``aux:`` of a name is dropped.
    default_init : Initializer, str or callable, optional
        For names that are not held; see `create`.
    verbose : bool, default False
        Whether to log, level INFO, what came from where.

    Raises
    ------
    ArgumentError
        When the file holds a list, or (when filling) a name is not held and there is no
        `default_init`.
    ShapeError
        When what is held has another shape than the parameter.

    Examples
    --------
    >>> import numpy as np
    >>> from glueball import init
    >>> load = init.Load({"arg:dense0_weight": np.array([[1, 2]])}, default_init="zeros")
    >>> weight = np.empty((1, 2), "float32")
    >>> load("dense0_weight", weight)
    >>> weight
    array([[1., 2.]], dtype=float32)
    """

    def __init__(
        self,
        param: str | os.PathLike[str] | Mapping[str, Any],
        default_init: InitializerLike | None = None,
        verbose: bool = False,
    ) -> None:
        found = _read(param) if isinstance(param, (str, os.PathLike)) else _mapping(param)
        held = {_strip(name): _values(name, value) for name, value in found.items()}
        fallback = None if default_init is None else create(default_init)
        super().__init__(param=held, default_init=fallback, verbose=bool(verbose))

    def __call__(self, desc: str, arr: Array) -> None:
        """Fill `arr` with what is held under the name `desc`, else as the rest is."""
        if self._take(desc, arr):
            return
        own = _own_of(desc)
        if own is not None and own is not self:
            super().__call__(desc, arr)
        else:
            self._fall_back(desc, arr, as_own=own is self)

    def _init_weight(self, desc: str, arr: Array) -> None:
        if not self._take(desc, arr):
            self._fall_back(desc, arr, as_own=True)

    def _take(self, name: str, arr: Array) -> bool:
        values = self._kwargs["param"].get(str(name))
        if values is None:
            return False
        if values.shape != arr.shape:
            message = (
                f"Parameter {name} cannot be initialized from loading. Shape mismatch, target "
                f"{arr.shape} vs loaded {values.shape}; load from a net of these sizes"
            )
            raise ShapeError(message)
        arr[...] = values
        if self._kwargs["verbose"]:
            log_info("Initialized %s by loading", name)
        return True

    def _fall_back(self, name: str, arr: Array, *, as_own: bool) -> None:
        fallback: Initializer | None = self._kwargs["default_init"]
        if fallback is None:
            held = self._kwargs["param"]
            message = (
                f"Cannot Initialize {name}. Not found in loaded param and no default Initializer "
                f"is provided: expected it among {shorten(list(held)) or 'nothing'}; "
                "pass default_init="
            )
            raise ArgumentError(message)
        _hand_over(fallback, name, arr, as_own=as_own)
        if self._kwargs["verbose"]:
            log_info("Initialized %s by default", name)


def _mapping(param: object) -> Mapping[str, Any]:
    if not isinstance(param, Mapping):
        message = (
            "expected a file's name or a mapping of names to arrays for Load, "
            f"found {describe(param)}; pass a dict"
        )
        raise TypeError(message)
    return param


def _strip(name: str) -> str:
    return name[4:] if name.startswith(("arg:", "aux:")) else name


def _values(name: str, value: Any) -> Array:
    # A gluon.Parameter gives its array when asked; an array's own `data` is a buffer, not a method.
    if callable(getattr(value, "data", None)):
        value = value.data()
    values = np.asarray(value)
    if values.dtype.kind not in "biuf":
        message = (
            f"expected numbers under '{name}' for Load, found {describe(value)}; "
            "remove it, or convert it"
        )
        raise TypeError(message)
    return values


def _read(path: str | os.PathLike[str]) -> dict[str, Array]:
    found = _files.read(path)
    if not found.named:
        message = (
            f"expected named arrays for Load in '{found.path}', found a list; pass a dict, or "
            "save one"
        )
        raise ArgumentError(message)
    return _files.values_of(found)
