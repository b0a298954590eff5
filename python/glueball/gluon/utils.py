"""Helpers for training loops."""

from __future__ import annotations

import itertools
import math
import operator
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import nd
from glueball._numpy_mode import Mode
from glueball._scope import surface
from glueball.base import ArgumentError, GlueballTypeError
from glueball.context import Context, require_cpu
from glueball.gluon._checks import array_type
from glueball.gluon.block._hooks import HookHandle
from glueball.nd._record import wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["HookHandle", "clip_global_norm", "shape_is_known", "split_and_load", "split_data"]


def clip_global_norm(
    arrays: Sequence[nd.NDArray], max_norm: float, check_isfinite: bool = True
) -> Any:
    """Scale arrays in place so that their common 2-norm is at most `max_norm`.

    Parameters
    ----------
    arrays : sequence of NDArray
        Usually gradients: ``[p.grad() for p in net.collect_params().values()]``.
    max_norm : float
        The largest norm allowed.
    check_isfinite : bool, default True
        Warn if the norm is NaN or infinite. (In either case the arrays are left as they are then.)

    Returns
    -------
    float or NDArray
        The norm before; without `check_isfinite` an NDArray of shape (1,), as in Gluon.

    Raises
    ------
    AssertionError
        If there are no arrays, or `max_norm` is negative or not a number.
    """
    if not isinstance(arrays, Iterable):
        message = f"expected a list of arrays to clip, found {arrays!r}; pass the gradients"
        raise GlueballTypeError(message)
    arrays = list(arrays)
    if not arrays:
        message = "expected at least one array to clip, found none; pass the gradients"
        raise ArgumentError(message)
    try:
        limit = float(max_norm)
    except (TypeError, ValueError):
        limit = math.nan
    if not limit >= 0:
        message = f"expected a max_norm of 0 or more, found {max_norm!r}; 1.0 is usual"
        raise ArgumentError(message)
    # In float64: the squares of large float32 gradients overflow.
    flat = [np.asarray(array, dtype=np.float64).ravel() for array in arrays]
    norm = math.sqrt(math.fsum(float(np.vdot(each, each)) for each in flat))
    if check_isfinite and not math.isfinite(norm):
        warnings.warn("nan or inf is detected. Clipping results will be undefined.", stacklevel=2)
    scale = limit / (norm + 1e-8)
    if scale < 1.0 and math.isfinite(norm):
        for array in arrays:
            array *= scale
    return norm if check_isfinite else nd.array([norm])


def split_data(
    data: nd.NDArray, num_slice: int, batch_axis: int = 0, even_split: bool = True
) -> list[Any]:
    """Cut a batch into slices along an axis.

    Parameters
    ----------
    data : NDArray
        A batch.
    num_slice : int
        How many slices.
    batch_axis : int, default 0
        The axis to cut.
    even_split : bool, default True
        Refuse a length that `num_slice` does not divide; else the first slices are longer by one.

    Returns
    -------
    list of NDArray
        The slices: views, where they are contiguous.

    Raises
    ------
    ValueError
        If there is no such axis, or it cannot be cut so.
    TypeError
        If `data` is not an array, or `num_slice` not an int.

    Examples
    --------
    >>> [each.shape for each in split_data(nd.ones((7, 2)), 3, even_split=False)]
    [(3, 2), (2, 2), (2, 2)]
    """
    if not isinstance(data, np.ndarray):
        message = (
            f"expected an NDArray as data, found {type(data).__name__}; wrap it: nd.array(data)"
        )
        raise GlueballTypeError(message)
    axes, num_slice = data.ndim, _whole(num_slice)
    if not -axes <= batch_axis < axes:
        message = (
            f"expected a batch_axis from {-axes} to {axes - 1}, found {batch_axis} for data of shape "
            f"{data.shape}; pass the axis that counts samples"
        )
        raise ArgumentError(message)
    size = data.shape[batch_axis]
    if num_slice < 1 or (size < num_slice and not even_split):
        message = (
            f"expected a num_slice from 1 to {size}, found {num_slice}; there is not a sample for each "
            f"slice of data with shape {data.shape} along axis {batch_axis}"
        )
        raise ArgumentError(message)
    length, longer = divmod(size, num_slice)
    if even_split and longer:
        message = (
            f"data with shape {data.shape} cannot be evenly split into {num_slice} slices along axis "
            f"{batch_axis}. Use a batch size that's multiple of {num_slice} or set even_split=False to "
            "allow uneven partitioning of data."
        )
        raise ArgumentError(message)
    before = (slice(None),) * (batch_axis % axes)
    starts = [i * length + min(i, longer) for i in range(num_slice + 1)]
    return [data[(*before, slice(*ends))] for ends in itertools.pairwise(starts)]


def _whole(num_slice: Any) -> int:
    try:
        return operator.index(num_slice)
    except TypeError:
        message = f"expected an int as num_slice, found {num_slice!r}; pass the number of slices"
        raise GlueballTypeError(message) from None


def split_and_load(
    data: Any, ctx_list: Sequence[Context], batch_axis: int = 0, even_split: bool = True
) -> list[Any]:
    """Cut a batch into a slice for each context.

    Parameters
    ----------
    data : array_like
        A batch. A NumPy array keeps its dtype, lists become float32.
    ctx_list : list of Context
        CPUs. There is one memory, so this serves programs that can run on several devices.
    batch_axis : int, default 0
        The axis to cut.
    even_split : bool, default True
        As for `split_data`.

    Returns
    -------
    list of NDArray
        As many as there are contexts.

    Raises
    ------
    ValueError
        As for `split_data`.
    MXNetError
        For a GPU.
    """
    if not isinstance(ctx_list, Context | Iterable):
        message = f"expected a list of contexts as ctx_list, found {ctx_list!r}; pass [cpu()]"
        raise GlueballTypeError(message)
    contexts = [ctx_list] if isinstance(ctx_list, Context) else list(ctx_list)
    require_cpu(contexts)
    if not isinstance(data, nd.NDArray):
        kind = data.dtype if isinstance(data, np.ndarray) else np.float32
        data = wrap(np.array(data, kind), array_type())
    if len(contexts) == 1:
        return [data]
    return split_data(data, len(contexts), batch_axis, even_split)


def shape_is_known(shape: Sequence[int] | None) -> bool:
    """Return whether no length of a shape is still to be found.

    Parameters
    ----------
    shape : sequence of int or None
        An unknown length is 0, or -1 where NumPy's shapes are on (`npx.set_np`), and () is known only there.
        None is unknown.
    """
    if shape is None:
        return False
    numpys = Mode.shape
    lengths = tuple(shape)
    if any(length < (0 if numpys else 1) for length in lengths):
        return False
    return bool(lengths) or numpys


__getattr__, __dir__ = surface(__name__)
