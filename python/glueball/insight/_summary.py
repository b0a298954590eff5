"""The table of a net: its blocks, what goes through them, and what they hold."""

from __future__ import annotations

import importlib
import math
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from glueball.base import ArgumentError, UnknownChoiceError
from glueball.insight._arrays import initializer_of
from glueball.insight._html import escape, named, snippet, table
from glueball.insight._shapes import shapes_known, shapes_of_run, stand_ins
from glueball.insight._statistics import describe
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
    from collections.abc import Iterator, Sequence

    from glueball.gluon.block import Block
    from glueball.gluon.parameter import Parameter
    from glueball.insight._shapes import Shapes

__all__ = ["Summary", "is_told_by", "summarize"]

_COLUMNS = {
    "path": Column("Path", shrinks=True),
    "type": Column("Type", shrinks=True),
    "input": Column("Input", shrinks=True),
    "output": Column("Output", shrinks=True),
    "params": Column("Params", right=True),
    "trainable": Column("Trainable"),
    "dtype": Column("Dtype"),
    "bytes": Column("Bytes", right=True),
    "multiply_adds": Column("Mult-adds", right=True),
    "initializer": Column("Initializer", shrinks=True),
    "mean": Column("Mean", right=True),
    "spread": Column("Spread", right=True),
}


class Summary:
    """What `Block.summary` returns: printed it is a table, in a notebook too.

    Attributes
    ----------
    rows : list of dict
        One for each block that is shown, in the order of the net. Shapes are tuples with None for axes that are
        not known, or None; ``params`` counts what no row before has counted, None if a shape is not known;
        ``tied`` has, by path, the path of the parameter that it is.
    total : int
        Elements of all parameters whose shapes are known, each parameter once.
    trainable : int
        Those of them that training changes: whose `grad_req` is not ``'null'``.
    bytes : int
        What their values take in memory.
    multiply_adds : int or None
        Of dense layers, for one sample; None where a shape is not known.
    """

    def __init__(
        self,
        net: Block,
        rows: list[dict[str, Any]],
        columns: Sequence[str],
        parameters: Sequence[tuple[Parameter, int | None]],
    ) -> None:
        self.rows = rows
        self.columns = tuple(columns)
        self._title = f"{type(net).__name__} '{net.name}'"
        self._unknown = sum(1 for _, size in parameters if size is None)
        self.total = sum(size or 0 for _, size in parameters)
        self.trainable = sum(size or 0 for each, size in parameters if each.grad_req != "null")
        self.bytes = sum((size or 0) * each.dtype.itemsize for each, size in parameters)
        products = [row["multiply_adds"] for row in rows]
        self.multiply_adds = None if None in products else sum(products)
        self._shown_in: Any = None

    def to_dict(self) -> dict[str, Any]:
        """Return rows and totals as plain values, which JSON can hold."""
        return {
            "rows": [dict(row) for row in self.rows],
            "total": self.total,
            "trainable": self.trainable,
            "frozen": self.total - self.trainable,
            "bytes": self.bytes,
            "multiply_adds": self.multiply_adds,
        }

    def __repr__(self) -> str:
        return f"<Summary of {self._title}: {len(self.rows)} rows, {self.total:,} parameters>"

    def __str__(self) -> str:
        return "\n".join(line.text for line in self.lines(terminal_width()))

    def lines(self, width: int) -> list[Line]:
        """Return the lines of the table."""
        columns = [_COLUMNS[name] for name in self.columns]
        rows = [
            ([_cell(row, name) for name in self.columns], "dim" if _is_frozen(row) else "")
            for row in self.rows
        ]
        lines = [Line(self._title, "bold"), *layout(columns, rows, width)]
        rule = lines[2]
        return [*lines, rule, *(Line(text) for text in self._totals())]

    def _totals(self) -> Iterator[str]:
        unknown = f" + {self._unknown} of unknown shape" if self._unknown else ""
        frozen = self.total - self.trainable
        yield (
            f"{self.total:,} parameters{unknown}: {self.trainable:,} trainable, {frozen:,} frozen "
            f"({bytes_text(self.bytes)})"
        )
        if self.multiply_adds is not None and "multiply_adds" in self.columns:
            yield f"{self.multiply_adds:,} multiply-adds of dense layers for one sample"
        tied = {path: owner for row in self.rows for path, owner in row["tied"].items()}
        for path, owner in tied.items():
            yield f"tied: {path} is {owner}, counted once"

    def _repr_html_(self) -> str:
        return snippet(self.html())

    def html(self) -> str:
        """Return the table without its style."""
        columns = [_COLUMNS[name] for name in self.columns]
        rows = []
        for row in self.rows:
            cells = [escape(_cell(row, name)) for name in self.columns]
            if "path" in self.columns:
                place = self.columns.index("path")
                cells[place] = named(row["path"] or "(net)", 1.2 * row["depth"])
            rows.append((cells, "dim" if _is_frozen(row) else ""))
        body = table([c.title for c in columns], rows, [c.right for c in columns])
        notes = "".join(f"<div>{escape(text)}</div>" for text in self._totals())
        return f"<b>{escape(self._title)}</b>{body}{notes}"

    def print(self) -> None:
        """Print the table: in a notebook as one of its own tables, in a terminal in colours if rich is there."""
        shell = _notebook()
        if shell is None:
            paint(self.lines(terminal_width()))
            return
        importlib.import_module("IPython.display").display(self)
        self._shown_in = shell.execution_count

    def _ipython_display_(self) -> None:
        shell = _notebook()
        if shell is not None and self._shown_in == shell.execution_count:
            return  # the cell ends with `net.summary()`, which has shown it
        publish = importlib.import_module("IPython.display").publish_display_data
        publish({"text/plain": str(self), "text/html": self._repr_html_()})


def _notebook() -> Any:
    """Return IPython's shell if it can show HTML."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell if hasattr(shell, "kernel") else None


def summarize(net: Block, inputs: tuple[Any, ...], shape: Any, depth: Any, columns: Any) -> Summary:
    """Return the summary that `Block.summary` describes."""
    names = (columns,) if isinstance(columns, str) else tuple(columns)
    wrong = [name for name in names if name not in _COLUMNS]
    if wrong or len(names) == 0:
        message = f"expected columns of {', '.join(map(repr, _COLUMNS))}, found {wrong or columns!r}; choose some of these"
        raise UnknownChoiceError(message)
    if depth is not None and (not isinstance(depth, int) or depth < 0):
        message = f"expected a number of levels as depth, found {depth!r}; pass 1 to fold all below the net's children"
        raise ArgumentError(message)
    if shape is not None:
        if inputs:
            message = f"expected either inputs or shape for the summary of '{net.name}', found both; leave one out"
            raise ArgumentError(message)
        seen = shapes_of_run(net, stand_ins(shape, net), batch_is_known=_has_batch(shape))
    elif inputs:
        if all(isinstance(each, tuple) for each in inputs):
            message = (
                f"expected arrays as inputs of '{net.name}', found {inputs[0]!r}; to give a shape, write "
                f"summary(shape={inputs[0]!r})"
            )
            raise ArgumentError(message)
        seen = shapes_of_run(net, inputs, batch_is_known=True)
    else:
        seen = shapes_known(net)
    held: dict[int, _Held] = {}
    for path, parameter in net._walk_parameters():
        held.setdefault(id(parameter), _Held(path, parameter, _product(seen.parameters[path])))
    rows = list(_rows(net, seen, depth, held, set(names)))
    return Summary(net, rows, names, [(each.parameter, each.size) for each in held.values()])


class _Held(NamedTuple):
    """A parameter, the first of its paths, and its number of elements, None where that is not known."""

    path: str
    parameter: Parameter
    size: int | None


def _has_batch(shape: Any) -> bool:
    shapes = shape if isinstance(shape, list) else [shape]
    return all(tuple(each)[:1] not in ((None,), (-1,), (0,)) for each in shapes)


def _rows(
    net: Block, seen: Shapes, depth: int | None, held: dict[int, _Held], wanted: set[str]
) -> Iterator[dict[str, Any]]:
    stack: list[tuple[str, Block, int]] = [("", net, 0)]
    while stack:
        prefix, block, level = stack.pop()
        children = [
            (f"{prefix}{key}.", child, level + 1)
            for key, child in block._children.items()
            if not is_told_by(block, child)
        ]
        folded = depth is not None and level >= depth
        within = [(prefix, block)]
        if folded:
            within = [(prefix + at, each) for at, each in block._walk_blocks()]
        own = [pair for at, each in within for pair in each._own_parameters(at)]
        if prefix or own or not children:
            source, output = seen.blocks.get(prefix, (None, None))
            products = [
                _multiply_adds(each, held, seen.blocks.get(at, (None, None))[1])
                for at, each in within
            ]
            row = {
                "path": prefix.removesuffix("."),
                "type": _type(block),
                "depth": max(level - 1, 0),
                "input": source,
                "output": output,
                "multiply_adds": None if None in products else sum(each or 0 for each in products),
                **_of_parameters(own, held),
            }
            if wanted & {"mean", "spread"} and own and own[0][1]._state == "initialized":
                found = describe(own[0][1].data())
                row["mean"], row["spread"] = found.mean, found.std
            yield row
        if not folded:
            stack.extend(reversed(children))


def is_told_by(block: Block, child: Block) -> bool:
    """Whether a child has no row: a Dense's row names its activation, unless that has parameters."""
    return block.__dict__.get("act") is child and not child._children and not child._reg_params


def _of_parameters(own: list[tuple[str, Parameter]], held: dict[int, _Held]) -> dict[str, Any]:
    """Return what a row says of parameters; those that stand elsewhere before are tied."""
    counted = [held[id(each)] for path, each in own if held[id(each)].path == path]
    sizes = [each.size for each in counted]
    return {
        "params": None if None in sizes else sum(size or 0 for size in sizes),
        "trainable": sum(each.size or 0 for each in counted if each.parameter.grad_req != "null"),
        "tied": {path: held[id(each)].path for path, each in own if held[id(each)].path != path},
        "dtype": ", ".join(dict.fromkeys(str(each.dtype) for _, each in own)),
        "bytes": sum((each.size or 0) * each.parameter.dtype.itemsize for each in counted),
        "initializer": initializer_of(counted[0].parameter).partition(", from ")[0]
        if counted
        else "",
        "mean": None,
        "spread": None,
    }


def _product(lengths: tuple[int, ...] | None) -> int | None:
    return None if lengths is None or -1 in lengths else math.prod(lengths)


def _type(block: Block) -> str:
    act = block.__dict__.get("act")
    if act is None or not is_told_by(block, act):
        return type(block).__name__
    return f"{type(block).__name__} {getattr(act, '_act_type', None) or type(act).__name__}"


def _multiply_adds(block: Block, held: dict[int, _Held], output: Any) -> int | None:
    if block._declaration is None or block._declaration.kind != "Dense":
        return 0
    weight = held[id(block.__dict__["weight"])].size
    if weight is None or output is None or None in output[1:]:
        return None
    positions: int = math.prod(output[1:-1])
    return weight * positions


def _is_frozen(row: dict[str, Any]) -> bool:
    return bool(row["params"]) and row["trainable"] == 0


def _cell(row: dict[str, Any], name: str) -> str:
    value: Any = row[name]
    if name == "path":
        return f"{'  ' * row['depth']}{value or '(net)'}"
    if name in ("input", "output"):
        return shape_text(value)
    if name == "params":
        tied = "tied" if row["tied"] else ""
        if value is None:
            return "?"
        return " + ".join(filter(None, (f"{value:,}" if value else "", tied)))
    if name == "trainable":
        if not row["params"]:
            return ""
        if value in (0, row["params"]):
            return "yes" if value else "no"
        return f"{value:,} of {row['params']:,}"
    if name in ("mean", "spread"):
        return "" if value is None else number_text(value)
    if name == "bytes":
        return bytes_text(value) if value else ""
    if name == "multiply_adds":
        return "?" if value is None else (f"{value:,}" if value else "")
    return str(value)
