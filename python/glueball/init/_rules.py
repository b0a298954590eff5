"""Rules: initializers by a parameter's place in its net, or by the class of its layer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from glueball._globs import has_path, near_paths
from glueball._suggest import quoted
from glueball.base import ArgumentError, GlueballTypeError
from glueball.init._base import Choice, InitDesc, Initializer, kind_of
from glueball.init._check import describe
from glueball.init._registry import InitializerLike, create, register

if TYPE_CHECKING:
    import numpy as np

    from glueball.init._base import Place

    Array = np.ndarray[Any, Any]

__all__ = ["OfKind", "Rules"]


class OfKind(Initializer):
    """Fills a parameter that has this as its own as if it were the default: a bias by `_init_bias`."""

    def __init__(self, initializer: Initializer) -> None:
        super().__init__(initializer=initializer)

    def __call__(self, desc: str, arr: Array) -> None:  # type: ignore[override]
        self._kwargs["initializer"](InitDesc(desc, {}, getattr(desc, "global_init", None)), arr)


@register
class Rules(Initializer):
    """Chooses initializers by paths of parameters, as files have them, and by classes of layers.

    The first rule that matches wins, and beats what the layer was given. A path whose last part is a name,
    such as ``'0.weight'`` or ``'*.bias'``, gives exactly that initializer. A path that ends in ``*``, and a
    class, give it as a default: weights by it, biases by its ``_init_bias``, which gives 0 if it has none, gammas
    1. A shared parameter is reached by any of its paths.

    Parameters
    ----------
    rules : mapping
        A path, with ``*``, ``?`` and ``[...]`` as in file names (``*`` goes over dots too), or a class of
        layers, to what `create` takes.
    default : Initializer, str or callable, optional
        For parameters that no rule matches and that have no initializer of their own; ``Uniform(0.07)``
        if None.
    strict : bool, default True
        Whether a rule that decides for no parameter is an error.

    Raises
    ------
    ArgumentError
        When a rule matches nothing, or earlier rules leave it nothing; nothing is initialized then.
    TypeError
        When a rule is for something else than a path or a class.

    Examples
    --------
    >>> from glueball import init
    >>> from glueball.gluon import nn
    >>> net = nn.Sequential()
    >>> net.add(nn.Dense(2, in_units=2), nn.Dense(2, in_units=2))
    >>> net.initialize(
    ...     init.Rules({"0.weight": "ones", "*.bias": init.Constant(0.1)}, default="xavier")
    ... )
    >>> net[0].weight.data()[0], net[1].bias.data()
    (
    [1. 1.]
    <NDArray 2 @cpu(0)>,
    [0.1 0.1]
    <NDArray 2 @cpu(0)>)
    """

    def __init__(
        self,
        rules: Mapping[str | type, InitializerLike],
        default: InitializerLike | None = None,
        strict: bool = True,
    ) -> None:
        if not isinstance(rules, Mapping):
            message = (
                f"expected a mapping of paths and layer classes to initializers for Rules, found "
                f'{describe(rules)}; pass a dict such as {{"0.weight": "xavier"}}'
            )
            raise GlueballTypeError(message)
        for each in rules:
            if not isinstance(each, str | type):
                message = (
                    f"expected paths or layer classes in Rules, found {describe(each)}; write "
                    '"0.weight", "*.bias" or nn.Dense'
                )
                raise GlueballTypeError(message)
        chosen = {each: create(initializer) for each, initializer in rules.items()}
        fallback = None if default is None else create(default)
        super().__init__(
            rules={_shown(each): initializer for each, initializer in chosen.items()},
            default=fallback,
            strict=bool(strict),
        )
        self._rules = list(chosen.items())

    def _init_weight(self, desc: str, arr: Array) -> None:
        """Fill outside a net, where the name is all that is known of the place."""
        for rule, initializer in self._rules:
            if isinstance(rule, str) and has_path(rule, str(desc), None):
                initializer(InitDesc(desc, {"__init__": initializer}), arr)
                return
        (self._kwargs["default"] or create("uniform"))(InitDesc(desc, {}), arr)

    def _choose(self, places: list[Place]) -> dict[int, Choice]:
        fallback = self._kwargs["default"]
        default = create("uniform") if fallback is None else fallback
        matched = [False] * len(self._rules)
        decided = [False] * len(self._rules)
        places_of: dict[int, list[Place]] = {}
        for place in places:
            places_of.setdefault(id(place[2]), []).append(place)
        choices = {}
        for key, where in places_of.items():
            choices[key] = Choice(
                None, default, "global default" if fallback is None else "default"
            )
            found = False
            for number, (rule, initializer) in enumerate(self._rules):
                if not any(has_path(rule, path, block) for path, block, _ in where):
                    continue
                matched[number] = True
                if not found:
                    found = decided[number] = True
                    own = initializer if _is_exact(rule) else OfKind(initializer)
                    choices[key] = Choice(own, default, f"rule {_quoted(rule)}")
        if self._kwargs["strict"]:
            for number, (rule, _) in enumerate(self._rules):
                if not decided[number]:
                    raise self._refusal(rule, matched[number], [path for path, _, _ in places])
        return choices

    @staticmethod
    def _refusal(rule: str | type, has_matched: bool, paths: list[str]) -> ArgumentError:
        if has_matched:
            return ArgumentError(
                f"expected rule {_quoted(rule)} to decide for a parameter, found that earlier rules take all "
                "that it matches; put it before them, or pass strict=False"
            )
        hint = near_paths(rule, paths) if isinstance(rule, str) else f"there are {quoted(paths, 6)}"
        return ArgumentError(
            f"expected rule {_quoted(rule)} to match a parameter, found none; {hint}, or pass strict=False"
        )


def _shown(rule: str | type) -> str:
    return rule if isinstance(rule, str) else rule.__name__


def _quoted(rule: str | type) -> str:
    return repr(rule) if isinstance(rule, str) else rule.__name__


def _is_exact(rule: str | type) -> bool:
    """Whether a rule names what it fills, as ``'*.bias'`` does."""
    if isinstance(rule, type):
        return False
    last = rule.rpartition(".")[2]
    return kind_of(last) != "other" or re.search(r"[*?\[]", last) is None
