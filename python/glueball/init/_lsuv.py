"""Layer-sequential unit variance: weights that are scaled by what comes out of their layers on real data."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glueball import _core, autograd
from glueball.base import ArgumentError, InitializerWarning
from glueball.gluon import nn
from glueball.gluon._checks import check_count, check_number
from glueball.init._functional import orthogonal_
from glueball.insight._collecting import as_inputs
from glueball.insight._table import Column, Tabular, number_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueball.gluon.block import Block
    from glueball.gluon.parameter import Parameter

__all__ = ["LsuvReport", "LsuvRow", "initialized", "lsuv_"]


class LsuvRow(NamedTuple):
    """One layer of an `LsuvReport`.

    Attributes
    ----------
    path : str
        Its weight's.
    before, variance : float
        Of all numbers that come out of it before its activation: with the weight it had, and at the end.
    scale : float
        What its weight, after it was made orthogonal, was multiplied by.
    steps : int
        How often.
    converged : bool
        Whether the variance is within `tol` of 1.
    """

    path: str
    before: float
    variance: float
    scale: float
    steps: int
    converged: bool


class LsuvReport(Tabular):
    """What `lsuv_` did: `rows` in the order in which the layers ran; ``str`` is a table."""

    def __init__(self, rows: list[LsuvRow]) -> None:
        self.rows = tuple(rows)

    def __len__(self) -> int:
        return len(self.rows)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return the rows by path, as dicts of plain values."""
        return {row.path: row._asdict() for row in self.rows}

    def _table(self) -> tuple[Sequence[Column], Sequence[Sequence[str]], Sequence[str]]:
        titles = ("Before", "Variance", "Scale", "Steps", "Converged")
        columns = [Column("Weight", shrinks=True), *(Column(each, right=True) for each in titles)]
        rows = [
            (
                row.path,
                number_text(row.before),
                number_text(row.variance),
                number_text(row.scale),
                str(row.steps),
                "yes" if row.converged else "no",
            )
            for row in self.rows
        ]
        return columns, rows, ()


def lsuv_(
    net: Block, x: Any, tol: float = 0.02, max_iter: int = 10, *, orthogonal: bool = True
) -> LsuvReport:
    """Give what comes out of each layer, before its activation, variance 1 on a batch of data.

    The weights of dense layers, and of blocks of your own that have a `weight` of two or more axes, are made
    orthogonal, and then divided by the standard deviation of the layer's output, in the order in which the
    net runs them: each sees what the layers before it give by then. One run of the net does it, outside
    of training. Biases, embeddings and normalisations stay, and so does a weight with ``grad_req='null'``. A layer that
    runs twice is scaled by its first run.

    Parameters
    ----------
    net : Block
        What has no values yet is initialized first.
    x : array_like
        A batch, as the net will see.
    tol : float, default 0.02
        How far from 1 a variance may be.
    max_iter : int, default 10
        How often a weight may be scaled; once is enough where there is no bias.
    orthogonal : bool, default True
        Whether weights are made orthogonal; if not, they are only scaled.

    Returns
    -------
    LsuvReport
        A row for each layer.

    Warns
    -----
    InitializerWarning
        If variances stay further from 1: those of outputs that are all equal, or of a large bias.

    Notes
    -----
    D. Mishkin, J. Matas, "All you need is a good init", ICLR 2016, arXiv 1511.06422, algorithm 1.

    Examples
    --------
    >>> from glueball import init, nd, random
    >>> from glueball.gluon import nn
    >>> random.seed(1)
    >>> net = nn.Sequential(nn.Dense(50, activation="relu"), nn.Dense(50))
    >>> report = init.lsuv_(net, nd.random.normal(shape=(200, 10)))
    >>> [round(row.variance, 2) for row in report.rows]
    [1.0, 1.0]
    """
    (x,) = as_inputs(net, x if not isinstance(x, list | tuple) else np.asarray(x))
    check_number("tol of lsuv_", tol, least=1e-6)
    check_count("max_iter of lsuv_", max_iter, 1)
    rows: list[LsuvRow] = []
    done: set[int] = set()
    paths: dict[int, str] = {}
    for prefix, block in net._walk_blocks():
        paths.setdefault(id(block), prefix)

    def scale(block: Block, inputs: Any) -> None:
        weight = _weight_of(block)
        if weight is None or id(weight) in done:
            return
        done.add(id(weight))
        before = _variance(block, inputs)
        if orthogonal and weight.grad_req != "null":
            orthogonal_(weight)
        factor, steps, variance = 1.0, 0, _variance(block, inputs)
        while weight.grad_req != "null" and steps < max_iter and abs(variance - 1) > tol:
            step = 1 / math.sqrt(variance) if 0 < variance < math.inf else 1.0
            if step == 1:
                break
            weight.set_data(weight.data() * step)
            factor *= step
            steps += 1
            variance = _variance(block, inputs)
        weight._origin = "lsuv_()"
        converged = abs(variance - 1) <= tol
        path = f"{paths[id(block)]}{_attribute(block, weight)}"
        rows.append(LsuvRow(path, before, variance, factor, steps, converged))

    with autograd.pause(train_mode=False):
        initialized(net, x)
        net(x)  # what does not fit raises here, before anything has changed
        handles = [
            block.register_forward_pre_hook(scale)
            for block in {id(each): each for _, each in net._walk_blocks()}.values()
            if _weight_of(block) is not None
        ]
        try:
            net(x)
        finally:
            for handle in handles:
                handle.detach()
    far = [row.path for row in rows if not row.converged]
    if far:
        warnings.warn(
            f"expected variances within {tol} of 1, found others after {', '.join(far)}; look at the report: a "
            "batch of equal rows, a large bias or a frozen weight keeps a layer from it",
            InitializerWarning,
            stacklevel=2,
        )
    return LsuvReport(rows)


def initialized(net: Block, x: Any) -> None:
    """Initialize what was never initialized, and finish what waits for its shape by running the net."""
    call = _core.next_initialize_call()
    waits = False
    for path, parameter in net._walk_parameters():
        if parameter._state == "uninitialized":
            parameter.initialize(path=path, call=call)
        waits = waits or parameter._state == "deferred"
    if waits:
        net(x)


def _attribute(block: Block, weight: Parameter) -> str:
    return next(path for path, each in block._own_parameters("") if each is weight)


def _weight_of(block: Block) -> Parameter | None:
    if isinstance(block, nn.Embedding):
        return None
    weight = block._reg_params.get("weight")
    lengths = None if weight is None else weight._lengths
    return weight if lengths is not None and len(lengths) >= 2 else None


def _variance(block: Block, inputs: Any) -> float:
    """Return the variance of what comes out of a block, before its activation."""
    if isinstance(block, nn.Dense) and block._is_native():
        values = np.asarray(inputs[0].asnumpy(), np.float64)
        if block._flatten:
            values = values.reshape(len(values), -1)
        output = values @ block.weight.data().asnumpy().T.astype(np.float64)
        if block.bias is not None:
            output += block.bias.data().asnumpy()
    else:
        found = block.forward(*inputs)
        if not hasattr(found, "asnumpy"):
            message = (
                f"expected one array from '{block.name}', which has a weight, found {type(found).__name__}; scale "
                "the weights of such blocks by hand"
            )
            raise ArgumentError(message)
        output = np.asarray(found.asnumpy(), np.float64)
    return float(output.var())
