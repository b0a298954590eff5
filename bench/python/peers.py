"""What glueball is timed against: the same net, in each peer that is installed."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueball.gluon import nn


def layers_of(net: nn.Sequential) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (weight, bias) of each Dense, as plain arrays."""
    return [(np.asarray(d.weight.data()), np.asarray(d.bias.data())) for d in net]


def numpy_forward(net: nn.Sequential, x: np.ndarray) -> Callable[[], np.ndarray]:
    """Plain NumPy: one product, one addition and one maximum a layer."""
    layers = layers_of(net)

    def run() -> np.ndarray:
        y = x
        for i, (weight, bias) in enumerate(layers):
            y = y @ weight.T + bias
            if i + 1 < len(layers):
                np.maximum(y, 0, out=y)
        return y

    return run


def torch_net(net: nn.Sequential) -> Any:
    """Return the net as a torch.nn.Sequential with the same weights."""
    import torch

    modules: list[Any] = []
    layers = layers_of(net)
    for i, (weight, bias) in enumerate(layers):
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight.copy()))
            linear.bias.copy_(torch.from_numpy(bias.copy()))
        modules.append(linear)
        if i + 1 < len(layers):
            modules.append(torch.nn.ReLU())
    return torch.nn.Sequential(*modules)


def torch_forward(net: nn.Sequential, x: np.ndarray) -> Callable[[], Any]:
    """PyTorch, eager, in inference mode."""
    import torch

    module, data = torch_net(net).eval(), torch.from_numpy(x.copy())

    def run() -> Any:
        with torch.inference_mode():
            return module(data)

    return run


def torch_train(net: nn.Sequential, x: np.ndarray, y: np.ndarray) -> Callable[[], Any]:
    """PyTorch, eager: forward, cross entropy, backward, SGD with momentum."""
    import torch

    module, data, labels = torch_net(net), torch.from_numpy(x.copy()), torch.from_numpy(y.copy())
    loss_function = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9)

    def run() -> Any:
        optimizer.zero_grad()
        loss = loss_function(module(data), labels)
        loss.backward()
        optimizer.step()
        return loss

    return run


def has(name: str) -> bool:
    """Whether a peer is installed."""
    return importlib.util.find_spec(name) is not None
