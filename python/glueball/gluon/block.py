"""Block: a net, or a part of one. Names, children, parameters, hooks, files."""

from __future__ import annotations

import operator
import re
import threading
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

from glueball import name as names
from glueball import nd, npx
from glueball import np as np_mode
from glueball._files import natural_order
from glueball.base import (
    ArgumentError,
    DeferredInitializationError,
    GlueballTypeError,
    MXNetError,
)
from glueball.gluon import _structure
from glueball.gluon._arrays import check_input
from glueball.gluon._hooks import HookHandle, _Hooks
from glueball.gluon._plan import current_plan
from glueball.gluon.loading import load_checked, read_named
from glueball.gluon.parameter import Parameter, ParameterDict

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from glueball import _core
    from glueball.context import Context

__all__ = ["Block", "HybridBlock"]


class _OpenScope(threading.local):
    """The innermost `name_scope()` that is open in each thread."""

    block: Block | None = None


_open_scope = _OpenScope()


class _NameScope:
    """Blocks made inside are named from the owner's counters, behind the owner's prefix."""

    def __init__(self, owner: Block) -> None:
        self._owner = owner
        self._outer: list[Block | None] = []

    def __enter__(self) -> None:
        self._outer.append(_open_scope.block)
        # A block with an empty prefix opens nothing: its children get global names.
        if self._owner.prefix:
            _open_scope.block = self._owner

    def __exit__(self, *exc: object) -> None:
        _open_scope.block = self._outer.pop()


def _make_names(
    prefix: str | None, params: ParameterDict | None, hint: str
) -> tuple[str, ParameterDict]:
    """Return a new block's prefix, and its dict of parameters."""
    if params is not None and not isinstance(params, ParameterDict):
        message = (
            f"expected a ParameterDict as params, found {type(params).__name__}; pass "
            "other_block.params or other_block.collect_params()"
        )
        raise GlueballTypeError(message)
    scope = _open_scope.block
    if scope is None:
        if prefix is None:
            prefix = names.current().get(None, hint) + "_"
        inherited = None
        own_prefix = prefix
    else:
        if prefix is None:
            number = scope._counters.get(hint, 0)
            scope._counters[hint] = number + 1
            prefix = f"{hint}{number}_"
        own_prefix = scope.params.prefix + prefix
        prefix = scope.prefix + prefix
        inherited = scope.params._shared
    if params is not None:
        return prefix, ParameterDict(params.prefix, params)
    return prefix, ParameterDict(own_prefix, inherited)


class Block:
    """Base class of layers and nets.

    Parameters
    ----------
    prefix : str, optional
        Put in front of the names of parameters and, in `name_scope`, of children. Made of the class's
        name and a number if None.
    params : ParameterDict, optional
        Parameters to share: the new block uses those of the same names.

    Examples
    --------
    >>> from glueball import nd
    >>> from glueball.gluon import nn
    >>> class Net(nn.Block):
    ...     def __init__(self, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.hidden = nn.Dense(4, activation="relu")
    ...         self.output = nn.Dense(2)
    ...
    ...     def forward(self, x):
    ...         return self.output(self.hidden(x))
    >>> net = Net()
    >>> net.initialize()
    >>> net(nd.ones((3, 5))).shape
    (3, 2)
    """

    # The class whose `forward` runs natively, in it and in subclasses that leave it alone.
    _native_class: ClassVar[type[Block] | None] = None
    # Whether a subclass of such a class computes in a `hybrid_forward` of its own.
    _runs_hybrid_forward: ClassVar[bool] = False
    # Whether `forward` only runs the children, one behind the other.
    _is_chain: ClassVar[bool] = False

    def __init__(self, prefix: str | None = None, params: ParameterDict | None = None) -> None:
        # Straight into __dict__: __setattr__ needs these to be there.
        attributes = self.__dict__
        attributes["_prefix"], attributes["_params"] = _make_names(prefix, params, self._alias())
        attributes["_children"] = _structure.Children(self)
        attributes["_reg_params"] = {}
        attributes["_counters"] = {}
        attributes["_forward_hooks"] = _Hooks()
        attributes["_forward_pre_hooks"] = _Hooks()
        attributes["_active"] = False
        attributes["_plan"] = None
        attributes["_planned"] = False

    def _alias(self) -> str:
        """Return what automatic names are made of."""
        return type(self).__name__.lower()

    # ---- names and parts -----------------------------------------------------------------

    @property
    def prefix(self) -> str:
        """What stands in front of the names of parameters."""
        return self._prefix  # type: ignore[no-any-return]

    @property
    def name(self) -> str:
        """The prefix without its last underscore."""
        return self._prefix.removesuffix("_")  # type: ignore[no-any-return]

    @property
    def params(self) -> ParameterDict:
        """The block's own parameters, without its children's."""
        return self._params  # type: ignore[no-any-return]

    def name_scope(self) -> _NameScope:
        """Return a context in which new blocks are named as children of this one."""
        return _NameScope(self)

    def __repr__(self) -> str:
        lines = [
            f"  ({key}): {_indented(repr(value))}"
            for key, value in self.__dict__.items()
            if isinstance(value, Block)
        ]
        return "{}(\n{}\n)".format(type(self).__name__, "\n".join(lines))

    def __getattr__(self, attribute: str) -> Any:
        # Only called for what is missing.
        if attribute in ("_children", "_prefix", "_params", "_reg_params", "_plan"):
            message = (
                f"'{type(self).__name__}' object has no attribute '{attribute}': expected its "
                "__init__ to have called Block's, found that it has not; call super().__init__() "
                f"first in {type(self).__name__}.__init__"
            )
            raise AttributeError(message)
        message = f"'{type(self).__name__}' object has no attribute '{attribute}'"
        raise AttributeError(message)

    def __setattr__(self, attribute: str, value: Any) -> None:
        present = self.__dict__.get(attribute)
        if isinstance(present, Parameter) and present is not value:
            message = (
                f"Overriding Parameter attribute {attribute} is not allowed. If you want to share "
                "parameters between blocks, please set 'params' at Block construction instead."
            )
            raise ArgumentError(message)
        if isinstance(present, Block) and not isinstance(value, type(present)):
            message = (
                f"Changing attribute type for {attribute} from {type(present)} to {type(value)}"
                "is not allowed."
            )
            raise GlueballTypeError(message)
        if isinstance(value, Block):
            self.register_child(value, attribute)
        elif isinstance(value, Parameter):
            self._reg_params[attribute] = value
            _structure.changed(self)
        elif attribute == "forward":
            _structure.changed(self)
        super().__setattr__(attribute, value)

    def __delattr__(self, attribute: str) -> None:
        present = self.__dict__.get(attribute)
        super().__delattr__(attribute)
        if isinstance(present, Block):
            self._children.pop(attribute, None)
            _structure.changed(self)
        elif isinstance(present, Parameter):
            self._reg_params.pop(attribute, None)
            _structure.changed(self)
        elif attribute == "forward":
            _structure.changed(self)

    def register_child(self, block: Block, name: str | None = None) -> None:
        """Make `block` a child, under `name` or the next number.

        Raises
        ------
        TypeError
            If it is no Block.
        """
        if not isinstance(block, Block):
            message = (
                f"expected a Block as child of '{self.name}', found {type(block).__name__}; "
                "wrap functions in nn.Lambda, and pass several layers as add(*layers)"
            )
            raise GlueballTypeError(message)
        self._children[self._free_key() if name is None else name] = block

    def _free_key(self) -> str:
        number = len(self._children)
        while str(number) in self._children:  # earlier children have been taken out
            number += 1
        return str(number)

    def apply(self, fn: Callable[[Block], Any]) -> Block:
        """Call `fn` on every child, depth first, then on this block; returns this block."""
        for child in self._children.values():
            child.apply(fn)
        fn(self)
        return self

    # ---- parameters ----------------------------------------------------------------------

    def collect_params(self, select: str | None = None) -> ParameterDict:
        """Return the parameters of this block and all below it, in a new ParameterDict.

        Parameters
        ----------
        select : str, optional
            Regular expression that is matched from the start of the full name: ``'.*weight'``.

        Raises
        ------
        re.error
            If `select` is no regular expression.
        """
        self._check_containers()
        pattern = None if select is None else re.compile(select)
        collected = ParameterDict(self._params.prefix)
        collected._paths = {}
        for path, parameter in self._walk_parameters():
            if pattern is None or pattern.match(parameter.name):
                collected._add(parameter.name, parameter, path)
        if pattern is None:
            self._params._warn_about_unused(self.name, collected.values())
        return collected

    def _walk_blocks(self) -> Iterator[tuple[str, Block]]:
        """Yield (prefix of structural paths, block), this one first. Iterative: nets are deep."""
        stack: list[tuple[str, Block]] = [("", self)]
        while stack:
            prefix, block = stack.pop()
            yield prefix, block
            stack.extend(
                (f"{prefix}{key}.", child) for key, child in reversed(block._children.items())
            )

    def _walk_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield (structural path, parameter): own ones first, then each child's."""
        for prefix, block in self._walk_blocks():
            yield from block._own_parameters(prefix)

    def _own_parameters(self, prefix: str) -> Iterator[tuple[str, Parameter]]:
        attribute_of = {id(value): key for key, value in self._reg_params.items()}
        for full_name, parameter in self._params.items():
            local = full_name.removeprefix(self._params.prefix)
            yield prefix + attribute_of.pop(id(parameter), local), parameter
        for key, parameter in self._reg_params.items():
            if id(parameter) in attribute_of:  # assigned directly, not made by params.get
                yield prefix + key, parameter

    def _check_containers(self) -> None:
        """Warn of blocks in plain lists and dicts, which are not children."""
        stack: list[Block] = [self]
        while stack:
            block = stack.pop()
            children = block._children.values()
            for key, value in block.__dict__.items():
                if isinstance(value, list | tuple | dict) and not key.startswith("__"):
                    if key in ("_children", "_reg_params", "_forward_hooks", "_forward_pre_hooks"):
                        continue
                    if _has_unregistered(value, children):
                        warnings.warn(
                            f'"{type(block).__name__}.{key}" is an unregistered container with '
                            "Blocks. Note that Blocks inside the list, tuple or dict will not be "
                            "registered automatically. Make sure to register them using "
                            "register_child() or switching to nn.Sequential/nn.HybridSequential "
                            "instead. ",
                            stacklevel=3,
                        )
            stack.extend(children)

    def initialize(
        self,
        init: Any = None,
        ctx: Context | list[Context] | None = None,
        verbose: bool = False,
        force_reinit: bool = False,
    ) -> None:
        """Initialize every parameter of the net; those of unknown shape as soon as data is seen.

        Parameters
        ----------
        init : str, Initializer or callable, optional
            For parameters with no initializer of their own; ``Uniform(0.07)`` if None.
        ctx : Context or list of Context, optional
            Where to.
        verbose : bool, default False
            Log each initialization at level INFO.
        force_reinit : bool, default False
            Give new values to parameters that have some, without a warning.
        """
        self.collect_params().initialize(init, ctx, verbose, force_reinit)

    def cast(self, dtype: Any) -> None:
        """Convert parameters of the whole net, now or when they are initialized, to `dtype`.

        Parameters
        ----------
        dtype : {'float32', 'float64', 'bfloat16'} or numpy.dtype
            As for `Parameter.cast`: ``bfloat16`` makes inference read rounded weights, which is faster for
            few samples and weights that outgrow the cache.
        """
        for child in self._children.values():
            child.cast(dtype)
        for _, parameter in self._own_parameters(""):
            parameter.cast(dtype)

    def infer_shape(self, *shapes: Any) -> None:
        """Make every shape known without running the net.

        Parameters
        ----------
        *shapes : tuple of int or NDArray
            The input's shape; None (or -1, 0) stands for an unknown batch size: ``(None, 20)``. What was
            waiting for its shape is initialized then. From an array, as in Gluon, shapes are
            inferred and nothing is initialized.

        Raises
        ------
        MXNetError
            If a shape does not fit the net.
        ValueError
            If the net contains a block whose output's shape only a forward pass tells.
        """
        shape, is_data = _to_input_shape(shapes, self.name)
        if self._native_class is None or (self._is_chain and not self._is_native()):
            self._cannot_infer()
        self._infer_steps(shape)
        if is_data:
            return
        for _, parameter in self._walk_parameters():
            if parameter._state == "deferred" and -1 not in (parameter._lengths or (-1,)):
                parameter._finish_deferred()

    def _infer_output(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Fill in parameters' unknown axes for an input's shape, and return the output's."""
        if not self._is_native():
            self._cannot_infer()
        return self._infer_steps(shape)

    def _infer_steps(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        for step in current_plan(self).steps:
            native: Any = step  # when it is no Block: a chain of the core's
            shape = (step._infer_output if isinstance(step, Block) else native.infer_shape)(shape)
        return shape

    def _cannot_infer(self) -> None:
        message = (
            f"expected blocks that tell their output's shape from their input's, found "
            f"'{self.name}' ({type(self).__name__}); pass one batch of data through the net instead"
        )
        raise ArgumentError(message)

    # ---- running -------------------------------------------------------------------------

    def __call__(self, *args: Any) -> Any:
        """Run the hooks and `forward`."""
        if self._forward_pre_hooks:
            for hook in tuple(self._forward_pre_hooks.values()):
                hook(self, args)
        output = self.forward(*args)
        if self._forward_hooks:
            for hook in tuple(self._forward_hooks.values()):
                hook(self, args, output)
        return output

    def forward(self, *args: Any) -> Any:
        """Compute the output; a subclass says how."""
        message = f"expected class {type(self).__name__} to define forward(self, x), found none; define it"
        raise NotImplementedError(message)

    def hybridize(self, active: bool = True, **flags: Any) -> None:
        """Accept Gluon's request to compile: results are the same, native chains are always used.

        Parameters
        ----------
        active : bool, default True
            Kept, and passed to children.
        **flags
            Accepted and ignored (``static_alloc`` and its kin).
        """
        for child in self._children.values():
            child.hybridize(active, **flags)

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call ``hook(block, inputs)`` before each forward; its result is ignored."""
        return self._register_hook(self._forward_pre_hooks, hook)

    def register_forward_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call ``hook(block, inputs, output)`` after each forward; its result is ignored."""
        return self._register_hook(self._forward_hooks, hook)

    def _register_hook(self, hooks: _Hooks, hook: Callable[..., Any]) -> HookHandle:
        if not callable(hook):
            message = f"expected a function as hook, found {type(hook).__name__}; pass a callable"
            raise GlueballTypeError(message)
        handle = HookHandle(hooks, hook)
        _structure.changed(self)
        return handle

    def _has_hooks(self) -> bool:
        return bool(self._forward_hooks or self._forward_pre_hooks)

    def _pieces(self) -> list[_core.Layer | Block]:
        """Return what `forward` runs, one behind the other: new native layers, and blocks."""
        return [self]

    def _from_functions(self, x: Any) -> Any:
        """Return what `_pieces` compute, as operations that are recorded one by one."""
        return self.forward(x)

    def _is_native(self) -> bool:
        """Whether `forward` does what `_pieces` says: nobody has put another in its place."""
        native = self._native_class
        return (
            native is not None
            and type(self).forward is native.forward
            and "forward" not in self.__dict__
            and not self._runs_hybrid_forward
        )

    def _is_plain(self) -> bool:
        """Whether a call does what `_pieces` says, and nothing else: no hooks either."""
        native = self._native_class
        return (
            native is not None
            and self._is_native()
            and type(self).__call__ is native.__call__
            and not self._has_hooks()
        )

    def summary(self, *inputs: Any) -> None:
        """Print a table of the layers that one forward runs, with output shapes and parameter counts.

        Raises
        ------
        AssertionError
            If the net was hybridized.
        RuntimeError
            If it was never initialized.
        """
        from glueball.gluon._summary import print_summary

        print_summary(self, inputs)

    # ---- files ---------------------------------------------------------------------------

    def save_parameters(self, filename: str, deduplicate: bool = False) -> None:
        """Write every parameter under its structural path: ``0.weight``, ``encoder.1.bias``.

        Parameters
        ----------
        filename : str
            ``.safetensors`` and ``.npz`` say what the file becomes, everything else becomes
            MXNet's ``.params``.
        deduplicate : bool, default False
            Write a shared parameter once, under its first path, and forget the others. (A
            ``.safetensors`` file holds it once anyway, and its other paths as names of it.)

        Raises
        ------
        RuntimeError
            If a parameter has no values yet; nothing is written then.
        OSError
            If writing fails; an old file is untouched then.
        """
        arrays = {}
        written: set[int] = set()
        for path, parameter in self._walk_parameters():
            if deduplicate and id(parameter) in written:
                continue
            written.add(id(parameter))
            arrays[path] = parameter.data()
        nd.save(filename, arrays)

    def load_parameters(
        self,
        filename: str,
        ctx: Context | list[Context] | None = None,
        allow_missing: bool = False,
        ignore_extra: bool = False,
        cast_dtype: bool = False,
        dtype_source: str = "current",
    ) -> None:
        """Read parameters by structural path, or by full name. Nothing is initialized first.

        Everything is checked before anything is changed. Unknown shapes become known; initialized
        parameters keep their arrays, so that views of them see the new values.

        Parameters
        ----------
        filename : str
            A file that `save_parameters` or `ParameterDict.save` wrote, here or in MXNet; of any
            kind, whatever its name.
        ctx : Context or list of Context, optional
            Where to.
        allow_missing : bool, default False
            Leave parameters alone that the file does not have.
        ignore_extra : bool, default False
            Skip what the net does not have.
        cast_dtype : bool, default False
            Convert where dtypes differ.
        dtype_source : {'current', 'saved'}, default 'current'
            Whose dtype wins then.

        Raises
        ------
        AssertionError
            If a name is missing, or a shape or dtype does not fit.
        ValueError
            If the file has a name that the net has not, or is damaged or of another kind.
        OSError
            If the file cannot be opened.
        """
        values = read_named(filename)
        by_path = dict(self._walk_parameters())
        targets = by_path
        if values and not any("." in key for key in values) and not set(values) <= set(by_path):
            targets = self._by_full_name(values)
        load_checked(
            targets,
            values,
            filename,
            ctx=ctx,
            allow_missing=allow_missing,
            ignore_extra=ignore_extra,
            cast_dtype=cast_dtype,
            dtype_source=dtype_source,
        )

    def _by_full_name(self, values: dict[str, Any]) -> dict[str, Parameter]:
        """Return the parameters by the kind of full name that a file uses, whatever this net's prefix is."""
        parameters = [parameter for _, parameter in self._walk_parameters()]
        full = {parameter.name: parameter for parameter in parameters}
        if set(values) <= set(full):
            return full
        stripped = {parameter.name.removeprefix(self.prefix): parameter for parameter in parameters}
        if set(values) <= set(stripped) or len(values) != len(full):
            return stripped
        # Saved by a net of the same structure whose names have other numbers: go by order. A file of
        # sorted names has lost it; numbers tell it then.
        if list(values) == sorted(values):
            values = dict.fromkeys(sorted(values, key=natural_order))
            full = {name: full[name] for name in sorted(full, key=natural_order)}
        return dict(zip(values, full.values(), strict=True))

    def export(self, path: str | os.PathLike[str], epoch: int = 0) -> None:
        """Write the whole net, layers and parameters, to one file, which `glueball.load` reads, and C++.

        Parameters
        ----------
        path : str or path
            Ends in ``.safetensors``. It is written whole or not at all.
        epoch : int, default 0
            Only 0. Gluon makes it part of a file's name; put it into `path`.

        Raises
        ------
        ValueError
            For another ending or epoch; if a block computes something that a file cannot name, as with
            code of your own: the message names it and says what to do.
        RuntimeError
            If a parameter has no values yet.
        OSError
            If the file cannot be written.
        """
        from glueball.gluon._model import export_model

        if epoch != 0:
            message = (
                f"expected epoch 0 for export, found {epoch!r}; put the number into the name: "
                f"net.export('net-{epoch}.safetensors')"
            )
            raise ArgumentError(message)
        export_model(self, path)

    def save(self, prefix: str | os.PathLike[str]) -> None:
        """Write ``<prefix>-model.json``, which blocks there are, and ``<prefix>-model.params``, their parameters.

        `load` reads them, here and in MXNet, into a net that the program has built as it was. `export` writes
        one file, from which the net itself is made.

        Raises
        ------
        RuntimeError
            If a parameter has no values yet; nothing is written then.
        OSError
            If writing fails.
        """
        from glueball.gluon import _structure_file

        _structure_file.save(self, prefix)

    def load(self, prefix: str | os.PathLike[str]) -> None:
        """Read what `save` wrote, here or in MXNet, into a net of the same blocks. Nothing is initialized first.

        Blocks are matched by class and order: attributes may have other names. Everything is checked before
        anything is changed.

        Raises
        ------
        AssertionError
            If the files describe another net, or a shape or dtype does not fit.
        ValueError
            If a file is damaged.
        OSError
            If one cannot be opened.
        """
        from glueball.gluon import _structure_file

        _structure_file.load(self, prefix)

    def save_params(self, filename: str) -> None:
        """Write parameters: the old name of `save_parameters`."""
        warnings.warn(
            "save_params is deprecated. Please use save_parameters.",
            DeprecationWarning,
            stacklevel=2,
        )
        self.save_parameters(filename)

    def load_params(self, filename: str, ctx: Any = None, **kwargs: Any) -> None:
        """Read parameters: the old name of `load_parameters`."""
        warnings.warn(
            "load_params is deprecated. Please use load_parameters.",
            DeprecationWarning,
            stacklevel=2,
        )
        self.load_parameters(filename, ctx, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        state.update(_plan=None, _planned=False)  # a copy makes its own native layers
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


class HybridBlock(Block):
    """A block whose forward is written against `F`, the module of array functions.

    A subclass defines ``hybrid_forward(self, F, x, *args, **params)``: own parameters arrive as keyword
    arguments, named after the attributes that hold them.
    """

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        native = cls._native_class
        cls._runs_hybrid_forward = (
            native is not None
            and issubclass(native, HybridBlock)
            and cls.hybrid_forward is not native.hybrid_forward
        )

    def __setattr__(self, attribute: str, value: Any) -> None:
        super().__setattr__(attribute, value)
        if isinstance(value, HybridBlock) and self._active:
            value.hybridize(True)

    def register_child(self, block: Block, name: str | None = None) -> None:
        """Make `block`, which has to be a HybridBlock, a child.

        Raises
        ------
        ValueError
            If it is a Block of another kind.
        """
        # What is no Block at all is the base class's to refuse.
        if isinstance(block, Block) and not isinstance(block, HybridBlock):  # type: ignore[redundant-expr]
            message = (
                f"Children of HybridBlock must also be HybridBlock, but {block} has type "
                f"{type(block)}. If you are using Sequential, please try HybridSequential instead."
            )
            raise ArgumentError(message)
        super().register_child(block, name)

    def hybridize(self, active: bool = True, **flags: Any) -> None:
        """Remember the request, and pass it to children; results are the same."""
        self._active = active
        super().hybridize(active, **flags)

    def forward(self, x: Any, *args: Any) -> Any:
        """Call `hybrid_forward` with the array functions and the block's own parameters."""
        check_input(x, self.name)
        try:
            params = {key: value.data() for key, value in self._reg_params.items()}
        except DeferredInitializationError:
            self._finish_own(x, *args)
            params = {key: value.data() for key, value in self._reg_params.items()}
        functions = _NumpyFunctions if npx.is_np_array() else nd
        return self.hybrid_forward(functions, x, *args, **params)

    def _finish_own(self, *inputs: Any) -> None:
        """Initialize own parameters that wait for their shape, once `infer_shape` has told it."""
        waiting = [each for _, each in self._own_parameters("") if each._state == "deferred"]
        if any(-1 in (each._lengths or (-1,)) for each in waiting):
            try:
                self.infer_shape(*inputs)
            except MXNetError as error:
                message = (
                    f"Deferred initialization failed because shape cannot be inferred. {error} (Give "
                    f"'{self.name}' an infer_shape(self, x) that sets its parameters' shapes, or "
                    "give the shapes when they are made.)"
                )
                raise ArgumentError(message) from error
        for parameter in waiting:
            parameter._finish_deferred()

    def hybrid_forward(self, F: Any, x: Any, *args: Any, **params: Any) -> Any:
        """Compute the output; a subclass says how."""
        message = (
            f"expected class {type(self).__name__} to define hybrid_forward(self, F, x), found none; "
            "define it, or forward(self, x)"
        )
        raise NotImplementedError(message)


class _NumpyFunctions:
    """What `F` is in NumPy mode: an object with `np` and `npx`."""

    np = np_mode
    npx = npx


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")


def _has_unregistered(value: Any, children: Any) -> bool:
    items = value.values() if isinstance(value, dict) else value
    return any(
        _has_unregistered(item, children)
        if isinstance(item, list | tuple | dict)
        else isinstance(item, Block) and not any(item is child for child in children)
        for item in items
    )


def _to_input_shape(shapes: tuple[Any, ...], name: str) -> tuple[tuple[int, ...], bool]:
    """Return the input's shape with -1 for unknown axes, and whether data was given."""
    if len(shapes) != 1:
        message = (
            f"expected one input of '{name}', found {len(shapes)}; pass its shape, as in (None, 20)"
        )
        raise ArgumentError(message)
    shape = shapes[0]
    if isinstance(shape, nd.NDArray):
        return tuple(shape.shape), True
    try:
        return tuple(-1 if not length else operator.index(length) for length in shape), False
    except TypeError:
        message = (
            f"expected the shape of the input of '{name}', found {shape!r}; pass a tuple of integers, "
            "None for an unknown batch size: (None, 20)"
        )
        raise GlueballTypeError(message) from None
