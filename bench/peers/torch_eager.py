"""PyTorch as most programs use it; the base of the two compiled variants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from bench.cases import MOMENTUM
from bench.peers.base import Call, Peer

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from bench.cases import Net


class Competitor(Peer):
    def __init__(self, threads: int) -> None:
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)

    def forward(self, net: Net) -> Call:
        model, x = self.for_inference(build(net).eval(), net), torch.from_numpy(net.x)

        def run() -> Any:
            with torch.inference_mode():
                return model(x)

        return run

    def train(self, net: Net, rate: float) -> tuple[Call, Callable[[], list[Any]]]:
        module = build(net)
        model = self.for_training(module, net)
        x, labels = torch.from_numpy(net.x), torch.from_numpy(net.labels)
        loss_function = torch.nn.CrossEntropyLoss()
        # fused: on every net here as fast as foreach and the plain loop, or faster by up to a tenth.
        optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=MOMENTUM, fused=True)

        def step() -> Any:
            optimizer.zero_grad()
            loss = loss_function(model(x), labels)
            loss.backward()
            optimizer.step()
            return loss

        return step, lambda: list(module.parameters())

    def fill(self, distribution: str, count: int) -> Call | None:
        array = torch.empty(count)
        return {
            "uniform": lambda: torch.nn.init.uniform_(array, -0.07, 0.07),
            "normal": lambda: torch.nn.init.normal_(array, 0, 0.01),
            "truncated normal": lambda: torch.nn.init.trunc_normal_(array, 0, 0.01, -0.02, 0.02),
        }[distribution]

    def orthogonal(self, rows: int) -> Call | None:
        array = torch.empty(rows, rows)
        return lambda: torch.nn.init.orthogonal_(array)

    def numpy(self, array: Any) -> np.ndarray:
        return array.detach().numpy()

    def for_inference(self, model: Any, net: Net) -> Any:
        """Return the model as this variant runs it forward."""
        return model

    def for_training(self, model: Any, net: Net) -> Any:
        """Return the model as this variant trains it."""
        return model


def build(net: Net) -> torch.nn.Sequential:
    """Return the net, with its weights."""
    modules: list[torch.nn.Module] = []
    for i, (weight, bias) in enumerate(net.layers):
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight))
            linear.bias.copy_(torch.from_numpy(bias))
        modules.append(linear)
        if i + 1 < len(net.layers):
            modules.append(torch.nn.ReLU())
    return torch.nn.Sequential(*modules)
