"""NumPy: what one writes by hand, with every array that can be reused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bench.cases import MOMENTUM
from bench.peers.base import Call, Peer

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.cases import Net


class Competitor(Peer):
    def __init__(self, threads: int) -> None:
        """Nothing to set: its BLAS reads the environment, as race.py prepares it."""

    def forward(self, net: Net) -> Call:
        layers = [(weight.T.copy(), bias.copy()) for weight, bias in net.layers]
        outputs = [np.empty((net.batch, len(bias)), np.float32) for _, bias in layers]

        def run() -> np.ndarray:
            y = net.x
            for (weight, bias), out in zip(layers, outputs, strict=True):
                y = np.matmul(y, weight, out=out)
                y += bias
                if out is not outputs[-1]:
                    np.maximum(y, 0, out=y)
            return y

        return run

    def train(self, net: Net, rate: float) -> tuple[Call, Callable[[], list[Any]]]:
        layers = [(weight.copy(), bias.copy()) for weight, bias in net.layers]
        arrays = [array for layer in layers for array in layer]
        grads = [np.empty_like(array) for array in arrays]
        momenta = [np.zeros_like(array) for array in arrays]
        outputs = [net.x, *(np.empty((net.batch, len(bias)), np.float32) for _, bias in layers)]
        slopes = [np.empty_like(each) for each in outputs]
        rows = np.arange(net.batch)

        def step() -> float:
            for i, (weight, bias) in enumerate(layers):
                y = np.matmul(outputs[i], weight.T, out=outputs[i + 1])
                y += bias
                if i + 1 < len(layers):
                    np.maximum(y, 0, out=y)
            logits, grad = outputs[-1], slopes[-1]
            np.subtract(logits, logits.max(axis=1, keepdims=True), out=grad)
            np.exp(grad, out=grad)
            grad /= grad.sum(axis=1, keepdims=True)
            loss = -np.log(grad[rows, net.labels]).mean()
            grad[rows, net.labels] -= 1
            grad /= net.batch
            for i in reversed(range(len(layers))):
                np.matmul(slopes[i + 1].T, outputs[i], out=grads[2 * i])
                slopes[i + 1].sum(axis=0, out=grads[2 * i + 1])
                if i > 0:
                    np.matmul(slopes[i + 1], layers[i][0], out=slopes[i])
                    slopes[i] *= outputs[i] > 0
            for array, momentum, grad in zip(arrays, momenta, grads, strict=True):
                momentum *= MOMENTUM
                grad *= rate
                momentum -= grad
                array += momentum
            return float(loss)

        return step, lambda: arrays

    def fill(self, distribution: str, count: int) -> Call | None:
        array, rng = np.empty(count, np.float32), np.random.default_rng(0)

        def uniform() -> np.ndarray:
            rng.random(out=array, dtype=np.float32)
            np.multiply(array, 0.14, out=array)
            return np.subtract(array, 0.07, out=array)

        def normal() -> np.ndarray:
            rng.standard_normal(out=array, dtype=np.float32)
            return np.multiply(array, 0.01, out=array)

        return {"uniform": uniform, "normal": normal}.get(distribution)

    def orthogonal(self, rows: int) -> Call:
        rng = np.random.default_rng(0)

        def run() -> np.ndarray:
            q, r = np.linalg.qr(rng.standard_normal((rows, rows), np.float32))
            q *= np.sign(np.diagonal(r))
            return q

        return run
