"""Tables of text that fit a terminal, and what cells say."""

from __future__ import annotations

import importlib
import shutil
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from glueball._scope import later

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Column", "Line", "Tabular", "bytes_text", "lay_out", "layout", "number_text", "paint", "shape_text", "shorten",
    "terminal_width",
]  # fmt: skip

_NARROWEST = 80  # what is printed to no terminal is as wide
_GAP = "  "
_tabular_html = later("insight._html:tabular")


class Column(NamedTuple):
    """A column's title, whether its cells may be shortened, to what, and whether they stand on the right."""

    title: str
    shrinks: bool = False
    right: bool = False
    least: int = 8


class Line(NamedTuple):
    """A line of text, and the style in which rich prints it."""

    text: str
    style: str = ""


def terminal_width() -> int:
    """Return how many columns the terminal has; 80 if there is none, or it has fewer."""
    return max(_NARROWEST, shutil.get_terminal_size((_NARROWEST, 24)).columns)


def shorten(text: str, width: int) -> str:
    """Return `text`, without its middle if it is longer than `width`: ends tell names apart."""
    if len(text) <= width:
        return text
    tail = (width - 1) * 2 // 3
    return text[: width - 1 - tail] + "…" + text[len(text) - tail :]


def layout(
    columns: Sequence[Column], rows: Sequence[tuple[Sequence[str], str]], width: int
) -> list[Line]:
    """Return the lines of a table: titles, a rule, and rows.

    Parameters
    ----------
    columns : sequence of Column
        What there is in a row; those without title and cells are left out.
    rows : sequence of (cells, style)
        Cells are str.
    width : int
        What the table should fit; columns that may shrink lose their middles for it, the widest first.
    """
    widths = [
        max([len(column.title), *(len(cells[i]) for cells, _ in rows)])
        for i, column in enumerate(columns)
    ]
    used = [i for i, room in enumerate(widths) if room]
    columns, widths = [columns[i] for i in used], [widths[i] for i in used]
    rows = [([cells[i] for i in used], style) for cells, style in rows]
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - width
    while excess > 0:
        can = [i for i, column in enumerate(columns) if column.shrinks and widths[i] > column.least]
        if not can:
            break
        widest = max(can, key=lambda i: widths[i])
        widths[widest] -= 1
        excess -= 1

    def line(cells: Sequence[str]) -> str:
        parts = []
        for column, text, room in zip(columns, cells, widths, strict=True):
            fitted = shorten(text, room)
            parts.append(fitted.rjust(room) if column.right else fitted.ljust(room))
        return _GAP.join(parts).rstrip()

    total = sum(widths) + len(_GAP) * (len(widths) - 1)
    return [
        Line(line([column.title for column in columns]), "bold"),
        Line("─" * total, "dim"),
        *(Line(line(cells), style) for cells, style in rows),
    ]


def lay_out(head: Sequence[str], rows: Sequence[Sequence[str]], width: int = _NARROWEST) -> str:
    """Return a table within `width` columns: numbers on the right, and names without their middles where they must."""
    columns = [
        Column(title, _is_text(rows, i), i > 0 and _is_number(rows, i))
        for i, title in enumerate(head)
    ]
    return "\n".join(line.text for line in layout(columns, [(row, "") for row in rows], width))


def _is_text(rows: Sequence[Sequence[str]], column: int) -> bool:
    """Whether cells are names, which may lose their middles; bars and numbers may not."""
    is_named = any(any(each.isalpha() for each in row[column]) for row in rows)
    return column == 0 or (is_named and not _is_number(rows, column))


def _is_number(rows: Sequence[Sequence[str]], column: int) -> bool:
    filled = [row[column] for row in rows if row[column]]
    return all(cell.strip("-")[:1].isdigit() and " " not in cell for cell in filled)


class Tabular:
    """What prints as a table of names and figures, and is one in notebooks."""

    def _table(self) -> tuple[Sequence[Column], Sequence[Sequence[str]], Sequence[str]]:
        """Return columns, rows of text, and the lines that follow."""
        raise NotImplementedError

    def __str__(self) -> str:
        columns, rows, notes = self._table()
        lines = layout(columns, [(row, "") for row in rows], terminal_width())
        return "\n".join([*(line.text for line in lines), *notes])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return what notebooks show: the table."""
        html: str = _tabular_html(*self._table())
        return html


def paint(lines: Sequence[Line]) -> None:
    """Print lines, in colours if this is a terminal and rich is installed."""
    if sys.stdout.isatty():
        try:
            console: Any = importlib.import_module("rich.console").Console(highlight=False)
            text: Any = importlib.import_module("rich.text").Text
        except ImportError:
            pass
        else:
            for line in lines:
                console.print(text(line.text, style=line.style), soft_wrap=True)
            return
    print("\n".join(line.text for line in lines))  # noqa: T201 - what is asked for


def shape_text(shape: Any) -> str:
    """Return a shape as Python shows it, with ``?`` for axes that are not known, or for all of it."""
    if shape is None:
        return "?"
    if isinstance(shape, str):
        return shape
    if isinstance(shape, list):
        return ", ".join(map(shape_text, shape))
    inner = ", ".join("?" if each is None else str(each) for each in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def number_text(value: float, digits: int = 3) -> str:
    """Return a number with so many significant digits."""
    return f"{value:.{digits}g}" if value == value else "nan"  # noqa: PLR0124 - NaN is not itself


def bytes_text(count: int) -> str:
    """Return a number of bytes in a unit that fits."""
    amount, units = float(count), ["B", "KiB", "MiB", "GiB", "TiB"]
    while amount >= 1024 and len(units) > 1:
        amount /= 1024
        units.pop(0)
    return f"{count} B" if units[0] == "B" else f"{amount:.1f} {units[0]}"
