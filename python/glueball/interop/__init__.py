"""Weights of other libraries: into a net, and out of it. None of these libraries is needed for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball._scope import surface
from glueball.base import ArgumentError
from glueball.interop._arrays import Layer, layers_in, to_numpy
from glueball.interop._matching import (
    COUNTERS,
    Target,
    assign,
    check_layout,
    match,
    once,
    pair_up,
    targets_in,
)

if TYPE_CHECKING:
    from glueball.gluon import Block
    from glueball.gluon.parameter import LoadReport

__all__ = ["load_arrays", "load_keras", "load_torch", "to_keras", "to_torch"]


def load_arrays(
    net: Block,
    arrays: Mapping[str, Any],
    *,
    mapping: Mapping[str, str] | None = None,
    layout: str | None = None,
) -> LoadReport:
    """Copy named arrays of any library into a net.

    Names are paths with dots or slashes, or dicts in dicts; the last part is the parameter's, in the
    words of Gluon, PyTorch, Keras, Paddle, Flax or Haiku (``kernel``, ``moving_mean``). Layers are
    paired by `mapping`; without one by their paths, if all agree, else by their order. Dtypes become
    those of the net. Everything is checked first: if anything does not fit, nothing changes.

    Parameters
    ----------
    net : Block
        Need not be initialized; unknown shapes become known.
    arrays : mapping of str to array_like
        Tensors, arrays, or mappings of them.
    mapping : mapping of str to str, optional
        ``{"encoder.0": "0"}``: path of a layer in `arrays` to path of one in the net. Layers of `arrays`
        that it leaves out are ignored; every layer of the net has to be reached.
    layout : {'out_in', 'in_out'}, optional
        How weights of dense layers are stored: ``'out_in'`` is (units, in_units), ``'in_out'`` is
        (in_units, units). Without it their shapes decide; square ones cannot.

    Returns
    -------
    LoadReport
        Its `loaded` has the structural path of each parameter, and the name of what was copied into it; ``'1'`` or ``'0'`` for
        gamma and beta that the layer does not learn, and others do not store.

    Raises
    ------
    ValueError
        If names or shapes do not fit, or a weight fits either way round; says so of each, with the
        shapes on both sides.
    TypeError
        If `arrays` or `mapping` is not a mapping, or something in it not an array of numbers.

    Examples
    --------
    >>> import numpy
    >>> from glueball import interop
    >>> from glueball.gluon import nn
    >>> net = nn.Sequential(nn.Dense(2, in_units=3))
    >>> arrays = {"out/kernel": numpy.ones((3, 2)), "out/bias": numpy.zeros(2)}
    >>> interop.load_arrays(net, arrays).loaded
    {'0.weight': 'out/kernel', '0.bias': 'out/bias'}
    """
    check_layout(layout)
    targets = targets_in(net)
    pairs = pair_up(layers_in(arrays), targets, mapping)
    return assign(match(pairs, targets, layout, net.name))


def load_torch(
    net: Block,
    state_dict: Mapping[str, Any],
    *,
    mapping: Mapping[str, str] | None = None,
    layout: str = "out_in",
) -> LoadReport:
    """Copy a PyTorch ``state_dict()`` into a net: `load_arrays` with weights (units, in_units).

    Parameters
    ----------
    net : Block
        The net. Its layers have to compute the same as the module's: see ``docs/interop.md``.
    state_dict : mapping of str to torch.Tensor or array_like
        As ``module.state_dict()`` returns it, or as read from a safetensors file.
    mapping : mapping of str to str, optional
        As for `load_arrays`.
    layout : {'out_in', 'in_out'}, default 'out_in'
        ``'in_out'`` for Paddle's state_dict, whose names are PyTorch's.

    Returns
    -------
    LoadReport
        As of `load_arrays`.

    Raises
    ------
    ValueError, TypeError
        As `load_arrays`.
    """
    return load_arrays(net, state_dict, mapping=mapping, layout=layout)


def load_keras(
    net: Block,
    weights: Sequence[Any] | Mapping[str, Any],
    *,
    mapping: Mapping[str, str] | None = None,
    layout: str = "in_out",
) -> LoadReport:
    """Copy the weights of a Keras model into a net.

    Parameters
    ----------
    net : Block
        The net. Its layers have to compute the same as the model's: see ``docs/interop.md``.
    weights : sequence of array_like, or mapping of str to array_like
        As ``model.get_weights()`` returns them, or by name: ``{v.path: v for v in model.weights}``.
    mapping : mapping of str to str, optional
        As for `load_arrays`; needs names.
    layout : {'out_in', 'in_out'}, default 'in_out'
        As for `load_arrays`.

    Returns
    -------
    LoadReport
        As of `load_arrays`; of a list, the places in it stand for names: ``'[0]'``.

    Raises
    ------
    ValueError
        As `load_arrays`; also if a list has another length than the net has arrays in Keras's count.
    TypeError
        As `load_arrays`.
    """
    if isinstance(weights, Mapping):
        return load_arrays(net, weights, mapping=mapping, layout=layout)
    if mapping is not None:
        message = (
            "expected weights by name beside mapping=, found a list; pass "
            "{v.path: v for v in model.weights}"
        )
        raise ArgumentError(message)
    check_layout(layout)
    targets = targets_in(net)
    pairs = _by_place(list(weights), once(targets))
    return assign(match(pairs, targets, layout, net.name))


def to_torch(
    net: Block, like: Mapping[str, Any] | None = None, *, mapping: Mapping[str, str] | None = None
) -> dict[str, np.ndarray[Any, Any]]:
    """Return copies of a net's arrays, named and shaped as in a PyTorch ``state_dict()``.

    Parameters
    ----------
    net : Block
        An initialized net.
    like : mapping of str to array_like, optional
        The ``state_dict()`` of the module that they are for: its names are used, after the rules of
        `load_arrays`, and its shapes checked. Without it names begin with the net's own paths, in which
        activations that are part of a `Dense` count for nothing.
    mapping : mapping of str to str, optional
        As for `load_arrays`: the module's layers to the net's.

    Returns
    -------
    dict of str to numpy.ndarray
        For ``module.load_state_dict({k: torch.from_numpy(v) for k, v in arrays.items()})``.

    Raises
    ------
    ValueError
        If names or shapes of `like` do not fit the net.
    RuntimeError
        If a parameter has no values yet.

    Examples
    --------
    >>> from glueball import interop
    >>> from glueball.gluon import nn
    >>> net = nn.Sequential(nn.BatchNorm(in_channels=3), nn.Dense(2, in_units=3))
    >>> net.initialize()
    >>> for name, array in interop.to_torch(net).items():
    ...     print(name, array.shape)
    0.weight (3,)
    0.bias (3,)
    0.running_mean (3,)
    0.running_var (3,)
    0.num_batches_tracked ()
    1.weight (2, 3)
    1.bias (2,)
    """
    targets = targets_in(net)
    if like is None:
        named: dict[str, np.ndarray[Any, Any]] = {}
        for target in targets:
            named |= _torch_arrays(target)
        return named
    layers = layers_in(like)
    pairs = pair_up(layers, targets, mapping)
    match(pairs, targets, "out_in", net.name)  # refuses what does not fit
    return {
        layer.names[local]: array if local in COUNTERS else _values_for(target, local)
        for layer, target in pairs
        for local, array in layer.arrays.items()
    }


def to_keras(net: Block) -> list[np.ndarray[Any, Any]]:
    """Return copies of a net's arrays, in the order and shapes of Keras's ``model.get_weights()``.

    Parameters
    ----------
    net : Block
        An initialized net; a layer that is used twice is listed once, as in Keras.

    Returns
    -------
    list of numpy.ndarray
        For ``model.set_weights(arrays)``. Layers that learn no gamma or beta have none there.

    Raises
    ------
    RuntimeError
        If a parameter has no values yet.

    Examples
    --------
    >>> from glueball import interop
    >>> from glueball.gluon import nn
    >>> net = nn.Sequential(nn.Dense(2, in_units=3))
    >>> net.initialize()
    >>> [array.shape for array in interop.to_keras(net)]
    [(3, 2), (2,)]
    """
    arrays = []
    for target in once(targets_in(net)):
        for entry, parameter in target.parameters:
            if not entry.is_left_out(parameter):
                values = np.array(parameter.data())
                arrays.append(np.ascontiguousarray(values.T) if entry.is_matrix else values)
    return arrays


def _by_place(weights: list[Any], targets: list[Target]) -> list[tuple[Layer, Target]]:
    """Return layers made of a list, in the order in which Keras lists the weights of each."""
    wanted = [
        (target, entry, parameter)
        for target in targets
        for entry, parameter in target.parameters
        if not entry.is_left_out(parameter)
    ]
    arrays = [to_numpy(value, f"weights[{place}]") for place, value in enumerate(weights)]
    if len(arrays) != len(wanted):
        ours = ", ".join(
            f"'{target.name_of(entry)}' {parameter.shape}" for target, entry, parameter in wanted
        )
        theirs = ", ".join(str(array.shape) for array in arrays)
        message = (
            f"expected {len(wanted)} arrays for the net's {ours}, found {len(arrays)} of shapes "
            f"{theirs}; pass model.get_weights() of a model of the same layers, or weights by name"
        )
        raise ArgumentError(message)
    layers = {id(target): Layer(target.path) for target in targets}
    for place, ((target, entry, _), array) in enumerate(zip(wanted, arrays, strict=True)):
        layer = layers[id(target)]
        layer.arrays[entry.name] = array
        layer.names[entry.name] = f"[{place}]"
    return [(layers[id(target)], target) for target in targets]


def _torch_arrays(target: Target) -> dict[str, np.ndarray[Any, Any]]:
    """Return one layer's arrays by PyTorch's names."""
    prefix = f"{target.path}." if target.path else ""
    # PyTorch has both of an affine pair, or neither.
    bare = all(e.is_left_out(p) for e, p in target.parameters if e.unlearned is not None)
    arrays = {
        prefix + entry.torch: _values(target, entry.name)
        for entry, _ in target.parameters
        if not (bare and entry.unlearned is not None)
    }
    if prefix + "running_mean" in arrays:
        arrays[prefix + "num_batches_tracked"] = np.array(0, np.int64)
    return arrays


def _values_for(target: Target, theirs: str) -> np.ndarray[Any, Any]:
    entry = next(entry for entry, _ in target.parameters if theirs in entry.accepted())
    return _values(target, entry.name)


def _values(target: Target, name: str) -> np.ndarray[Any, Any]:
    """Return a copy of what the layer computes with."""
    entry, parameter = next(each for each in target.parameters if each[0].name == name)
    values = np.array(parameter.data())
    if entry.is_ignored(target.block):
        values[:] = 1
    return values


__getattr__, __dir__ = surface(__name__)
