"""ParameterDict: parameters by full name, in the order in which they were made."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _core, nd
from glueball import init as initializers
from glueball._scope import later
from glueball._suggest import near_names, quoted
from glueball.base import ArgumentError, GlueballTypeError, ParameterNotFoundError
from glueball.gluon import _files
from glueball.gluon.parameter._constant import Constant
from glueball.gluon.parameter._parameter import Parameter

if TYPE_CHECKING:
    from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, ValuesView

    from glueball.context import Context
    from glueball.gluon.parameter import LoadReport

__all__ = ["ParameterDict"]

_html = later("insight._notebook:parameters_html")
_NAMING_HINT = (
    "this may be due to your Block shares parameters from other Blocks or you forgot to use "
    "'with name_scope()' when creating child blocks."
)


class ParameterDict:
    """Parameters by full name.

    Parameters
    ----------
    prefix : str, default ''
        The prefix of every name that `get` looks up.
    shared : ParameterDict, optional
        Looked in before a parameter is made.

    Examples
    --------
    >>> from glueball.gluon import ParameterDict
    >>> params = ParameterDict("net_")
    >>> weight = params.get("weight", shape=(2, 3))
    >>> params
    net_ (
      Parameter net_weight (shape=(2, 3), dtype=float32)
    )
    """

    def __init__(self, prefix: str = "", shared: ParameterDict | None = None) -> None:
        if shared is not None and not isinstance(shared, ParameterDict):
            message = (
                f"expected a ParameterDict to share with, found {type(shared).__name__}; "
                "pass other_block.params"
            )
            raise GlueballTypeError(message)
        if not isinstance(prefix, str):
            message = f"expected a str as prefix of a ParameterDict, found {prefix!r}; pass 'net_' or the like"
            raise GlueballTypeError(message)
        self._prefix = prefix
        self._shared = shared
        self._params: dict[str, Parameter] = {}
        # Structural path of each parameter below the block it was collected from; None when this
        # dict is a block's own, which may make parameters.
        self._paths: dict[str, str] | None = None
        # The block that this was collected from.
        self._root: Any = None
        # The expression that its names were selected by.
        self._select: str | None = None
        # Whether `shared` is a whole net's parameters, which the new net is expected to use up.
        self._expects_all = (
            shared is not None and shared._paths is not None and prefix == shared.prefix
        )

    def __repr__(self) -> str:
        name = self._prefix + " " if self._prefix else ""
        lines = "\n".join(f"  {parameter}" for parameter in self._params.values())
        return f"{name}(\n{lines}\n)"

    def _repr_html_(self) -> str:
        """Return what notebooks show: a table of statistics that can be sorted."""
        html: str = _html(self)
        return html

    def __getitem__(self, name: str) -> Parameter:
        try:
            return self._params[name]
        except KeyError:
            raise self._not_found(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._params)

    def __len__(self) -> int:
        return len(self._params)

    def __bool__(self) -> bool:
        # Gluon's is true when empty, and scripts say `params or default`.
        return True

    def __contains__(self, name: object) -> bool:
        return name in self._params

    def keys(self) -> KeysView[str]:
        """Return the full names."""
        return self._params.keys()

    def values(self) -> ValuesView[Parameter]:
        """Return the parameters."""
        return self._params.values()

    def items(self) -> ItemsView[str, Parameter]:
        """Return (full name, parameter) pairs."""
        return self._params.items()

    @property
    def prefix(self) -> str:
        """The prefix that `get` adds to names."""
        return self._prefix

    def _not_found(self, name: str) -> ParameterNotFoundError:
        near = near_names(str(name), self._params)
        hint = (
            f"did you mean {' or '.join(map(repr, near))}?"
            if near
            else (f"it has {quoted(self._params, 6)}" if self._params else "it is empty")
        )
        return ParameterNotFoundError(
            f"expected the name of a Parameter of '{self._prefix}', found '{name}'; {hint}"
        )

    def get(self, name: str, **settings: Any) -> Parameter:
        """Return the parameter called prefix + `name`, made if there is none.

        Parameters
        ----------
        name : str
            Name without the prefix.
        **settings
            As `Parameter` takes them. An existing parameter has to agree in each; what it does not
            know yet (an axis of the shape, an initializer) it takes over.

        Raises
        ------
        KeyError
            If this dict was collected from a net, the name is unknown, and no settings are given:
            the name is misspelt. The message lists near ones.
        AssertionError
            If an existing parameter does not agree.
        """
        if not isinstance(name, str):
            message = f"expected the name of a Parameter, found {name!r}; pass a str"
            raise GlueballTypeError(message)
        full_name = self._prefix + name
        parameter = self._find(full_name)
        if parameter is None:
            if self._paths is not None and not settings:
                raise self._not_found(full_name)
            parameter = Parameter(full_name, **settings)
            self._params[full_name] = parameter
            return parameter
        given = {name: desired for name, desired in settings.items() if desired is not None}
        for attribute, desired in given.items():  # all or nothing: others use the parameter
            _check_agreement(parameter, attribute, desired)
        for attribute, desired in given.items():
            if attribute == "shape" or getattr(parameter, attribute, desired) is None:
                setattr(parameter, attribute, desired)
        return parameter

    def _find(self, full_name: str) -> Parameter | None:
        if full_name in self._params:
            return self._params[full_name]
        if self._shared is not None:
            found = self._shared._find(full_name)
            if found is not None:
                self._params[full_name] = found
                return found
        return None

    def get_constant(self, name: str, value: Any = None) -> Constant:
        """Return the Constant called prefix + `name`, made of `value` if there is none.

        Raises
        ------
        KeyError
            If there is none and `value` is None.
        AssertionError
            If it is not a Constant, or another value is given.
        """
        full_name = self._prefix + name
        found = self._find(full_name)
        if found is None:
            if value is None:
                message = (
                    f"No constant named '{full_name}'. Please specify value if you want to create "
                    "a new constant."
                )
                raise ParameterNotFoundError(message)
            constant = Constant(full_name, value)
            self._params[full_name] = constant
            return constant
        if not isinstance(found, Constant):
            message = f"Parameter '{full_name}' already exists but it is not a constant."
            raise ArgumentError(message)
        if value is not None and not np.array_equal(np.asarray(value), found.value):
            message = (
                f"expected the value that Constant '{full_name}' has, found another; "
                "give the new constant another name"
            )
            raise ArgumentError(message)
        return found

    def update(self, other: ParameterDict | dict[str, Parameter]) -> None:
        """Add the parameters of `other`.

        Raises
        ------
        AssertionError
            If both have different parameters of one name; nothing is added then.
        TypeError
            If `other` is not a mapping of names to parameters.
        """
        if not isinstance(other, ParameterDict | dict):
            message = (
                f"expected a ParameterDict to take parameters from, found {type(other).__name__}; pass "
                "other_block.collect_params()"
            )
            raise GlueballTypeError(message)
        paths = getattr(other, "_paths", None) or {}
        for name, parameter in other.items():  # all or nothing
            self._check_same(name, parameter)
        for name, parameter in other.items():
            self._add(name, parameter, paths.get(name))

    def _add(self, name: str, parameter: Parameter, path: str | None) -> None:
        self._check_same(name, parameter)
        self._params[name] = parameter
        if path is not None and self._paths is not None:
            self._paths.setdefault(name, path)

    def _warn_about_unused(self, owner: str, used: Iterable[Parameter]) -> None:
        """Warn, once, of parameters that a net was given to share and did not use."""
        if not self._expects_all or self._shared is None:
            return
        self._expects_all = False
        known = {id(parameter) for parameter in used}
        unused = [name for name, each in self._shared.items() if id(each) not in known]
        if unused:
            warnings.warn(
                f"expected '{owner}' to use every Parameter that params= gave it, found unused "
                f"{quoted(unused, 6)}; make its children inside name_scope(), in the other net's "
                "order, or give collect_params(select) of what it is to share",
                stacklevel=3,
            )

    def _check_same(self, name: str, parameter: Parameter) -> None:
        if self._params.get(name, parameter) is not parameter:
            message = (
                "Cannot update self with other because they have different Parameters with the "
                f"same name '{name}'"
            )
            raise ArgumentError(message)

    def initialize(
        self,
        init: Any = None,
        ctx: Context | list[Context] | None = None,
        verbose: bool = False,
        force_reinit: bool = False,
        missing_only: bool = False,
    ) -> None:
        """Initialize each parameter, in order.

        Parameters
        ----------
        init : str, Initializer or callable, optional
            Default for parameters with no initializer of their own; ``Uniform(0.07)`` if None.
        ctx : Context or list of Context, optional
            Where to.
        verbose : bool, default False
            Log each initialization at level INFO.
        force_reinit : bool, default False
            Give new values to those that have some.
        missing_only : bool, default False
            Leave alone, without a warning, what was initialized, set or loaded before.

        Raises
        ------
        ValueError
            If both `force_reinit` and `missing_only` are asked for.
        """
        if missing_only and force_reinit:
            message = (
                "expected one of force_reinit and missing_only, found both True: the one gives all parameters new "
                "values, the other none that have some; leave one out"
            )
            raise ArgumentError(message)
        self._warn_if_empty("initialize")
        wanted = {
            name: parameter
            for name, parameter in self.items()
            if not missing_only or (parameter._state == "uninitialized")
        }
        default = initializers.create("uniform" if init is None else init)
        if verbose:
            default.set_verbosity(verbose=True)
        initializers.warn_about_ignored_hooks(
            default, ((parameter.name, parameter.init is not None) for parameter in wanted.values())
        )
        choices = self._choices(default, is_given=init is not None)
        call = _core.next_initialize_call()
        for name, parameter in wanted.items():
            choice = choices(parameter)
            path = name.removeprefix(self._prefix)
            if self._paths is not None:
                path = self._paths.get(name, path)
            parameter.initialize(
                choice.own,
                ctx,
                choice.default,
                force_reinit=force_reinit,
                path=path,
                call=call,
                origin=choice.origin
                if choice.own is not None or parameter.init is None
                else "layer",
            )

    def _choices(
        self, default: Any, *, is_given: bool
    ) -> Callable[[Parameter], initializers.Choice]:
        """Return what says, for each parameter, what it is filled by and who says so."""
        chooses = type(default)._choose is not initializers.Initializer._choose
        chosen = default._choose(self._places()) if chooses else None
        usual = initializers.Choice(None, default, "default" if is_given else "global default")
        return lambda parameter: usual if chosen is None else chosen[id(parameter)]

    def _places(self) -> list[tuple[str, Any, Parameter]]:
        """Return (path, block, parameter) of every place: a shared parameter has several."""
        if self._root is None:
            return [(name.removeprefix(self._prefix), None, each) for name, each in self.items()]
        mine = {id(parameter) for parameter in self.values()}
        return [
            (path, block, parameter)
            for prefix, block in self._root._walk_blocks()
            for path, parameter in block._own_parameters(prefix)
            if id(parameter) in mine
        ]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_root": None}

    def zero_grad(self) -> None:
        """Set every gradient to 0."""
        self._warn_if_empty("zero_grad")
        for parameter in self.values():
            parameter.zero_grad()

    def _warn_if_empty(self, what: str) -> None:
        """Warn where a selection that matched no name is used: nothing happens then."""
        if self._select is None or self._params:
            return
        paths = [] if self._root is None else [path for path, _ in self._root._walk_parameters()]
        hint = "by='path' selects by paths" if any(map(re.compile(self._select).match, paths)) else (
            "names have counters, as dense0_weight"
        )  # fmt: skip
        warnings.warn(
            f"expected '{self._select}' to match the name of a Parameter, found none, so that {what} does nothing; "
            f"{hint}",
            stacklevel=3,
        )

    def reset_ctx(self, ctx: Context | list[Context]) -> None:
        """Change the contexts of every parameter."""
        self._warn_if_empty("reset_ctx")
        for parameter in self.values():
            parameter.reset_ctx(ctx)

    def list_ctx(self) -> list[Context]:
        """Return the contexts of all parameters, each once."""
        contexts: list[Context] = []
        for parameter in self.values():
            contexts.extend(each for each in parameter.list_ctx() if each not in contexts)
        return contexts

    def setattr(self, name: str, value: Any) -> None:
        """Set one attribute of every parameter: ``setattr('grad_req', 'null')``.

        Raises
        ------
        AttributeError
            If parameters have no such attribute: the message has the one that is near.
        """
        self._warn_if_empty("setattr")
        for parameter in self.values():
            setattr(parameter, name, value)

    def save(self, filename: str, strip_prefix: str = "") -> None:
        """Write every parameter under its full name, less `strip_prefix`.

        Raises
        ------
        ValueError
            If a name does not start with `strip_prefix`.
        RuntimeError
            If a parameter has no values yet. Nothing is written then.
        """
        arrays = {}
        for name, parameter in self.items():
            if not name.startswith(strip_prefix):
                message = (
                    f"Prefix '{strip_prefix}' is to be striped before saving, but Parameter's name "
                    f"'{name}' does not start with '{strip_prefix}'. {_NAMING_HINT}"
                )
                raise ArgumentError(message)
            arrays[name.removeprefix(strip_prefix)] = parameter.data()
        nd.save(filename, arrays)

    def load(
        self,
        filename: str,
        ctx: Context | list[Context] | None = None,
        allow_missing: bool = False,
        ignore_extra: bool = False,
        restore_prefix: str = "",
        cast_dtype: bool = False,
        dtype_source: str = "current",
    ) -> LoadReport:
        """Read parameters by full name; nothing is initialized first.

        Everything is checked before anything is changed. Returns what was loaded, and what was not.

        Raises
        ------
        AssertionError
            If a name is missing in the file or here, or a shape or dtype does not fit.
        """
        return _files.loading.load_file(
            self._without(restore_prefix),
            filename,
            ctx=ctx,
            allow_missing=allow_missing,
            ignore_extra=ignore_extra,
            cast_dtype=cast_dtype,
            dtype_source=dtype_source,
        )

    def load_dict(
        self,
        param_dict: dict[str, Any],
        ctx: Context | list[Context] | None = None,
        allow_missing: bool = False,
        ignore_extra: bool = False,
        restore_prefix: str = "",
        filename: str | None = None,
        cast_dtype: bool = False,
        dtype_source: str = "current",
    ) -> LoadReport:
        """Take parameters from a dict of arrays by full name, as `load` does from a file.

        Parameters
        ----------
        param_dict : dict of str to array_like
            The values.
        filename : str, optional
            Where messages say that they come from.
        ctx, allow_missing, ignore_extra, restore_prefix, cast_dtype, dtype_source
            As for `load`.

        Returns
        -------
        LoadReport
            What was loaded, and what was not.

        Raises
        ------
        AssertionError
            As for `load`.
        TypeError
            If `param_dict` is not a dict, or a value is not an array of numbers.
        """
        return _files.loading.load_checked(
            self._without(restore_prefix),
            _files.loading.as_named(param_dict),
            filename or "param_dict",
            where="the dict",
            ctx=ctx,
            allow_missing=allow_missing,
            ignore_extra=ignore_extra,
            cast_dtype=cast_dtype,
            dtype_source=dtype_source,
        )

    def _without(self, restore_prefix: str) -> list[tuple[str, Parameter]]:
        """Return the parameters with their names in a file whose names lack a prefix."""
        for name in self:
            if not name.startswith(restore_prefix):
                message = (
                    f"restore_prefix is '{restore_prefix}' but Parameters name '{name}' does not "
                    f"start with '{restore_prefix}'. {_NAMING_HINT}"
                )
                raise ArgumentError(message)
        return [(name.removeprefix(restore_prefix), each) for name, each in self.items()]


def _check_agreement(parameter: Parameter, attribute: str, desired: Any) -> None:
    """Check that an existing parameter agrees with a setting, or can take it over."""
    stored = getattr(parameter, attribute, None)
    if stored is None:
        return
    if attribute == "shape":
        if parameter._fits(desired):
            return
    elif attribute == "dtype":
        if np.dtype(desired) == stored:
            return
    elif attribute == "init":
        if desired == stored or initializers.create(desired) == initializers.create(stored):
            return
    elif desired == stored:
        return
    message = (
        f"Cannot retrieve Parameter '{parameter.name}' because desired attribute does not match "
        f"with stored for attribute '{attribute}': desired '{desired}' vs stored '{stored}'."
    )
    raise ArgumentError(message)
