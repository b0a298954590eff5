"""Draws of both classes of arrays; `nd.random` and `np.random` give them their signatures.

All numbers come from the generator that `glueball.random.seed` restarts. Uniform and normal draws are
its own; for other distributions it gives the key of a NumPy generator, so one seed governs all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _core, _tape
from glueball.base import ArgumentError, NumbersError, ShapeError
from glueball.nd._creation import new_array, place, resolve_dtype, resolve_shape
from glueball.nd._record import raw, wrap

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueball.nd._record import Plain


__all__ = [
    "check_probabilities", "derived_generator", "draw", "fill_normal", "fill_uniform", "samples",
]  # fmt: skip


def number(value: Any) -> float:
    """Return a setting of a distribution as a float; refuse what is not a number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        message = f"expected a number as setting of a distribution, found {value!r}; pass a float or an NDArray"
        raise NumbersError(message) from None


def derived_generator() -> np.random.Generator:
    """Return a NumPy generator with a key drawn from ours."""
    words = _core.default_generator().words(4)
    return np.random.Generator(np.random.Philox(key=np.asarray(words).view(np.uint64)))


def check_probabilities(values: Plain, name: str) -> None:
    """Refuse numbers that are not within [0, 1]."""
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


def _sizes(
    settings: tuple[Any, ...], shape: Any, out: Any, cls: type, name: str
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the axes that the settings have, and the shape of the result; `out` is checked."""
    arrays = [raw(s) for s in settings if isinstance(s, np.ndarray)]
    lead = np.broadcast_shapes(*[a.shape for a in arrays]) if arrays else ()
    size = lead if shape is None else lead + resolve_shape(shape, name)
    if out is not None:
        if shape is not None and size != np.shape(out):
            msg = (
                f"expected an out= of shape {size} for '{name}', found {np.shape(out)}; leave shape= out, it is "
                "that of out="
            )
            raise ShapeError(msg)
        _tape.check_write(out)
        return lead, np.shape(out)
    if shape is None and not lead and cls._least_ndim:  # type: ignore[attr-defined]
        size = (1,)
    return lead, size


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
    lead, lengths = _sizes(settings, shape, out, cls, name)
    target = None if out is None else np.asarray(out)
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
    if any(isinstance(s, np.ndarray) for s in settings):
        _draw_each(fill, settings, values, lead)
    else:
        fill(values, *map(number, settings))
    if target is not None:
        if not direct:
            np.copyto(target, values, casting="unsafe")
        return out
    return place(wrap(values.astype(kind, copy=False), cls), ctx)


def _draw_each(
    fill: Callable[..., None], settings: tuple[Any, ...], values: Plain, lead: tuple[int, ...]
) -> None:
    """Draw row by row, with settings that differ from row to row."""
    each = [np.broadcast_to(raw(s), lead).ravel().tolist() for s in settings]
    rows = values.reshape((int(np.prod(lead)), -1))
    for row, own in zip(rows, zip(*each, strict=True), strict=True):
        fill(row, *own)


def samples(
    name: str,
    settings: tuple[Any, ...],
    shape: Any,
    dtype: Any,
    ctx: Any,
    out: Any,
    cls: type,
    sample: Callable[[np.random.Generator, tuple[Any, ...], tuple[int, ...]], Any] | None = None,
) -> Any:
    """As `draw`, for distributions of NumPy, by their names there, or of ``sample(generator, settings, size)``."""
    lead, size = _sizes(settings, shape, out, cls, name)
    tail = (1,) * (len(size) - len(lead))
    plain = tuple(
        raw(s).astype(np.float64).reshape(np.shape(s) + tail) if isinstance(s, np.ndarray) else s
        for s in settings
    )
    try:
        generator = derived_generator()
        if sample is None:
            values = np.asarray(getattr(generator, name)(*plain, size))
        else:
            values = np.asarray(sample(generator, plain, size))
    except ValueError as error:
        msg = f"expected settings that '{name}' is defined for, found {settings} ({error}); correct them"
        raise ArgumentError(msg) from error
    if out is not None:
        np.copyto(np.asarray(out), values, casting="unsafe")
        return out
    return place(wrap(values.astype(resolve_dtype(dtype)), cls), ctx)
