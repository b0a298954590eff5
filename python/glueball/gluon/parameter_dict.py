"""ParameterDict: parameters by full name, in the order in which they were made."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _core, nd
from glueball import init as initializers
from glueball._disk import path_of
from glueball._suggest import near_names, quoted
from glueball.base import ArgumentError, GlueballTypeError, ParameterNotFoundError
from glueball.gluon._parameter import Parameter
from glueball.gluon.constant import Constant
from glueball.gluon.loading import as_named, load_checked, read_named

if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterable, Iterator, KeysView, ValuesView

    from glueball.context import Context

__all__ = ["ParameterDict"]

_NAMING_HINT = (
    "this may be due to your Block shares parameters from other Blocks or you forgot to use "
    "'with name_scope()' when creating child blocks."
)


class ParameterDict:
    """Parameters by full name.

    Parameters
    ----------
    prefix : str, default ''
        Put in front of every name that `get` is asked for.
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
        self._prefix = prefix
        self._shared = shared
        self._params: dict[str, Parameter] = {}
        # Structural path of each parameter below the block it was collected from; None when this
        # dict is a block's own, which may make parameters.
        self._paths: dict[str, str] | None = None
        # Whether `shared` is a whole net's parameters, which the new net is expected to use up.
        self._expects_all = (
            shared is not None and shared._paths is not None and prefix == shared.prefix
        )

    # ---- as a mapping --------------------------------------------------------------------

    def __repr__(self) -> str:
        name = self._prefix + " " if self._prefix else ""
        lines = "\n".join(f"  {parameter}" for parameter in self._params.values())
        return f"{name}(\n{lines}\n)"

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
        """What `get` puts in front of names."""
        return self._prefix

    def _not_found(self, name: str) -> ParameterNotFoundError:
        near = near_names(name, self._params)
        hint = (
            f"did you mean {' or '.join(map(repr, near))}?"
            if near
            else (f"it has {quoted(self._params, 6)}" if self._params else "it is empty")
        )
        return ParameterNotFoundError(
            f"expected the name of a Parameter of '{self._prefix}', found '{name}'; {hint}"
        )

    # ---- finding and making --------------------------------------------------------------

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
            If `other` is no mapping of names to parameters.
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

    # ---- doing something to all ----------------------------------------------------------

    def initialize(
        self,
        init: Any = None,
        ctx: Context | list[Context] | None = None,
        verbose: bool = False,
        force_reinit: bool = False,
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
        """
        default = initializers.create("uniform" if init is None else init)
        if verbose:
            default.set_verbosity(verbose=True)
        initializers.warn_about_ignored_hooks(
            default, ((parameter.name, parameter.init is not None) for parameter in self.values())
        )
        call = _core.next_initialize_call()
        for name, parameter in self.items():
            path = name.removeprefix(self._prefix)
            if self._paths is not None:
                path = self._paths.get(name, path)
            parameter.initialize(
                None, ctx, default, force_reinit=force_reinit, path=path, call=call
            )

    def zero_grad(self) -> None:
        """Set every gradient to 0."""
        for parameter in self.values():
            parameter.zero_grad()

    def reset_ctx(self, ctx: Context | list[Context]) -> None:
        """Change the contexts of every parameter."""
        for parameter in self.values():
            parameter.reset_ctx(ctx)

    def list_ctx(self) -> list[Context]:
        """Return the contexts of all parameters, each once."""
        contexts: list[Context] = []
        for parameter in self.values():
            contexts.extend(each for each in parameter.list_ctx() if each not in contexts)
        return contexts

    def setattr(self, name: str, value: Any) -> None:
        """Set one attribute of every parameter: ``setattr('grad_req', 'null')``."""
        for parameter in self.values():
            setattr(parameter, name, value)

    # ---- files ---------------------------------------------------------------------------

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
    ) -> None:
        """Read parameters by full name; nothing is initialized first.

        Everything is checked before anything is changed.

        Raises
        ------
        AssertionError
            If a name is missing in the file or here, or a shape or dtype does not fit.
        """
        self._check_prefix(restore_prefix)
        filename = path_of(filename)
        self._load_named(
            read_named(filename),
            filename,
            restore_prefix,
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
    ) -> None:
        """Take parameters from a dict of arrays by full name, as `load` does from a file.

        Parameters
        ----------
        param_dict : dict of str to array_like
            The values.
        filename : str, optional
            Where messages say that they come from.
        ctx, allow_missing, ignore_extra, restore_prefix, cast_dtype, dtype_source
            As for `load`.

        Raises
        ------
        AssertionError
            As for `load`.
        TypeError
            If `param_dict` is no dict, or a value no array of numbers.
        """
        self._check_prefix(restore_prefix)
        self._load_named(
            as_named(param_dict),
            filename or "param_dict",
            restore_prefix,
            ctx=ctx,
            allow_missing=allow_missing,
            ignore_extra=ignore_extra,
            cast_dtype=cast_dtype,
            dtype_source=dtype_source,
        )

    def _check_prefix(self, restore_prefix: str) -> None:
        for name in self:
            if not name.startswith(restore_prefix):
                message = (
                    f"restore_prefix is '{restore_prefix}' but Parameters name '{name}' does not "
                    f"start with '{restore_prefix}'. {_NAMING_HINT}"
                )
                raise ArgumentError(message)

    def _load_named(
        self, values: dict[str, Any], filename: str, restore_prefix: str, **settings: Any
    ) -> None:
        restored = {restore_prefix + key: value for key, value in values.items()}
        load_checked(self._params, restored, filename, **settings)


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
