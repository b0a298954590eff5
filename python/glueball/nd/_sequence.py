"""Sequences in a batch, of different lengths: their masks, last elements and reverse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball._tape import LinearNode
from glueball.base import GlueballIndexError, ShapeError
from glueball.nd._elementwise import identity
from glueball.nd._keys import finish_selected, integers
from glueball.nd._record import finish, raw

if TYPE_CHECKING:
    from glueball.nd._record import Plain

__all__ = ["SequenceLast", "SequenceMask", "SequenceReverse"]


def _valid(x: Plain, lengths: Plain, axis: int) -> Plain:
    """Return whether each (time, batch) position lies within its sequence; time is `axis`, 0 or 1."""
    inside = np.arange(x.shape[axis])[:, None] < lengths[None, :]
    inside = inside if axis == 0 else inside.T
    return inside.reshape(inside.shape + (1,) * (x.ndim - 2))


def SequenceMask(
    data: Any,
    sequence_length: Any = None,
    use_sequence_length: bool = False,
    value: float = 0.0,
    axis: int = 0,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Replace the elements past the end of each sequence by `value`.

    Parameters
    ----------
    data : NDArray
        Shape (time, batch, ...), or (batch, time, ...) with `axis` 1.
    sequence_length : NDArray, optional
        Shape (batch,).
    use_sequence_length : bool, default False
        Without it, the result is a copy of `data`.
    value : float, default 0
        What to put there.
    axis : {0, 1}
        The axis of time.

    Raises
    ------
    ShapeError
        When there are not as many lengths as sequences.
    """
    x = raw(data)
    if not use_sequence_length or sequence_length is None:
        return identity(data, out)
    lengths = raw(sequence_length)
    _check_count(x, lengths, axis)
    inside = _valid(x, lengths, axis)
    return finish(
        np.where(inside, x, x.dtype.type(value)), (data,), lambda g, _: (g * inside,), "SequenceMask", out,
        lambda np, x: np.where(inside, x, 0), LinearNode,
    )  # fmt: skip


def _check_count(x: Plain, lengths: Plain, axis: int) -> None:
    if lengths.shape != x.shape[1 - axis : 2 - axis]:
        msg = (
            f"expected a length for each of the {x.shape[1 - axis]} sequences, found shape {lengths.shape}; "
            "is the axis of time another one?"
        )
        raise ShapeError(msg)


def _ends(
    x: Plain, sequence_length: Any, use_sequence_length: bool, axis: int, least: int
) -> Plain:
    """Return the lengths of the sequences in a batch, one for each, from `least` to the axis of time's."""
    if use_sequence_length and sequence_length is not None:
        lengths = integers(raw(sequence_length), "sequence_length")
        _check_count(x, lengths, axis)
        if ((lengths < least) | (lengths > x.shape[axis])).any():
            msg = (
                f"expected sequences of {least} to {x.shape[axis]} elements, found lengths from {lengths.min()} to "
                f"{lengths.max()}; is the axis of time another one?"
            )
            raise GlueballIndexError(msg)
        return lengths
    return np.full(x.shape[1 - axis], x.shape[axis])


def SequenceLast(
    data: Any,
    sequence_length: Any = None,
    use_sequence_length: bool = False,
    axis: int = 0,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Return the last element of each sequence: shape (batch, ...).

    Parameters
    ----------
    data, sequence_length, use_sequence_length, axis
        As for `SequenceMask`.

    Raises
    ------
    ShapeError
        When there are not as many lengths as sequences.
    IndexError
        When a length is less than 1, or more than there is.
    """
    x = raw(data)
    last = _ends(x, sequence_length, use_sequence_length, axis, least=1) - 1
    batch = np.arange(x.shape[1 - axis])
    key = (last, batch) if axis == 0 else (batch, last)
    return finish_selected((data,), key, "SequenceLast", out)


def SequenceReverse(
    data: Any,
    sequence_length: Any = None,
    use_sequence_length: bool = False,
    axis: int = 0,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Reverse each sequence; the elements past its end stay where they are.

    Parameters
    ----------
    data, sequence_length, use_sequence_length, axis
        As for `SequenceMask`.

    Raises
    ------
    ShapeError, IndexError
        As `SequenceLast`; here a length may be 0.
    """
    x = raw(data)
    ends = _ends(x, sequence_length, use_sequence_length, axis, least=0)
    time = np.arange(x.shape[axis])[:, None]
    source = np.where(time < ends, ends - 1 - time, time)
    batch = np.arange(x.shape[1 - axis])[None, :]
    key = (source, batch) if axis == 0 else (batch.T, source.T)
    return finish_selected((data,), key, "SequenceReverse", out)
