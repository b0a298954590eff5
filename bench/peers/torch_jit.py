"""PyTorch's TorchScript: traced, frozen and optimized for inference; traced only for training."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import torch

from bench.peers import torch_eager

if TYPE_CHECKING:
    from bench.cases import Net

# TorchScript is deprecated, and says so at each step; it is still what runs fastest for some nets.
warnings.filterwarnings("ignore", category=DeprecationWarning)
warnings.filterwarnings("ignore", category=FutureWarning)


class Competitor(torch_eager.Competitor):
    def for_inference(self, model: Any, net: Net) -> Any:
        with torch.inference_mode():
            traced = torch.jit.trace(model, torch.from_numpy(net.x))
            return torch.jit.optimize_for_inference(torch.jit.freeze(traced))

    def for_training(self, model: Any, net: Net) -> Any:
        return torch.jit.trace(model, torch.from_numpy(net.x))

    def fill(self, distribution: str, count: int) -> None:
        """Nothing of its own."""

    def orthogonal(self, rows: int) -> None:
        """Nothing of its own."""
