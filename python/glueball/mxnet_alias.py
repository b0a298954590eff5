"""Standing in for MXNet: ``from mxnet import nd, gluon`` gives glueball."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from glueball._scope import missing
from glueball.base import OutsideScopeError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["install_as_mxnet"]

_HERE = __name__.partition(".")[0]
# Modules that are otherwise imported when they are first used.
_LATE = (
    f"{_HERE}.gluon.data",
    f"{_HERE}.gluon.contrib.estimator",
    f"{_HERE}.interop",
    f"{_HERE}.lr_scheduler",
    f"{_HERE}.metric",
    f"{_HERE}.onnx",
    f"{_HERE}.util",
)
_MXNET_PLACES = {
    f"{_HERE}.gluon._parameter": f"{_HERE}.gluon.parameter",
    f"{_HERE}.gluon.constant": f"{_HERE}.gluon.parameter",
    f"{_HERE}.gluon.parameter_dict": f"{_HERE}.gluon.parameter",
    f"{_HERE}.gluon.loss.": f"{_HERE}.gluon.loss",
    f"{_HERE}.init.": f"{_HERE}.initializer",
    f"{_HERE}.metric.": f"{_HERE}.metric",
    f"{_HERE}.nd._ndarray": f"{_HERE}.ndarray.ndarray",
    f"{_HERE}.optimizer.": f"{_HERE}.optimizer",
    f"{_HERE}.np._ndarray": f"{_HERE}.numpy",
}


def install_as_mxnet() -> None:
    """Make ``import mxnet``, and imports of its modules, give glueball's.

    Classes then also say that they are of ``mxnet``, as programs that print types expect. Called twice, it
    does nothing more.

    Raises
    ------
    ImportError
        If the real MXNet has been imported in this process already.

    Examples
    --------
    The first two lines of a program, and the rest as it was::

        import glueball

        glueball.install_as_mxnet()

        from mxnet import autograd, gluon, init, nd
        from mxnet.gluon import nn
    """
    present = sys.modules.get("mxnet")
    ours = sys.modules[_HERE]
    if present is not None and present is not ours:
        message = (
            "expected that mxnet has not been imported yet, found "
            f"{getattr(present, '__file__', present)}; call install_as_mxnet() before any import of it"
        )
        raise ImportError(message)
    for name in _LATE:
        importlib.import_module(name)
    # Looking at a module's names may import more of them.
    while found := [
        name
        for name in sys.modules
        if (name == _HERE or name.startswith(_HERE + ".")) and _alias(name) not in sys.modules
    ]:
        for name in found:
            sys.modules[_alias(name)] = sys.modules[name]
            _rename_classes(sys.modules[name])
    if not any(isinstance(finder, _OutsideFinder) for finder in sys.meta_path):
        sys.meta_path.append(_OutsideFinder())
    for name, module in {"initializer": ours.init, "ndarray": ours.nd, "numpy": ours.np}.items():
        sys.modules[f"mxnet.{name}"] = module


class _OutsideFinder:
    """Answers ``import mxnet.symbol`` as naming ``mxnet.symbol`` is answered; comes last.

    Not derived from MetaPathFinder: `importlib.abc` takes as long to import as half of glueball.
    """

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        parent, _, name = fullname.rpartition(".")
        if parent.partition(".")[0] == "mxnet":
            error = missing(_HERE + parent[len("mxnet") :], name)
            if isinstance(error, OutsideScopeError):
                error.name = fullname
                raise error


def _alias(name: str) -> str:
    return "mxnet" + name[len(_HERE) :]


def _rename_classes(module: ModuleType) -> None:
    public: Any = getattr(module, "__all__", ())
    for name in public:
        value = getattr(module, name, None)
        if isinstance(value, type) and value.__module__.partition(".")[0] == _HERE:
            value.__module__ = "mxnet" + _mxnet_place(value.__module__)[len(_HERE) :]


def _mxnet_place(place: str) -> str:
    # One idea is one file here, which MXNet kept together.
    for ours, theirs in _MXNET_PLACES.items():
        if place.startswith(ours):
            return theirs
    return place
