"""Parameters: named arrays that a net learns, in one of three states.

A parameter is *uninitialized* until `initialize()`; *deferred* while its shape is not known in full;
*initialized* from then on. Values, gradient and plan live in the C++ core; this module adds names,
contexts, messages and the views that users hold.
"""

from __future__ import annotations

import warnings
import weakref
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from glueball import _core, _tape
from glueball import init as initializers
from glueball._numpy_mode import is_np_array
from glueball._scope import later, outside
from glueball.base import ArgumentError, DtypeError, GlueballAttributeError, MXNetError, ShapeError
from glueball.gluon import _places
from glueball.gluon._checks import array_type, check_assignable
from glueball.gluon.parameter._copying import parts_of, restore
from glueball.gluon.parameter._foreign_words import ForeignWords
from glueball.gluon.parameter._gradient_sink import GradientSink
from glueball.gluon.parameter._settings import (
    check_grad_req,
    context_list,
    dtype_name,
    to_lengths,
    to_multiplier,
    to_numbers,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from glueball.context import Context
    from glueball.nd import NDArray

__all__ = ["Parameter"]

_html = later("insight._notebook:parameter_html")


class Parameter(ForeignWords, _core.Parameter):
    """A named array that training changes.

    Parameters
    ----------
    name : str
        Full name, as shown in messages and files.
    grad_req : {'write', 'add', 'null'}, default 'write'
        Whether backward overwrites the gradient, adds to it, or computes none.
    shape : int or tuple of int, optional
        0 (or -1) marks an axis that is not known yet; None says that nothing is known.
    dtype : str or numpy.dtype, default 'float32'
        ``float32`` or ``float64``.
    lr_mult, wd_mult : float, default 1.0
        What the optimizer multiplies its learning rate and weight decay by, read at each step.
    init : str, Initializer or callable, optional
        Fills this parameter in place of the default that `initialize` is given.
    allow_deferred_init : bool, default False
        Whether `initialize` may wait until the shape is known.
    differentiable : bool, default True
        False makes `grad_req` ``'null'`` for good.
    stype, grad_stype : {'default'}
        Storage types; dense is the only one.

    Raises
    ------
    ValueError
        For another `grad_req`, or a shape with negative axes.
    TypeError
        For another dtype.

    Examples
    --------
    >>> from glueball import gluon
    >>> weight = gluon.Parameter("weight", shape=(2, 3))
    >>> weight
    Parameter weight (shape=(2, 3), dtype=float32)
    >>> weight.initialize(init="ones")
    >>> weight.data()
    <BLANKLINE>
    [[1. 1. 1.]
     [1. 1. 1.]]
    <NDArray 2x3 @cpu(0)>
    """

    init: Any = None
    _contexts: list[Context]
    _view: tuple[int, weakref.ref[NDArray]] | None
    _grad_view: tuple[int, NDArray] | None
    _leaf: tuple[int, _tape.Leaf] | None
    _plan: tuple[Any, Any, _core.Generator] | None
    _given: tuple[Any, Any] | None  # own and default initializer, as last used
    _origin: str  # who said so
    _rounds_inference: bool  # since cast("bfloat16")
    _path: str | None = None
    _set_first = False  # values were set, and initialize() was not called yet
    _former_req = "write"  # what freezing changed to "null"

    def __init__(
        self,
        name: str,
        grad_req: str = "write",
        shape: int | Iterable[int] | None = None,
        dtype: Any = "float32",
        lr_mult: float = 1.0,
        wd_mult: float = 1.0,
        init: Any = None,
        allow_deferred_init: bool = False,
        differentiable: bool = True,
        stype: str = "default",
        grad_stype: str = "default",
    ) -> None:
        for what, given in (("stype", stype), ("grad_stype", grad_stype)):
            if given != "default":
                message = (
                    f"expected {what}='default' for Parameter '{name}', found {given!r}; "
                    "glueball stores dense arrays only"
                )
                raise ArgumentError(message)
        if not isinstance(name, str):
            message = (
                f"expected a str as name of a Parameter, found {name!r} of type "
                f"{type(name).__name__}; pass a name such as 'weight'"
            )
            raise DtypeError(message)
        check_grad_req(grad_req)
        if init is not None:
            initializers.create(init)  # a misspelt name is found here, not at initialize()
        super().__init__(
            name,
            to_lengths(shape, name),
            dtype_name(dtype, name),
            grad_req,
            allow_deferred_init,
            differentiable,
            to_multiplier(lr_mult, "lr_mult", name),
            to_multiplier(wd_mult, "wd_mult", name),
        )
        # Straight into __dict__: __setattr__ looks whether an attribute is one.
        self.__dict__.update(
            init=init,
            _differentiable=differentiable,
            _contexts=[],
            _view=None,
            _grad_view=None,
            _leaf=None,
            _plan=None,
            _given=None,
            _origin="",
            _rounds_inference=False,
        )

    def __repr__(self) -> str:
        # Debuggers print what a constructor that raised has left behind; the C++ part is not there then.
        if "_contexts" not in self.__dict__:
            return f"<{type(self).__name__}, not constructed>"
        path = f", path='{self._path}'" if self._path is not None else ""
        return f"{type(self).__name__} {self.name} (shape={self.shape}, dtype={self.dtype}{path})"

    def __str__(self) -> str:
        # Gluon's, which ParameterDict prints.
        return f"{type(self).__name__} {self.name} (shape={self.shape}, dtype={self.dtype})"

    def _repr_html_(self) -> str | None:
        """Return what notebooks show: statistics and a histogram."""
        html: str | None = _html(self) if "_contexts" in self.__dict__ else None
        return html

    def __getattr__(self, attribute: str) -> Any:
        # Only called for what is missing.
        message = f"'{type(self).__name__}' object has no attribute '{attribute}'"
        raise GlueballAttributeError(message, name=attribute, obj=self)

    def __setattr__(self, attribute: str, value: Any) -> None:
        if attribute[:1] != "_":
            if attribute == "data":
                self.set_data(value)
                return
            if attribute == "grad":
                self._set_grad(value)
                return
            _places.attributes.check(self, attribute, value)
        super().__setattr__(attribute, value)

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape as far as it is known: unknown axes are 0, in NumPy mode -1.

        Setting it fills unknown axes.
        """
        lengths: tuple[int, ...] | None = self._lengths
        if lengths is None or -1 not in lengths or is_np_array():
            return lengths
        return tuple(0 if length == -1 else length for length in lengths)

    @shape.setter
    def shape(self, shape: int | Iterable[int]) -> None:
        lengths = to_lengths(shape, self.name)
        if lengths is not None:
            self._check_shape(lengths)
            self._set_shape(lengths)

    def _fits(self, shape: int | Iterable[int] | None) -> bool:
        """Whether `shape` agrees with every axis that is known."""
        lengths, known = to_lengths(shape, self.name), self._lengths
        if lengths is None or known is None:
            return True
        return len(known) == len(lengths) and all(
            a == b or -1 in (a, b) for a, b in zip(known, lengths, strict=True)
        )

    def _check_shape(self, lengths: tuple[int, ...]) -> None:
        if self._fits(lengths):
            return
        given = lengths if is_np_array() else tuple(0 if each == -1 else each for each in lengths)
        message = (
            f"Expected shape {given} is incompatible with given shape {self.shape}. (Parameter "
            f"'{self.name}' has shape {self.shape}; pass a shape whose known axes are equal, or make "
            "a new layer.)"
        )
        raise ShapeError(message)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The element type; setting it is `cast`."""
        return np.dtype(self._dtype_name)

    @dtype.setter
    def dtype(self, dtype: Any) -> None:
        self.cast(dtype)

    @property
    def lr_mult(self) -> float:
        """What the optimizer multiplies its learning rate by."""
        return super().lr_mult

    @lr_mult.setter
    def lr_mult(self, value: Any) -> None:
        super(Parameter, type(self)).lr_mult.__set__(  # type: ignore[attr-defined]
            self, to_multiplier(value, "lr_mult", self.name)
        )

    @property
    def wd_mult(self) -> float:
        """What the optimizer multiplies its weight decay by."""
        return super().wd_mult

    @wd_mult.setter
    def wd_mult(self, value: Any) -> None:
        super(Parameter, type(self)).wd_mult.__set__(  # type: ignore[attr-defined]
            self, to_multiplier(value, "wd_mult", self.name)
        )

    @property
    def grad_req(self) -> str:
        """What backward does with the gradient: ``'write'``, ``'add'`` or ``'null'``."""
        return self._grad_req

    @grad_req.setter
    def grad_req(self, grad_req: str) -> None:
        check_grad_req(grad_req)
        self._grad_req = grad_req

    def initialize(
        self,
        init: Any = None,
        ctx: Context | list[Context] | None = None,
        default_init: Any = None,
        force_reinit: bool = False,
        *,
        path: str | None = None,
        call: int | None = None,
        origin: str | None = None,
    ) -> None:
        """Give the first values: now if the shape is known, else as soon as it is.

        Parameters
        ----------
        init : str, Initializer or callable, optional
            Fills this parameter; else the parameter's own `init` does, else `default_init`.
            The choice is not remembered for later calls.
        ctx : Context or list of Context, optional
            Where to. All CPU contexts are one memory; on several, the gradients of as many backward passes are
            summed until a step, since programs walk a batch's parts one by one then.
        default_init : str, Initializer or callable, optional
            ``Uniform(0.07)`` if nothing is said.
        force_reinit : bool, default False
            Give new values (in new arrays) to a parameter that has some.
        path : str, optional
            Structural path that the random stream is made of; the name if nothing is said.
        call : int, optional
            Number of the initialize call that this is part of; a new one if nothing is said.
        origin : str, optional
            Who chose the initializer, as `Block.explain` says it.

        Raises
        ------
        ValueError
            If the shape is unknown and may not be waited for, or an initializer is unknown.
        """
        was_set_first = self._set_first
        self.__dict__.pop("_set_first", None)
        if self._is_initialized and not force_reinit:
            if was_set_first:
                self._be_on(context_list(ctx))
                return
            if init is not None:
                initializers.create(init)  # an unknown one is an error here too
            warnings.warn(
                f"Parameter '{self.name}' is already initialized, ignoring. "
                "Set force_reinit=True to re-initialize.",
                stacklevel=2,
            )
            return
        if not self._allow_deferred_init and (self._lengths is None or -1 in self._lengths):
            message = (
                f"Cannot initialize Parameter '{self.name}' because it has invalid shape: "
                f"{self.shape}. Expected a shape whose axes are all known; give it, or pass "
                "allow_deferred_init=True to wait for data."
            )
            raise ArgumentError(message)
        own = self._own_initializer(init)
        default = initializers.create("uniform" if default_init is None else default_init)
        stream = _core.Generator(
            _core.default_generator().seed,
            _core.parameter_stream(
                self.name if path is None else path,
                _core.next_initialize_call() if call is None else call,
            ),
        )
        contexts = context_list(ctx)
        self._initialize(own, default, stream, force_reinit)
        self._given = (own, default)
        if origin is None:
            has_own = init is None and self.init is not None
            origin = "layer" if has_own else "initialize()"
        self._origin = origin
        self._be_on(contexts)
        self._plan = None if self._is_initialized else (own, default, stream)

    def _own_initializer(self, init: Any) -> Any:
        chosen = self.init if init is None else init
        return None if chosen is None else initializers.create(chosen)

    def data(self, ctx: Context | None = None) -> NDArray:
        """Return the parameter's own array: writing into it writes the parameter.

        It is one object for as long as it is held. Nets read packed copies of their weights while it is
        not, so a program that keeps it pays for packing in every forward, and in training for
        a look whether it was written between the forward and `backward`.

        Raises
        ------
        RuntimeError
            If it is not initialized, was not initialized on `ctx`, or (as
            `DeferredInitializationError`) waits for its shape.
        """
        view = self._view
        data = view[1]() if view is not None and view[0] == self._generation else None
        if data is None:
            data = self._data(array_type())
            if self._grad_req == "null":
                data._source = self._current_leaf()  # writes count all the same
            else:
                data._node = self._current_leaf()
            # Weakly: the core keeps packed copies only while no view could write past them.
            attributes = self.__dict__
            attributes["_view"] = (self._generation, weakref.ref(data))
            attributes["_plan"] = None
        if ctx is not None:
            self._check_context(ctx)
        return data

    def _current_leaf(self) -> _tape.Leaf:
        """Return where graphs of this parameter start: one node for all its views, one after the other."""
        leaf = self._leaf
        if leaf is None or leaf[0] != self._generation:
            leaf = (self._generation, _tape.Leaf(GradientSink(self)))
            self.__dict__["_leaf"] = leaf
        return leaf[1]

    def grad(self, ctx: Context | None = None) -> NDArray:
        """Return the gradient's array: zeros before the first backward.

        Raises
        ------
        RuntimeError
            As `data`, and if `grad_req` is ``'null'``.
        """
        view = self._grad_view
        if view is None or view[0] != self._generation:
            view = (self._generation, self._grad(array_type()))
            self.__dict__["_grad_view"] = view
        if ctx is not None:
            self._check_context(ctx)
        return view[1]

    def list_data(self) -> list[NDArray]:
        """Return `data(ctx)` of each context."""
        return [self.data()] * max(1, len(self._contexts))

    def list_grad(self) -> list[NDArray]:
        """Return `grad(ctx)` of each context."""
        return [self.grad()] * max(1, len(self._contexts))

    def set_data(self, data: Any) -> None:
        """Copy `data`, anything array-like of a fitting shape, into the parameter.

        One whose shape is not known takes it from `data`. One that was not initialized is so then, and the next
        `initialize` leaves it as it is.

        Raises
        ------
        ValueError
            If the shape does not fit; nothing changes then.
        TypeError
            If `data` is not an array of numbers, or of the other array mode.
        """
        check_assignable(data, self.name)
        is_first = self._state == "uninitialized"
        self._write(data, create=True)
        if is_first:
            self._place(None)
            self.__dict__["_set_first"] = True

    def _set_grad(self, gradient: Any) -> None:
        """Set the gradient, as a backward would have; None sets it to zero."""
        if gradient is None:
            self.zero_grad()
            return
        if self._grad_req == "null":
            message = (
                f"expected Parameter '{self.name}' to have a gradient to set, found grad_req='null'; "
                "set requires_grad = True first"
            )
            raise ArgumentError(message)
        values = to_numbers(gradient, f"gradient of Parameter '{self.name}'")
        present = self._grad(np.ndarray)
        if values.shape != present.shape:
            message = (
                f"expected a gradient of shape {present.shape} for Parameter '{self.name}', found "
                f"{values.shape}; pass one of the parameter's shape"
            )
            raise ShapeError(message)
        values = np.array(values, present.dtype)
        self._zero_grad()
        self._accumulate_grad(values, _core.BackwardPass())

    def _load_data(self, data: Any, ctx: Context | list[Context] | None) -> None:
        """As `set_data`, but makes the array of a parameter that was never initialized."""
        self._write(data, create=True)
        self._place(ctx)

    def _place(self, ctx: Context | list[Context] | None) -> None:
        """Say where values are that came from elsewhere, unless it was said before."""
        self._given, self._origin = None, "data"
        if not self._contexts:
            self._be_on(context_list(ctx))

    def _write(self, data: Any, *, create: bool) -> None:
        values = to_numbers(data, f"data of Parameter '{self.name}'")
        values = values.astype(self._dtype_name, copy=False)
        if values.size == 0:
            message = (
                f"expected data with elements for Parameter '{self.name}' of shape {self.shape}, found "
                f"shape {values.shape}; pass an array without axes of length 0"
            )
            raise ShapeError(message)
        self._check_shape(values.shape)
        self._set_data(values, create)
        self._given, self._origin = None, "data"

    def zero_grad(self) -> None:
        """Set the gradient to 0; does nothing where there is none."""
        self._zero_grad()

    def cast(self, dtype: Any) -> None:
        """Convert values and gradient, now or when they come to be, to new arrays of `dtype`.

        Parameters
        ----------
        dtype : {'float32', 'float64', 'bfloat16'} or numpy.dtype
            ``bfloat16`` converts nothing: the values stay float32, for training, files and `data()`, but
            dense layers read their weights rounded to bfloat16 in inference, which halves what they read
            from memory. ``float32`` ends that.

        Raises
        ------
        TypeError
            For another dtype, and for bfloat16 if the parameter is float64.
        """
        if isinstance(dtype, str) and dtype == "bfloat16":
            self._set_rounds_inference(True)
            self._rounds_inference = True
        else:
            self._cast(dtype_name(dtype, self.name))
            self._rounds_inference = False

    def var(self) -> NoReturn:
        """Raise an `OutsideScopeError`: there are no symbols."""
        name = "gluon.Parameter.var"
        raise outside(name, "symbolic graphs")

    def row_sparse_data(self, row_id: Any) -> NoReturn:
        """Raise an `OutsideScopeError`: rows are not stored apart; `data` has them all."""
        name = "gluon.Parameter.row_sparse_data"
        raise outside(name, "sparse arrays")

    list_row_sparse_data = row_sparse_data

    def list_ctx(self) -> list[Context]:
        """Return the contexts that the parameter was initialized on."""
        if self._state == "uninitialized":
            message = f"Parameter '{self.name}' has not been initialized"
            raise MXNetError(message)
        return list(self._contexts)

    def reset_ctx(self, ctx: Context | list[Context]) -> None:
        """Change the contexts; the memory stays where it is.

        Raises
        ------
        ValueError
            If the parameter was never initialized.
        """
        if self._state == "uninitialized":
            message = (
                f"Cannot reset context for Parameter '{self.name}' because it has not been "
                "initialized."
            )
            raise ArgumentError(message)
        self._be_on(context_list(ctx))

    def _be_on(self, contexts: list[Context]) -> None:
        """Note contexts: gradients of as many backward passes are summed, as Gluon's Trainer sums devices'."""
        self._contexts = contexts
        self._set_passes_per_step(len(contexts))

    def _check_context(self, ctx: Context) -> None:
        if ctx not in self._contexts:
            message = (
                f"Parameter '{self.name}' was not initialized on context {ctx}. "
                f"It was only initialized on {self._contexts}."
            )
            raise MXNetError(message)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.name, *parts_of(self))

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        memo[id(self)] = copied = _rebuild(type(self), self.name, *parts_of(self, memo))
        return copied


def _rebuild(
    cls: type[Parameter],
    name: str,
    settings: dict[str, Any],
    state: tuple[Any, ...],
    others: dict[str, Any],
) -> Parameter:
    """Return a parameter of what `parts_of` gave, whatever its class's own constructor takes."""
    parameter = cls.__new__(cls)
    Parameter.__init__(parameter, name, **{**settings, "shape": None})
    restore(parameter, settings["shape"], state, others)
    return parameter
