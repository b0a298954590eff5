"""OpenVINO, forward only: latency mode, float32, arrays shared with NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import openvino
import openvino.opset13 as ops

from bench.peers.base import Call, Peer

if TYPE_CHECKING:
    from bench.cases import Net


class Competitor(Peer):
    def __init__(self, threads: int) -> None:
        self._core = openvino.Core()
        self._settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": str(threads),
            # On processors with bfloat16 the default is less than float32.
            "INFERENCE_PRECISION_HINT": "f32",
        }

    def forward(self, net: Net) -> Call:
        x = ops.parameter(net.x.shape, np.float32, "x")
        node = x
        for i, (weight, bias) in enumerate(net.layers):
            node = ops.add(
                ops.matmul(node, ops.constant(weight), False, True), ops.constant(bias[np.newaxis])
            )
            if i + 1 < len(net.layers):
                node = ops.relu(node)
        compiled = self._core.compile_model(
            openvino.Model([node], [x], "net"), "CPU", self._settings
        )
        request = compiled.create_infer_request()
        request.set_input_tensor(openvino.Tensor(net.x, shared_memory=True))
        output = request.get_output_tensor()

        def run() -> np.ndarray:
            request.infer()
            return output.data

        return run
