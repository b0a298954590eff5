"""ONNX files of others: what is read computes what the file did."""

from __future__ import annotations

import numpy as onp
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from glueball import MXNetError, nd, onnx
from glueball.gluon import nn
from onnx_files import assert_alike, run_elsewhere, write
from random_nets import normal


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "net.onnx")


def assert_read(path, x, **options):
    (expected,) = ReferenceEvaluator(path).run(None, {"x": x})
    net = onnx.load(path)
    assert_alike(net(nd.array(x, dtype=x.dtype)).asnumpy(), expected, **options)
    return net


@pytest.mark.parametrize("turned", [0, 1])
def test_gemm_with_all_its_settings(turned, path):
    weight = normal(4, 3) if turned else normal(3, 4)
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], alpha=0.5, beta=2.0, transB=turned)

    net = assert_read(write(path, [node], [("w", weight), ("b", normal(4))]), normal(2, 3))

    assert repr(net[0]) == "Dense(3 -> 4, linear)"


@pytest.mark.parametrize(
    "bias", [normal(4), normal(1, 4), normal(1), normal()], ids=lambda b: b.shape
)
def test_biases_that_broadcast(bias, path):
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"])

    assert_read(write(path, [node], [("w", normal(3, 4)), ("b", bias)]), normal(2, 3))


@pytest.mark.parametrize("bias_first", [False, True])
def test_matmul_and_add_are_a_dense_layer_on_the_last_axis(bias_first, path):
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Add", ["b", "p"] if bias_first else ["p", "b"], ["q"]),
        helper.make_node("Relu", ["q"], ["y"]),
    ]
    constants = [("w", normal(3, 4)), ("b", normal(4))]

    net = assert_read(write(path, nodes, constants, shape=("n", 5, 3)), normal(2, 5, 3))

    assert repr(net) == "HybridSequential(\n  (0): Dense(3 -> 4, Activation(relu))\n)"
    assert not net[0]._flatten


def test_the_long_form_of_gelu(path):
    root, half, one = (onp.float32(each) for each in (onp.sqrt(2), 0.5, 1))
    constants = [("root", root), ("half", half), ("one", one)]
    erf = [
        helper.make_node("Div", ["x", "root"], ["a"]),
        helper.make_node("Erf", ["a"], ["b"]),
        helper.make_node("Add", ["b", "one"], ["c"]),
    ]
    for products in (
        [("x", "c", "d"), ("d", "half", "y")],
        [("x", "half", "d"), ("d", "c", "y")],
        [("c", "half", "d"), ("x", "d", "y")],
    ):
        nodes = erf + [helper.make_node("Mul", [a, b], [c]) for a, b, c in products]

        net = assert_read(write(path, nodes, constants), normal(2, 3), tolerance=1e-5)

        assert isinstance(net[0], nn.GELU)


def test_a_function_that_only_looks_like_gelu_is_refused(path):
    nodes = [
        helper.make_node("Erf", ["x"], ["b"]),
        helper.make_node("Add", ["b", "one"], ["c"]),
        helper.make_node("Mul", ["x", "half"], ["d"]),
        helper.make_node("Mul", ["d", "c"], ["y"], name="last"),
    ]
    constants = [("half", onp.float32(0.5)), ("one", onp.float32(1))]

    with pytest.raises(MXNetError, match="node 'last' of op type Mul with the inputs"):
        onnx.load(write(path, nodes, constants))


def test_constants_may_be_nodes_and_dropouts_old(path):
    value = numpy_helper.from_array(normal(3, 2))
    nodes = [
        helper.make_node("Constant", [], ["w"], value=value),
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Dropout", ["p"], ["q"], ratio=0.25),
        helper.make_node("Identity", ["q"], ["y"]),
    ]

    net = onnx.load(write(path, nodes, opset=11))

    assert repr(net[1]) == "Dropout(p = 0.25, axes=())"
    x = normal(2, 3)
    assert_alike(net(nd.array(x)).asnumpy(), x @ numpy_helper.to_array(value))


def test_equal_arrays_may_be_stored_once_behind_identities(path):
    nodes = [
        helper.make_node("Identity", ["ones"], ["more"]),
        helper.make_node("Identity", ["more"], ["others"]),
        helper.make_node("BatchNormalization", ["x", "more", "b", "b", "others"], ["y"]),
    ]

    assert_read(write(path, nodes, [("ones", onp.ones(3, "f")), ("b", normal(3))]), normal(2, 3))


def test_stored_arrays_may_be_turned_in_the_graph(path):
    nodes = [
        helper.make_node("Transpose", ["w"], ["t"], perm=[1, 0]),
        helper.make_node("Identity", ["t"], ["matrix"]),
        helper.make_node("MatMul", ["x", "matrix"], ["p"]),
        helper.make_node("Unsqueeze", ["b", "axis"], ["row"]),
        helper.make_node("Add", ["p", "row"], ["y"]),
    ]
    constants = [("w", normal(4, 3)), ("b", normal(4)), ("axis", onp.array([0]))]

    assert_read(write(path, nodes, constants), normal(2, 3))


def test_turns_that_the_array_does_not_allow_are_refused(path):
    nodes = [
        helper.make_node("Transpose", ["w"], ["t"], perm=[1, 1]),
        helper.make_node("MatMul", ["x", "t"], ["y"], name="odd"),
    ]

    with pytest.raises(MXNetError, match="expected .*net.onnx"):
        onnx.load(write(path, nodes, [("w", normal(4, 3))]))


# GroupNorm, one operator or six


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_group_normalization(groups, path):
    node = helper.make_node(
        "GroupNormalization", ["x", "g", "b"], ["y"], num_groups=groups, epsilon=1e-3
    )
    constants = [("g", normal(6)), ("b", normal(6))]
    x = normal(2, 6, 5)

    net = assert_read(write(path, [node], constants, shape=("n", 6, 5), opset=21), x)

    assert repr(net[0]).startswith(f"GroupNorm(eps=0.001, num_groups={groups}")
    assert_alike(net(nd.array(x)).asnumpy(), run_elsewhere(path, x))


@pytest.mark.parametrize(("groups", "opset"), [(2, 18), (0, 21), (4, 21)])
def test_group_normalization_withdrawn_or_wrong_is_named(groups, opset, path):
    node = helper.make_node("GroupNormalization", ["x", "g", "b"], ["y"], num_groups=groups)
    constants = [("g", normal(6)), ("b", normal(6))]

    with pytest.raises(MXNetError, match=r"net.onnx', found .*GroupNorm"):
        onnx.load(write(path, [node], constants, shape=("n", 6, 5), opset=opset))


def as_instances(grouped, back, ends, epsilon=1e-4):
    """The nodes of a GroupNorm in the operators of opset 6, as PyTorch writes it; "g" and "b" in `ends`."""
    nodes = [
        helper.make_node("Reshape", ["x", "grouped"], ["in"]),
        helper.make_node("InstanceNormalization", ["in", "one", "zero"], ["n"], epsilon=epsilon),
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Reshape", ["n", back], ["out"]),
    ]
    last = "out"
    for constant in ends:
        kind = "Mul" if constant == "g" else "Add"
        nodes.append(helper.make_node(kind, [last, constant], [f"{kind} of {constant}"]))
        last = f"{kind} of {constant}"
    nodes[-1].output[0] = "y"
    return nodes if back == "shape" else [nodes[0], nodes[1], *nodes[3:]]


@pytest.mark.parametrize("ends", ["gb", "g", "b", ""])
@pytest.mark.parametrize("back", ["shape", [0, 6, 5, 2], [-1, 6, 5, 2], [0, 6, -1, 2]], ids=str)
def test_group_norm_as_instances_of_groups(back, ends, path):
    constants = [
        ("grouped", onp.array([0, 3, -1])),
        ("one", onp.ones(3, "float32")),
        ("zero", onp.zeros(3, "float32")),
        ("g", normal(6, 1, 1)),
        ("b", normal(6, 1, 1)),
    ]
    if back != "shape":
        constants.append(("back", onp.array(back)))
    used = {"grouped", "one", "zero", "back", *ends}
    constants = [(name, array) for name, array in constants if name in used]
    nodes = as_instances("grouped", "shape" if back == "shape" else "back", ends)

    net = assert_read(write(path, nodes, constants, shape=("n", 6, 5, 2)), normal(3, 6, 5, 2))

    assert repr(net[0]).startswith("GroupNorm(eps=0.0001, num_groups=3")


def test_a_group_norm_that_learns_nothing_has_numbers_for_arrays(path):
    one, zero = normal(2), normal(2)
    nodes = [
        helper.make_node("Unsqueeze", [name, "axes"], [f"{name}_"]) for name in ("g", "b")
    ] + as_instances("grouped", "shape", ["g_", "b_"])
    nodes[-2].op_type = "Mul"
    constants = [
        ("grouped", onp.array([0, 2, -1])), ("one", one), ("zero", zero), ("g", onp.ones(1, "float32")),
        ("b", onp.full(1, 0.5, "float32")), ("axes", onp.array([1, 2])),
    ]  # fmt: skip

    assert_read(write(path, nodes, constants, shape=("n", 4, 5)), normal(3, 4, 5))


@pytest.mark.parametrize(
    "changed",
    [
        {"grouped": onp.array([0, 6, -1])},
        {"grouped": onp.array([0, 3, 5])},
        {"grouped": onp.array([0, 3, -1, 2])},
        {"back": onp.array([0, 5, 6])},
        {"back": onp.array([0, -1, 10])},
        {"g": normal(1, 5)},
        {"b": normal(2, 6, 5)},
    ],
    ids=str,
)
def test_what_only_looks_like_a_group_norm_is_refused(changed, path):
    constants = {
        "grouped": onp.array([0, 3, -1]),
        "one": onp.ones(3, "float32"),
        "zero": onp.zeros(3, "float32"),
        "back": onp.array([0, 6, 5]),
        "g": normal(6, 1),
        "b": normal(6, 1),
    } | changed
    nodes = as_instances("grouped", "back", "gb")
    nodes[-1].name = "odd"

    with pytest.raises(MXNetError, match="net.onnx"):
        onnx.load(write(path, nodes, list(constants.items()), shape=("n", 6, 5)))


# Embeddings


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.INT32])
def test_gather_looks_up_rows_of_an_embedding(kind, path):
    nodes = [
        helper.make_node("Gather", ["w", "x"], ["v"]),
        helper.make_node("Flatten", ["v"], ["f"]),
        helper.make_node("Gemm", ["f", "m"], ["y"]),
    ]
    constants = [("w", normal(7, 4)), ("m", normal(12, 2))]
    write(path, nodes, constants, shape=("n", 3), kind=kind, made=TensorProto.FLOAT)
    x = onp.array([[0, 6, 3], [5, 5, 1]], helper.tensor_dtype_to_np_dtype(kind))

    net = assert_read(path, x)

    assert repr(net[0]) == "Embedding(7 -> 4, float32)"
    assert_alike(net(nd.array(x, dtype=x.dtype)).asnumpy(), run_elsewhere(path, x))


def test_indices_may_come_as_numbers_of_the_nets_dtype(path):
    nodes = [
        helper.make_node("Cast", ["x"], ["short"], to=TensorProto.INT32),
        helper.make_node("Cast", ["short"], ["indices"], to=TensorProto.INT64),
        helper.make_node("Gather", ["w", "indices"], ["y"], axis=0),
    ]
    write(path, nodes, [("w", normal(7, 4).astype("float64"))], kind=TensorProto.DOUBLE, y=3)

    net = assert_read(path, onp.array([[0, 6, 3], [5, 5, 1]], "float64"))

    assert net[0].weight.dtype == onp.float64


def test_a_gather_that_is_no_embedding_is_refused(path):
    for weight, axis in ((normal(4, 3), 1), (normal(5), 0), (normal(2, 3, 4), 0)):
        node = helper.make_node("Gather", ["w", "x"], ["y"], axis=axis, name="odd")
        rank = weight.ndim + 1
        write(path, [node], [("w", weight)], kind=TensorProto.INT64, made=TensorProto.FLOAT, y=rank)

        with pytest.raises(MXNetError, match="'odd' of op type Gather"):
            onnx.load(path)


def test_whole_numbers_that_no_embedding_looks_up_are_refused(path):
    nodes = [
        helper.make_node("Flatten", ["x"], ["f"]),
        helper.make_node("Gather", ["w", "f"], ["y"]),
    ]
    write(path, nodes, [("w", normal(7, 4))], kind=TensorProto.INT64, made=TensorProto.FLOAT, y=3)

    with pytest.raises(
        MXNetError, match=r"whole numbers of the input 'x'.*found Flatten as the first"
    ):
        onnx.load(path)


# What is refused


def test_settings_that_no_layer_takes_are_named_with_the_file(path):
    node = helper.make_node("LeakyRelu", ["x"], ["y"], alpha=-1.0)

    with pytest.raises(
        MXNetError, match=r"of a LeakyReLU behind 'x' in '.*net.onnx', found others"
    ):
        onnx.load(write(path, [node]))


@pytest.mark.parametrize("target", [[0, -1], [-1, 6]])
def test_a_reshape_to_a_matrix_is_a_flatten(target, path):
    node = helper.make_node("Reshape", ["x", "to"], ["y"])

    net = assert_read(
        write(path, [node], [("to", onp.array(target))], shape=("n", 2, 3), y=2), normal(5, 2, 3)
    )

    assert isinstance(net[0], nn.Flatten)


@pytest.mark.parametrize(
    "node",
    [
        helper.make_node("Conv", ["x", "w"], ["y"], name="odd"),
        helper.make_node("Add", ["x", "x"], ["y"], name="odd"),
        helper.make_node("Add", ["x", "w"], ["y"], name="odd"),
        helper.make_node("Mul", ["x", "w"], ["y"], name="odd"),
        helper.make_node("Gemm", ["x", "w"], ["y"], transA=1, name="odd"),
        helper.make_node("Gemm", ["x", "w", "x"], ["y"], name="odd"),
        helper.make_node("MatMul", ["w", "x"], ["y"], name="odd"),
        helper.make_node("Softmax", ["x"], ["y"], axis=0, name="odd"),
        helper.make_node("Flatten", ["x"], ["y"], axis=0, name="odd"),
        helper.make_node("Selu", ["x"], ["y"], alpha=2.0, name="odd"),
        helper.make_node("Gelu", ["x"], ["y"], approximate="tanh", name="odd"),
        helper.make_node("Neg", ["x"], ["y"], name="odd"),
        helper.make_node("Reshape", ["x", "to"], ["y"], name="odd"),
        helper.make_node("PRelu", ["x", "rows"], ["y"], name="odd"),
    ],
    ids=lambda node: node.op_type,
)
def test_a_node_that_is_no_layer_is_named_with_what_is_supported(node, path):
    constants = [("w", normal(3, 3)), ("to", onp.array([3, -1])), ("rows", normal(2, 1))]
    constants = [(name, array) for name, array in constants if name in node.input]

    with pytest.raises(
        MXNetError, match=rf"'odd' of op type {node.op_type}.*supported are Add, Batch"
    ):
        onnx.load(write(path, [node], constants))


def test_a_model_of_two_outputs_is_refused(path):
    nodes = [helper.make_node("Relu", ["x"], [name]) for name in ("y", "y1")]

    with pytest.raises(
        MXNetError, match=r"one input and one output in .*the outputs \['y', 'y1'\]"
    ):
        onnx.load(write(path, nodes, y1=2))


def test_a_chain_that_does_not_begin_at_the_input_is_refused(path):
    node = helper.make_node("Relu", ["w"], ["y"])

    with pytest.raises(MXNetError, match="begins at 'w', which does not depend on the input"):
        onnx.load(write(path, [node], [("w", normal(2))]))


def test_other_dtypes_are_refused(path):
    node = helper.make_node("Relu", ["x"], ["y"])

    with pytest.raises(MXNetError, match="float32 or float64 in .*found 'x' of FLOAT16"):
        onnx.load(write(path, [node], kind=TensorProto.FLOAT16))


def test_a_damaged_file_is_named(path):
    with open(path, "wb") as file:
        file.write(b"\x08\xff\xff no model")

    with pytest.raises(MXNetError, match=r"expected an ONNX model in '.*net.onnx', found"):
        onnx.load(path)


def test_a_missing_file_is_pythons_own_error(path):
    with pytest.raises(FileNotFoundError):
        onnx.load(path)
