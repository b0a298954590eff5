"""The coordinate check: whether what a few steps change in each layer depends on the net's width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import autograd, nd
from glueball.base import ArgumentError, GlueballTypeError
from glueball.gluon._checks import check_count
from glueball.gluon.block import Block
from glueball.gluon.loss import L2Loss
from glueball.gluon.trainer import Trainer
from glueball.init._lsuv import initialized
from glueball.insight._collecting import as_inputs
from glueball.insight._table import Column, Tabular, number_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["WidthReport", "check_widths"]


class WidthReport(Tabular):
    """What `check_widths` found; ``str`` is a table, with a row for each layer.

    Attributes
    ----------
    widths : tuple of int
        As they were given.
    changes : dict of str to tuple of float
        For each layer's path the mean size of what the steps changed in each number that comes out of it, one
        for each width.
    sizes : dict of str to tuple of float
        The mean size of what came out of it before the first step.
    slopes : dict of str to float
        The power of the width that the changes go by: about 0 where they do not depend on it, 1 where they
        grow as it does.
    """

    def __init__(
        self,
        widths: tuple[int, ...],
        sizes: dict[str, tuple[float, ...]],
        changes: dict[str, tuple[float, ...]],
    ) -> None:
        self.widths = widths
        self.sizes = sizes
        self.changes = changes
        self.slopes = {path: _slope(widths, each) for path, each in changes.items()}

    def is_flat(self, tol: float = 0.3) -> bool:
        """Whether no slope is further than `tol` from 0."""
        return all(abs(slope) <= tol for slope in self.slopes.values())

    def to_dict(self) -> dict[str, Any]:
        """Return all of it in plain values."""
        return {
            "widths": list(self.widths),
            "layers": {
                path: {
                    "sizes": list(self.sizes[path]),
                    "changes": list(changes),
                    "slope": self.slopes[path],
                }
                for path, changes in self.changes.items()
            },
        }

    def _table(self) -> tuple[Sequence[Column], Sequence[Sequence[str]], Sequence[str]]:
        titles = [*map(str, self.widths), "Slope"]
        columns = [Column("Layer", shrinks=True), *(Column(each, right=True) for each in titles)]
        rows = [
            (path or "(net)", *map(number_text, changes), f"{self.slopes[path]:+.2f}")
            for path, changes in self.changes.items()
        ]
        return columns, rows, ()


def check_widths(
    make: Callable[[int], Block],
    widths: Iterable[int],
    x: Any,
    *,
    y: Any = None,
    loss: Any = None,
    optimizer: Any = "adam",
    learning_rate: float = 0.001,
    steps: int = 3,
    seeds: int = 3,
) -> WidthReport:
    """Train nets of several widths for a few steps, and compare how much of each layer's output changes.

    Under muP (`mup_`) the change of a number that comes out of a layer does not depend on the width. Where
    it grows, a learning rate that suits a narrow net is too large for a wide one.

    Parameters
    ----------
    make : callable
        Takes a width, and returns a new net, set up as it would be to train. What it leaves without values is
        initialized.
    widths : iterable of int
        Two or more.
    x : array_like
        A batch.
    y : NDArray, optional
        What the nets learn to give; ones if None.
    loss : callable, optional
        ``loss(output, y)``; `gluon.loss.L2Loss` if None.
    optimizer : str or Optimizer, default 'adam'
        As for `gluon.Trainer`, which minds each parameter's `lr_mult`.
    learning_rate : float, default 0.001
        Small enough that the nets do not reach what they learn: then nothing would grow.
    steps : int, default 3
        How many to train.
    seeds : int, default 3
        How many nets of each width are averaged.

    Returns
    -------
    WidthReport
        Changes by layer and width, and their slopes.

    Notes
    -----
    G. Yang and others, arXiv 2203.03466, appendix D.1, "coordinate checking".

    Examples
    --------
    >>> from glueball import init, nd
    >>> from glueball.gluon import nn
    >>> def make(width):
    ...     net = nn.Sequential(nn.Dense(width, activation="relu"), nn.Dense(1))
    ...     net.initialize("he_normal")
    ...     return net
    >>> report = init.check_widths(make, [32, 64, 128], nd.random.normal(shape=(16, 8)))
    >>> list(report.changes)
    ['0', '1']
    """
    check_count("steps of check_widths", steps, 1)
    check_count("seeds of check_widths", seeds, 1)
    wanted = tuple(widths)
    for each in wanted:
        check_count("a width of check_widths", each, 1)
    if len(set(wanted)) < 2:
        message = f"expected two widths or more for check_widths, found {list(wanted)}; pass [64, 128, 256]"
        raise ArgumentError(message)
    sizes: dict[str, list[float]] = {}
    changes: dict[str, list[float]] = {}
    for width in wanted:
        runs = [
            _train(_made(make, width), x, y, loss, optimizer, learning_rate, steps)
            for _ in range(seeds)
        ]
        for path in runs[0]:
            pairs = np.mean([each[path] for each in runs], axis=0)
            sizes.setdefault(path, []).append(float(pairs[0]))
            changes.setdefault(path, []).append(float(pairs[1]))
    return WidthReport(
        wanted,
        {path: tuple(each) for path, each in sizes.items()},
        {path: tuple(each) for path, each in changes.items()},
    )


def _made(make: Callable[[int], Block], width: int) -> Block:
    net = make(width)
    if not isinstance(net, Block):
        message = (
            f"expected a function that takes a width and returns a net, found that it returned "
            f"{type(net).__name__} for {width}; return the Block"
        )
        raise GlueballTypeError(message)
    return net


def _train(
    net: Block, x: Any, y: Any, loss: Any, optimizer: Any, rate: float, steps: int
) -> dict[str, tuple[float, float]]:
    """Return by path of each layer with parameters the size of its output, and of what the steps change in it."""
    (x,) = as_inputs(net, x if not isinstance(x, list | tuple) else np.asarray(x))
    with autograd.pause(train_mode=False):
        initialized(net, x)
        before = _outputs(net, x)
    measure = L2Loss() if loss is None else loss
    trainer = Trainer(net.collect_params(), optimizer, {"learning_rate": rate})
    for _ in range(steps):
        with autograd.record():
            output = net(x)
            target = nd.ones(output.shape) if y is None else y
            value = measure(output, target)
        value.backward()
        trainer.step(len(x))
    with autograd.pause(train_mode=False):
        after = _outputs(net, x)
    return {
        path: (float(np.abs(old).mean()), float(np.abs(after[path] - old).mean()))
        for path, old in before.items()
    }


def _outputs(net: Block, x: Any) -> dict[str, np.ndarray[Any, Any]]:
    found: dict[str, np.ndarray[Any, Any]] = {}
    handles = []
    seen: set[int] = set()
    for prefix, block in net._walk_blocks():
        if id(block) in seen or not block._reg_params:
            continue
        seen.add(id(block))

        def note(_block: Block, _inputs: Any, output: Any, path: str = prefix[:-1]) -> None:
            if path not in found and hasattr(output, "asnumpy"):
                found[path] = np.asarray(output.asnumpy(), np.float64)

        handles.append(block.register_forward_hook(note))
    try:
        net(x)
    finally:
        for handle in handles:
            handle.detach()
    return found


def _slope(widths: tuple[int, ...], changes: tuple[float, ...]) -> float:
    if min(changes) <= 0:
        return 0.0 if max(changes) <= 0 else float("nan")
    return float(np.polyfit(np.log(widths), np.log(changes), 1)[0])
