"""ONNX Runtime, forward only: input and output bound to its own memory, a session of fixed shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from bench.peers.base import Call, Peer

if TYPE_CHECKING:
    import numpy as np

    from bench.cases import Net


class Competitor(Peer):
    def __init__(self, threads: int) -> None:
        self._options = onnxruntime.SessionOptions()
        self._options.intra_op_num_threads = threads
        self._options.inter_op_num_threads = 1
        self._options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        self._options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        # Spinning stays on, as its guide has it for speed: other competitors wait meanwhile, and
        # race.py gives its threads time to fall asleep before the next turn.
        self._options.add_session_config_entry("session.intra_op.allow_spinning", "1")

    def forward(self, net: Net) -> Call:
        session = onnxruntime.InferenceSession(
            model(net).SerializeToString(), self._options, providers=["CPUExecutionProvider"]
        )
        binding = session.io_binding()
        x = onnxruntime.OrtValue.ortvalue_from_numpy(net.x)
        y = onnxruntime.OrtValue.ortvalue_from_shape_and_type(
            (net.batch, net.sizes[-1]), net.x.dtype.type
        )
        binding.bind_ortvalue_input("x", x)
        binding.bind_ortvalue_output("y", y)

        def run() -> Any:
            session.run_with_iobinding(binding)
            return y

        return run

    def numpy(self, array: Any) -> np.ndarray:
        return array.numpy()


def model(net: Net) -> Any:
    """Return the net as an ONNX model: Gemm and Relu."""
    nodes, constants = [], []
    name = "x"
    for i, (weight, bias) in enumerate(net.layers):
        constants += [
            numpy_helper.from_array(weight, f"weight{i}"),
            numpy_helper.from_array(bias, f"bias{i}"),
        ]
        last = i + 1 == len(net.layers)
        out = "y" if last else f"sum{i}"
        nodes.append(helper.make_node("Gemm", [name, f"weight{i}", f"bias{i}"], [out], transB=1))
        name = out
        if not last:
            nodes.append(helper.make_node("Relu", [name], [f"relu{i}"]))
            name = f"relu{i}"
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, net.x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (net.batch, net.sizes[-1]))],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
