"""Says so when a net's settings keep an initializer's own hooks from being called."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from glueball.base import InitializerWarning
from glueball.init._base import Initializer, kind_of
from glueball.init._check import level_of_user, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["defines", "warn_about_ignored_hooks"]

_KINDS = ("bias", "gamma", "beta")


def defines(initializer: Initializer, hook: str) -> bool:
    """Whether an initializer's class has a hook, ``'_init_bias'``, of its own."""
    definer = next((cls for cls in type(initializer).__mro__ if hook in vars(cls)), None)
    return definer is not None and definer.__module__ != "glueball._core"


def warn_about_ignored_hooks(
    default_init: Initializer, parameters: Iterable[tuple[str, bool]]
) -> None:
    """Warn once, if an initializer has hooks for parameters that have initializers of their own.

    The more specific initializer wins, so that a Dense's bias, whose own initializer is
    ``'zeros'``, never asks the `_init_bias` of the one given to `initialize()`.

    Parameters
    ----------
    default_init : Initializer
        What was given to `initialize()`.
    parameters : iterable of (str, bool)
        Each parameter's name, and whether it has an initializer of its own.

    Warns
    -----
    InitializerWarning
        One for the call: it names the parameters, and says to pass ``bias_initializer=None``.
    """
    hooks = [kind for kind in _KINDS if defines(default_init, f"_init_{kind}")]
    cls = type(default_init)
    has_rules = cls._has_specific_rule_for is not Initializer._has_specific_rule_for
    if not hooks and not has_rules:
        return  # the usual case: nothing is asked about 10,000 names
    ignored: dict[str, list[str]] = {}
    for name, has_own in parameters:
        if not has_own:
            continue
        kind = kind_of(name)
        if kind in hooks:
            ignored.setdefault(kind, []).append(name)
        elif default_init._has_specific_rule_for(name):
            ignored.setdefault("", []).append(name)
    if not ignored:
        return
    parts = []
    for kind, names in ignored.items():
        remedy = f"{kind}_initializer=None" if kind else f"{kind_of(names[0])}_initializer=None"
        asked = f"{cls.__name__}._init_{kind}" if kind else f"the pattern of {cls.__name__}"
        parts.append(
            f"expected parameters without an initializer of their own for {asked}, found "
            f"{shorten(names)}, which keep theirs; pass {remedy} to their layers to have it asked"
        )
    warnings.warn("; ".join(parts), InitializerWarning, stacklevel=level_of_user())
