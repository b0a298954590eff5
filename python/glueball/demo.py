"""The main job on real data: ``python -m glueball.demo``.

Builds a net, initializes it, trains it on scikit-learn's handwritten digits (1,797 images of 8 x 8
pixels, from the UCI repository), looks inside, saves it, and loads it into a new net. Shows a deep
net that does not train beside one that does. Needs the extra ``demo``.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import glueball
from glueball import autograd, gluon, init, nd
from glueball.gluon import nn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueball.nd import NDArray

__all__ = ["build_net", "load_digits", "main", "train"]

EXPECTED_ACCURACY = 0.97


def load_digits(seed: int) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Return training images and labels, then test images and labels: a fifth of all, by `seed`.

    Images are float32 of shape (n, 64), pixels from 0 to 1; labels are the digits, shape (n,).
    """
    from sklearn.datasets import load_digits as read_digits
    from sklearn.model_selection import train_test_split

    images, labels = read_digits(return_X_y=True)
    parts = train_test_split(
        images / 16.0, labels, test_size=0.2, random_state=seed, stratify=labels
    )
    train_x, test_x, train_y, test_y = (nd.array(part) for part in parts)
    return train_x, train_y, test_x, test_y


def build_net() -> nn.Sequential:
    """Return the net: two hidden layers of 128 units; the input's width is left open."""
    net = nn.Sequential()
    net.add(
        nn.Dense(128, activation="relu"),
        nn.Dense(128, activation="relu"),
        nn.Dense(10),
    )
    return net


def build_deep_net() -> nn.Sequential:
    """Return a net whose first values decide whether it trains: ten hidden layers of tanh."""
    return nn.Sequential(*[nn.Dense(128, activation="tanh") for _ in range(10)], nn.Dense(10))


def accuracy(net: nn.Sequential, images: NDArray, labels: NDArray) -> float:
    """Return the share of images whose largest output is their label's."""
    return float(np.mean(np.asarray(net(images)).argmax(axis=1) == np.asarray(labels)))


def train(
    net: nn.Sequential, images: NDArray, labels: NDArray, epochs: int, batch_size: int = 64
) -> list[float]:
    """Train by stochastic gradient descent with momentum; return the mean loss of each epoch."""
    from tqdm import trange

    loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
    trainer = gluon.Trainer(
        net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9, "wd": 1e-4}
    )
    order = np.arange(len(images))
    shuffler = np.random.default_rng(0)
    losses = []
    progress = trange(epochs, desc="training", unit="epoch", disable=None)
    for epoch in progress:
        shuffler.shuffle(order)
        total = 0.0
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            with autograd.record():
                loss = loss_function(net(images[batch]), labels[batch])
            loss.backward()
            trainer.step(len(batch))
            total += float(loss.sum())
        losses.append(total / len(order))
        progress.set_postfix(loss=f"{losses[-1]:.4f}")
        progress.write(f"epoch {epoch + 1:2d}: loss {losses[-1]:.4f}", file=sys.stdout)
    return losses


def look_inside(net: nn.Sequential, images: NDArray, labels: NDArray, folder: Path) -> list[Path]:
    """Print what the trained net is, and what first values do to a deep one; write a page and two pictures.

    Returns the files.
    """
    from matplotlib import pyplot

    print("\nThe trained net:")
    net.summary()
    report = glueball.diagnose(net, images, labels, gluon.loss.SoftmaxCrossEntropyLoss())
    found = [f"{finding.kind}: {finding.what}" for finding in report.findings]
    print("\nDiagnosis:", "; ".join(found) or "nothing is wrong with it")

    print("\nA net of ten tanh layers, by what it is initialized with:")
    comparison = init.compare(build_deep_net, images, [init.Normal(0.01), "xavier"], labels)
    print(comparison)
    print("Small weights let signal and gradient vanish; Xavier's keep both.")

    page = folder / "report.html"
    report.to_html(page)
    files = [page]
    for name, axes in (
        ("parameters", glueball.plot.parameters(net)[0]),
        ("initializers", glueball.plot.compare(comparison)),
    ):
        files.append(folder / f"{name}.png")
        axes.figure.savefig(files[-1])
        pyplot.close(axes.figure)
    return files


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; the exit status is 0 when everything came out as it should."""
    parser = argparse.ArgumentParser(prog="python -m glueball.demo", description=__doc__)
    parser.add_argument("--epochs", type=int, default=20, help="passes over the data (20)")
    parser.add_argument("--seed", type=int, default=0, help="of the split and of the weights (0)")
    parser.add_argument(
        "--out", type=Path, default=Path("demo"), help="folder for what is written (demo)"
    )
    options = parser.parse_args(arguments)
    try:
        train_x, train_y, test_x, test_y = load_digits(options.seed)
        for needed in ("matplotlib", "tqdm"):  # found missing here rather than in the middle
            importlib.import_module(needed)
    except ImportError as error:
        print(
            f"expected scikit-learn, tqdm and matplotlib for the demo, found that {error.name} is missing; "
            "pip install 'glueball[demo]'",
            file=sys.stderr,
        )
        return 1

    print(
        f"glueball {glueball.__version__}, instruction set {glueball.instruction_set()}, "
        f"{glueball.num_threads()} threads"
    )
    print(f"{len(train_x)} images to train on, {len(test_x)} to test on\n")
    glueball.random.seed(options.seed)
    net = build_net()
    print(net)
    net.initialize(init=init.Xavier())
    print("\nBefore the first batch, widths of inputs (0) are unknown:")
    print(net.collect_params())
    net(train_x[:1])
    print("\nAfter it, every shape is known and every parameter has its first values:")
    print(net.collect_params(), "\n")

    start = time.perf_counter()
    train(net, train_x, train_y, options.epochs)
    print(f"trained in {time.perf_counter() - start:.2f} s")
    reached = accuracy(net, test_x, test_y)
    print(f"accuracy on the test images: {reached:.2%}")

    options.out.mkdir(parents=True, exist_ok=True)
    files = look_inside(net, train_x[:256], train_y[:256], options.out)
    saved = options.out / "digits.npz"
    net.save_parameters(saved)
    copy = build_net()
    copy.load_parameters(saved)
    equal = np.array_equal(net(test_x), copy(test_x))
    print(f"\nsaved to {saved}, and loaded into a new net: predictions equal: {equal}")
    print("to look at:", ", ".join(map(str, files)))
    return 0 if equal and (reached >= EXPECTED_ACCURACY or options.epochs < 20) else 1


if __name__ == "__main__":
    sys.exit(main())
