"""Functions as layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from glueball import _core, nd
from glueball._numpy_mode import Mode
from glueball.base import ArgumentError
from glueball.gluon._checks import FixedSetting
from glueball.gluon._declaration import Found, LayerDeclaration, OnnxForm
from glueball.gluon.block import Block, HybridBlock

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueball.gluon._declaration import Rule
    from glueball.onnx._graph import Graph
    from glueball.onnx._writing import Writer

__all__ = ["HybridLambda", "Lambda"]

# Functions of the last axis that ONNX has; they keep the shape.
_OPERATORS = {"softmax": "Softmax", "log_softmax": "LogSoftmax"}


def _to_onnx(graph: Writer, layer: _NamedFunction) -> None:
    graph.add(_OPERATORS[layer._func_name], axis=-1)


def _from_onnx(function: str) -> Rule:
    def rule(graph: Graph, node: Any) -> Found | None:
        rank = graph.rank(node.input[0])
        axis = graph.attributes(node).get("axis", -1 if graph.opset >= 13 else 1)
        is_last = axis == -1 or (rank is not None and axis == rank - 1)
        return Found(node.input[0], {"function": function}) if is_last else None

    return rule


class _Clip:
    """The function of a layer that cuts values off; a class, so that nets can be pickled."""

    __name__ = "clip"

    def __init__(self, least: float, most: float) -> None:
        self._least, self._most = least, most

    def __call__(self, F: Any, x: Any) -> Any:
        return F.clip(x, self._least, self._most)


def _from_clip(graph: Graph, node: Any) -> Found | None:
    """Return bounds, which were attributes until opset 11."""
    settings = graph.attributes(node)
    bounds = [settings.get("min", -math.inf), settings.get("max", math.inf)]
    for place, tensor in enumerate(node.input[1:]):
        if tensor:
            bounds[place] = graph.number(tensor)
    if None in bounds:
        return None
    return Found(node.input[0], {"function": _Clip(*bounds)})


def _can_write(layer: _NamedFunction) -> bool:
    return layer._is_named and layer._func_name in _OPERATORS


class _NamedFunction(Block):
    """What Lambda and HybridLambda have in common: a function that the core knows by name runs there."""

    _func_impl = FixedSetting()
    _func_name = FixedSetting()
    _is_named = FixedSetting()

    def _pieces(self) -> list[_core.Layer | Block]:
        if self._is_named and self._func_name in _core.activation_names():
            return [_core.Activation(self.name, self._func_name)]
        return [self]

    def _from_functions(self, x: Any) -> Any:
        return getattr(nd, self._func_name)(x)

    def _infer_output(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if _can_write(self):
            return shape
        if self._pieces() == [self]:
            self._cannot_infer()
        return super()._infer_output(shape)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._func_name})"


class Lambda(_NamedFunction):
    """Make a function a block.

    An elementwise function given by its name (``'relu'``, ``'tanh'`` ...) is native within a net.

    Parameters
    ----------
    function : callable or str
        Called with the block's arguments; a str names a function of `nd` (in NumPy mode of `np` or `npx`).

    Raises
    ------
    AssertionError
        If no function has the name.
    ValueError
        If it is neither a function nor a name.
    """

    _declaration = LayerDeclaration(
        onnx=OnnxForm(_to_onnx, _can_write, only="('softmax' or 'log_softmax')")
    )

    def __init__(self, function: Callable[..., Any] | str, prefix: str | None = None) -> None:
        super().__init__(prefix=prefix)
        self._func_impl, self._func_name = _resolve(function)
        self._is_named = isinstance(function, str)

    def forward(self, *args: Any) -> Any:
        """Call the function."""
        return self.__dict__["_func_impl"](*args)  # past the descriptor


class HybridLambda(_NamedFunction, HybridBlock):
    """Make a function that takes `F` first, or a named one, a HybridBlock.

    An elementwise function given by its name (``'relu'``, ``'tanh'`` ...) is native within a net.

    Parameters
    ----------
    function : callable or str
        ``function(F, x, ...)``, or the name of a function of `F`.
    """

    _declaration = LayerDeclaration(
        onnx=OnnxForm(
            _to_onnx,
            _can_write,
            only="('softmax' or 'log_softmax')",
            rules={operator: _from_onnx(name) for name, operator in _OPERATORS.items()},
            last_rules={"Clip": _from_clip},
        )
    )

    def __init__(self, function: Callable[..., Any] | str, prefix: str | None = None) -> None:
        super().__init__(prefix=prefix)
        implementation, self._func_name = _resolve(function)
        self._is_named = isinstance(function, str)
        self._func_impl = _WithoutF(implementation) if self._is_named else implementation

    def hybrid_forward(self, F: Any, x: Any, *args: Any) -> Any:
        """Call the function."""
        return self.__dict__["_func_impl"](F, x, *args)


class _WithoutF:
    """A named function, called as if it took `F`; a class, so that nets can be pickled."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, F: Any, *args: Any) -> Any:
        return self._function(*args)


def _resolve(function: Callable[..., Any] | str) -> tuple[Callable[..., Any], str]:
    if isinstance(function, str):
        functions = Mode.functions
        for module in (functions.np, functions.npx) if Mode.array else (nd,):
            found: Callable[..., Any] | None = getattr(module, function, None)
            if callable(found):
                return found, function
        message = (
            f"Function name {function} is not found in ndarray. Expected the name of a function of "
            "nd (in NumPy mode of np or npx); pass the function itself"
        )
        raise ArgumentError(message)
    if callable(function):
        return function, getattr(function, "__name__", type(function).__name__)
    message = (
        f"Unrecognized function in lambda: {function} of type {type(function)}. Expected a function "
        "or a name; pass one"
    )
    raise ArgumentError(message)
