"""torch.compile: the forward, and the whole training step, compiled with Inductor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from bench.cases import MOMENTUM
from bench.peers import torch_eager

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.cases import Net
    from bench.peers.base import Call


class Competitor(torch_eager.Competitor):
    def for_inference(self, model: Any, net: Net) -> Any:
        torch.compiler.reset()  # else all cases together reach its limit of recompilations
        return torch.compile(model, mode="max-autotune-no-cudagraphs")

    def train(self, net: Net, rate: float) -> tuple[Call, Callable[[], list[Any]]]:
        torch.compiler.reset()
        module = torch_eager.build(net)
        x, labels = torch.from_numpy(net.x), torch.from_numpy(net.labels)
        loss_function = torch.nn.CrossEntropyLoss()
        optimizer = torch.optim.SGD(module.parameters(), lr=rate, momentum=MOMENTUM)

        @torch.compile
        def loss_of(x: Any, labels: Any) -> Any:
            return loss_function(module(x), labels)

        @torch.compile
        def update() -> None:
            optimizer.step()

        def step() -> Any:
            optimizer.zero_grad()
            loss = loss_of(x, labels)
            loss.backward()
            update()
            return loss

        return step, lambda: list(module.parameters())

    def fill(self, distribution: str, count: int) -> None:
        """Nothing of its own."""

    def orthogonal(self, rows: int) -> None:
        """Nothing of its own."""
