"""Initializers that choose among others: by name (`Mixed`), or by what a file holds (`Load`)."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from glueball import _files
from glueball._suggest import near_names
from glueball.base import ArgumentError, GlueballTypeError, InitializerWarning, ShapeError
from glueball.init._base import Choice, InitDesc, Initializer, log_info
from glueball.init._check import describe, level_of_user, shorten
from glueball.init._registry import InitializerLike, create, register

if TYPE_CHECKING:
    import numpy.typing as npt

    from glueball.init._base import Place

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
        When there are not as many initializers as patterns, a pattern is not a regular expression, or
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
        given: tuple[Any, Any] = (patterns, initializers)
        if not all(isinstance(each, Collection) and not isinstance(each, str) for each in given):
            message = (
                "expected a list of patterns and a list of initializers, "
                f"found {describe(patterns)} and {describe(initializers)}; put them in lists"
            )
            raise GlueballTypeError(message)
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

    def __call__(self, desc: str, arr: Array) -> None:  # type: ignore[override]
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

    def _choose(self, places: list[Place]) -> None:
        """Warn of patterns that match nothing, or other parameters than a reader of paths would think."""
        told = []
        taken: set[int] = set()
        for pattern, _ in self._rules:
            if _fits_any_name(pattern):
                continue
            found = [place for place in places if pattern.search(place[2].name)]
            meant = [path for path, _, _ in places if pattern.fullmatch(path)]
            others = [path for path, _, _ in found if path not in meant]
            if not found:
                told.append(f"'{pattern.pattern}' is found in no name")
            elif all(id(place[2]) in taken for place in found):
                told.append(f"'{pattern.pattern}' is left nothing by the patterns before it")
            elif meant and others:
                told.append(
                    f"'{pattern.pattern}' is the path of {shorten(meant)}, and is found in the name of "
                    f"{shorten(others)}"
                )
            taken.update(id(place[2]) for place in found)
        if told:
            warnings.warn(
                f"expected each pattern of Mixed in the name of a parameter that it is meant for, found that "
                f"{'; '.join(told)}. Names have counters, as in dense10_weight: use init.Rules, which goes "
                "by paths and layer classes",
                InitializerWarning,
                stacklevel=level_of_user(),
            )

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
    by : {'auto', 'path', 'name'}, default 'auto'
        What a net's parameters are found under: their paths, as `save_parameters` writes them, their
        full names, as in MXNet, or the one of the two that is held.
    strict : bool, default True
        In a net: whether it is an error when something held is not used, or a parameter is not held
        and no `default_init` is given.

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
        *,
        by: str = "auto",
        strict: bool = True,
    ) -> None:
        if by not in ("auto", "path", "name"):
            message = f"expected by='auto', 'path' or 'name' for Load, found {by!r}; choose one"
            raise ArgumentError(message)
        found = _read(param) if isinstance(param, (str, os.PathLike)) else _mapping(param)
        held = {_strip(name): _values(name, value) for name, value in found.items()}
        fallback = None if default_init is None else create(default_init)
        super().__init__(
            param=held, default_init=fallback, verbose=bool(verbose), by=by, strict=bool(strict)
        )

    def __call__(self, desc: str, arr: Array) -> None:  # type: ignore[override]
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

    def _choose(self, places: list[Place]) -> dict[int, Choice]:
        held, strict, fallback = (
            self._kwargs[each] for each in ("param", "strict", "default_init")
        )
        default = create("uniform") if fallback is None else fallback
        found: dict[int, tuple[str, Array]] = {}
        used: set[str] = set()
        for path, _, parameter in places:
            for key in self._keys(path, parameter.name):
                if key not in held:
                    continue
                used.add(key)
                before, values = found.setdefault(id(parameter), (key, held[key]))
                if values is not held[key] and not np.array_equal(values, held[key]):
                    message = (
                        f"expected equal arrays for shared Parameter '{parameter.name}', found others under "
                        f"'{before}' and '{key}'; remove one"
                    )
                    raise ArgumentError(message)
                break
        unused = [name for name in held if name not in used]
        if strict and unused:
            keys = [key for path, _, each in places for key in self._keys(path, each.name)]
            near = near_names(unused[0], keys) or keys[:3]
            message = (
                f"expected a parameter for everything that Load holds, found none for {shorten(unused)}; the net "
                f"has {shorten(near)}: correct by=, or pass strict=False"
            )
            raise ArgumentError(message)
        choices = {}
        for path, _, parameter in places:
            if id(parameter) in found:
                key, values = found[id(parameter)]
                lengths = parameter._lengths
                if lengths is not None and -1 not in lengths and lengths != values.shape:
                    self._refuse_shape(key, parameter.shape, values)
                own = Load({parameter.name: values})
                choices[id(parameter)] = Choice(own, default, f"held as '{key}'")
            elif fallback is None and (strict or parameter.init is None):
                self._refuse_missing(path, parameter.name)
            else:
                choices[id(parameter)] = Choice(None, default, "default_init of Load")
            if self._kwargs["verbose"]:
                how = "loading" if id(parameter) in found else "default"
                log_info("Initialized %s by %s", parameter.name, how)
        return choices

    def _keys(self, path: str, name: str) -> tuple[str, ...]:
        return {"auto": (path, name), "path": (path,), "name": (name,)}[self._kwargs["by"]]

    def _take(self, name: str, arr: Array) -> bool:
        values = self._kwargs["param"].get(str(name))
        if values is None:
            return False
        if values.shape != arr.shape:
            self._refuse_shape(name, arr.shape, values)
        arr[...] = values
        if self._kwargs["verbose"]:
            log_info("Initialized %s by loading", name)
        return True

    def _fall_back(self, name: str, arr: Array, *, as_own: bool) -> None:
        fallback: Initializer | None = self._kwargs["default_init"]
        if fallback is None:
            self._refuse_missing(name, name)
        _hand_over(fallback, name, arr, as_own=as_own)
        if self._kwargs["verbose"]:
            log_info("Initialized %s by default", name)

    def _refuse_missing(self, path: str, name: str) -> NoReturn:
        place = "" if path == name else f" ('{path}')"
        message = (
            f"Cannot Initialize {name}{place}. Not found in loaded param and no default Initializer "
            f"is provided: expected it among {shorten(list(self._kwargs['param'])) or 'nothing'}; "
            "pass default_init="
        )
        raise ArgumentError(message)

    @staticmethod
    def _refuse_shape(name: str, shape: object, values: Array) -> NoReturn:
        message = (
            f"Parameter {name} cannot be initialized from loading. Shape mismatch, target "
            f"{shape} vs loaded {values.shape}; load from a net of these sizes"
        )
        raise ShapeError(message)


def _mapping(param: object) -> Mapping[str, Any]:
    if not isinstance(param, Mapping):
        message = (
            "expected a file's name or a mapping of names to arrays for Load, "
            f"found {describe(param)}; pass a dict"
        )
        raise GlueballTypeError(message)
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
        raise GlueballTypeError(message)
    return values


def _read(path: str | os.PathLike[str]) -> dict[str, Array]:
    found = _files.read(path)
    found.by_name()  # refuses a list
    return _files.values_of(found)
