"""Remedies, measured on copies of a net."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from glueball import init
from glueball.insight._collecting import collect, take_step
from glueball.insight._judging import judge
from glueball.insight._preserving import preserved

if TYPE_CHECKING:
    from glueball.gluon import Block
    from glueball.insight._collecting import Measurement
    from glueball.insight._finding import Finding

__all__ = ["Trial", "fill_weights", "try_remedies"]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a copy of the net measured after one change.

    Attributes
    ----------
    remedy : str
        What was changed.
    forward, backward : float or None
        Factor per layer of signal and gradient.
    loss : float or None
        The loss, of a learning rate after one step with it.
    left : tuple of str
        Kinds of what is still wrong.
    """

    remedy: str
    forward: float | None
    backward: float | None
    loss: float | None
    left: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as a dict."""
        return asdict(self)


def fill_weights(net: Block, initializer: Any) -> None:
    """Give weights new values by `initializer`, whatever their own is, and biases 0.

    The same values each time, and no count of initialize() moves: they are those of the first call under the
    present seed.
    """
    for path, parameter in net._walk_parameters():
        if parameter.grad_req == "null":
            continue
        rank = len(parameter.shape or ())
        if rank > 1:
            parameter.initialize(initializer, force_reinit=True, path=path, call=0)
        elif path.endswith("bias"):
            parameter.initialize("zeros", force_reinit=True, path=path, call=0)


def try_remedies(
    net: Block, x: Any, y: Any, loss: Any, trainer: Any, findings: list[Finding]
) -> list[Trial]:
    """Return what copies of the net measure with each remedy that the findings name."""
    names = list(dict.fromkeys(name for each in findings for name in each.remedies))
    trials = []
    with preserved(net):
        for name in names:
            if name == "learning rate":
                trials += _rates(net, x, y, loss, trainer, findings)
                continue
            twin, its_trainer = copy.deepcopy((net, trainer))
            fill_weights(twin, _initializer(name, names))
            found = collect(twin, x, y, loss, its_trainer)
            trials.append(_trial(f"initialize('{name}')", found, found.loss))
    return trials


def _initializer(name: str, names: list[str]) -> Any:
    if name != "orthogonal":
        return init.create(name)
    # Saxe and others (2013), section 3: the gain makes up for what the activation takes away.
    return init.Orthogonal(scale=2**0.5 if "kaimingnormal" in names else 1.0)


def _trial(remedy: str, found: Measurement, loss: float | None) -> Trial:
    return Trial(
        remedy,
        None if found.forward is None else found.forward.factor,
        None if found.backward is None else found.backward.factor,
        loss,
        tuple(each.kind for each in judge(found)),
    )


def _rates(
    net: Block, x: Any, y: Any, loss: Any, trainer: Any, findings: list[Finding]
) -> list[Trial]:
    """Take one step with the learning rate as it is, and one with that which was advised."""
    advised = next(each.figures["advice"] for each in findings if each.kind == "learning rate")
    trials = []
    for rate in (trainer.learning_rate, float(f"{advised:.1g}")):
        twin, its_trainer = copy.deepcopy((net, trainer))
        its_trainer.optimizer.lr_scheduler = None
        its_trainer.set_learning_rate(rate)
        before = collect(twin, x, y, loss, its_trainer)
        take_step(twin, x, y, loss, its_trainer)
        after = collect(twin, x, y, loss, its_trainer)
        trials.append(_trial(f"learning rate {rate:g}, one step", before, after.loss))
    return trials
