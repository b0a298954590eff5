"""Named arrays, each in one line: shape, mean, spread, and a histogram in eight characters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glueball.base import GlueballTypeError
from glueball.gluon.block import Block
from glueball.gluon.parameter import Parameter, ParameterDict
from glueball.insight._html import escape, named, snippet, sortable
from glueball.insight._statistics import SAMPLE, Statistics, describe, histogram, sample, sparkline
from glueball.insight._table import (
    Column,
    Line,
    layout,
    number_text,
    paint,
    shape_text,
    terminal_width,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Arrays", "Entry", "entry_of", "initializer_of", "look", "state_of"]

_IN_ALL = 4 * SAMPLE  # elements of all arrays together whose statistics are taken one by one
_LEAST = 2048  # of one of them; where there would be fewer, all are taken at once
_AT_ONCE = 256  # elements of each then
_BINS = 8
_ALL_CHECKED = 1 << 24  # elements among which every one that is not finite is found


class Entry(NamedTuple):
    """What is shown of an array.

    Attributes
    ----------
    name : str
        Its path, or its name in a file.
    shape : tuple of int
        None for an axis that is not known.
    dtype : str
        Of its elements.
    statistics : Statistics or None
        None if there are no values yet.
    counts, edges : array
        Its histogram: how many elements are in each range, and the ranges' ends.
    state : str
        ``'ready'``, ``'waiting'`` for its shape, or ``'not initialized'``.
    is_frozen : bool
        Whether training leaves it alone.
    tied : str
        The path of the parameter that it is, if it stands before.
    initializer : str
        What filled it, and who chose that, if that is known.
    """

    name: str
    shape: tuple[int | None, ...] | None
    dtype: str
    statistics: Statistics | None
    counts: Any
    edges: Any
    state: str = "ready"
    is_frozen: bool = False
    tied: str = ""
    initializer: str = ""

    @property
    def size(self) -> int | None:
        """Number of elements, None where it is not known."""
        if self.shape is None or None in self.shape:
            return None
        return int(np.prod([each or 0 for each in self.shape]))

    @property
    def note(self) -> str:
        """What is to be known beside numbers, in a few words."""
        said = self.statistics
        parts = [] if self.state == "ready" else [self.state]
        if said is not None and said.not_finite:
            parts.append(f"{said.not_finite:,} not finite")
        if self.is_frozen:
            parts.append("frozen")
        if self.tied:
            parts.append(f"tied to {self.tied}")
        return ", ".join(parts)


class Arrays:
    """What `glueball.insight.look` returns: a table with a row for each array, in text and in HTML.

    Attributes
    ----------
    entries : list of Entry
        What is known of each.
    """

    def __init__(self, title: str, entries: Iterable[Entry]) -> None:
        self.title = title
        self.entries = list(entries)

    @property
    def is_sampled(self) -> bool:
        """Whether figures are of a sample of the elements."""
        return any(
            each.statistics is not None and each.statistics.is_sampled for each in self.entries
        )

    def __len__(self) -> int:
        return len(self.entries)

    def __repr__(self) -> str:
        return f"<Arrays of {self.title}: {len(self.entries)}>"

    def __str__(self) -> str:
        return "\n".join(line.text for line in self.lines(terminal_width()))

    def lines(self, width: int) -> list[Line]:
        """Return the lines of the table."""
        columns = [
            Column(self.title, shrinks=True), Column("Shape"), Column("Mean", right=True),
            Column("Std", right=True), Column("Values"), Column("", shrinks=True),
        ]  # fmt: skip
        rows = [(_cells(each), _style(each)) for each in self.entries]
        lines = layout(columns, rows, width)
        if self.is_sampled:
            lines.append(Line("Figures of large arrays are of a sample of their elements.", "dim"))
        return lines

    def print(self) -> None:
        """Print the table, in colours if this is a terminal and rich is installed."""
        paint(self.lines(terminal_width()))

    def _repr_html_(self) -> str:
        return snippet(self.html())

    def html(self) -> str:
        """Return the table without its style."""
        rows = []
        for each in self.entries:
            _, shape, mean, std, line, note = map(escape, _cells(each))
            said = each.statistics
            ends = ["", ""]
            if said is not None:
                ends = [number_text(said.least), number_text(said.greatest)]
            bad = said is not None and said.not_finite > 0
            cells = [
                named(each.name), shape, escape(each.dtype), mean, std, *ends,
                f'<span class="spark">{line}</span>',
                f'<span class="bad">{note}</span>' if bad else note,
            ]  # fmt: skip
            rows.append((cells, "dim" if each.is_frozen else ""))
        titles = ["Name", "Shape", "Dtype", "Mean", "Std", "Least", "Greatest", "Values", ""]
        found = [each.statistics for each in self.entries]
        keys: dict[str, list[Any]] = {
            "name": [each.name for each in self.entries],
            "size": [each.size for each in self.entries],
            "|mean|": [None if each is None else abs(each.mean) for each in found],
            "std": [None if each is None else each.std for each in found],
        }
        right = [False, False, False, True, True, True, True, False, False]
        note = ""
        if self.is_sampled:
            note = (
                '<div class="dim">Figures of large arrays are of a sample of their elements.</div>'
            )
        return f"<b>{escape(self.title)}</b>{sortable(titles, rows, right, keys)}{note}"


def look(what: Any) -> Arrays:
    """Return what arrays hold, in a line each: shape, mean, standard deviation, histogram.

    Parameters
    ----------
    what : Block, ParameterDict or dict of str to array_like
        A net, parameters, or named arrays.

    Returns
    -------
    Arrays
        Print it, or let a notebook show it. Figures of large arrays are of a sample of their elements.

    Raises
    ------
    TypeError
        If it is none of these.

    Examples
    --------
    >>> from glueball import insight
    >>> from glueball.gluon import nn
    >>> net = nn.Sequential(nn.Dense(2, in_units=4))
    >>> net.initialize("ones")
    >>> print(insight.look({"weight": net[0].weight.data(), "one": [1.0, 2.0]}))
    Arrays  Shape   Mean   Std  Values
    ────────────────────────────────────
    weight  (2, 4)  1.00  0.00  ▁▁▁▁█▁▁▁
    one     (2,)    1.50  0.50  █▁▁▁▁▁▁█
    """
    if isinstance(what, Block):
        named: list[tuple[str, Any]] = list(what._walk_parameters())
        return Arrays("Parameter", _entries(named))
    if isinstance(what, ParameterDict):
        return Arrays("Parameter", _entries(list(what.items())))
    if isinstance(what, dict):
        return Arrays("Arrays", _entries([(str(name), value) for name, value in what.items()]))
    message = (
        f"expected a net, parameters or a dict of named arrays to look at, found {type(what).__name__}; "
        "name an array in a dict: {'x': x}"
    )
    raise GlueballTypeError(message)


def _entries(named: list[tuple[str, Any]]) -> Iterable[Entry]:
    first: dict[int, str] = {}
    arrays = [_values(value) for _, value in named]
    limit = min(SAMPLE, _IN_ALL // max(1, len(named)))
    if limit < _LEAST:
        found = _figures_at_once(arrays)
    else:
        found = [_figures(each, limit) for each in arrays]
    for (name, value), figures in zip(named, found, strict=True):
        tied = first.setdefault(id(value), name)
        yield _entry(name, value, "" if tied == name else tied, figures)


_Figures = tuple[Statistics | None, Any, Any]
_NONE: _Figures = (None, None, None)


def _values(value: Any) -> Any:
    """Return the numbers of an array or a parameter, or None if it has none."""
    if isinstance(value, Parameter):
        return np.asarray(value.data()) if value._state == "initialized" else None
    array = np.asarray(value)
    return array if array.dtype.kind in "biuf" and array.size else None


def _figures(array: Any, limit: int, bins: int = _BINS) -> _Figures:
    if array is None:
        return _NONE
    counts, edges = histogram(array, bins, limit)
    return describe(array, limit)._replace(not_finite=_not_finite(array)), counts, edges


def _not_finite(array: Any) -> int:
    """Return how many elements are not finite; those of a sample where the array is very large."""
    if array.dtype.kind != "f":
        return 0
    some = array if array.size <= _ALL_CHECKED else sample(array)
    with np.errstate(all="ignore"):
        if np.isfinite(some.sum()):  # reads at the memory's speed, and almost always answers
            return 0
    return int(some.size - np.count_nonzero(np.isfinite(some)))


def _figures_at_once(arrays: list[Any]) -> list[_Figures]:
    """Return the figures of many arrays, in operations for all: one by one costs more than reading them."""
    there = [each for each in arrays if each is not None]
    table = np.full((len(there), _AT_ONCE), np.nan)
    seen = []
    for row, array in zip(table, there, strict=True):
        some = array.reshape(-1)[:: max(1, -(-array.size // _AT_ONCE))]
        row[: some.size] = some
        seen.append(some.size)
    finite = np.isfinite(table)
    number = np.maximum(finite.sum(1), 1)
    filled = np.where(finite, table, 0.0)
    mean = filled.sum(1) / number
    std = np.sqrt((np.where(finite, table - mean[:, None], 0.0) ** 2).sum(1) / number)
    low = np.where(finite, table, np.inf).min(1)
    high = np.where(finite, table, -np.inf).max(1)
    none = ~finite.any(1)
    low[none] = high[none] = 0.0
    half = np.where(low == high, np.where(low == 0, 0.5, np.abs(low) / 2), 0.0)
    start, width = low - half, high - low + 2 * half
    place = np.clip((filled - start[:, None]) / width[:, None] * _BINS, 0, _BINS - 1)
    place = np.where(finite, np.floor(place), -1)
    counts = np.stack([(place == each).sum(1) for each in range(_BINS)], 1)
    edges = start[:, None] + width[:, None] * np.linspace(0, 1, _BINS + 1)
    for each in (mean, std, low, high):
        each[none] = np.nan
    lost = [_not_finite(array) for array in there]
    sizes = [array.size for array in there]
    columns = zip(
        sizes, seen, *(each.tolist() for each in (mean, std, low, high)), lost, strict=True
    )
    found = iter([(Statistics(*each), counts[i], edges[i]) for i, each in enumerate(columns)])
    return [_NONE if each is None else next(found) for each in arrays]


def entry_of(name: str, value: Any, bins: int = _BINS) -> Entry:
    """Return what is shown of a parameter or an array."""
    return _entry(name, value, "", _figures(_values(value), SAMPLE, bins))


def _entry(name: str, value: Any, tied: str, figures: _Figures) -> Entry:
    if not isinstance(value, Parameter):
        array = np.asarray(value)
        return Entry(name, array.shape, str(array.dtype), *figures, tied=tied)
    lengths = value._lengths
    shape = None if lengths is None else tuple(None if each == -1 else each for each in lengths)
    settings: Any = {
        "state": state_of(value),
        "is_frozen": value.grad_req == "null",
        "tied": tied,
        "initializer": initializer_of(value),
    }
    return Entry(name, shape, str(value.dtype), *figures, **settings)


def state_of(parameter: Parameter) -> str:
    """Return in words whether a parameter has values."""
    return {"initialized": "ready", "deferred": "waiting"}.get(parameter._state, "not initialized")


def initializer_of(parameter: Parameter) -> str:
    """Return what fills, or has filled, a parameter, and who chose it."""
    given = parameter._given
    chosen = parameter.init if given is None else (given[0] or given[1])
    if chosen is None:
        return ""
    origin = f", from {parameter._origin}" if given is not None and parameter._origin else ""
    return f"{chosen}{origin}"


def _cells(each: Entry) -> list[str]:
    said = each.statistics
    if said is None:
        return [each.name, shape_text(each.shape), "", "", "", each.note]
    line = sparkline(each.counts) if each.counts.any() else ""
    return [
        each.name, shape_text(each.shape), _fixed(said.mean, said.std), _fixed(said.std), line, each.note,
    ]  # fmt: skip


def _fixed(value: float, scale: float | None = None) -> str:
    """Return a number with two places, or three digits where these would say too little beside a scale."""
    near = abs(value) if scale is None else max(abs(value), scale)
    if near == 0 or 0.01 <= near < 1000:
        return f"{value:.2f}"
    return number_text(value)


def _style(each: Entry) -> str:
    said = each.statistics
    if said is not None and said.not_finite:
        return "red"
    return "dim" if each.is_frozen else ""
