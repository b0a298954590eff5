"""ONNX files for tests: models written by hand, and what other programs make of a file."""

from __future__ import annotations

import numpy as onp
import onnx as onnx_package
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def run_elsewhere(path, x):
    """Run the file in ONNX Runtime, which is not part of the package."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options)
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def assert_alike(left, right, tolerance=1e-5):
    assert left.shape == right.shape
    assert left.dtype == right.dtype
    scale = max(1.0, float(onp.abs(right).max(initial=0)))
    onp.testing.assert_allclose(left, right, rtol=tolerance, atol=tolerance * scale)


def write(
    path,
    nodes,
    constants=(),
    shape=("n", 3),
    kind=TensorProto.FLOAT,
    opset=20,
    made=None,
    **outputs,
):
    """Make a model by hand, from x to y, which has as many axes unless `outputs` say.

    x is of the type `kind`, y of `made`, or of the same.
    """
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", kind, shape)],
        [
            helper.make_tensor_value_info(
                name, made or kind, [f"{name}_{axis}" for axis in range(rank)]
            )
            for name, rank in ({"y": len(shape)} | outputs).items()
        ],
        [numpy_helper.from_array(onp.asarray(array), name) for name, array in constants],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9 if opset < 21 else 10
    )
    onnx_package.save(model, path)
    return path
