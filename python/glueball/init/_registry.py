"""Initializers by name: `register`, `alias`, and `create`, which all that takes one calls."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from glueball._reading import parse_json
from glueball._scope import import_rest
from glueball._suggest import near_names
from glueball.base import ArgumentError, FileFormatError, GlueballTypeError
from glueball.init._base import Initializer
from glueball.init._check import describe
from glueball.init._function import Function

__all__ = ["InitializerLike", "alias", "create", "name_factory", "register"]

InitializerLike = Initializer | type[Initializer] | str | Callable[..., Any]
"""What is accepted wherever an initializer is: see `create`."""

_PACKAGE = __name__.rpartition(".")[0]

_Class = TypeVar("_Class", bound=type[Initializer])

_factories: dict[str, Callable[..., Initializer]] = {}


def _normal(name: str) -> str:
    # PyTorch's functions end with an underscore: kaiming_uniform_.
    return name.lower().rstrip("_")


def _qualified(factory: Callable[..., Initializer]) -> str:
    made = factory.func if isinstance(factory, functools.partial) else factory
    return f"{made.__module__}.{made.__qualname__}"


def _put(name: str, factory: Callable[..., Initializer]) -> None:
    if not _qualified(factory).startswith(f"{_PACKAGE}."):
        import_rest(_PACKAGE)  # so that it is said which of them is overridden
    key = _normal(name)
    present = _factories.get(key)
    if present is not None and present is not factory:
        warnings.warn(
            f"New initializer {_qualified(factory)} registered with name {key} is overriding "
            f"existing initializer {_qualified(present)}",
            UserWarning,
            stacklevel=3,
        )
    _factories[key] = factory


def _require_class(klass: object) -> None:
    if not (isinstance(klass, type) and issubclass(klass, Initializer)):
        message = (
            f"expected a subclass of Initializer to register, found {describe(klass)}; "
            "derive it from init.Initializer, or pass a function where an initializer is taken"
        )
        raise GlueballTypeError(message)


def register(klass: _Class) -> _Class:
    """Give a class its lower-case name, by which `create` and layers then find it.

    Parameters
    ----------
    klass : type
        A subclass of `Initializer`.

    Returns
    -------
    type
        The class itself, so that this can be used as a decorator.

    Warns
    -----
    UserWarning
        When the name belonged to another class.

    Examples
    --------
    >>> from glueball import init
    >>> @init.register
    ... class Halves(init.Initializer):
    ...     def _init_weight(self, name, arr):
    ...         arr[:] = 0.5
    >>> init.create("halves")
    Halves()
    """
    _require_class(klass)
    _put(klass.__name__, klass)
    return klass


def alias(*names: str) -> Callable[[_Class], _Class]:
    """Give a class other names than its own.

    Parameters
    ----------
    *names : str
        The names; upper and lower case are the same.

    Returns
    -------
    callable
        A decorator, which returns the class as it was.
    """

    def add(klass: _Class) -> _Class:
        _require_class(klass)
        for name in names:
            _put(name, klass)
        return klass

    return add


def name_factory(name: str, klass: type[Initializer], **settings: Any) -> None:
    """Give a name to a class with some of its settings changed: ``he_normal`` and the like."""
    _put(name, functools.partial(klass, **settings) if settings else klass)


def create(
    initializer: InitializerLike | Mapping[str, Any] | list[Any], **kwargs: Any
) -> Initializer:
    """Make an initializer of whatever describes one.

    Parameters
    ----------
    initializer : Initializer, str, type, callable or array_like
        An initializer (returned as it is); a registered name, in any case; a JSON string such as
        ``'["uniform", {"scale": 0.3}]'`` or ``'{"initializer": "uniform", "scale": 0.3}'``; a
        class; a function ``f(desc, array)`` that fills `array`, or ``f(shape)`` that returns one;
        or an array, which is `Constant` of it.
    **kwargs
        Settings, where a name or a class is given.

    Returns
    -------
    Initializer
        What was described.

    Raises
    ------
    ArgumentError
        When the name is not registered, or settings are given with an object that has its own.
    TypeError
        When a setting is unknown or missing, or `initializer` is of another type.

    Examples
    --------
    >>> from glueball import init
    >>> init.create("xavier", magnitude=2)
    Xavier(rnd_type='uniform', factor_type='avg', magnitude=2)
    >>> init.create("he_normal").dumps()[:15]
    '["kaimingnormal'
    """
    if isinstance(initializer, str):
        return _from_string(initializer, kwargs)
    if isinstance(initializer, type) and issubclass(initializer, Initializer):
        return initializer(**kwargs)
    if isinstance(initializer, Mapping):
        return _from_mapping({**initializer, **kwargs})
    if isinstance(initializer, list) and not _is_nested_numbers(initializer):
        return _from_list(initializer, kwargs)
    if isinstance(initializer, list | np.ndarray) or _is_foreign_array(initializer):
        values = initializer if isinstance(initializer, list) else np.asarray(initializer)
        return _factories["constant"](values, **kwargs)
    if kwargs and (isinstance(initializer, Initializer) or callable(initializer)):
        message = (
            f"expected no further settings with {describe(initializer)}, "
            f"found {', '.join(kwargs)}; give them where it is made"
        )
        raise ArgumentError(message)
    if isinstance(initializer, Initializer):
        return initializer
    return _from_callable(initializer)


def _is_nested_numbers(value: list[Any]) -> bool:
    return bool(value) and all(
        _is_nested_numbers(each)
        if isinstance(each, list)
        else isinstance(each, int | float | np.ndarray | np.number)
        for each in value
    )


def _is_foreign_array(value: object) -> bool:
    return hasattr(value, "__array__") and not isinstance(value, type | np.generic)


def _from_callable(thing: object) -> Initializer:
    if callable(thing):
        return Function(thing)
    hint = f"init.Constant({thing!r})" if isinstance(thing, (int, float)) else "init.Zero()"
    # "initializer must be of string type" is what Gluon says, and what its users search for.
    message = (
        "initializer must be of string type: expected an Initializer, a registered name, a JSON "
        f"string or a function, found {describe(thing)}; pass for example {hint}"
    )
    raise ArgumentError(message)


def _from_string(text: str, kwargs: dict[str, Any]) -> Initializer:
    if text[:1] not in ("[", "{"):
        return _from_name(text, kwargs)
    try:
        return create(parse_json(text), **kwargs)
    except (FileFormatError, RecursionError) as error:
        message = (
            f'expected JSON such as \'["uniform", {{"scale": 0.1}}]\', found {text[:1000]!r} ({error}); '
            "correct it, or write it with Initializer.dumps()"
        )
        raise ArgumentError(message) from None


def _from_list(content: list[Any], kwargs: dict[str, Any]) -> Initializer:
    well_formed = len(content) in (1, 2) and isinstance(content[0], str)
    settings = content[1] if len(content) == 2 else {}
    if not well_formed or not isinstance(settings, dict):
        message = f"expected a list of a name and a dict of settings, found {content!r}; correct it"
        raise ArgumentError(message)
    return _from_name(content[0], {**settings, **kwargs})


def _from_mapping(content: dict[str, Any]) -> Initializer:
    name = content.pop("initializer", None)
    if not isinstance(name, str):
        message = (
            "expected a mapping with the name under 'initializer', "
            f"found the keys {sorted(map(str, content))}; add it"
        )
        raise ArgumentError(message)
    return _from_name(name, content)


def _from_name(name: str, kwargs: dict[str, Any]) -> Initializer:
    if _normal(name) not in _factories:
        import_rest(_PACKAGE)
    factory = _factories.get(_normal(name))
    if factory is None:
        near = near_names(_normal(name), _factories)
        found = (
            f"near it are {', '.join(map(repr, near))}" if near else "no registered name is near it"
        )
        message = (
            f"{name} is not registered. Please register with initializer.register first: "
            f"expected the name of an initializer, found '{name}'; {found}, "
            "or pass an Initializer such as init.Uniform(0.07)"
        )
        raise ArgumentError(message)
    return factory(**kwargs)
