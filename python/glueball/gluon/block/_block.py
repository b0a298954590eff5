"""Block: a net, or a part of one. Children, parameters, hooks, and how it runs."""

from __future__ import annotations

import re
import sys
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

from glueball._calls import wrong_call
from glueball._scope import later, outside
from glueball.base import (
    ArgumentError,
    GlueballAttributeError,
    GlueballTypeError,
    PatternError,
    UnsupportedError,
)
from glueball.gluon import _places, _plain
from glueball.gluon._checks import UnknownOutputError, input_shape
from glueball.gluon._files.stored_block import StoredBlock
from glueball.gluon.block._changing import ChangeableBlock
from glueball.gluon.block._class_changes import BlockType
from glueball.gluon.block._hooks import HookHandle, _Hooks
from glueball.gluon.block._naming import NameScope, make_names
from glueball.gluon.block._plan import current_plan
from glueball.gluon.block._structure import Children, Watch
from glueball.gluon.block._tree import TreeBlock
from glueball.gluon.parameter import Parameter, ParameterDict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from glueball import _core
    from glueball.context import Context
    from glueball.gluon._declaration import LayerDeclaration
    from glueball.gluon._trials.explaining import Explanation
    from glueball.insight._summary import Summary

__all__ = ["Block"]

_explain = later("gluon._trials.explaining:explain")
_infer_by_running = later("gluon._trials.running:infer_by_running")
_print_summary = later("gluon.block._summary:print_summary")
_summarize = later("insight._summary:summarize")
_html = later("insight._notebook:block_html")

# How the properties begin that say whether a block learns: one misspelt would be kept, and do nothing.
_FLAGS_BEGIN = ("tr", "re", "st")


class Block(TreeBlock, ChangeableBlock, StoredBlock, metaclass=BlockType):
    """Base class of layers and nets.

    Parameters
    ----------
    prefix : str, optional
        The prefix of the names of parameters and, in `name_scope`, of children. Made of the class's
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

    # What a class says of itself whose `forward` runs natively, in it and in subclasses that leave it alone.
    _declaration: ClassVar[LayerDeclaration | None] = None
    # That class, and what its methods were then: set by the declaration.
    _native_class: ClassVar[type[Block] | None] = None
    _native_methods: ClassVar[dict[str, Any]] = {}
    # Whether an instance of such a class computes in a `hybrid_forward` of its own.
    _runs_hybrid_forward = False
    # Whether `forward` only runs the children, one after the other.
    _is_chain: ClassVar[bool] = False

    def __init__(self, prefix: str | None = None, params: ParameterDict | None = None) -> None:
        # Straight into __dict__: __setattr__ needs these to be there.
        attributes = self.__dict__
        attributes["_prefix"], attributes["_params"] = make_names(prefix, params, self._alias())
        attributes["_watch"] = watch = Watch()
        attributes["_children"] = Children(watch)
        attributes["_reg_params"] = {}
        attributes["_counters"] = {}
        attributes["_forward_hooks"] = _Hooks(watch)
        attributes["_forward_pre_hooks"] = _Hooks(watch)
        attributes["_active"] = False
        attributes["_plan"] = None

    def _alias(self) -> str:
        """Return what automatic names are made of."""
        return type(self).__name__.lower()

    @property
    def prefix(self) -> str:
        """The prefix of the names of parameters."""
        return self._prefix  # type: ignore[no-any-return]

    @property
    def name(self) -> str:
        """The prefix without its last underscore."""
        return self._prefix.removesuffix("_")  # type: ignore[no-any-return]

    @property
    def params(self) -> ParameterDict:
        """The block's own parameters, without its children's."""
        return self._params  # type: ignore[no-any-return]

    def name_scope(self) -> NameScope:
        """Return a context in which new blocks are named as children of this one."""
        return NameScope(self)

    def __repr__(self) -> str:
        lines = [
            f"  ({key}): {_indented(repr(value))}"
            for key, value in self.__dict__.items()
            if isinstance(value, Block) and key in self._children
        ]
        return "{}(\n{}\n)".format(type(self).__name__, "\n".join(lines))

    def _repr_html_(self) -> str:
        """Return what notebooks show: a tree of blocks and parameters that folds."""
        html: str = _html(self)
        return html

    def __getattr__(self, attribute: str) -> Any:
        # Only called for what is missing.
        message = f"'{type(self).__name__}' object has no attribute '{attribute}'"
        if attribute in ("_children", "_prefix", "_params", "_reg_params", "_plan", "_watch"):
            message += (
                ": expected its __init__ to have called Block's, found that it has not; call "
                f"super().__init__() first in {type(self).__name__}.__init__"
            )
        raise GlueballAttributeError(message, name=attribute, obj=self)

    def __setattr__(self, attribute: str, value: Any) -> None:
        present = self.__dict__.get(attribute)
        if isinstance(present, Block | Parameter) and present is not value:
            kind = type(present) if isinstance(present, Block) else Parameter
            if not isinstance(value, kind):
                message = (
                    f"Changing attribute type for {attribute} from {type(present)} to {type(value)}"
                    "is not allowed."
                )
                raise GlueballTypeError(message)
            if kind is Parameter:
                message = (
                    f"Overriding Parameter attribute {attribute} is not allowed. If you want to share "
                    "parameters between blocks, please set 'params' at Block construction instead."
                )
                raise ArgumentError(message)
        if isinstance(value, Block):
            self.register_child(value, attribute)
        elif isinstance(value, Parameter):
            self._reg_params[attribute] = value
            if "_frozen" in self.__dict__ and value._differentiable:
                value._set_learns(False)
        elif (value is True or value is False) and attribute[:2] in _FLAGS_BEGIN:
            _places.attributes.check_flag(self, attribute)
        try:
            super().__setattr__(attribute, value)
        except AttributeError as error:
            if isinstance(error, GlueballAttributeError):
                raise
            message = (
                f"expected '{attribute}' of '{self.name}' to be read only, found {value!r} set to it; give it "
                f"to the constructor of {type(self).__name__}"
            )
            raise GlueballAttributeError(message) from None
        self._note_change(attribute)

    def __delattr__(self, attribute: str) -> None:
        present = self.__dict__.get(attribute)
        super().__delattr__(attribute)
        if isinstance(present, Block):
            self._children.pop(attribute, None)
        elif isinstance(present, Parameter):
            self._reg_params.pop(attribute, None)
        self._note_change(attribute)

    def _note_change(self, attribute: str) -> None:
        """Make plans stale that were made of an attribute: native layers are made of all their settings."""
        watch = self.__dict__.get("_watch")
        if (
            watch is not None
            and watch.plans
            and (attribute in ("forward", "hybrid_forward", "__class__") or self._is_declared())
        ):
            watch.changed()

    def register_child(self, block: Block, name: str | None = None) -> None:
        """Make `block` a child, under `name` or the next number.

        Raises
        ------
        TypeError
            If it is not a Block.
        """
        self._accept(block)
        self._children[self._free_key() if name is None else name] = block

    def _accept(self, block: Any) -> None:
        """Refuse what cannot be a child; give a deep copy names of its own, and freeze what a frozen net gets."""
        if not isinstance(block, Block):
            message = (
                f"expected a Block as child of '{self.name}', found {type(block).__name__}; "
                "wrap functions in nn.Lambda, and pass several layers as add(*layers)"
            )
            raise GlueballTypeError(message)
        if "_copied" in block.__dict__:
            del block.__dict__["_copied"]
            _places.copies.rename(block)
        if "_frozen" in self.__dict__:
            _places.freezing.set_trainable(block, False)

    def _free_key(self) -> str:
        number = len(self._children)
        while str(number) in self._children:  # earlier children have been taken out
            number += 1
        return str(number)

    def apply(self, fn: Callable[[Block], Any]) -> Block:
        """Call `fn` on every child, depth first, then on this block; returns this block."""
        if not callable(fn):
            message = f"expected a function of a block to apply, found {fn!r}; pass a callable"
            raise GlueballTypeError(message)
        for child in self._children.values():
            child.apply(fn)
        fn(self)
        return self

    def collect_params(self, select: str | None = None, by: str = "name") -> ParameterDict:
        r"""Return the parameters of this block and all below it, in a new ParameterDict.

        Parameters
        ----------
        select : str, optional
            Regular expression that is matched from the start of the full name: ``'.*weight'``.
        by : {'name', 'path'}, default 'name'
            Whether it is matched from the start of the path instead: ``'0\\..*'``.

        Raises
        ------
        ValueError
            If `select` is not a regular expression, or `by` another word.
        KeyError
            If no path matches. If no name does, the dict is empty, as Gluon's, and warns when it is used.
        TypeError
            If `select` is not a str.
        """
        if by not in ("name", "path"):
            message = (
                f"expected by='name' or by='path' for collect_params, found {by!r}; choose one"
            )
            raise ArgumentError(message)
        self._check_containers()
        pattern = None if select is None else _pattern(select)
        collected = ParameterDict(self._params.prefix)
        collected._paths = {}
        collected._root = self
        collected._select = select
        for path, parameter in self._walk_parameters():
            if pattern is None or pattern.match(parameter.name if by == "name" else path):
                collected._add(parameter.name, parameter, path)
                if by == "path" and collected._paths[parameter.name] == path:
                    parameter.__dict__["_path"] = path
        if pattern is None:
            self._params._warn_about_unused(self.name, collected.values())
        elif by == "path" and not len(collected):
            raise _places.paths.unmatched(self, pattern.pattern)
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
        missing_only: bool = False,
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
        missing_only : bool, default False
            Leave alone, without a warning, what was initialized, set or loaded before: for a net of which a part is
            new.
        """
        self.collect_params().initialize(init, ctx, verbose, force_reinit, missing_only)

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
        """Make every shape known; the net itself does not run.

        Layers of `nn` tell their output's shape from their input's. If there is a block with a `forward` or
        `hybrid_forward` of its own, a copy of the net runs on zeros, outside of training and without
        hooks, and tells the shapes: values, running statistics and random state stay as they were.

        Parameters
        ----------
        *shapes : tuple of int or NDArray
            The input's shape, or one for each input that such a block takes; None (or -1, 0) stands for an
            unknown batch size: ``(None, 20)``. What was waiting for its shape is initialized then. From
            an array, as in Gluon, shapes are inferred and nothing is initialized.

        Raises
        ------
        MXNetError
            If a shape does not fit the net, or a parameter's shape depends on an unknown axis.
        ValueError
            If the net has to be copied, and cannot be.

        Warns
        -----
        UserWarning
            If the copy's run does not reach a parameter, whose shape stays unknown.
        """
        try:
            if self._native_class is None or (self._is_chain and not self._is_native()):
                self._cannot_infer()
            shape, is_data = input_shape(shapes, self.name)
            self._infer_steps(shape)
        except UnknownOutputError:
            is_known = False
        else:
            is_known = True
        if not is_known:  # outside of `except`, so that its errors stand alone
            is_data = _infer_by_running(self, shapes)
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
            native: Any = step  # when it is not a Block: a chain of the core's
            shape = (step._infer_output if isinstance(step, Block) else native.infer_shape)(shape)
        return shape

    def _cannot_infer(self) -> None:
        message = (
            f"expected blocks that tell their output's shape from their input's, found "
            f"'{self.name}' ({type(self).__name__}); pass one batch of data through the net instead"
        )
        raise UnknownOutputError(message)

    def __call__(self, *args: Any, out: Any = None) -> Any:
        """Run the hooks and `forward`.

        Parameters
        ----------
        *args : NDArray or array_like
            The inputs. Plain arrays (NumPy's, lists, data frames) are converted to the dtype of the
            parameters, and give plain arrays; outside of ``autograd.record()`` only. One
            `PrecisionWarning` says that float64 was rounded.
        out : array, optional
            Of the output's shape and dtype: written and returned. A native net then allocates nothing.

        Raises
        ------
        ValueError
            For a plain array or `out` while autograd records, and an `out` of another shape or dtype.
        """
        if out is not None:
            return _plain.calls.call_outside(self, args, out)
        if self._forward_pre_hooks:
            self._forward_pre_hooks.run(self, args)
        try:
            output = self.forward(*args)
        except TypeError as error:
            forwards = [
                type(self).forward,
                getattr(type(self), "hybrid_forward", type(self).forward),
            ]
            wrong = wrong_call(f"'{self.name}'", forwards, error)
            if wrong is None:
                raise
            raise wrong from None
        if self._forward_hooks:
            self._forward_hooks.run(self, args, output)
        return output

    def forward(self, *args: Any) -> Any:
        """Compute the output; a subclass says how."""
        message = f"expected class {type(self).__name__} to define forward(self, x), found none; define it"
        raise UnsupportedError(message)

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
        """Call ``hook(block, inputs)`` before each forward; its result is ignored.

        `attach_grad` of an array there keeps its gradient and does not cut the graph.
        """
        return self._register_hook(self._forward_pre_hooks, hook)

    def register_forward_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call ``hook(block, inputs, output)`` after each forward; its result is ignored.

        `attach_grad` of an array there keeps its gradient and does not cut the graph.
        """
        return self._register_hook(self._forward_hooks, hook)

    def register_op_hook(self, callback: Callable[..., Any], monitor_all: bool = False) -> None:
        """Refuse: there are no single operators to watch where a net runs in one call.

        Raises
        ------
        OutsideScopeError
            Always.
        """
        name = "gluon.Block.register_op_hook"
        raise outside(name, "symbolic graphs (register_forward_hook sees layers)")

    def _register_hook(self, hooks: _Hooks, hook: Callable[..., Any]) -> HookHandle:
        if not callable(hook):
            message = f"expected a function as hook, found {type(hook).__name__}; pass a callable"
            raise GlueballTypeError(message)
        return HookHandle(hooks, hook)

    def _has_hooks(self) -> bool:
        return bool(self._forward_hooks or self._forward_pre_hooks)

    def _pieces(self) -> list[_core.Layer | Block]:
        """Return what `forward` runs, one after the other: new native layers, and blocks."""
        return [self]

    def _from_functions(self, x: Any) -> Any:
        """Return what `_pieces` compute, as operations that are recorded one by one."""
        return self.forward(x)

    def _is_native(self) -> bool:
        """Whether `forward` does what `_pieces` says: no other has been put in its place."""
        native = self._native_class
        return (
            native is not None
            and type(self).forward is self._native_methods["forward"]
            and "forward" not in self.__dict__
            and not self._runs_hybrid_forward
        )

    def _is_declared(self) -> bool:
        """Whether a call does what `_pieces` says, hooks apart."""
        return self._is_native() and type(self).__call__ is self._native_methods["__call__"]

    def _is_plain(self) -> bool:
        """Whether a call does what `_pieces` says, and nothing else, until plans hear of a change."""
        return self._is_declared() and not self._has_hooks() and type(self)._sees_changes()

    @classmethod
    def _read_methods(cls) -> None:
        """Look at what the class defines, when it is made and when it has changed."""

    def predict(self, x: Any, batch_size: int = 4096) -> Any:
        """Return the outputs for all rows of a large input, a part of them at a time, without recording.

        Parameters
        ----------
        x : NDArray or array_like, shape (rows, ...)
            The input; a plain array gives a plain array.
        batch_size : int, default 4096
            How many rows run at once.

        Returns
        -------
        array, shape (rows, ...)
            In inference mode, dropout and the like off; one for each output of the block.

        Raises
        ------
        ValueError
            If `batch_size` is not positive, or the block does not give one output a row.

        Examples
        --------
        >>> import numpy as np
        >>> from glueball.gluon import nn
        >>> net = nn.Dense(2, in_units=3)
        >>> net.initialize("ones")
        >>> net.predict(np.ones((5, 3)), batch_size=2)[-1]
        array([3., 3.], dtype=float32)
        """
        return _plain.prediction.predict(self, x, batch_size)

    def summary(
        self,
        *inputs: Any,
        shape: Any = None,
        depth: int | None = None,
        columns: Sequence[str] = ("path", "type", "input", "output", "params", "trainable"),
        print: bool = True,
    ) -> Summary:
        """Print a table of the net's blocks: what goes in and comes out, and what they hold.

        Nothing of the net changes: a copy runs, with zeros for parameters that have no values yet. As ``mxnet``
        (`install_as_mxnet`), and with nothing but inputs, it prints Gluon's table and returns None.

        Parameters
        ----------
        *inputs : NDArray
            A batch, to find shapes by; without it and `shape`, those that widths of layers tell.
        shape : tuple of int, or list of them
            The input's shape in place of data, None for an unknown batch size: ``(None, 20)``; a list for
            several inputs.
        depth : int, optional
            How many levels of blocks to show; those at the last one count what is below them.
        columns : sequence of str
            What to show, also of ``'dtype'``, ``'bytes'``, ``'multiply_adds'`` (of dense layers, for one
            sample), ``'initializer'``, ``'mean'`` and ``'spread'`` (of the first parameter's values).
        print : bool, default True
            Whether to print it.

        Returns
        -------
        Summary
            Its `rows`, `total`, `trainable`, `bytes` and `to_dict()` say the same to a program.

        Raises
        ------
        MXNetError
            If the input does not fit the net, or a column is unknown.

        Examples
        --------
        >>> from glueball.gluon import nn
        >>> net = nn.Sequential(nn.Dense(4, activation="relu"), nn.Dense(2), prefix="net_")
        >>> summary = net.summary(shape=(None, 3))
        Sequential 'net'
        Path  Type        Input   Output  Params  Trainable
        ───────────────────────────────────────────────────
        0     Dense relu  (?, 3)  (?, 4)      16  yes
        1     Dense       (?, 4)  (?, 2)      10  yes
        ───────────────────────────────────────────────────
        26 parameters: 26 trainable, 0 frozen (104 B)
        >>> summary.total
        26
        """
        if shape is depth is None and print and _is_mxnet():
            _print_summary(self, inputs)
            return None  # type: ignore[return-value]
        made: Summary = _summarize(self, inputs, shape, depth, columns)
        if print:
            made.print()
        return made

    def explain(self, init: Any = None, shape: Any = None) -> Explanation:
        """Return a table of what fills each parameter, who says so, and what comes of it; nothing changes.

        Parameters
        ----------
        init : str, Initializer or callable, optional
            Says what ``initialize(init, force_reinit=True)`` would do. If None, parameters that were
            initialized are explained by what they got, and the others by what `initialize()` would do.
        shape : tuple of int or NDArray, optional
            The input's, as for `infer_shape`; where shapes of parameters are not known yet.

        Returns
        -------
        Explanation
            Its ``str`` is the table, `rows` has a row for each parameter, `to_dict()` all in plain values.

        Raises
        ------
        MXNetError
            As `initialize` and `infer_shape` do.

        Examples
        --------
        >>> from glueball.gluon import nn
        >>> net = nn.Sequential(nn.Dense(256), nn.Dense(10))
        >>> print(net.explain("normal", shape=(None, 20)))
        Parameter  Shape     Initializer         From     Expected  Actual
        ──────────────────────────────────────────────────────────────────
        0.weight   (256,20)  Normal(sigma=0.01)  default  0 ±0.01   -
        0.bias     (256,)    Zero()              layer    0         -
        1.weight   (10,256)  Normal(sigma=0.01)  default  0 ±0.01   -
        1.bias     (10,)     Zero()              layer    0         -
        """
        return _explain(self, init, shape)  # type: ignore[no-any-return]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_plan": None}  # a copy makes its own native layers

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __deepcopy__(self, memo: dict[Any, Any]) -> Block:
        return _places.copies.copied(self, memo)


def _is_mxnet() -> bool:
    """Whether `install_as_mxnet` was called: mxnet is then another module of the same file."""
    file = getattr(sys.modules.get("mxnet"), "__file__", None)
    return file is not None and file == sys.modules["glueball"].__file__


def _pattern(select: Any) -> re.Pattern[str]:
    try:
        return re.compile(select)
    except (re.error, TypeError) as error:
        near = f", as in '.{select}'" if isinstance(select, str) and select[:1] == "*" else ""
        message = (
            f"expected a regular expression as select, found {select!r} ({error}); '.*' stands for any "
            f"text{near}"
        )
        kind = GlueballTypeError if isinstance(error, TypeError) else PatternError
        raise kind(message) from None


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
