"""What every competitor has to compute, in float64 NumPy: nothing is timed that is not right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.cases import CHECKED_RATE, CHECKED_STEPS, MOMENTUM

if TYPE_CHECKING:
    from bench.cases import Net

# Of norms. float32's rounding is a hundredth of the first; bfloat16's and TensorFloat32's are above it.
# In training, rounding also moves some units of some samples across relu's corner, each a gradient more
# or less: of 'big', 2e-4 in float32. bfloat16's 1.6e-3 is still above the second.
TOLERANCE = 1e-4
TRAINED_TOLERANCE = 1e-3


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


def check(
    found: list[np.ndarray], expected: list[np.ndarray], start: list[np.ndarray] | None = None
) -> None:
    """Compare arrays with the reference, or what they have become since `start`.

    Raises
    ------
    ValueError
        If one has another shape, or is further away than rounding explains.
    """
    if len(found) != len(expected):
        message = f"expected {len(expected)} arrays, found {len(found)}; correct the competitor"
        raise ValueError(message)
    for i, (theirs, right) in enumerate(zip(found, expected, strict=True)):
        if theirs.shape != right.shape:
            message = (
                f"expected array {i} of shape {right.shape}, found {theirs.shape}; "
                "correct the competitor"
            )
            raise ValueError(message)
        change, allowed = (
            (right, TOLERANCE) if start is None else (right - start[i], TRAINED_TOLERANCE)
        )
        error = np.linalg.norm(theirs - right) / np.linalg.norm(change)
        if not error <= allowed:
            message = (
                f"expected array {i} within {allowed:g} of the float64 reference, found it "
                f"{error:.2g} away; correct the competitor, or its precision"
            )
            raise ValueError(message)


def _double(net: Net) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(weight.astype(np.float64), bias.astype(np.float64)) for weight, bias in net.layers]
