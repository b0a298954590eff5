"""Maximal update parametrization: spreads and learning rates that fit a net of any width as they fit a small one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from glueball.base import ArgumentError, ShapeError
from glueball.gluon import nn
from glueball.init._check import shorten
from glueball.insight._table import Column, Tabular, number_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueball.gluon.block import Block

__all__ = ["MupReport", "MupRow", "mup_"]


class MupRow(NamedTuple):
    """One parameter of a `MupReport`.

    Attributes
    ----------
    path : str
        Its place.
    role : str
        ``'input'`` if only its fan-out grows with the net, ``'hidden'`` if both fans do, ``'output'`` if only its
        fan-in does, ``'vector'`` for biases and their kin, ``'fixed'`` if neither grows.
    fan_in, fan_out : float
        How many times the base's.
    before, sd : float
        Its standard deviation before and now.
    lr_mult : float
        Its learning rate's multiplier now.
    """

    path: str
    role: str
    fan_in: float
    fan_out: float
    before: float
    sd: float
    lr_mult: float


class MupReport(Tabular):
    """What `mup_` did: `rows`, one for each parameter; ``str`` is a table."""

    def __init__(self, rows: list[MupRow]) -> None:
        self.rows = tuple(rows)

    def __len__(self) -> int:
        return len(self.rows)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return the rows by path, as dicts of plain values."""
        return {row.path: row._asdict() for row in self.rows}

    def _table(self) -> tuple[Sequence[Column], Sequence[Sequence[str]], Sequence[str]]:
        titles = ("Fan-in", "Fan-out", "Before", "Spread", "lr_mult")
        columns = [
            Column("Parameter", shrinks=True), Column("Role"),
            *(Column(each, right=True) for each in titles),
        ]  # fmt: skip
        return columns, [(*row[:2], *map(number_text, row[2:])) for row in self.rows], ()


def mup_(net: Block, base: Block, optimizer: str = "adam") -> MupReport:
    """Set a net's spreads and `lr_mult` so that what suits a narrow net of its kind suits it.

    Both nets are initialized as you like. Afterwards a net as wide as `base` is as it was, and learning rates
    that are found with narrow nets hold for wide ones. With n_in and n_out, a weight's fans by those of the base:

    =======  ===========  =====================  ============  ===========
    role     what grows   standard deviation     lr_mult Adam  lr_mult SGD
    =======  ===========  =====================  ============  ===========
    input    fan-out      base's                 base's        base's n_out
    hidden   both         base's / sqrt(n_in)    base's / n_in base's
    output   fan-in       base's / n_in          base's / n_in base's / n_in
    vector   its length   base's                 base's        base's n_out
    =======  ===========  =====================  ============  ===========

    Values are multiplied by what makes their spread so, and stay what was drawn otherwise: by the spread that their
    initializer promises, where it is known, else by the one that they have. Zeros stay.

    Parameters
    ----------
    net : Block
        Initialized, of known shapes.
    base : Block
        A net of the same layers, narrower; it is not changed.
    optimizer : {'adam', 'sgd'}, default 'adam'
        What it will learn by: 'adam' for whatever divides gradients by their size, 'sgd' for what does not.

    Returns
    -------
    MupReport
        A row for each parameter.

    Raises
    ------
    ArgumentError
        If the nets have other parameters, or shapes or values are not known yet; nothing changes then.

    Notes
    -----
    G. Yang and others, "Tensor Programs V: Tuning Large Neural Networks via Zero-Shot Hyperparameter Transfer",
    arXiv 2203.03466, table 3. `check_widths` shows whether it holds.

    Examples
    --------
    >>> from glueball import init
    >>> from glueball.gluon import nn
    >>> def make(width):
    ...     net = nn.Sequential(nn.Dense(width, in_units=10), nn.Dense(3, in_units=width))
    ...     net.initialize("he_normal")
    ...     return net
    >>> net = make(256)
    >>> report = init.mup_(net, base=make(64))
    >>> [(row.path, row.role, row.lr_mult) for row in report.rows if row.role != "vector"]
    [('0.weight', 'input', 1.0), ('1.weight', 'output', 0.25)]
    """
    if optimizer not in ("adam", "sgd"):
        message = f"expected optimizer 'adam' or 'sgd' for mup_, found {optimizer!r}; choose the one it is like"
        raise ArgumentError(message)
    mine, others = (_known(each) for each in (net, base))
    missing = [path for path in mine if path not in others]
    missing += [path for path in others if path not in mine]
    if missing:
        message = (
            f"expected a base of the same parameters as '{net.name}', found {shorten(missing)} in one of them only; "
            "make both by one function of the width"
        )
        raise ArgumentError(message)
    plans = []
    for path, (block, parameter, sd) in mine.items():
        _, small, target = others[path]
        n_in, n_out, role = _role(path, block, parameter.shape, small.shape)
        target /= {"hidden": n_in**0.5, "output": n_in}.get(role, 1.0)
        if optimizer == "adam":
            rate = 1 / n_in if role in ("hidden", "output") else 1.0
        else:
            rate = {"input": n_out, "vector": n_out, "output": 1 / n_in}.get(role, 1.0)
        plans.append((path, parameter, role, n_in, n_out, sd, target, small.lr_mult * rate))
    rows = []
    for path, parameter, role, n_in, n_out, sd, target, rate in plans:
        factor = target / sd if sd > 0 and target > 0 else 1.0
        if factor != 1:
            parameter.set_data(parameter.data() * factor)
            parameter._origin = "mup_()"
        parameter.lr_mult = rate
        rows.append(MupRow(path, role, n_in, n_out, sd, sd * factor, rate))
    return MupReport(rows)


def _known(net: Block) -> dict[str, tuple[Block, Any, float]]:
    """Return block, parameter and spread of each parameter, under its first path."""
    blocks = {
        path: block
        for prefix, block in net._walk_blocks()
        for path, _ in block._own_parameters(prefix)
    }
    parameters = dict(net._walk_parameters())
    found = {}
    for row in net.explain().rows:
        if row.sd is None:
            message = (
                f"expected values in '{row.path}' of '{net.name}', found none yet; call initialize() and "
                "infer_shape() first"
            )
            raise ArgumentError(message)
        promised = None if row.is_measured else row.expected_sd
        found[row.path] = (blocks[row.path], parameters[row.path], promised or row.sd)
    return found


def _role(
    path: str, block: Block, shape: Sequence[int], base: Sequence[int]
) -> tuple[float, float, str]:
    if len(shape) != len(base):
        message = (
            f"expected '{path}' to have as many axes as in the base, found shapes {tuple(shape)} and "
            f"{tuple(base)}; make both by one function of the width"
        )
        raise ShapeError(message)
    ratios = [a / b for a, b in zip(shape, base, strict=True)]
    if len(ratios) < 2:
        n_out = ratios[0] if ratios else 1.0
        return 1.0, n_out, "vector"
    n_out, n_in = ratios[:2]
    if isinstance(block, nn.Embedding):  # whose rows are inputs
        n_in, n_out = ratios[:2]
    grows = (n_in != 1, n_out != 1)
    role = {(False, True): "input", (True, True): "hidden", (True, False): "output"}
    return n_in, n_out, role.get(grows, "fixed")
