"""Shapes that only a run can tell: of a copy of the net, on zeros, so that the net stays as it is.

The copy has no hooks; its parameters without values are filled with zeros, those with values keep them, as a
block's code may look at them. It runs outside of recording and training. What it draws comes from
a copy of the generator, so that other threads go on drawing theirs.
"""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING, Any

from glueball import _core, autograd, nd
from glueball import init as initializers
from glueball.base import ArgumentError, ShapeError
from glueball.gluon._checks import array_type, input_shape
from glueball.gluon.block._hooks import _Hooks
from glueball.gluon.block._structure import Watch
from glueball.gluon.parameter._copying import parts_of
from glueball.gluon.parameter._parameter import Parameter, _rebuild
from glueball.init._check import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueball.gluon.block import Block

    Lengths = tuple[int, ...]

__all__ = ["infer_by_running", "shapes_below"]

# What stands for an unknown length, one in each of two runs: what differs between them depends on it.
_STAND_INS = (2, 3)


def infer_by_running(net: Block, inputs: Sequence[Any]) -> bool:
    """Set the shapes of a net's parameters to what a run on `inputs` gives them; initialize nothing.

    Parameters
    ----------
    net : Block
        Of any class.
    inputs : sequence of tuple of int, or of NDArray
        Of each input the shape, with None for unknown axes, or an array.

    Returns
    -------
    bool
        Whether all inputs are arrays.

    Raises
    ------
    ShapeError
        If a parameter's shape depends on an unknown axis.
    ArgumentError
        If the net cannot be copied.
    """
    found = shapes_below(net, inputs)
    waiting = []
    for path, parameter in net._walk_parameters():
        lengths = parameter._lengths
        if lengths is not None and -1 not in lengths:
            continue
        if -1 in found.get(path, (-1,)):
            waiting.append(path)
        else:
            parameter.shape = found[path]
    if waiting:
        warnings.warn(
            f"expected a run of '{net.name}' to reach all parameters, found that it leaves the shapes of "
            f"{shorten(waiting)} unknown; give them, or pass data that reaches them",
            stacklevel=3,
        )
    return all(isinstance(each, nd.NDArray) for each in inputs)


def shapes_below(net: Block, inputs: Sequence[Any]) -> dict[str, Lengths]:
    """Return the shape of each parameter by path, as far as a run on `inputs` tells; the net is not changed."""
    if not inputs:
        input_shape((), net.name)  # says what to pass
    given = [input_shape((each,), net.name)[0] for each in inputs]
    is_open = any(-1 in each for each in given)
    inputs = [
        each if isinstance(each, nd.NDArray) else shape
        for each, shape in zip(inputs, given, strict=True)
    ]
    first, *others = (_run(net, inputs, length) for length in _STAND_INS[: 1 + is_open])
    for other in others:
        for path, shape in first.items():
            if other.get(path, shape) != shape:
                message = (
                    f"expected the shape of '{path}' in '{net.name}' to depend on known axes of the input, found "
                    f"that it depends on an unknown one; give that axis"
                )
                raise ShapeError(message)
    return first


def _run(net: Block, inputs: Sequence[Any], stand_in: int) -> dict[str, Lengths]:
    with autograd.pause(train_mode=False), _core.DrawsApart():
        trial = _copy(net)
        arrays = [_input(each, stand_in) for each in inputs]
        try:
            trial(*arrays)
        except Exception as error:
            shapes = ", ".join(str(each.shape) for each in arrays)
            error.add_note(f"while a copy of '{net.name}' ran on zeros of shape {shapes}")
            raise
    return {path: each._lengths or (-1,) for path, each in trial._walk_parameters()}


def _input(given: Any, stand_in: int) -> Any:
    if isinstance(given, nd.NDArray):
        return given.copy()
    values = nd.zeros(tuple(stand_in if length == -1 else length for length in given))
    return values if array_type() is nd.NDArray else values.as_np_ndarray()


def _copy(net: Block) -> Block:
    """Return a copy without hooks, whose parameters get values as soon as their shapes are known."""
    zero = initializers.Zero()
    memo: dict[int, Any] = {}
    for _, block in net._walk_blocks():
        for hooks in (block._forward_hooks, block._forward_pre_hooks):
            memo[id(hooks)] = _Hooks(Watch())
    for _, parameter in net._walk_parameters():
        # What fills it may hold anything, need not be copied, and is not asked.
        known = (parameter.init, *(parameter._given or ()), *(parameter._plan or ())[:2])
        fillers = [each for each in known if isinstance(each, initializers.Initializer)]
        memo.update((id(each), each) for each in fillers)
        if parameter._is_initialized or id(parameter) in memo:
            continue
        unasked = {id(each): zero for each in fillers}
        settings, _, others = parts_of(parameter, unasked)
        settings |= {"init": zero, "allow_deferred_init": True}
        state: tuple[Any, ...] = (
            None, None, False, False, None, [], parameter._rounds_inference,
        )  # fmt: skip
        stand_in = _rebuild(type(parameter), parameter.name, settings, state, others)
        Parameter.initialize(stand_in, call=0)
        memo[id(parameter)] = stand_in
    try:
        return copy.deepcopy(net, memo)
    except Exception as error:
        message = (
            f"expected a net that copy.deepcopy copies, to run it for the shapes in '{net.name}', found "
            f"{type(error).__name__}: {error}; pass one batch of data through the net instead"
        )
        raise ArgumentError(message) from error
