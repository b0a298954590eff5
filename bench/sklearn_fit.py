"""Processor time of fitting a classifier beside scikit-learn's own, and the accuracy that each reaches.

    python -m bench.sklearn_fit [--repeats 3]

The processor time counts all threads. Both train from the same weights, in the same order, for the same epochs.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import neural_network
from sklearn.datasets import load_digits

from glueball.sklearn import MLPClassifier

if TYPE_CHECKING:
    from collections.abc import Callable

Data = tuple[np.ndarray, np.ndarray]


def digits() -> Data:
    """Return scikit-learn's digits, from 0 to 1."""
    x, y = load_digits(return_X_y=True)
    return x / 16, y


def table(rows: int = 100_000, columns: int = 50) -> Data:
    """Return random features, and a class that is nearly linear in them."""
    random = np.random.default_rng(0)
    x = random.normal(size=(rows, columns))
    return x, (x @ random.normal(size=columns) + 0.5 * np.sin(3 * x[:, 0]) > 0).astype(int)


CASES: dict[str, tuple[Callable[[], Data], int]] = {
    "digits 1797x64, 60 epochs": (digits, 60),
    "table 100000x50, 5 epochs": (table, 5),
}
MAKERS: dict[str, Callable[..., Any]] = {
    "scikit-learn": neural_network.MLPClassifier,
    "glueball": MLPClassifier,
    "glueball float64": lambda *args, **settings: MLPClassifier(*args, dtype="float64", **settings),
}


def main() -> None:
    """Print a row for each case and maker."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    warnings.simplefilter("ignore")
    print(f"{'case':28}{'':18}{'processor s':>12}{'wall s':>9}{'accuracy':>10}{'ratio':>7}")
    for case, (make_data, epochs) in CASES.items():
        x, y = make_data()
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in MAKERS}
        scores = {}
        for _ in range(repeats):
            for name, make in MAKERS.items():
                model = make((100,), max_iter=epochs, random_state=1)
                processor, wall = time.process_time(), time.perf_counter()
                model.fit(x, y)
                times[name].append((time.process_time() - processor, time.perf_counter() - wall))
                scores[name] = model.score(x, y)
        best = statistics.median(each for each, _ in times["scikit-learn"])
        for name, found in times.items():
            processor, wall = (statistics.median(each) for each in zip(*found, strict=True))
            print(
                f"{case:28}{name:18}{processor:12.2f}{wall:9.2f}{scores[name]:10.4f}{best / processor:7.2f}"
            )


if __name__ == "__main__":
    main()
