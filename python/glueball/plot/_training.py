"""What a `gluon.Monitor` saw, over the steps of training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from glueball.base import ArgumentError, GlueballTypeError
from glueball.gluon import Monitor
from glueball.insight._table import shorten
from glueball.plot._axes import COLOURS, new_axes

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["training"]

_UNITS = {
    "ratio": "update / weight",
    "std": "standard deviation",
    "gradient": "root mean square of the gradient",
}
_LINEAR = ("mean", "least", "greatest", "zeros", "not_finite")
_NAMED = 8  # lines that have a name each


def training(monitor: Monitor, figure: str = "ratio", ax: Any = None) -> Any:
    """Draw one figure of everything that a monitor saw, over the steps.

    Parameters
    ----------
    monitor : Monitor
        While it watches, or afterwards.
    figure : str, default 'ratio'
        As in its `rows`: ``'ratio'`` (of update to weight; near 0.001 as a rule), ``'std'``, ``'gradient'``,
        ``'mean'`` ...
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        A line for each path; those of the first layers dark, where there are many.

    Raises
    ------
    TypeError
        If it is not a monitor.
    ValueError
        If it saw no such figure.
    """
    if not isinstance(monitor, Monitor):
        message = f"expected a gluon.Monitor to draw, found {type(monitor).__name__}; pass the one that watched"
        raise GlueballTypeError(message)
    seen: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for row in monitor.rows:
        if row.get(figure) is not None:
            seen.setdefault((row["kind"], row["path"]), []).append((row["step"], row[figure]))
    if not seen:
        known = sorted({key for row in monitor.rows for key in row} - {"step", "path", "kind"})
        message = f"expected a figure that the monitor saw, found {figure!r}; choose one of {', '.join(known) or 'none yet'}"
        raise ArgumentError(message)
    ax = new_axes(ax)
    has_both = len({kind for kind, _ in seen}) > 1
    is_named = len(seen) <= _NAMED
    for i, ((kind, path), points) in enumerate(seen.items()):
        steps, values = zip(*points, strict=True)
        dash = "--" if has_both and kind == "activation" else "-"
        colour = COLOURS[i % len(COLOURS)] if is_named else str(0.75 * i / len(seen))
        label = f"{shorten(path or '(net)', 28)}{' (output)' if dash == '--' else ''}"
        ax.plot(
            steps, values, dash, marker="osD^vP*X"[i % 8], markersize=3, color=colour, label=label
        )
    if figure not in _LINEAR and _is_positive(values for _, values in map(_columns, seen.values())):
        ax.set_yscale("log")
    ax.set_title("Training")
    ax.set_xlabel("step")
    ax.set_ylabel(_UNITS.get(figure, figure))
    ax.grid(axis="y", alpha=0.3)
    if is_named:
        ax.legend(fontsize="small")
    else:
        ax.set_title(f"Training: {len(seen)} arrays, the first ones dark")
    return ax


def _columns(points: list[tuple[int, float]]) -> tuple[tuple[int, ...], tuple[float, ...]]:
    steps, values = zip(*points, strict=True)
    return steps, values


def _is_positive(lines: Iterable[tuple[float, ...]]) -> bool:
    """Whether there is a number to draw on a logarithmic scale, and none below zero."""
    values = [each for line in lines for each in line if math.isfinite(each)]
    return bool(values) and min(values) >= 0 and max(values) > 0
