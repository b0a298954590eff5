"""How the cost of building, initializing and finding parameters grows with the number of layers.

    python -m bench.layers [--layers 1000 10000] [--limit 15]

Exits with 1 if ten times the layers cost more than `--limit` times as much in any step.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time

from glueball.gluon import nn


def costs(layers: int) -> dict[str, float]:
    """Return seconds for each step, the best of three: growth is the question, not noise.

    The collector of cycles rests meanwhile, as in timeit: how often it looks at all objects depends on the program.
    """
    gc.disable()
    try:
        return _costs(layers)
    finally:
        gc.enable()


def _costs(layers: int) -> dict[str, float]:
    best: dict[str, float] = {}
    for _ in range(3):
        gc.collect()
        marks = [time.perf_counter()]
        net = nn.Sequential()
        for _ in range(layers):
            net.add(nn.Dense(4, in_units=4))
        marks.append(time.perf_counter())
        net.collect_params()
        marks.append(time.perf_counter())
        net.initialize()
        marks.append(time.perf_counter())
        for step, start, end in zip(
            ("build", "collect", "initialize"), marks, marks[1:], strict=False
        ):
            best[step] = min(best.get(step, float("inf")), end - start)
        best["all"] = min(best.get("all", float("inf")), marks[-1] - marks[0])
        for step, call in PLACES.items():
            start = time.perf_counter()
            call(net)
            best[step] = min(best.get(step, float("inf")), time.perf_counter() - start)
    return best


# What finds parameters by their places.
PLACES = {
    "named_parameters": lambda net: list(net.named_parameters()),
    "named_modules": lambda net: list(net.named_modules()),
    "state_dict": lambda net: net.state_dict(),
    "get_weights": lambda net: net.get_weights(),
    "tied": lambda net: net.tied(),
    "a path": lambda net: net[f"{len(net) - 1}.weight"],
    "freeze a glob": lambda net: net.freeze("*.weight"),
    "unfreeze": lambda net: net.unfreeze(),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, nargs=2, default=(1000, 10000))
    parser.add_argument("--limit", type=float, default=20.0)
    options = parser.parse_args()
    few, many = (costs(layers) for layers in options.layers)
    for step in few:
        print(
            f"{step:<17}{few[step] * 1e3:9.1f} ms for {options.layers[0]} layers"
            f"{many[step] * 1e3:9.1f} ms for {options.layers[1]}   ratio {many[step] / few[step]:.1f}"
        )
    return (
        0 if max(many[step] / few[step] for step in few if step != "a path") <= options.limit else 1
    )


if __name__ == "__main__":
    sys.exit(main())
