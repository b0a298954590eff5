"""Figures, axes, colours and names, the same in all pictures."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from glueball.base import GlueballTypeError, PackageError
from glueball.gluon.block import Block
from glueball.insight._table import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "BLUE", "COLOURS", "DARK", "GREY", "ORANGE", "check_net", "grid_of", "name_ticks", "new_axes",
]  # fmt: skip

# Told apart by everyone: M. Okabe and K. Ito, "Color universal design", 2008.
BLUE, ORANGE, GREEN, RED, PINK, SKY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9",
)  # fmt: skip
COLOURS = (BLUE, RED, GREEN, ORANGE, PINK, SKY)
DARK, GREY = "#333333", "#999999"
_NAME = 16  # characters of a name; longer ones would leave no room for the picture
_TICKS = 24  # names along an axis


def _pyplot() -> Any:
    try:
        return importlib.import_module("matplotlib.pyplot")
    except ImportError as error:
        message = f"expected matplotlib for glueball.plot, found none ({error}); pip install 'glueball[plot]'"
        raise PackageError(message) from error


def new_axes(ax: Any) -> Any:
    """Return axes to draw on: those that are given, or those of a new figure."""
    pyplot = _pyplot()
    if ax is None:
        return pyplot.subplots(layout="constrained")[1]
    if not hasattr(ax, "plot"):
        message = f"expected axes of matplotlib as ax, found {type(ax).__name__}; pass one of plt.subplots()"
        raise GlueballTypeError(message)
    return ax


def grid_of(number: int, axes: Any) -> list[Any]:
    """Return as many axes, in rows: the first of those that are given, or those of a new figure."""
    pyplot = _pyplot()
    if axes is None:
        columns = max(1, min(4, number))
        rows = -(-max(1, number) // columns)
        figure = pyplot.figure(figsize=(6.4, max(2.4, 1.5 * rows)), layout="constrained")
        return [figure.add_subplot(rows, columns, i + 1) for i in range(number)]
    flat = list(getattr(axes, "flat", axes if isinstance(axes, list | tuple) else [axes]))
    if len(flat) < number or not all(hasattr(each, "plot") for each in flat):
        message = f"expected {number} axes of matplotlib, one for each picture, found {len(flat)}; pass as many, or none"
        raise GlueballTypeError(message)
    return flat[:number]


def check_net(net: Any) -> None:
    """Refuse what is not a net."""
    if not isinstance(net, Block):
        message = f"expected a net to draw, found {type(net).__name__}; pass a Block"
        raise GlueballTypeError(message)


def name_ticks(ax: Any, names: Sequence[str]) -> None:
    """Put names along an axis, some of them where there are many, shortened where they are long."""
    step = max(1, -(-len(names) // _TICKS))
    places = list(range(0, len(names), step))
    words = [shorten(names[i] or "(net)", _NAME) for i in places]
    is_upright = len(words) > 4 and max(map(len, words), default=0) * len(words) > 60
    ax.set_xticks(places, words, rotation=90 if is_upright else 0)
