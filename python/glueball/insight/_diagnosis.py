"""`glueball.diagnose`: what is wrong with a net, in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball.insight._collecting import collect
from glueball.insight._judging import judge
from glueball.insight._mending import try_remedies
from glueball.insight._report import Report

if TYPE_CHECKING:
    from glueball.gluon import Block, Trainer

__all__ = ["diagnose"]


def diagnose(
    net: Block,
    x: Any,
    y: Any = None,
    loss: Any = None,
    trainer: Trainer | None = None,
    mend: bool = False,
) -> Report:
    """Look into a net: how signals and gradients go through it, and what is wrong where they do not.

    Runs it forward and backward once, as in training. Nothing of the net changes: no parameter, gradient or
    running statistic, no state of the trainer, no random number that is drawn later. docs/insight.md says what
    each finding means, and by which theory.

    Parameters
    ----------
    net : Block
        Any net. One that waits for its first data is looked at on a copy, which gets the same values.
    x : array, or list or tuple of arrays
        A batch, as the net takes it: 32 samples and more say most.
    y : array, optional
        Its labels.
    loss : callable, optional
        ``loss(output, y)``; softmax cross entropy for one class per sample, else L2, if None. Without `y` it is
        called with the output alone, and without both, random gradients stand for the loss's.
    trainer : Trainer, optional
        Adds what one step would do to each parameter, found on copies.
    mend : bool, default False
        Also try the remedies, on copies of the net, and say what they measure.

    Returns
    -------
    Report
        Print it. Its ``findings`` are empty for a healthy net; ``rows`` and ``to_dict()`` have the figures.

    Raises
    ------
    TypeError
        If `net`, `trainer` or `loss` is something else, or `x` is not of numbers.
    ValueError
        If no usual loss fits the labels.

    Examples
    --------
    >>> import glueball
    >>> from glueball import nd
    >>> from glueball.gluon import nn
    >>> net = nn.Sequential(nn.Dense(16, activation="relu"), nn.Dense(1))
    >>> net.initialize("ones")
    >>> glueball.diagnose(net, nd.random.normal(shape=(32, 4)))
    <Report of Sequential: symmetric>
    """
    found = collect(net, x, y, loss, trainer)
    findings = judge(found)
    trials = try_remedies(net, x, y, loss, trainer, findings) if mend else []
    return Report(found, findings, trials)
