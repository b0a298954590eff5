"""Monitor: statistics of a net while it trains, cheap enough to leave on."""

from __future__ import annotations

import fnmatch
import math
import textwrap
import warnings
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from glueball import _tape
from glueball.base import ArgumentError, GlueballTypeError, PackageError, TrainingWarning
from glueball.gluon import Block
from glueball.gluon._checks import check_count
from glueball.gluon.contrib.estimator import TrainBegin, TrainEnd
from glueball.insight._early import early_words
from glueball.insight._html import escape, named, snippet, table
from glueball.insight._statistics import describe, rms, sample, sparkline
from glueball.insight._table import lay_out
from glueball.insight._watching import blocks_by_path, flat

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Sequence

    from glueball.gluon import Parameter
    from glueball.gluon.block._hooks import HookHandle

__all__ = ["Monitor"]

# Elements of an array that are looked at: their spread is within about 2 % of all elements'.
_SEEN = 1 << 12
_FIGURES = (
    "mean",
    "std",
    "least",
    "greatest",
    "gradient",
    "update",
    "ratio",
    "zeros",
    "not_finite",
)


class _Spread:
    """Where the gradient of an activation goes: into one number of a row."""

    __slots__ = ("row",)

    grad = None
    grad_req = "write"

    def __init__(self, row: dict[str, Any]) -> None:
        self.row = row

    def accumulate(self, gradient: Any, pass_: Any) -> None:
        """Keep the root mean square."""
        del pass_
        self.row["gradient"] = rms(sample(gradient, _SEEN))


class Monitor(TrainBegin, TrainEnd):
    """Watches weights, gradients, updates and activations of a net while it trains.

    A context manager around a training loop, or a handler of an Estimator. A step is a call of `net` while
    recording; at one of each `every` steps, the first among them, it looks, and what it sees is complete at the
    next step or at the end. Large arrays are sampled. The other steps cost a microsecond or two.

    Parameters
    ----------
    net : Block
        What is trained.
    every : int, default 100
        Steps from one look to the next.
    select : str, default '*.weight'
        Which parameters, by structural path; ``*`` stands for any text.
    activations : bool, default True
        Whether to look at what layers give, too.
    callbacks : iterable of callable
        ``callback(monitor, rows)`` is called after each look, with its rows.

    Attributes
    ----------
    rows : list of dict
        One for each array and look, with ``step``, ``path``, ``kind`` ('parameter' or 'activation') and, where it
        has them, the figures ``mean``, ``std``, ``least``, ``greatest``, ``gradient`` and ``update`` (root mean
        squares; a parameter's gradient as `backward` left it), ``ratio`` of update to weight, share of ``zeros``,
        and how many of the elements that were looked at are ``not_finite``.
    steps : int
        How many steps there were.
    words : list of str
        What went wrong, each said once, as a `TrainingWarning` too.

    Raises
    ------
    TypeError
        If `net` is something else, or `every` is not an integer.
    ValueError
        If `every` is less than 1, or `select` matches no parameter.

    Examples
    --------
    >>> from glueball import autograd, gluon, nd
    >>> net = gluon.nn.Dense(1, in_units=3)
    >>> net.initialize()
    >>> trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01})
    >>> with gluon.Monitor(net, every=5, select="*") as monitor:
    ...     for _ in range(10):
    ...         with autograd.record():
    ...             loss = net(nd.ones((4, 3))) ** 2
    ...         loss.backward()
    ...         trainer.step(4)
    >>> (
    ...     monitor.steps,
    ...     [(row["step"], row["path"]) for row in monitor.rows if row["kind"] == "parameter"],
    ... )
    (10, [(0, 'weight'), (0, 'bias'), (5, 'weight'), (5, 'bias')])
    """

    def __init__(
        self,
        net: Block,
        every: int = 100,
        select: str = "*.weight",
        activations: bool = True,
        callbacks: Iterable[Callable[[Monitor, list[dict[str, Any]]], Any]] = (),
    ) -> None:
        if not isinstance(net, Block):
            message = f"expected a Block to watch, found {net!r}; pass the net that you train"
            raise GlueballTypeError(message)
        check_count("every of Monitor", every, least=1)
        self._net = net
        self._every = every
        self._parameters = _selected(net, select)
        self._activations = activations
        self._callbacks = list(callbacks)
        self._handles: list[HookHandle] = []
        self._layer_handles: list[HookHandle] = []
        self._pending: list[tuple[dict[str, Any], Parameter | None, Any]] = []
        self._is_due = False
        self._looked_at = 0
        self._writer: Any = None
        self.rows: list[dict[str, Any]] = []
        self.steps = 0
        self.words: list[str] = []
        self._said: set[str] = set()

    def __enter__(self) -> Self:
        if not self._handles:
            self._handles = [self._net.register_forward_pre_hook(self._before)]
        return self

    def __exit__(self, *exc: object) -> None:
        for handle in (*self._handles, *self._layer_handles):
            handle.detach()
        self._handles, self._layer_handles = [], []
        self._complete()
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def train_begin(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Begin to watch."""
        self.__enter__()

    def train_end(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Watch no longer."""
        self.__exit__()

    def history(self, path: str, figure: str) -> tuple[list[int], list[float]]:
        """Return the steps of all looks at `path`, and one figure at each: ``monitor.history("0.weight", "std")``.

        Raises
        ------
        ValueError
            If nothing was seen at `path`, or it has no such figure.
        """
        rows = [row for row in self.rows if row["path"] == path and figure in row]
        if not rows:
            known = sorted({row["path"] for row in self.rows})
            message = (
                f"expected the path of what was watched and one of its figures, found {path!r} and {figure!r}; "
                f"paths are {', '.join(map(repr, known)) or 'none yet'}, figures {', '.join(_FIGURES)}"
            )
            raise ArgumentError(message)
        return [row["step"] for row in rows], [row[figure] for row in rows]

    def to_tensorboard(self, logdir: str | os.PathLike[str]) -> None:
        """Write what was seen, and what will be until the end, for TensorBoard.

        Parameters
        ----------
        logdir : str or path
            The folder, made if it is missing: ``tensorboard --logdir`` reads it.

        Raises
        ------
        ImportError
            If tensorboardX is missing.
        """
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            message = (
                "expected tensorboardX for files of TensorBoard, found that it is missing; pip install "
                "'glueball[tensorboard]'"
            )
            raise PackageError(message) from error
        if self._writer is not None:
            self._writer.close()
        writer = SummaryWriter(str(logdir))
        _write(writer, self.rows)
        if self._handles:
            self._writer = writer
        else:
            writer.close()

    def __repr__(self) -> str:
        return f"<Monitor of {type(self._net).__name__}: {self.steps} steps, {len(self.words)} warnings>"

    def __str__(self) -> str:
        """Return a table of the last look, with each spread over time."""
        if not self.rows:
            return self._unseen()
        said = [textwrap.fill(f"! {each}", 80, subsequent_indent="  ") for each in self.words]
        return "\n".join([lay_out(*self._last_look()), *said])

    def _repr_html_(self) -> str:
        """Return what notebooks show: the table of the last look, and what was said, in red."""
        if not self.rows:
            return snippet(escape(self._unseen()))
        head, rows = self._last_look()
        cells = [([named(row[0]), *map(escape, row[1:])], "") for row in rows]
        said = "".join(f'<div class="bad">{escape(each)}</div>' for each in self.words)
        return snippet(table(head, cells, [1 < i < 6 for i in range(len(head))]) + said)

    def _unseen(self) -> str:
        return f"{self.steps} steps, none of them looked at"

    def _last_look(self) -> tuple[Sequence[str], list[Sequence[str]]]:
        last = max(row["step"] for row in self.rows)
        rows: list[Sequence[str]] = [
            (
                row["path"] or "(net)",
                row["kind"],
                _number(row["mean"]),
                _number(row["std"]),
                _number(row.get("gradient")),
                _number(row.get("ratio")),
                self._line(row["path"], row["kind"]),
            )
            for row in self.rows
            if row["step"] == last
        ]
        return (f"step {last}", "kind", "mean", "std", "gradient", "ratio", "std over time"), rows

    def _line(self, path: str, kind: str) -> str:
        values = [r["std"] for r in self.rows if r["path"] == path and r["kind"] == kind]
        step = max(1, math.ceil(len(values) / 16))
        return sparkline(values[::-step][::-1])

    def _before(self, block: Block, inputs: Any) -> None:
        del block, inputs
        if not _tape.state.recording:
            return
        if self._layer_handles:  # the last forward has raised
            self._take_off()
        if self._pending:
            self._complete()
        if self._is_due or self.steps % self._every == 0:
            # Parameters that wait for data get it in this step.
            self._is_due = not all(p._is_initialized for _, p in self._parameters)
            if not self._is_due:
                self._begin()
        self.steps += 1

    def _after(self, block: Block, inputs: Any, output: Any) -> None:
        del block, inputs, output
        self._take_off()

    def _take_off(self) -> None:
        for handle in self._layer_handles:
            handle.detach()
        self._layer_handles = []

    def _begin(self) -> None:
        """Keep what is there before the step, and look at what layers give in it."""
        self._looked_at = self.steps
        for path, parameter in self._parameters:
            values = parameter.data()
            kept = np.array(sample(values, _SEEN), subok=False)
            row = self._row(path, "parameter", kept)
            self._pending.append((row, parameter, kept))
        if self._activations:
            for block, paths in _layers(self._net):
                hook = self._noting(paths)
                self._layer_handles.append(block.register_forward_hook(hook))
            self._layer_handles.append(self._net.register_forward_hook(self._after))

    def _noting(self, paths: list[str]) -> Callable[[Block, Any, Any], None]:
        calls = iter(paths)

        def note(block: Block, inputs: Any, output: Any) -> None:
            path = next(calls, None)
            for array in flat(output) if path is not None else ():
                plain = np.asarray(array)
                if plain.dtype.kind == "f":
                    some = sample(plain, _SEEN)
                    row = self._row(str(path), "activation", some)
                    row["zeros"] = 1 - np.count_nonzero(some) / max(1, some.size)
                    self._pending.append((row, None, None))
                    _tape.attach_sink(array, _Spread(row))

        return note

    def _row(self, path: str, kind: str, values: Any) -> dict[str, Any]:
        seen = describe(values)
        return {
            "step": self._looked_at,
            "path": path,
            "kind": kind,
            "mean": seen.mean,
            "std": seen.std,
            "least": seen.least,
            "greatest": seen.greatest,
            "not_finite": seen.not_finite,
        }

    def _complete(self) -> None:
        """Add what the step did to the parameters, and hand out the rows."""
        pending, self._pending = self._pending, []
        for row, parameter, before in pending:
            if parameter is None:
                continue
            with np.errstate(all="ignore"):
                if parameter.grad_req != "null":
                    row["gradient"] = rms(sample(parameter.grad(), _SEEN))
                row["update"] = rms(sample(parameter.data(), _SEEN) - before)
                size = rms(before)
            if size > 0:
                row["ratio"] = row["update"] / size
        rows = [row for row, _, _ in pending]
        if not rows:
            return
        self.rows += rows
        if self._writer is not None:
            _write(self._writer, rows)
        for word, said in early_words(rows, dict(self._parameters)):
            if word not in self._said:
                self._said.add(word)
                self.words.append(said)
                warnings.warn(said, TrainingWarning, stacklevel=2)
        for callback in self._callbacks:
            callback(self, rows)


def _selected(net: Block, select: str) -> list[tuple[str, Parameter]]:
    found: dict[int, tuple[str, Parameter]] = {}
    paths = []
    for path, parameter in net._walk_parameters():
        paths.append(path)
        # A layer that is the whole net has the path 'weight'.
        if fnmatch.fnmatchcase(path, select) or fnmatch.fnmatchcase(f".{path}", select):
            found.setdefault(id(parameter), (path, parameter))
    if not found and paths:
        message = (
            f"expected a pattern of parameters' paths as select, found {select!r}, which matches none of "
            f"{', '.join(map(repr, paths[:5]))}{' ...' if len(paths) > 5 else ''}; '*' stands for any text"
        )
        raise ArgumentError(message)
    return list(found.values())


def _layers(net: Block) -> list[tuple[Block, list[str]]]:
    """Return the blocks whose output is looked at, with their paths: layers, not the activations in them."""
    blocks = blocks_by_path(net)
    layers = [block for block, _ in blocks if block._is_native() and not block._is_chain]
    inside = {id(child) for block in layers for child in block._children.values()}
    return [
        (block, paths)
        for block, paths in blocks
        if id(block) not in inside and (not block._children or block in layers)
    ]


def _write(writer: Any, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        for name in _FIGURES:
            if name in row:
                tag = f"{row['kind']}/{row['path'] or 'net'}/{name}"
                writer.add_scalar(tag, row[name], row["step"])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"
