"""The layers of a net as boxes: widths, ties, and what is frozen."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

from glueball.gluon import nn
from glueball.insight._summary import summarize
from glueball.insight._table import shorten
from glueball.plot._axes import BLUE, DARK, GREY, ORANGE, check_net, new_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueball.gluon.block import Block

__all__ = ["structure"]

_NAMED = 16  # boxes that have room for their words
_JOINED = 40  # boxes that have room for arrows between them
_COLUMNS = ("path", "type", "input", "output", "params", "trainable")


def structure(net: Block, shape: Any = None, ax: Any = None) -> Any:
    """Draw a net's layers from top to bottom: a bar for each, as wide as the logarithm of its output's width.

    Arrows lead from what gives an output to what takes it, as far as Sequential and Concurrent blocks say that; what
    a `forward` of Python's runs, and in which order, is not known, so no arrow leads into or out of its children.
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
    left = 0.0
    if len(rows) <= _JOINED:
        left = _draw_edges(ax, net, [row["path"] for row in rows], 0.04 * longest)
    _draw_ties(ax, rows, longest * (1.82 if is_named else 1.1))
    step = max(1, -(-len(rows) // 24))
    names = [shorten(row["path"] or "(net)", 22) for row in rows]
    ax.set_yticks(range(0, len(rows), step), names[::step])
    ax.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    ax.set_xlim(-left, longest * (1.9 if is_named else 1.2))
    ticks = [2**k for k in range(0, int(longest) + 1, max(1, int(longest) // 5))]
    ax.set_xticks([math.log2(each + 1) for each in ticks], [str(each) for each in ticks])
    ax.set_xlabel("width of the output (logarithmic)")
    ax.set_title(f"{type(net).__name__} '{shorten(net.name, 32)}'")
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    return ax


def _edges(net: Block, shown: Sequence[str]) -> list[tuple[str, str]]:
    """Return pairs of paths: the output of the first goes into the second."""
    found: list[tuple[str, str]] = []

    def join(block: Block, path: str) -> tuple[list[str], list[str]]:
        """Note the edges below a block; return what takes its input, and what gives its output."""
        children = [
            join(child, f"{path}.{key}" if path else key) for key, child in block._children.items()
        ]
        if path in shown or not children:
            return ([path], [path]) if path in shown else ([], [])
        runs = type(block).forward
        if runs in (nn.Concurrent.forward, nn.HybridConcurrent.forward):
            return [i for firsts, _ in children for i in firsts], [
                o for _, lasts in children for o in lasts
            ]
        if runs not in (nn.Sequential.forward, nn.HybridSequential.forward):
            return [], []
        children = [child for child in children if child != ([], [])]
        for (_, lasts), (firsts, _) in itertools.pairwise(children):
            found.extend(itertools.product(lasts, firsts))
        return (children[0][0], children[-1][1]) if children else ([], [])

    join(net, "")
    return found


def _draw_edges(ax: Any, net: Block, paths: Sequence[str], lane: float) -> float:
    """Draw arrows; return how far to the left they reach.

    Those to the next bar are short; each other one goes down a lane on the left, which those share that do not meet.
    """
    place = {path: i for i, path in enumerate(paths)}
    edges = sorted((place[source], place[target]) for source, target in _edges(net, paths))
    style = {"arrowstyle": "-|>", "color": DARK, "shrinkA": 0, "shrinkB": 0}
    free_from: list[int] = []  # for each lane the bar from which on it is free
    for start, end in sorted(edges, key=lambda edge: (edge[0], edge[1] - edge[0])):
        if end == start + 1:
            ax.annotate("", (lane, end - 0.38), (lane, start + 0.38), arrowprops=style)
            continue
        i = next((i for i, bar in enumerate(free_from) if bar <= start), len(free_from))
        free_from[i : i + 1] = [end]
        x = -lane * (i + 1)
        ax.plot([0, x, x], [start + 0.2, start + 0.2, end - 0.2], color=DARK, linewidth=1)
        ax.annotate("", (0, end - 0.2), (x, end - 0.2), arrowprops=style)
    return lane * (len(free_from) + 0.5) if free_from else 0.0


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
