"""Rules: what is wrong with a net, by what was measured of it and what theory expects.

Each is a function from a `Measurement` to findings. Bounds are wide on purpose: what is within them trains.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from glueball.insight._finding import Finding, factor, places, share

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueball.insight._collecting import Measurement
    from glueball.insight._measuring import Fit, Layer

__all__ = ["initializers_for", "judge"]

GLOROT = "Glorot and Bengio, Understanding the difficulty of training deep feedforward networks, AISTATS 2010"
HE = "He and others, Delving deep into rectifiers, arXiv:1502.01852"
LSUV = "Mishkin and Matas, All you need is a good init, arXiv:1511.06422"
ORTHOGONAL = (
    "Saxe and others, Exact solutions to the nonlinear dynamics of learning, arXiv:1312.6120"
)
SIGNAL = "Schoenholz and others, Deep information propagation, arXiv:1611.01232"
DYING = "Lu and others, Dying ReLU and initialization, arXiv:1903.06733"
BACKPROP = "LeCun and others, Efficient BackProp, 1998"
SYMMETRY = "Goodfellow and others, Deep Learning, section 8.4, MIT Press 2016"
RATIO = "Karpathy, CS231n: Neural networks, part 3, Stanford 2015"

# By what a signal may shrink or grow from the first layer to the last, and what is worse than 'mild'.
_TOTAL, _STRONG, _SEVERE = 1e2, 1e4, 1e8
_DEAD, _SATURATED, _TWINS = 0.75, 0.5, 0.3
_LARGE_INPUT = 20.0
_RATIO, _SLOW_RATIO = 0.1, 1e-7
_ALIKE = 1 - 1e-3


def judge(found: Measurement) -> list[Finding]:
    """Return what is wrong, in the order of `_RULES`: causes before what they bring about."""
    if found.state == "uninitialized":
        return _uninitialized(found)
    findings: list[Finding] = []
    for rule in _RULES:
        findings += rule(found)
        if findings and findings[0].kind == "not finite":
            break  # other figures are of no use then
    if any(each.kind == "symmetric" for each in findings):
        return [each for each in findings if each.kind != "rank collapse"]  # says the same
    return findings


def initializers_for(found: Measurement) -> tuple[str, ...]:
    """Return names of initializers that fit the net's activations, best first."""
    functions = [each.function for each in found.weighted[:-1]]
    rectified = sum(each not in (None, "tanh", "sigmoid", "softsign") for each in functions)
    first = "kaimingnormal" if 2 * rectified > len(functions) else "xavier"
    return first, "orthogonal"


def _uninitialized(found: Measurement) -> list[Finding]:
    del found
    return [
        Finding(
            "uninitialized",
            "severe",
            (),
            "The net has parameters without values.",
            "initialize() was not called, or not for all of them.",
            "Call net.initialize(); then diagnose again.",
            GLOROT,
        )
    ]


def _not_finite(found: Measurement) -> list[Finding]:
    """Find NaN and infinity where they are first: data, parameters, layers, loss, gradients."""
    if found.inputs_not_finite:
        where, what = (
            ("input",),
            f"The data has NaN or infinity in {_counted(found.inputs_not_finite)}.",
        )
        why = "Every layer passes them on: no layer is to blame."
        remedy = "Find them with numpy.isfinite(x), and drop or fill those samples."
        return [_lost(where, what, why, remedy, found.inputs_not_finite)]
    broken = [each for each in found.weights if each.not_finite]
    if broken:
        what = (
            f"Parameter '{broken[0].path}' has NaN or infinity in {_counted(broken[0].not_finite)}."
        )
        why = "A step of training with too large an update, or a file, has put them there."
        remedy = "Initialize again or load an earlier file, and train with a lower learning rate."
        return [_lost(tuple(w.path for w in broken), what, why, remedy, broken[0].not_finite)]
    first = next((each for each in found.layers if each.not_finite), None)
    if first is not None:
        largest = max((_size(each) for each in found.layers if not each.not_finite), default=0.0)
        what = f"{places([first.path])} ({first.type}) is the first layer with NaN or infinity, in {_counted(first.not_finite)}."
        why = (
            f"Its input and its parameters are finite, the largest number before it is {factor(largest)}: it "
            "overflows, or computes what is not defined there, such as the log of 0."
        )
        remedy = "Scale the data and the weights down, or guard the function: log(x + 1e-6)."
        return [_lost((first.path,), what, why, remedy, first.not_finite)]
    if found.loss is not None and not math.isfinite(found.loss):
        what = f"The loss is {found.loss}, though the net's output is finite."
        why = f"{found.loss_name} is not defined for this output or this label."
        remedy = "Check the labels, and use a loss that takes logits: gluon.loss.SoftmaxCrossEntropyLoss()."
        return [_lost(("loss",), what, why, remedy, 1)]
    back = next((each for each in reversed(found.layers) if each.gradient_not_finite), None)
    if back is not None:
        what = f"The gradient is NaN or infinite first at {places([back.path])} ({back.type})."
        why = "The forward pass is finite; a slope is not, such as that of sqrt at 0, or the gradients overflow."
        remedy = (
            "Guard the function, as in sqrt(x + 1e-6), or scale weights down and clip gradients."
        )
        return [_lost((back.path,), what, why, remedy, back.gradient_not_finite)]
    return []


def _lost(where: tuple[str, ...], what: str, why: str, remedy: str, count: int) -> Finding:
    return Finding("not finite", "severe", where, what, why, remedy, "", (), {"count": count})


def _size(layer: Layer) -> float:
    sizes = (layer.after.least, layer.after.greatest, layer.before.least, layer.before.greatest)
    return max((abs(each) for each in sizes if math.isfinite(each)), default=0.0)


def _large_input(found: Measurement) -> list[Finding]:
    """Find data far from mean 0 and spread 1, for which initializers are made: LeCun and others, section 4.3."""
    for each in found.inputs:
        size = math.hypot(each.mean, each.std)
        if size > _LARGE_INPUT:
            return [
                Finding(
                    "large input",
                    "mild" if size < 1e3 else "strong",
                    ("input",),
                    f"The data has mean {factor(each.mean) if each.mean >= 0 else '-' + factor(-each.mean)} "
                    f"and spread {factor(each.std)}.",
                    "Initializers are made for inputs of mean 0 and spread 1; activations start as many times too "
                    "large.",
                    "Standardise the data, or put nn.BatchNorm() first.",
                    BACKPROP,
                    (),
                    {"mean": each.mean, "std": each.std},
                )
            ]
    return []


def _symmetric(found: Measurement) -> list[Finding]:
    """Find units equal in weights, values and gradients, which stay equal for ever."""
    hidden = [each for each in found.weighted[:-1] if each.twins >= _TWINS]
    if not hidden:
        return []
    worst = max(hidden, key=lambda each: each.twins)
    distinct = round(worst.width * (1 - worst.twins))
    names = initializers_for(found)
    return [
        Finding(
            "symmetric",
            "severe",
            tuple(each.path for each in hidden),
            (
                f"All {worst.width} units of {places([worst.path])} are equal"
                if distinct == 1
                else f"The {worst.width} units of {places([worst.path])} are copies of {distinct}"
            )
            + f"{_also(hidden)}.",
            "Equal units get equal gradients, and stay equal: a constant initialization makes a layer as good as "
            "one unit.",
            f"Draw weights at random: net.initialize('{names[0]}', force_reinit=True).",
            SYMMETRY,
            names,
            {"share": worst.twins},
        )
    ]


def _saturated(found: Measurement) -> list[Finding]:
    """Find activations where they are flat, and pass no gradient on: Glorot and Bengio (2010), section 3."""
    hidden = [
        each
        for each in _hidden(found)
        if each.saturated is not None and each.saturated > _SATURATED
    ]
    if not hidden:
        return []
    worst = max(hidden, key=lambda each: each.saturated or 0.0)
    names = initializers_for(found)
    return [
        Finding(
            "saturated",
            "strong" if (worst.saturated or 0.0) < 0.8 else "severe",
            tuple(each.path for each in hidden),
            f"{share(worst.saturated or 0.0).capitalize()} of the outputs of {places([worst.path])} "
            f"({worst.function}) are where it is flat{_also(hidden)}.",
            f"What goes in has a spread of {factor(worst.spread)}, and {worst.function} is flat beyond about 2: "
            "there its slope is below a twentieth, and gradients stop.",
            f"Initialize with '{names[0]}', which keeps the spread near 1, or normalise (nn.BatchNorm).",
            GLOROT,
            names,
            {"share": worst.saturated or 0.0, "spread": worst.spread},
        )
    ]


def _dead(found: Measurement) -> list[Finding]:
    """Find rectified units that are 0 for every sample, and get no gradient from any."""
    hidden = [each for each in _hidden(found) if each.dead is not None and each.dead >= _DEAD]
    if not hidden or found.samples < 8:
        return []
    worst = max(hidden, key=lambda each: each.dead or 0.0)
    names = initializers_for(found)
    return [
        Finding(
            "dead",
            "severe" if worst.dead == 1 else "strong",
            tuple(each.path for each in hidden),
            f"{share(worst.dead or 0.0).capitalize()} of the {worst.width} units of {places([worst.path])} "
            f"({worst.function}) are 0 for all {found.samples} samples{_also(hidden)}.",
            f"What goes in has mean {worst.before.mean:.2g} and spread {worst.before.std:.2g}: below 0 the slope is "
            "0, and such a unit never learns. Biases below 0 or a step too large do that.",
            f"Set biases to 0 and initialize with '{names[0]}', lower the learning rate, or use "
            "nn.LeakyReLU(0.01).",
            DYING,
            names,
            {"share": worst.dead or 0.0},
        )
    ]


def _vanishing(found: Measurement) -> list[Finding]:
    """Find a spread or a gradient that shrinks from layer to layer."""
    for way, fit in (("forward", found.forward), ("backward", found.backward)):
        if fit is not None and fit.layers > 2 and fit.factor < 0.95 and fit.total * _TOTAL < 1:
            return [_growth_finding(found, "vanishing", way, fit, 1 / max(fit.total, 1e-300))]
    return []


def _exploding(found: Measurement) -> list[Finding]:
    """Find a spread or a gradient that grows from layer to layer."""
    for way, fit in (("forward", found.forward), ("backward", found.backward)):
        if fit is not None and fit.layers > 2 and fit.factor > 1.05 and fit.total > _TOTAL:
            return [_growth_finding(found, "exploding", way, fit, fit.total)]
    return []


def _growth_finding(found: Measurement, kind: str, way: str, fit: Fit, size: float) -> Finding:
    layers = found.weighted
    names = initializers_for(found)
    what = "signal" if way == "forward" else "gradient"
    order = "the first to the last" if way == "forward" else "the last to the first"
    other = found.backward if way == "forward" else None
    both = (
        f" The gradient is multiplied by {factor(other.factor)} on its way back." if other else ""
    )
    theory = ""
    if way == "forward" and found.expected is not None:
        theory = f" Of these weights theory expects {factor(found.expected)}, as sqrt(fan-in E[w^2]"
        theory += " / 2)." if layers[0].function == "relu" else ")."
    ideal = "2 / fan-in" if names[0] == "kaimingnormal" else "2 / (fan-in + fan-out)"
    severity = "mild" if size < _STRONG else "strong" if size < _SEVERE else "severe"
    return Finding(
        kind,
        severity,
        tuple(each.path for each in (layers if way == "forward" else layers[::-1])),
        f"The {what} {'shrinks' if kind == 'vanishing' else 'grows'}: each of {fit.layers} layers multiplies its "
        f"spread by {factor(fit.factor)}, from {order} by {factor(fit.total)}.{both}",
        f"A layer keeps its signal where the weights' variance is {ideal}.{theory}",
        f"Initialize with '{names[0]}' (a factor of 1), with 'orthogonal' (all singular values equal), or scale by "
        "data (init.lsuv_); or normalise between layers (nn.BatchNorm).",
        "; ".join([HE if names[0] == "kaimingnormal" else GLOROT, ORTHOGONAL, LSUV]),
        names,
        {"factor": fit.factor, "total": fit.total, "error": fit.error, "layers": fit.layers},
    )


def _collapsed(found: Measurement) -> list[Finding]:
    """Find where samples come out alike: what follows can't tell them apart."""
    if found.samples < 8 or not found.input_rank > 4:
        return []
    first = None  # of the layers up to the last hidden one: a skip connection may mend it
    for each in _hidden(found):
        if each.width >= 8 and not math.isnan(each.rank):
            alike = each.likeness > _ALIKE or each.rank < 1.5
            first = (first or each) if alike and (each.dead or 0.0) < _DEAD else None
    if first is None:
        return []
    what = (
        f"{share(first.likeness).capitalize()} of what {places([first.path])} gives is the same for all samples."
        if first.likeness > _ALIKE
        else f"The {first.width} outputs of {places([first.path])} vary in {first.rank:.1f} directions over the "
        f"batch, the data in {found.input_rank:.1f}."
    )
    return [
        Finding(
            "rank collapse",
            "strong" if first.rank else "severe",
            (first.path,),
            what,
            "Layers that map all samples to nearly one point or line lose what tells them apart; deep nets at the "
            "wrong scale do so exponentially in depth.",
            "Initialize with 'orthogonal', scale by data (init.lsuv_), add skip connections, or normalise "
            "(nn.BatchNorm).",
            SIGNAL,
            initializers_for(found),
            {"rank": first.rank, "likeness": first.likeness},
        )
    ]


def _learning_rate(found: Measurement) -> list[Finding]:
    """Find updates near the size of the weights, which throw away what was learnt, and vain ones."""
    # Weights that begin at 0, or near it, are meant to grow: they are measured by what they would be.
    ratios = {
        w.path: w.update / max(w.size, 0.3 / math.sqrt(w.fan_in))
        for w in found.weights
        if w.fan_in and w.update is not None
    }
    if not ratios or found.learning_rate is None:
        return []
    where, worst = max(ratios.items(), key=lambda item: item[1])
    rate = found.learning_rate
    figures = {"ratio": worst, "learning_rate": rate}
    if worst > _RATIO:
        advice = rate * 1e-2 / worst
        figures["advice"] = advice
        return [
            Finding(
                "learning rate",
                "strong" if worst < 1 else "severe",
                tuple(path for path, ratio in ratios.items() if ratio > _RATIO),
                f"The learning rate of {rate:g} is too large: one step changes '{where}' by {factor(worst)} times "
                "its own size.",
                "A ratio of update to weight of about 0.001 to 0.01 is usual; near 1 each step overwrites the last.",
                f"Try a learning rate of {advice:.1g} or less; where gradients explode, mend that first.",
                RATIO,
                ("learning rate",),
                figures,
            )
        ]
    if worst < _SLOW_RATIO and worst > 0:
        return [
            Finding(
                "slow",
                "mild",
                (where,),
                f"One step changes no weight by more than {factor(worst)} of its size.",
                f"The learning rate of {rate:g} is too small for these gradients, or they vanish on their way.",
                "Where gradients do not vanish, raise the learning rate a hundredfold and diagnose again.",
                RATIO,
                (),
                figures,
            )
        ]
    return []


def _hidden(found: Measurement) -> list[Layer]:
    """Return all layers but the output's: there, saturated and unused outputs may be what was learnt."""
    last = max((i for i, each in enumerate(found.layers) if each.is_weighted), default=0)
    return found.layers[:last]


def _counted(numbers: int) -> str:
    return "1 number" if numbers == 1 else f"{numbers} numbers"


def _also(layers: list[Layer]) -> str:
    return "" if len(layers) < 2 else f", and so it is in {len(layers) - 1} more"


_RULES: tuple[Callable[[Measurement], list[Finding]], ...] = (
    _not_finite,
    _symmetric,
    _exploding,
    _vanishing,
    _saturated,
    _dead,
    _collapsed,
    _large_input,
    _learning_rate,
)
