"""Which attributes of parameters and blocks can be set: one that is misspelt would be kept, and do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball.base import GlueballAttributeError

if TYPE_CHECKING:
    from glueball.gluon.block import Block
    from glueball.gluon.parameter import Parameter

__all__ = ["check", "check_flag", "refuse_setting"]

_HERE = __name__.partition(".")[0]


def check(parameter: Parameter, attribute: str, value: Any) -> None:
    """Refuse to set what is not an attribute; classes of a user's own, and programs for MXNet, may have more.

    These only must not come near one that there is.
    """
    kind = type(parameter)
    present = getattr(kind, attribute, _missing)
    if isinstance(present, property):
        if present.fset is None:
            message = (
                f"expected '{attribute}' of Parameter '{_name(parameter)}' to be read only, found {value!r} for it; "
                f"{'give it to the constructor' if attribute == 'name' else 'it follows from data and grad'}"
            )
            raise GlueballAttributeError(message)
        return
    if present is not _missing and not callable(present):
        return
    is_ours = any(attribute in vars(base) for base in kind.__mro__ if _is_here(base))
    if is_ours:
        message = (
            f"expected an attribute of Parameter '{_name(parameter)}' to set, found '{attribute}', which is a "
            "method; call it"
        )
        raise GlueballAttributeError(message)
    # Of install_as_mxnet() the classes say that they are MXNet's.
    is_free = kind.__module__.partition(".")[0] != _HERE
    near = _nearest(attribute, _settable(kind), 0.9 if is_free else 0.6)
    if is_free and not near:
        return
    hint = f"did you mean '{near}'?" if near else f"it has {', '.join(_settable(kind))}"
    message = f"expected an attribute of Parameter '{_name(parameter)}' to set, found '{attribute}'; {hint}"
    raise GlueballAttributeError(message)


def refuse_setting(thing: Any, attribute: str) -> None:
    """Refuse to set a property that is read only, or what comes near an attribute and is none; let others pass."""
    kind = type(thing)
    names = [name for name in dir(kind) if name[:1] != "_"]
    if attribute in names:
        setter = f"set_{attribute}"
        if getattr(kind, attribute).fset is not None:
            return
        advice = f"call {setter}(...)" if setter in names else "it is as it was made"
        message = f"expected '{attribute}' of a {kind.__name__} to be read only, found a value for it; {advice}"
        raise GlueballAttributeError(message)
    near = _nearest(attribute, names, 0.8)
    if near:
        message = (
            f"expected an attribute of a {kind.__name__} that is not nearly '{near}', found '{attribute}', which "
            f"would do nothing; did you mean '{near}'?"
        )
        raise GlueballAttributeError(message)


def check_flag(block: Block, attribute: str) -> None:
    """Refuse to set what comes near a property that says whether a block learns, and is none of its attributes."""
    if hasattr(type(block), attribute) or attribute in block.__dict__:
        return
    near = _nearest(attribute, ["trainable", "requires_grad", "stop_gradient"], 0.85)
    if near:
        message = (
            f"expected an attribute of '{block.name}' that is not nearly '{near}', found '{attribute}', which would "
            f"do nothing; did you mean '{near}'?"
        )
        raise GlueballAttributeError(message)


def _missing() -> None:
    """Stand for an attribute that a class does not have."""


def _name(parameter: Parameter) -> str:
    # A class of a user's own may set attributes before it calls our constructor.
    return parameter.name if "_contexts" in parameter.__dict__ else "?"


def _is_here(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in (_HERE, "mxnet")


def _settable(kind: type) -> list[str]:
    named = [
        name
        for name in dir(kind)
        if name[0] != "_" and isinstance(each := getattr(kind, name), property) and each.fset
    ]
    return ["data", "grad", "init", *named]


def _nearest(attribute: str, known: list[str], cutoff: float) -> str | None:
    import difflib  # here: only errors need it

    found = difflib.get_close_matches(attribute, known, n=1, cutoff=cutoff)
    return found[0] if found else None
