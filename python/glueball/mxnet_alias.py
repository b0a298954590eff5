"""Standing in for MXNet: ``from mxnet import nd, gluon`` gives glueball."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["install_as_mxnet"]

_HERE = __name__.partition(".")[0]


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
    >>> import glueball
    >>> glueball.install_as_mxnet()
    >>> from mxnet import nd
    >>> nd is glueball.nd
    True
    """
    present = sys.modules.get("mxnet")
    ours = sys.modules[_HERE]
    if present is not None and present is not ours:
        message = (
            "expected that mxnet has not been imported yet, found "
            f"{getattr(present, '__file__', present)}; call install_as_mxnet() before any import of it"
        )
        raise ImportError(message)
    for name, module in list(sys.modules.items()):
        if name == _HERE or name.startswith(_HERE + "."):
            sys.modules["mxnet" + name[len(_HERE) :]] = module
            _rename_classes(module)
    sys.modules["mxnet.initializer"] = ours.init
    sys.modules["mxnet.ndarray"] = ours.nd
    sys.modules["mxnet.base"] = sys.modules[f"{_HERE}.base"]


def _rename_classes(module: ModuleType) -> None:
    public: Any = getattr(module, "__all__", ())
    for name in public:
        value = getattr(module, name, None)
        if isinstance(value, type) and value.__module__.partition(".")[0] == _HERE:
            value.__module__ = "mxnet" + _mxnet_place(value.__module__)[len(_HERE) :]


def _mxnet_place(place: str) -> str:
    # One idea is one file here, which MXNet kept together.
    return place.replace(".gluon.parameter_dict", ".gluon.parameter")
