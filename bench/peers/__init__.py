"""The competitors: one file each, imported only in the process that runs it."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.peers.base import Peer


@dataclass(frozen=True)
class Entry:
    """What is known of a competitor without importing it."""

    title: str
    module: str
    modules: tuple[str, ...]  # that it needs
    distributions: tuple[str, ...]  # whose versions are stated, and whose sizes count
    needs_compiler: bool = False

    def missing(self) -> str:
        """Say which of its needs are missing; nothing if it can run."""
        lacking = [name for name in self.modules if importlib.util.find_spec(name) is None]
        if self.needs_compiler and not any(map(shutil.which, ("c++", "g++", "clang++"))):
            lacking.append("a C++ compiler")
        return ", ".join(lacking)

    def start(self, threads: int) -> Peer:
        """Import it, in this process, and set it up for so many threads."""
        peer: Peer = importlib.import_module(f"bench.peers.{self.module}").Competitor(threads)
        return peer


OURS = "glueball"
PEERS = {
    OURS: Entry("glueball", "glueball", ("glueball",), ("glueball",)),
    "numpy": Entry("NumPy", "numpy", ("numpy",), ("numpy",)),
    "torch": Entry("PyTorch eager", "torch_eager", ("torch",), ("torch",)),
    "torch-jit": Entry("PyTorch jit", "torch_jit", ("torch",), ("torch",)),
    "torch-compile": Entry(
        "PyTorch compile", "torch_compile", ("torch",), ("torch",), needs_compiler=True
    ),
    "onnxruntime": Entry("ONNX Runtime", "onnxruntime", ("onnxruntime", "onnx"), ("onnxruntime",)),
    "openvino": Entry("OpenVINO", "openvino", ("openvino",), ("openvino",)),
    "jax": Entry("JAX jit", "jax", ("jax", "jaxlib"), ("jax", "jaxlib")),
}
