"""How the cost of building, collecting and initializing grows with the number of layers.

    python -m bench.layers [--layers 1000 10000] [--limit 15]

Exits with 1 if ten times the layers cost more than `--limit` times as much.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time

from glueball.gluon import nn


def costs(layers: int) -> dict[str, float]:
    """Return seconds for each step, the best of three: growth is the question, not noise."""
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
    return best


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, nargs=2, default=(1000, 10000))
    parser.add_argument("--limit", type=float, default=15.0)
    options = parser.parse_args()
    few, many = (costs(layers) for layers in options.layers)
    for step in few:
        print(
            f"{step:<11}{few[step] * 1e3:9.1f} ms for {options.layers[0]} layers"
            f"{many[step] * 1e3:9.1f} ms for {options.layers[1]}   ratio {many[step] / few[step]:.1f}"
        )
    ratio = many["all"] / few["all"]
    return 0 if ratio <= options.limit else 1


if __name__ == "__main__":
    sys.exit(main())
