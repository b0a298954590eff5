"""Draws for both kinds of arrays; `nd.random` and `np.random` give them their signatures.

All numbers come from the generator that `glueball.random.seed` restarts. Uniform and normal draws are
its own; for other distributions it gives the key of a NumPy generator, so one seed governs all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from glueball import _core, _tape
from glueball.base import ArgumentError, ShapeError
from glueball.nd._creation import new_array, place, resolve_dtype, resolve_shape
from glueball.nd._record import is_array, raw, wrap

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Plain: TypeAlias = npt.NDArray[Any]

__all__ = ["check_probabilities", "derived_generator", "draw", "fill_normal", "fill_uniform"]


def derived_generator() -> np.random.Generator:
    """A NumPy generator with a key drawn from ours."""
    words = _core.default_generator().words(4)
    return np.random.Generator(np.random.Philox(key=np.asarray(words).view(np.uint64)))


def check_probabilities(values: Plain, name: str) -> None:
    """Refuse what is no probability.

    Raises
    ------
    ArgumentError
        When one is not within [0, 1].
    """
    if not ((values >= 0) & (values <= 1)).all():
        msg = (
            f"expected probabilities within [0, 1] for {name}, found {values.min()} to {values.max()}; apply a "
            "sigmoid to logits first"
        )
        raise ArgumentError(msg)


def fill_uniform(out: Plain, low: float, high: float) -> None:
    """Draw every element of a float array from U(low, high)."""
    if not (np.isfinite(low) and np.isfinite(high)):
        msg = f"expected finite bounds for uniform, found low={low} and high={high}; correct them"
        raise ArgumentError(msg)
    # Gluon takes the bounds in either order.
    _core.default_generator().uniform(out, min(low, high), max(low, high))


def fill_normal(out: Plain, loc: float, scale: float) -> None:
    """Draw every element of a float array from N(loc, scale^2)."""
    _core.default_generator().normal(out, loc, scale)


def draw(
    fill: Callable[..., None],
    settings: tuple[Any, ...],
    shape: Any,
    dtype: Any,
    ctx: Any,
    out: Any,
    cls: type,
    name: str,
) -> Any:
    """Draw an array.

    Parameters
    ----------
    fill : callable
        ``fill(array, *settings)`` fills a contiguous float array.
    settings : tuple
        The distribution's settings: numbers, or arrays that hold one for each of many distributions.
    shape : int, tuple or None
        Of the result; with array settings, of the draws from each distribution.
    dtype, ctx : optional
        Of the result; float32 by default.
    out : NDArray, optional
        Filled and returned instead.
    cls : type
        Class of the result.
    name : str
        For error texts.

    Raises
    ------
    ShapeError
        When `out` and `shape` disagree.
    """
    arrays = [raw(s) for s in settings if isinstance(s, np.ndarray)]
    lead = np.broadcast_shapes(*[a.shape for a in arrays]) if arrays else ()
    if out is not None:
        target = np.asarray(out)
        if shape is not None and lead + resolve_shape(shape, name) != target.shape:
            msg = (
                f"expected an out= of shape {lead + resolve_shape(shape, name)} for '{name}', found "
                f"{target.shape}; leave shape= away, it is that of out"
            )
            raise ShapeError(msg)
        _tape.check_write(out)
        lengths = target.shape
    else:
        target = None
        inner = () if shape is None else resolve_shape(shape, name)
        lengths = lead + inner if lead or shape is not None else ((1,) if cls._least_ndim else ())  # type: ignore[attr-defined]
    kind = resolve_dtype(dtype if target is None else target.dtype)
    computed = kind if kind in (np.float32, np.float64) else np.dtype(np.float32)
    direct = (
        target is not None
        and target.dtype == computed
        and target.flags.c_contiguous
        and target.flags.writeable
    )
    values = target if direct else np.asarray(new_array(cls, lengths, computed, name))
    assert values is not None
    if arrays:
        _draw_each(fill, settings, values, lead)
    else:
        fill(values, *[float(s) for s in settings])
    if target is not None:
        if not direct:
            np.copyto(target, values, casting="unsafe")
        return out
    return place(wrap(values.astype(kind, copy=False), cls), ctx)


def _draw_each(
    fill: Callable[..., None], settings: tuple[Any, ...], values: Plain, lead: tuple[int, ...]
) -> None:
    """One draw after another, for settings that differ from element to element."""
    each = [np.broadcast_to(raw(s), lead).ravel().tolist() for s in settings]
    rows = values.reshape((int(np.prod(lead)), -1))
    for row, own in zip(rows, zip(*each, strict=True), strict=True):
        fill(row, *own)


def samples(
    sample: Callable[[np.random.Generator, tuple[Any, ...], tuple[int, ...]], Any],
    settings: tuple[Any, ...],
    shape: Any,
    dtype: Any,
    ctx: Any,
    out: Any,
    cls: type,
    name: str,
) -> Any:
    """As `draw`, for distributions of NumPy: ``sample(generator, settings, size)``."""
    arrays = [raw(s) for s in settings if is_array(s) or isinstance(s, np.ndarray)]
    lead = np.broadcast_shapes(*[a.shape for a in arrays]) if arrays else ()
    if shape is None:
        inner: tuple[int, ...] = ()
        if cls._least_ndim and not lead and out is None:  # type: ignore[attr-defined]
            inner = (1,)
        size = np.asarray(out).shape if out is not None else lead + inner
    else:
        inner = resolve_shape(shape, name)
        size = lead + inner
    if out is not None:
        _tape.check_write(out)
        if np.asarray(out).shape != size:
            msg = f"expected an out= of shape {size} for '{name}', found {np.asarray(out).shape}; leave shape= away"
            raise ShapeError(msg)
    tail = (1,) * (len(size) - len(lead))
    plain = tuple(
        raw(s).astype(np.float64).reshape(np.shape(s) + tail) if isinstance(s, np.ndarray) else s
        for s in settings
    )
    try:
        values = np.asarray(sample(derived_generator(), plain, size))
    except ValueError as error:
        msg = f"expected settings that '{name}' is defined for, found {settings} ({error}); correct them"
        raise ArgumentError(msg) from error
    if out is not None:
        np.copyto(np.asarray(out), values, casting="unsafe")
        return out
    return place(wrap(values.astype(resolve_dtype(dtype)), cls), ctx)
