"""What a module shows, and one clear answer where a program names what MXNet has and glueball leaves out."""

from __future__ import annotations

import functools
import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

from glueball import _core
from glueball.base import (
    GlueballAttributeError,
    NoSuchNameError,
    OutsideScopeAttributeError,
    OutsideScopeError,
    OutsideScopeImportError,
    _near_word,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

__all__ = ["import_late", "import_rest", "later", "missing", "outside", "surface"]

_HERE = __name__.partition(".")[0]
# By package, the modules that are imported when a name of theirs is first asked for.
_places: dict[str, list[str]] = {}


def surface(
    module: str, modules: tuple[str, ...] = (), names: Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return a public module's ``__getattr__`` and ``__dir__``: it shows what ``__all__`` lists.

    Parameters
    ----------
    module : str
        The module's ``__name__``.
    modules : tuple of str
        Modules below it that are imported when they are first named, since many programs need none;
        ``name=other`` where it shows `other` under another name.
    names : mapping of str to str, optional
        By module below this one, which is imported when one of them is first named: the names that
        are there, with spaces between them; ``name=other`` for what is called `other` there.

    Examples
    --------
    At the end of a module::

        __getattr__, __dir__ = surface(__name__)
    """
    this = sys.modules[module]
    # `from module import name` asks the finders for what a package lacks, hence `_OutsideFinder`.
    vars(this).setdefault("__path__", [])
    _explain(this)

    below = {name: other or name for name, _, other in (each.partition("=") for each in modules)}
    places = {
        name: (f"{module}.{place}", attribute or name)
        for place, there in (names or {}).items()
        for name, _, attribute in (each.partition("=") for each in there.split())
    }
    _places[module] = list(dict.fromkeys(place for place, _ in places.values()))

    def look_up(name: str) -> Any:
        if name in below:
            return importlib.import_module(f"{module}.{below[name]}")
        if name not in places:
            raise missing(module, name)
        place, attribute = places[name]
        value = getattr(import_late(place), attribute)
        setattr(this, name, value)
        return value

    return look_up, lambda: list(this.__all__)


def import_late(module: str) -> ModuleType:
    """Import a module whose names another one shows, and explain wrong calls of what is there."""
    found = importlib.import_module(module)
    _explain(found)
    return found


def _explain(module: ModuleType) -> None:
    _core.explain_calls([vars(module).get(name) for name in module.__all__])


def import_rest(package: str) -> bool:
    """Import all that a package imports late, and return whether there was any left.

    Whoever looks for what registers itself, and has not found it, calls this first.
    """
    rest = _places.get(package)
    for module in rest or ():
        import_late(module)  # where another thread is at it, this one waits
    _places.pop(package, None)
    return bool(rest)


def later(place: str) -> Callable[..., Any]:
    """Return a function of a module that is imported when the function is first called.

    For methods of classes that every program imports, whose work few programs need.

    Parameters
    ----------
    place : str
        The module below the package, and the function: ``insight._summary:summarize``.
    """
    module, _, name = place.partition(":")

    def call(*args: Any, **settings: Any) -> Any:
        return getattr(import_late(f"{_HERE}.{module}"), name)(*args, **settings)

    return call


def missing(module: str, name: str) -> AttributeError:
    """Return the error for a name that a module does not have.

    Parameters
    ----------
    module : str
        The module's ``__name__``.
    name : str
        The name that was asked for.

    Returns
    -------
    AttributeError
        An `OutsideScopeAttributeError` if MXNet has it and glueball leaves it out.
    """
    answer = _answer(module, name)
    if answer is not None:
        return OutsideScopeAttributeError(answer)
    return GlueballAttributeError(
        f"module {module!r} has no attribute {name!r}", name=name, obj=sys.modules[module]
    )


def outside(full_name: str, field: str) -> OutsideScopeError:
    """Return the error for a use of MXNet that glueball leaves out.

    Parameters
    ----------
    full_name : str
        The part, as programs name it below the package.
    field : str
        What it is for.
    """
    return OutsideScopeError(_message(full_name, field))


class _OutsideFinder:
    """Answers the import of what is not there as its look-up is answered; comes last.

    Not derived from MetaPathFinder: `importlib.abc` takes as long to import as half of glueball.
    """

    @staticmethod
    def find_spec(fullname: str, path: Any = None, target: Any = None) -> None:
        parent, _, name = fullname.rpartition(".")
        # Under the name of MXNet, a module still knows its own.
        module = getattr(sys.modules.get(parent), "__name__", None)
        if isinstance(module, str) and module.partition(".")[0] == _HERE:
            answer = _answer(module, name)
            if answer is not None:
                raise OutsideScopeImportError(answer, name=fullname)
            # Of a name of its own `from` would take it for a submodule that may be missing.
            near = _near_word(name, dir(sys.modules[parent])) or "; dir() lists those there are"
            message = f"cannot import name {name!r} from {parent!r}: expected one it has, found '{name}'{near}"
            raise NoSuchNameError(message, name=parent)


def _answer(module: str, name: str) -> str | None:
    """Return the message about a name that is left out of a module, or None for any other name."""
    if name.startswith("_"):
        return None  # one of our own modules, which its first import looks up here
    place = module.partition(".")[2]
    for field, names in _left_out().get(place, {}).items():
        if name in names:
            return _message(f"{place}.{name}" if place else name, field)
    return None


@functools.cache
def _left_out() -> dict[str, dict[str, frozenset[str]]]:
    """Return the names that are left out, by module and by what they are for."""
    import tomllib  # costs import time, and few programs ask

    with open(os.path.splitext(__file__)[0] + ".toml", "rb") as file:
        modules = tomllib.load(file)
    return {
        module: {field: frozenset(names.split()) for field, names in fields.items()}
        for module, fields in modules.items()
    }


def _message(full_name: str, field: str) -> str:
    return (
        f"expected a part of MXNet that dense networks on CPUs need, found '{full_name}', which is for "
        f"{field}; glueball is Gluon for small dense nets, their parameters and their "
        "initialization: for this, use a larger framework"
    )


sys.meta_path.append(_OutsideFinder)
