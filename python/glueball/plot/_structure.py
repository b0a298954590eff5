"""The layers of a net as boxes: widths, ties, and what is frozen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from glueball.insight._summary import summarize
from glueball.insight._table import shorten
from glueball.plot._axes import BLUE, DARK, GREY, ORANGE, check_net, new_axes

if TYPE_CHECKING:
    from glueball.gluon.block import Block

__all__ = ["structure"]

_NAMED = 16  # boxes that have room for their words
_COLUMNS = ("path", "type", "input", "output", "params", "trainable")


def structure(net: Block, shape: Any = None, ax: Any = None) -> Any:
    """Draw a net's layers from top to bottom: a bar for each, as wide as the logarithm of its output's width.

    Frozen layers are hatched, those without parameters pale, ties are lines on the right.

    Parameters
    ----------
    net : Block
        Initialized or not.
    shape : tuple of int, optional
        The input's, for nets whose widths are not known, as for `Block.summary`.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        Widths from left to right.

    Raises
    ------
    MXNetError
        If `shape` does not fit.
    """
    check_net(net)
    rows = summarize(net, (), shape, None, _COLUMNS).rows
    above = {row["path"].rpartition(".")[0] for row in rows if row["path"]}
    # Blocks that only hold others are not drawn.
    rows = [row for row in rows if row["path"] not in above or row["params"] != 0 or row["tied"]]
    ax = new_axes(ax)
    widths = [_width(row["output"]) for row in rows]
    is_named = len(rows) <= _NAMED
    longest = max([2.0, *(math.log2(each + 1) for each in widths if each)])
    for i, (row, width) in enumerate(zip(rows, widths, strict=True)):
        long = math.log2(width + 1) if width else 1.0
        is_frozen = bool(row["params"]) and row["trainable"] == 0
        has_own = row["params"] != 0 or row["tied"]
        ax.barh(
            i, long, 0.8, color=GREY if is_frozen else BLUE, alpha=0.85 if has_own else 0.3,
            hatch="///" if is_frozen else None, edgecolor="white" if is_named else "none",
        )  # fmt: skip
        if is_named:
            words = f"{row['type']}, {width if width else '?'} wide" + (
                ", frozen" if is_frozen else ""
            )
            ax.text(
                long + 0.02 * longest,
                i,
                shorten(words, 36),
                va="center",
                fontsize="small",
                color=DARK,
            )
    _draw_ties(ax, rows, longest * (1.82 if is_named else 1.1))
    step = max(1, -(-len(rows) // 24))
    names = [shorten(row["path"] or "(net)", 22) for row in rows]
    ax.set_yticks(range(0, len(rows), step), names[::step])
    ax.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    ax.set_xlim(0, longest * (1.9 if is_named else 1.2))
    ticks = [2**k for k in range(0, int(longest) + 1, max(1, int(longest) // 5))]
    ax.set_xticks([math.log2(each + 1) for each in ticks], [str(each) for each in ticks])
    ax.set_xlabel("width of the output (logarithmic)")
    ax.set_title(f"{type(net).__name__} '{shorten(net.name, 32)}'")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return ax


def _draw_ties(ax: Any, rows: list[dict[str, Any]], right: float) -> None:
    place = {row["path"]: i for i, row in enumerate(rows)}
    for i, row in enumerate(rows):
        for owner in dict.fromkeys(each.rpartition(".")[0] for each in row["tied"].values()):
            if owner in place:
                ax.plot(
                    [0.98 * right, right, right, 0.98 * right],
                    [place[owner], place[owner], i, i], color=ORANGE, label="tied",
                )  # fmt: skip
                ax.text(
                    right,
                    (place[owner] + i) / 2,
                    " tied",
                    color=DARK,
                    fontsize="small",
                    va="center",
                )


def _width(output: Any) -> int | None:
    if isinstance(output, tuple) and output and isinstance(output[-1], int):
        return output[-1]
    return None
