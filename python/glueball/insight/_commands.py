"""``python -m glueball inspect`` and ``diff``: what files hold, and in what two of them differ."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glueball import _files, onnx
from glueball._disk import path_of
from glueball.base import MXNetError
from glueball.gluon._files import model
from glueball.insight._arrays import Arrays, Entry, look
from glueball.insight._html import escape, table
from glueball.insight._notebook import tree
from glueball.insight._page import page, write_page
from glueball.insight._statistics import rms
from glueball.insight._summary import summarize
from glueball.insight._table import (
    Column,
    Line,
    bytes_text,
    layout,
    number_text,
    paint,
    shape_text,
    terminal_width,
)

if TYPE_CHECKING:
    from glueball.gluon.block import Block

__all__ = ["Contents", "Difference", "compare", "diff", "inspect", "open_contents"]

_MODEL = "glueball.model"  # the key of a model file's metadata
_COLUMNS = ("path", "type", "input", "output", "params", "trainable")


class Contents(NamedTuple):
    """What a file holds: a net if it tells one, and arrays by name; None for those that NumPy has no dtype for."""

    path: str
    net: Block | None
    arrays: dict[str, np.ndarray[Any, Any] | None]
    stored: dict[str, tuple[tuple[int, ...], str]]
    """Shape and dtype of each array, as the file says them."""


def open_contents(path: str | os.PathLike[str]) -> Contents:
    """Read a file of any kind that glueball reads.

    Raises
    ------
    OSError
        If it cannot be opened.
    FileFormatError
        If it is damaged, or of no kind that is known.
    ImportError
        For an ONNX file, if the onnx package is missing.
    """
    name = path_of(path)
    net: Block | None = None
    if name.endswith(".onnx"):
        net = onnx.load(name)
        arrays: dict[str, Any] = {
            place: np.asarray(each.data()) for place, each in net._walk_parameters()
        }
        stored = {place: (each.shape, str(each.dtype)) for place, each in arrays.items()}
        return Contents(name, net, arrays, stored)
    found = _files.read(name)
    if _MODEL in found.metadata:
        net = model.load_model(name)
    arrays, made = {}, {}
    for place, array in found.arrays.items():
        if id(array) not in made:
            try:
                made[id(array)] = array.to_numpy()
            except (MXNetError, ValueError):  # floats of eight bits and fewer
                made[id(array)] = None
        arrays[place] = made[id(array)]
    stored = {place: (tuple(each.shape), each.dtype) for place, each in found.arrays.items()}
    return Contents(name, net, arrays, stored)


def inspect(path: str, html: str | None = None) -> int:
    """Print what a file holds, or write it to a page."""
    contents = open_contents(path)
    title = os.path.basename(contents.path)
    arrays = _arrays_of(contents)
    size = sum(each.size or 0 for each in arrays.entries if not each.tied)
    facts = f"{len(arrays)} arrays, {size:,} numbers, {bytes_text(os.stat(contents.path).st_size)}"
    if html is not None:
        sections = [("Arrays", f"<div>{facts}</div>{arrays.html()}")]
        if contents.net is not None:
            net = contents.net
            summary = summarize(net, (), None, None, _COLUMNS)
            sections = [("Net", tree(net)), ("Summary", summary.html()), *sections]
        write_page(html, page(title, sections))
        paint([Line(f"{title}: {facts}"), Line(f"written to {html}")])
        return 0
    lines = [Line(f"{title}: {facts}", "bold"), Line("")]
    if contents.net is not None:
        lines += summarize(contents.net, (), None, None, _COLUMNS).lines(terminal_width())
        lines.append(Line(""))
    paint([*lines, *arrays.lines(terminal_width())])
    return 0


def _arrays_of(contents: Contents) -> Arrays:
    known = {name: each for name, each in contents.arrays.items() if each is not None}
    found = {each.name: each for each in look(known).entries}
    entries = []
    for name, (shape, dtype) in contents.stored.items():
        unread = Entry(name, shape, dtype, None, None, None, state=f"{dtype}, not read")
        entries.append(found.get(name, unread)._replace(dtype=dtype))
    return Arrays("Array", entries)


class Difference(NamedTuple):
    """How an array differs between two files.

    Attributes
    ----------
    name : str
        Its name.
    kind : str
        ``'only in a'``, ``'only in b'``, ``'shape'``, ``'dtype'``, ``'values'`` or ``'equal'``.
    text : str
        What there is in each.
    largest, relative : float or None
        The largest difference of an element, and the root mean square of differences by that of the first
        file's elements.
    """

    name: str
    kind: str
    text: str = ""
    largest: float | None = None
    relative: float | None = None


def compare(a: Contents, b: Contents) -> list[Difference]:
    """Return a difference for each array of two files, in the order of the first."""
    found = []
    for name in dict.fromkeys([*a.stored, *b.stored]):
        if name not in b.stored:
            found.append(Difference(name, "only in a", shape_text(a.stored[name][0])))
        elif name not in a.stored:
            found.append(Difference(name, "only in b", shape_text(b.stored[name][0])))
        else:
            found.append(_difference(name, a, b))
    return found


def _difference(name: str, a: Contents, b: Contents) -> Difference:
    (shape, dtype), (other_shape, other_dtype) = a.stored[name], b.stored[name]
    if shape != other_shape:
        return Difference(name, "shape", f"{shape_text(shape)}, {shape_text(other_shape)}")
    one, other = a.arrays[name], b.arrays[name]
    if one is None or other is None:
        return Difference(name, "dtype", f"{dtype}, {other_dtype}: not read")
    differ = f"{dtype}, {other_dtype}" if dtype != other_dtype else ""
    if np.array_equal(one, other, equal_nan=one.dtype.kind in "fc" and other.dtype.kind in "fc"):
        return Difference(name, "dtype" if differ else "equal", differ)
    with np.errstate(invalid="ignore", over="ignore"):
        change = np.subtract(other, one, dtype=np.result_type(one, other, np.float64))
    largest, size = float(np.abs(change).max()), rms(one)
    return Difference(name, "values", differ, largest, rms(change) / size if size else None)


def diff(first: str, second: str, html: str | None = None) -> int:
    """Print in what two files differ, or write it to a page; 1 if they do, as diff returns."""
    a, b = open_contents(first), open_contents(second)
    found = compare(a, b)
    different = [each for each in found if each.kind != "equal"]
    facts = f"{len(found) - len(different)} of {len(found)} arrays are equal"
    columns = [
        Column("Array", shrinks=True), Column("Differs in"), Column("Largest", right=True),
        Column("Relative", right=True), Column("", shrinks=True),
    ]  # fmt: skip
    rows = [
        (
            [
                each.name, each.kind, *("" if x is None else number_text(x) for x in (each.largest, each.relative)),
                each.text,
            ],
            "",
        )
        for each in different
    ]  # fmt: skip
    lines = [Line(f"a: {a.path}"), Line(f"b: {b.path}"), Line(facts, "bold")]
    if html is not None:
        cells = [([escape(x) for x in row], style) for row, style in rows]
        body = "".join(f"<div>{escape(line.text)}</div>" for line in lines)
        if rows:
            body += table([c.title for c in columns], cells, [c.right for c in columns])
        write_page(html, page("Difference", [("Arrays", body)]))
        lines.append(Line(f"written to {html}"))
    elif rows:
        lines += [Line(""), *layout(columns, rows, terminal_width())]
    paint(lines)
    return 1 if different else 0
