"""What is timed: nets, fills and decompositions, with the numbers that every competitor starts from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

# Small enough that thousands of steps on one batch leave the net as it was: with a useful rate units
# die, their momentum decays into denormal numbers, and what is timed is how a peer treats those.
TIMED_RATE = 1e-6
# Large enough that one wrong gradient shows after a few steps.
CHECKED_RATE = 0.1
CHECKED_STEPS = 3
MOMENTUM = 0.9


@dataclass(frozen=True)
class Net:
    """Dense layers with relu between them, trained by softmax cross entropy."""

    sizes: tuple[int, ...]
    batch: int

    @cached_property
    def layers(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return (weight (units, in_units), bias (units,)) of each layer, float32."""
        rng = np.random.default_rng(1)
        return [
            (
                rng.normal(scale=np.sqrt(2 / width), size=(units, width)).astype(np.float32),
                rng.normal(scale=0.1, size=units).astype(np.float32),
            )
            for width, units in pairwise(self.sizes)
        ]

    @cached_property
    def x(self) -> np.ndarray:
        """Return inputs (batch, features), float32."""
        rng = np.random.default_rng(2)
        return rng.normal(size=(self.batch, self.sizes[0])).astype(np.float32)

    @cached_property
    def labels(self) -> np.ndarray:
        """Return class numbers (batch,), int64."""
        return np.random.default_rng(3).integers(0, self.sizes[-1], size=self.batch)

    @property
    def parameters(self) -> int:
        return sum(width * units + units for width, units in pairwise(self.sizes))

    def flops(self, *, training: bool) -> int:
        """Return the floating-point operations of the matrix products, two for a multiply-add.

        Training needs three products a layer, but for the first one's input gradient.
        """
        products = [2 * self.batch * width * units for width, units in pairwise(self.sizes)]
        return 3 * sum(products) - products[0] if training else sum(products)


@dataclass(frozen=True)
class Case:
    """One row of the table.

    `kind` is "forward", "train", "fill" or "orthogonal"; `net` belongs to the first two,
    `distribution` to a fill; `size` counts the floats of a fill, or the rows of a square matrix.
    """

    name: str
    kind: str
    net: Net | None = None
    distribution: str = ""
    size: int = 0
    tiny: bool = False  # in the quick run, and in no other


NETS = {
    "rl": Net((4, 64, 64, 2), 1),
    "seed": Net((20, 256, 10), 2),
    "mnist": Net((784, 256, 10), 256),
    "mid": Net((256, 512, 512, 256), 64),
    "big": Net((1024, 4096, 4096, 1000), 256),
}
DISTRIBUTIONS = ("uniform", "normal", "truncated normal")


def _fills(size: int, *, tiny: bool) -> list[Case]:
    return [
        Case(f"{each} {size:.0e}".replace("+0", ""), "fill", None, each, size, tiny)
        for each in DISTRIBUTIONS
    ]


def _orthogonals(*rows: int, tiny: bool = False) -> list[Case]:
    return [Case(f"orthogonal {n}x{n}", "orthogonal", size=n, tiny=tiny) for n in rows]


CASES = {
    case.name: case
    for case in [
        *(Case(f"{name} forward", "forward", net) for name, net in NETS.items()),
        *(Case(f"{name} train step", "train", net) for name, net in NETS.items()),
        *_fills(100_000_000, tiny=False),
        *_orthogonals(256, 1024, 4096),
        Case("tiny forward", "forward", Net((3, 5, 2), 2), tiny=True),
        Case("tiny train step", "train", Net((3, 5, 2), 2), tiny=True),
        *_fills(10_000, tiny=True),
        *_orthogonals(16, tiny=True),
    ]
}

# What the shared machine's table has: loops from 15 microseconds up.
SHARED = {name: case for name, case in CASES.items() if case.net and "seed" not in name} | {
    case.name: case
    for case in [
        Case("wide forward", "forward", Net((1024, 1024, 1024), 1)),
        Case("wide train step", "train", Net((1024, 1024, 1024), 1)),
        Case("narrow forward", "forward", Net((784, 256, 256, 10), 8)),
        Case("narrow train step", "train", Net((784, 256, 256, 10), 8)),
    ]
}


def select(words: list[str] | None, *, quick: bool) -> list[Case]:
    """Return the cases whose names contain one of `words`; all of the full or the quick run if none.

    Raises
    ------
    ValueError
        If nothing matches.
    """
    pool = [case for case in CASES.values() if case.tiny == quick]
    chosen = [case for case in pool if not words or any(word in case.name for word in words)]
    if not chosen:
        names = ", ".join(case.name for case in pool)
        message = f"expected parts of the names {names}, found {words}; correct --cases"
        raise ValueError(message)
    return chosen
