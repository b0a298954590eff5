"""What every competitor has to compute, in float64 NumPy: nothing is timed that is not right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.cases import CHECKED_RATE, CHECKED_STEPS, MOMENTUM

if TYPE_CHECKING:
    from bench.cases import Net

# float32 sums of up to 4096 products, through three layers: their rounding stays well below this
# share of the largest element, bfloat16's (2^-9 in each product) well above.
TOLERANCE = 2e-5


def activations(layers: list[tuple[np.ndarray, np.ndarray]], x: np.ndarray) -> list[np.ndarray]:
    """Return the input and the output of each layer."""
    outputs = [x]
    for i, (weight, bias) in enumerate(layers):
        y = outputs[-1] @ weight.T + bias
        outputs.append(np.maximum(y, 0) if i + 1 < len(layers) else y)
    return outputs


def gradients(
    layers: list[tuple[np.ndarray, np.ndarray]], x: np.ndarray, labels: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return those of the batch's mean cross entropy by each weight and bias."""
    outputs = activations(layers, x)
    grad = np.exp(outputs[-1] - outputs[-1].max(axis=1, keepdims=True))
    grad /= grad.sum(axis=1, keepdims=True)
    grad[np.arange(len(x)), labels] -= 1
    grad /= len(x)
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for i in reversed(range(len(layers))):
        found.append((grad.T @ outputs[i], grad.sum(axis=0)))
        if i > 0:
            grad = (grad @ layers[i][0]) * (outputs[i] > 0)
    return found[::-1]


def forward(net: Net) -> np.ndarray:
    """Return the net's output in float64."""
    return activations(_double(net), net.x.astype(np.float64))[-1]


def trained(net: Net) -> list[np.ndarray]:
    """Return weight, bias, weight ... in float64 after the steps that competitors are checked by."""
    layers = _double(net)
    momenta = [np.zeros_like(array) for layer in layers for array in layer]
    for _ in range(CHECKED_STEPS):
        found = gradients(layers, net.x.astype(np.float64), net.labels)
        flat = [array for layer in layers for array in layer]
        for array, momentum, grad in zip(
            flat, momenta, (each for pair in found for each in pair), strict=True
        ):
            momentum *= MOMENTUM
            momentum -= CHECKED_RATE * grad
            array += momentum
    return [array for layer in layers for array in layer]


def check(found: list[np.ndarray], expected: list[np.ndarray]) -> None:
    """Compare arrays with the reference.

    Raises
    ------
    ValueError
        If one has another shape, or is further away than rounding explains.
    """
    if len(found) != len(expected):
        message = f"expected {len(expected)} arrays, found {len(found)}; correct the competitor"
        raise ValueError(message)
    for i, (ours, right) in enumerate(zip(found, expected, strict=True)):
        if ours.shape != right.shape:
            message = f"expected array {i} of shape {right.shape}, found {ours.shape}; correct the competitor"
            raise ValueError(message)
        error = np.abs(ours - right).max() / np.abs(right).max()
        if not error <= TOLERANCE:
            message = (
                f"expected array {i} within {TOLERANCE:g} of the float64 reference, relative to its "
                f"largest element, found {error:.2g}; correct the competitor, or its precision"
            )
            raise ValueError(message)


def _double(net: Net) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(weight.astype(np.float64), bias.astype(np.float64)) for weight, bias in net.layers]
