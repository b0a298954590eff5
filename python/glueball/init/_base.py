"""What all initializers share: their protocol, their names, and what they say about themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from glueball import _core
from glueball._scope import later
from glueball.base import GlueballAttributeError, GlueballTypeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[Any]

    Place = tuple[str, Any, Any]  # a path, the block that has the parameter or None, the parameter

__all__ = ["Choice", "InitDesc", "Initializer", "kind_of", "log_info"]

_run_hook = later("init._protocol:run_hook")


class Choice:
    """What one parameter is to be filled by: its own initializer or the default, and who says so."""

    __slots__ = ("default", "origin", "own")

    def __init__(self, own: Initializer | None, default: Initializer, origin: str) -> None:
        self.own = own
        self.default = default
        self.origin = origin


class InitDesc(str):
    """The name of the parameter to fill, with what else an initializer may want to know.

    Parameters
    ----------
    name : str
        The parameter's name; the object itself is that string.
    attrs : dict, optional
        ``'__init__'`` is the parameter's own initializer, when there is one.
    global_init : Initializer, optional
        The default of the `initialize()` call; None when an initializer is called by hand.

    Examples
    --------
    >>> from glueball import init
    >>> desc = init.InitDesc("dense0_weight", {"layer": "first"})
    >>> desc.endswith("weight"), desc.attrs
    (True, {'layer': 'first'})
    """

    attrs: dict[str, Any]
    global_init: Initializer | None

    def __new__(
        cls,
        name: str,
        attrs: Mapping[str, Any] | None = None,
        global_init: Initializer | None = None,
    ) -> Self:
        self = super().__new__(cls, name)
        self.attrs = dict(attrs) if attrs else {}
        self.global_init = global_init
        return self


_KINDS = (
    # Gluon's order and endings; those of "min" and "max" belong to quantised nets.
    ("weight", "weight"),
    ("bias", "bias"),
    ("gamma", "gamma"),
    ("beta", "beta"),
)


def kind_of(name: str) -> str:
    """Return the kind of parameter that a name's ending says, or ``'other'``."""
    return next((kind for ending, kind in _KINDS if name.endswith(ending)), "other")


def log_info(message: str, *arguments: object) -> None:
    """Log at level INFO to ``glueball.init``: where initializers report, when verbosity is on."""
    import logging  # here, because few programs ask for it, and importing it takes milliseconds

    logging.getLogger("glueball.init").info(message, *arguments)


def _scale_of(array: Array) -> str:
    """Give the root mean square of an array: what verbose initializers print."""
    values = np.asarray(array, dtype=np.float64)
    return str(float(np.sqrt(np.mean(values * values)))) if values.size else "0.0"


class Initializer(_core.Initializer):
    """Base of all initializers: what fills parameters with their first values.

    An initializer holds settings, never random state: a parameter's values come from the seed,
    the parameter's place in its net and the number of the `initialize()` call. So one object may
    serve any number of parameters.

    Calling one, ``initializer(desc, array)``, fills `array` in place: for a parameter with an
    initializer of its own through that one, else by the end of the parameter's name through a hook:

    =================================================  ==================  ==============
    name ends with                                     hook                base class
    =================================================  ==================  ==============
    ``weight``                                         ``_init_weight``    must be defined
    ``bias``                                           ``_init_bias``      0
    ``gamma``                                          ``_init_gamma``     1
    ``beta``                                           ``_init_beta``      0
    ``running_mean``, ``moving_mean``, ``moving_avg``  ``_init_zero``      0
    ``moving_inv_var``, ``min``                        ``_init_zero``      0
    ``running_var``, ``moving_var``, ``max``           ``_init_one``       1
    anything else                                      ``_init_default``   an error
    =================================================  ==================  ==============

    In a net, parameters whose names end otherwise are filled by ``_init_weight``.

    Parameters
    ----------
    **kwargs
        Settings that a subclass wants kept: they appear in `dumps()` and ``repr``, are compared by
        ``==``, and can be read as attributes.

    Raises
    ------
    NotImplementedError
        When a weight is to be filled, and the class does not define ``_init_weight``.

    Notes
    -----
    A hook gets the parameter's name (an `InitDesc`) and the array, which is a view of the
    parameter's own memory: write into it (``arr[:] = 2``, ``nd.random.uniform(out=arr)``). The
    functions of `nd.random` draw from the parameter's own stream while a hook runs.

    Examples
    --------
    >>> import numpy as np
    >>> from glueball import init
    >>> class Alternating(init.Initializer):
    ...     def _init_weight(self, name, arr):
    ...         arr[:] = 1
    ...         arr[..., 1::2] = -1
    >>> weight = np.empty((2, 4), "float32")
    >>> Alternating()("dense0_weight", weight)
    >>> weight
    array([[ 1., -1.,  1., -1.],
           [ 1., -1.,  1., -1.]], dtype=float32)
    """

    # The extension's class that a Python class derives from.
    _bound: type[_core.Initializer] = _core.Initializer
    # Arguments of that class's constructor, kept for copies and pickles.
    _native: dict[str, Any] | None = None
    _kwargs: dict[str, Any]
    _verbose: bool = False
    _print_func: Callable[[Array], str] | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._bound = next(base for base in cls.__mro__ if base.__module__ == "glueball._core")

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        self.__dict__["_kwargs"] = {}
        # Made here, so that a subclass which forgets super().__init__() works, as it did in Gluon.
        if cls._bound is _core.Initializer:
            _core.Initializer.__init__(self)
        return self

    def __init__(self, **kwargs: Any) -> None:
        self.__dict__["_kwargs"] = kwargs

    def _build(self, native: dict[str, Any], **settings: Any) -> None:
        """Construct the extension's part from `native`, and keep `settings` for the reader.

        Settings that are None are left at their rule, and not shown.
        """
        self._bound.__init__(self, **native)
        self._native = native
        self.__dict__["_kwargs"] = {k: v for k, v in settings.items() if v is not None}

    def __getattr__(self, name: str) -> Any:
        settings = self.__dict__.get("_kwargs", {})
        if name in settings:
            return settings[name]
        message = f"'{type(self).__name__}' object has no attribute '{name}'"
        raise AttributeError(message)

    def __setattr__(self, name: str, value: Any) -> None:
        # The extension has its own copy of a built-in class's settings, and would not notice.
        if self._native is not None and name in self._kwargs and self._kwargs[name] is not value:
            message = (
                f"expected the settings of {type(self).__name__} to stay as they were built, found "
                f"an assignment to {name}; make a new one with {name}={value!r}"
            )
            raise GlueballAttributeError(message)
        super().__setattr__(name, value)

    def _choose(self, places: list[Place]) -> dict[int, Choice] | None:
        """Return what each parameter of a net is filled by, by its id; None: this, as the default."""
        return None

    def _has_specific_rule_for(self, name: str) -> bool:
        """Whether this has a rule that singles out parameters of such a name."""
        return False

    def variance(self, name: str | Sequence[int], shape: Sequence[int] | None = None) -> float:
        """Return the variance of the values that a parameter of a shape gets: ``variance((256, 20))``.

        Where values follow a rule, that of the rule: its expectation where they are random. What
        the user's own class gives is measured, on one draw that leaves the random state as it was.

        Parameters
        ----------
        name : str or sequence of int
            The name for errors, or the shape.
        shape : sequence of int, optional
            The shape, where a name is given.

        Raises
        ------
        ShapeError
            When the initializer does not fill this shape: a bias has no fan-in.
        """
        return self._moments(*_named_shape(name, shape))[1]

    def mean(self, name: str | Sequence[int], shape: Sequence[int] | None = None) -> float:
        """Return the mean of the values that a parameter of a shape gets, as `variance` does."""
        return self._moments(*_named_shape(name, shape))[0]

    def _moments(self, name: str, shape: tuple[int, ...]) -> tuple[float, float]:
        """Return mean and variance over a parameter's elements; here of what one draw gives."""
        values = np.zeros(shape)  # as in a net: what a hook does not write is 0
        with _core.DrawsApart():
            _run_hook(self.__call__, self, InitDesc(name, {"__init__": self}), values)
        return (float(values.mean()), float(values.var())) if values.size else (0.0, 0.0)

    @property
    def _is_measured(self) -> bool:
        """Whether `_moments` are those of a draw, and not of a rule."""
        return (
            self._bound is _core.Initializer
            or type(self)._init_weight is not self._bound._init_weight
        )

    def dumps(self) -> str:
        """Write class and settings as JSON, which `create` reads.

        Returns
        -------
        str
            ``'["class name", {settings}]'``.

        Examples
        --------
        >>> from glueball import init
        >>> init.Uniform(0.1).dumps()
        '["uniform", {"scale": 0.1}]'
        >>> init.create(init.Uniform(0.1).dumps())
        Uniform(scale=0.1)
        """
        import json  # here and below, because few programs need it at all

        return json.dumps([type(self).__name__.lower(), self._kwargs], default=_plain)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Initializer):
            return NotImplemented
        if self is other:
            return True
        return type(self) is type(other) and _equal(self._kwargs, other._kwargs)

    def __hash__(self) -> int:
        # By names only: settings may be arrays, or numbers that are equal and of different types.
        return hash((type(self), tuple(sorted(self._kwargs))))

    def __repr__(self) -> str:
        settings = ", ".join(
            f"{name}={_shown(value)}" for name, value in vars(self)["_kwargs"].items()
        )
        return f"{type(self).__name__}({settings})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self._native), self.__dict__.copy()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._set_announcing(self._verbose and self._print_func is not None)

    def set_verbosity(
        self, verbose: bool = False, print_func: Callable[[Array], str] | None = None
    ) -> Initializer:
        """Switch on or off a line of log, level INFO, for each parameter that this initializes.

        Parameters
        ----------
        verbose : bool, default False
            Whether to log.
        print_func : callable, optional
            Takes the filled array and returns what to say about it; by default its root mean
            square.

        Returns
        -------
        Initializer
            Itself.
        """
        self._verbose = verbose
        self._print_func = print_func if print_func is not None else _scale_of
        self._set_announcing(verbose)
        return self

    def _announce(self, desc: InitDesc, arr: Array) -> None:
        """Log that a parameter was filled: called by the extension when verbosity is on."""
        if not (self._verbose and self._print_func is not None):
            return
        own = desc.attrs.get("__init__")
        kind = kind_of(desc)
        how = repr(own) if own else "weight" if kind == "other" else kind
        log_info("Initialized %s as %s: %s", desc, how, self._print_func(arr))


def _named_shape(
    name: str | Sequence[int], shape: Sequence[int] | None
) -> tuple[str, tuple[int, ...]]:
    given: Any = name if shape is None else shape
    return "weight" if shape is None else str(name), tuple(int(length) for length in given)


def _rebuild(cls: type[Initializer], native: dict[str, Any] | None) -> Initializer:
    """Make the object that a pickle or a copy describes, before its attributes are restored."""
    self = cls.__new__(cls)
    if native is not None:
        cls._bound.__init__(self, **native)
    return self


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(v, right[k]) for k, v in left.items())
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return bool(np.array_equal(left, right))
    return bool(left == right)


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        if value.size > 10:
            return f"<array of shape {value.shape}>"
        return repr(value.tolist())
    if isinstance(value, dict):
        return f"<{len(value)} entries>"
    return getattr(value, "__qualname__", None) or repr(value)


def _plain(value: Any) -> Any:
    """Turn what JSON does not know into what it does."""
    if isinstance(value, Initializer):
        import json

        return json.loads(value.dumps())
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if callable(value):
        return getattr(value, "__qualname__", repr(value))
    message = (
        f"expected settings that JSON can hold, found {type(value).__name__}; "
        "keep numbers, strings, lists, arrays or initializers"
    )
    raise GlueballTypeError(message)
