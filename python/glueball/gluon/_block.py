"""Block: a net, or a part of one. Children, parameters, hooks, and how it runs."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

from glueball._scope import outside
from glueball.base import ArgumentError, GlueballTypeError
from glueball.gluon import _structure
from glueball.gluon._arrays import input_shape
from glueball.gluon._hooks import HookHandle, _Hooks
from glueball.gluon._naming import NameScope, make_names
from glueball.gluon._plan import current_plan
from glueball.gluon._stored_block import StoredBlock
from glueball.gluon.parameter import Parameter, ParameterDict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from glueball import _core
    from glueball.context import Context

__all__ = ["Block"]


class Block(StoredBlock):
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
        attributes["_prefix"], attributes["_params"] = make_names(prefix, params, self._alias())
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

    def name_scope(self) -> NameScope:
        """Return a context in which new blocks are named as children of this one."""
        return NameScope(self)

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
        shape, is_data = input_shape(shapes, self.name)
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

    # ---- copying -------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        state.update(_plan=None, _planned=False)  # a copy makes its own native layers
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


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
