"""ONNX files of others: what is read computes what the file did."""

from __future__ import annotations

import os

import numpy as onp
import onnx as onnx_package
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from glueball import MXNetError, nd, onnx
from glueball.base import FileFormatError
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


def test_equal_arrays_may_be_stored_once_and_used_through_identities(path):
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
    """Return the nodes of a GroupNorm in opset 6, as PyTorch writes it; "g" and "b" in `ends`."""
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


def test_a_gather_that_is_not_an_embedding_is_refused(path):
    for weight, axis in ((normal(4, 3), 1), (normal(5), 0), (normal(2, 3, 4), 0)):
        node = helper.make_node("Gather", ["w", "x"], ["y"], axis=axis, name="odd")
        rank = weight.ndim + 1
        write(path, [node], [("w", weight)], kind=TensorProto.INT64, made=TensorProto.FLOAT, y=rank)

        with pytest.raises(MXNetError, match="'odd' of op type Gather"):
            onnx.load(path)


def test_integers_that_no_embedding_looks_up_are_refused(path):
    nodes = [
        helper.make_node("Flatten", ["x"], ["f"]),
        helper.make_node("Gather", ["w", "f"], ["y"]),
    ]
    write(path, nodes, [("w", normal(7, 4))], kind=TensorProto.INT64, made=TensorProto.FLOAT, y=3)

    with pytest.raises(MXNetError, match=r"integers of the input 'x'.*found Flatten as the first"):
        onnx.load(path)


# What is refused


def test_settings_that_no_layer_takes_are_named_with_the_file(path):
    node = helper.make_node("LeakyRelu", ["x"], ["y"], alpha=-1.0)

    with pytest.raises(MXNetError, match=r"of a LeakyReLU after 'x' in '.*net.onnx', found others"):
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
def test_a_node_that_is_not_a_layer_is_named_with_what_is_supported(node, path):
    constants = [("w", normal(3, 3)), ("to", onp.array([3, -1])), ("rows", normal(2, 1))]
    constants = [(name, array) for name, array in constants if name in node.input]

    with pytest.raises(
        MXNetError, match=rf"'odd' of op type {node.op_type}.*supported are Add, Batch"
    ):
        onnx.load(write(path, [node], constants))


def test_a_model_of_two_outputs_gives_both(path):
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["h"]),
        helper.make_node("Tanh", ["h"], ["trunk"]),
        helper.make_node("Gemm", ["trunk", "w1", "b1"], ["y"]),
        helper.make_node("Gemm", ["trunk", "w2"], ["q"]),
        helper.make_node("Sigmoid", ["q"], ["y1"]),
    ]
    constants = [("w", normal(3, 4)), ("b", normal(4)), ("w1", normal(4, 2)), ("b1", normal(2))]
    write(path, nodes, [*constants, ("w2", normal(4, 1))], y1=2)
    x = normal(5, 3)

    net = onnx.load(path)

    for found, expected in zip(
        net(nd.array(x)), ReferenceEvaluator(path).run(None, {"x": x}), strict=True
    ):
        assert_alike(found.asnumpy(), expected)
    assert len(net.collect_params()) == 5


def test_outputs_that_part_at_two_places_are_refused(path):
    nodes = [
        helper.make_node("Relu", ["x"], ["y"]),
        helper.make_node("Tanh", ["x"], ["t"]),
        helper.make_node("Sigmoid", ["t"], ["y1"]),
        helper.make_node("Exp", ["t"], ["e"]),
        helper.make_node("Softplus", ["t"], ["y2"]),
    ]

    with pytest.raises(MXNetError, match=r"part at one place, .*'y2'\] share 't'"):
        onnx.load(write(path, nodes, y1=2, y2=2))


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


def changed(path, change):
    model = onnx_package.load(path)
    change(model)
    with open(path, "wb") as file:
        file.write(model.SerializePartialToString())
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.graph.initializer[0].ClearField("raw_data"),
        lambda m: setattr(m.graph.initializer[0], "data_type", 99),
        lambda m: setattr(m.graph.initializer[0], "raw_data", b"123"),
        lambda m: m.graph.initializer[0].dims.append(2**62),
        lambda m: m.graph.initializer[0].dims.__setitem__(0, -1),
        lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 2**31 - 1),
        lambda m: setattr(m.graph.node[0].attribute[0], "ref_attr_name", "other"),
        lambda m: setattr(m.graph.node[0], "op_type", ""),
        lambda m: m.graph.node[0].ClearField("input"),
        lambda m: m.graph.ClearField("input"),
        lambda m: m.ClearField("graph"),
        lambda m: m.ClearField("opset_import"),
        lambda m: setattr(m.opset_import[0], "version", 2**60),
        lambda m: setattr(m, "ir_version", -1),
        lambda m: m.graph.node.append(m.graph.node[0]),
    ],
)
def test_fields_of_another_kind_are_errors_of_ours_that_name_the_file(change, path):
    node = helper.make_node("Gemm", ["x", "w"], ["y"], alpha=2.0)
    write(path, [node], [("w", normal(3, 3))])

    with pytest.raises(MXNetError, match=r"^expected .*net.onnx', found .*; "):
        onnx.load(changed(path, change))


# Arrays in other files


def beside(path, data="weights.bin", subfolder=""):
    """Write a Gemm whose weight and bias are in another file, as the onnx package does."""
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"])
    write(path, [node], [("w", normal(3, 3)), ("b", normal(3))])
    model = onnx_package.load(path)
    os.makedirs(os.path.join(os.path.dirname(path), subfolder), exist_ok=True)
    location = os.path.join(subfolder, data)
    onnx_package.save(model, path, save_as_external_data=True, location=location, size_threshold=0)
    return os.path.join(os.path.dirname(path), location)


@pytest.mark.parametrize("subfolder", ["", "arrays"])
def test_arrays_in_another_file_of_the_folder_are_read(subfolder, path):
    data = beside(path, subfolder=subfolder)
    assert os.path.getsize(data) >= 48

    assert_read(path, normal(5, 3))


def test_a_constant_node_may_have_its_array_in_another_file(path):
    data = beside(path)
    model = onnx_package.load(path, load_external_data=False)
    weight = model.graph.initializer.pop(0)
    model.graph.node.insert(0, helper.make_node("Constant", [], ["w"], value=weight))
    onnx_package.save(model, path)
    assert os.path.getsize(data) >= 48

    assert_read(path, normal(5, 3))


def test_without_offset_and_length_the_whole_file_is_the_array(path):
    beside(path)
    values = normal(3, 3)
    with open(os.path.join(os.path.dirname(path), "w.bin"), "wb") as file:
        file.write(values.tobytes())

    def change(model):
        (tensor,) = (each for each in model.graph.initializer if each.name == "w")
        del tensor.external_data[:]
        tensor.external_data.add(key="location", value="w.bin")

    net = onnx.load(changed_outside(path, change))
    onp.testing.assert_array_equal(net[0].weight.data().asnumpy(), values.T)


def changed_outside(path, change):
    model = onnx_package.load(path, load_external_data=False)
    change(model)
    with open(path, "wb") as file:
        file.write(model.SerializePartialToString())
    return path


def place(**changes):
    def change(model):
        for tensor in model.graph.initializer:
            for each in tensor.external_data:
                each.value = changes.get(each.key, each.value)

    return change


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (place(location="../secret.bin"), "tensor '.' in '../secret.bin', which is not in the model's f"),
        (place(location="/etc/passwd"), "in '/etc/passwd', which is not in the model's folder"),
        (place(location="a/../../secret.bin"), "is not in the model's folder"),
        (place(location="link.bin"), "in 'link.bin', which is not in the model's folder"),
        (place(location="linked/secret.bin"), "is not in the model's folder"),
        (place(location=""), "in '', which is not in the model's folder"),
        (place(location="weights\0.bin"), "which is not in the model's folder"),
        (place(location="."), "which cannot be read .*Is a directory"),
        (place(location="pipe"), "which cannot be read .*No such device"),
        (place(location="none.bin"), "none.bin', which cannot be read .*No such file"),
        (place(offset="-8"), "with the offset '-8' in another file, which is not a count"),
        (place(offset="1e3"), "with the offset '1e3' in another file, which is not a count"),
        (place(offset="9" * 30), "with the offset '999.*' in another file, which is not a count"),
        (place(offset="9" * 18), "bytes from 999999999999999999 on of 'weights.bin', which has"),
        (place(length="٣٦"), "with the length '٣٦' in another file, which is not a count"),
        (place(length="8"), "tensor '.' of .* bytes as 8 bytes from"),
        (place(length=str(2**62)), "bytes as 4611686018427387904 bytes from"),
        (lambda m: m.graph.initializer[0].dims.append(2**40), "bytes as .* bytes from"),
        (lambda m: m.graph.initializer[0].dims.__setitem__(0, -3), "which no array of numbers has"),
        (lambda m: setattr(m.graph.initializer[0], "data_type", 99), "of type 99 and shape"),
        (lambda m: setattr(m.graph.initializer[0], "data_type", TensorProto.STRING), "of type 8"),
        (lambda m: m.graph.initializer[0].ClearField("external_data"), "in '', which is not in"),
    ],
)  # fmt: skip
def test_a_reference_that_leads_elsewhere_or_does_not_fit_is_named(change, fault, tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(1000))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    (folder / "linked").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    path = str(folder / "net.onnx")
    beside(path)

    with pytest.raises(FileFormatError, match=rf"an ONNX model in '.*net.onnx', found .*{fault}"):
        onnx.load(changed_outside(path, change))


def test_a_model_named_without_a_folder_finds_its_arrays(tmp_path, monkeypatch):
    beside(str(tmp_path / "net.onnx"))
    monkeypatch.chdir(tmp_path)

    assert len(onnx.load("net.onnx")) == 1


@pytest.mark.parametrize("domain", ["my.company", "com.microsoft", "ai.onnx.ml"])
def test_an_operator_of_another_domain_is_not_onnxs(domain, path):
    model = onnx_package.load(write(path, [helper.make_node("Relu", ["x"], ["y"], domain=domain)]))
    model.opset_import.append(helper.make_opsetid(domain, 1))
    onnx_package.save(model, path)

    with pytest.raises(MXNetError, match=domain.replace(".", r"\.") + r"\.Relu|No Op registered"):
        onnx.load(path)


@pytest.mark.parametrize("domain", ["", "my.company"])
def test_a_function_of_the_model_is_what_the_model_says(domain, path):
    """Called Relu, it computes tanh."""
    model = onnx_package.load(write(path, [helper.make_node("Relu", ["x"], ["y"], domain=domain)]))
    inside = helper.make_node("Tanh", ["a"], ["b"])
    opsets = [helper.make_opsetid("", 20)]
    model.functions.append(helper.make_function(domain, "Relu", ["a"], ["b"], [inside], opsets))
    if domain:
        model.opset_import.append(helper.make_opsetid(domain, 1))
    onnx_package.save(model, path)

    net = onnx.load(path)

    x = normal(2, 3)
    onp.testing.assert_allclose(net(nd.array(x)).asnumpy(), onp.tanh(x), rtol=1e-6)


@pytest.mark.parametrize("op_type", ["Add", "Mul", "Gemm"])
def test_operators_from_before_numpys_broadcasting_are_refused(op_type, path):
    constants = [("c", normal(3, 3)), ("b", normal(3))]
    inputs = ["x", "c", "b"] if op_type == "Gemm" else ["x", "b"]
    node = helper.make_node(op_type, inputs, ["y"], broadcast=1)

    with pytest.raises(MXNetError, match=f"{op_type} of opset 6"):
        onnx.load(write(path, [node], constants, opset=6))


ACTIVATIONS = {
    "Elu": {"alpha": 1.0},
    "LeakyRelu": {"alpha": 0.01},
    "Selu": {"alpha": 1.67326319217681884765625, "gamma": 1.05070102214813232421875},
    "Gelu": {"approximate": "none"},
    "Softmax": {"axis": -1},
    "Flatten": {"axis": 1},
}


@pytest.mark.parametrize("op_type", ACTIVATIONS)
def test_an_attribute_written_at_its_default_changes_nothing(op_type, path):
    nets = [
        assert_read(
            write(path, [helper.make_node(op_type, ["x"], ["y"], **settings)]), normal(2, 3)
        )
        for settings in ({}, ACTIVATIONS[op_type])
    ]

    assert repr(nets[0]) == repr(nets[1])


@pytest.mark.parametrize("opset", [18, 20])
def test_group_norm_with_a_shape_from_its_start_is_read(opset, path):
    nodes = [
        helper.make_node("Reshape", ["x", "into"], ["r"]),
        helper.make_node("InstanceNormalization", ["r", "one", "zero"], ["n"]),
        helper.make_node("Shape", ["x"], ["s"], start=0),
        helper.make_node("Reshape", ["n", "s"], ["m"]),
        helper.make_node("Mul", ["m", "g"], ["a"]),
        helper.make_node("Add", ["a", "b"], ["y"]),
    ]
    constants = [
        ("into", onp.array([0, 2, -1])), ("one", onp.ones(2, onp.float32)), ("g", normal(6, 1)),
        ("zero", onp.zeros(2, onp.float32)), ("b", normal(6, 1)),
    ]  # fmt: skip

    net = assert_read(
        write(path, nodes, constants, shape=("n", 6, 5), opset=opset), normal(2, 6, 5)
    )

    assert isinstance(net[0], nn.GroupNorm)


def test_an_mlp_as_skl2onnx_writes_it_is_read(path):
    nodes = [
        helper.make_node("Cast", ["x"], ["c"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["c", "w"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["q"]),
        helper.make_node("Sigmoid", ["q"], ["h"]),
        helper.make_node("MatMul", ["h", "w1"], ["p1"]),
        helper.make_node("Add", ["p1", "b1"], ["q1"]),
        helper.make_node("Reshape", ["q1", "last"], ["y"]),
    ]
    constants = [
        ("w", normal(3, 4)),
        ("b", normal(1, 4)),
        ("w1", normal(4, 1)),
        ("b1", normal(1, 1)),
    ]

    net = assert_read(write(path, nodes, [*constants, ("last", onp.array([-1, 1]))]), normal(5, 3))

    assert len(net.collect_params()) == 4


CONSTANT = normal(3)
ARITHMETIC = {
    "x + c": [("Add", ["x", "c"])],
    "c + x": [("Add", ["c", "x"])],
    "x - c": [("Sub", ["x", "c"])],
    "c - x": [("Sub", ["c", "x"])],
    "x c": [("Mul", ["x", "c"])],
    "c x": [("Mul", ["c", "x"])],
    "x / c": [("Div", ["x", "c"])],
    "(x - c) / d, cut off": [("Sub", ["x", "c"]), ("Div", ["_", "d"]), ("Clip", ["_", "lo", "hi"])],
    "cut off below": [("Clip", ["x", "lo"])],
    "cut off above": [("Clip", ["x", "", "hi"])],
    "x + 0": [("Add", ["x", "nought"])],
    "x 1": [("Mul", ["x", "one"])],
    "log sigmoid": [("Sigmoid", ["x"]), ("Log", ["_"])],
    "log (e^x + 1)": [("Exp", ["x"]), ("Add", ["_", "one"]), ("Log", ["_"])],
    "softplus, x above 20": [
        ("Mul", ["x", "one"], "k"), ("Softplus", ["k"]), ("Div", ["_", "one"], "s"),
        ("Greater", ["k", "twenty"]), ("Where", ["_", "x", "s"]),
    ],
    "softplus(2 x) / 2": [("Mul", ["x", "two"]), ("Softplus", ["_"]), ("Div", ["_", "two"])],
}  # fmt: skip


@pytest.mark.parametrize("text", ARITHMETIC)
def test_arithmetic_with_constants_is_read(text, path):
    nodes, last = [], "x"
    for place, (op_type, inputs, *name) in enumerate(ARITHMETIC[text]):
        made = "y" if place == len(ARITHMETIC[text]) - 1 else name[0] if name else f"t{place}"
        given = [last if each == "_" else each for each in inputs]
        nodes.append(helper.make_node(op_type, given, [made]))
        last = made
    constants = [
        (name, onp.asarray(value, onp.float32))
        for name, value in {
            "c": CONSTANT, "d": abs(CONSTANT) + 1, "lo": -0.5, "hi": 0.25, "nought": 0, "one": 1,
            "two": 2, "twenty": 20,
        }.items()
    ]  # fmt: skip

    assert_read(write(path, nodes, constants), 30 * normal(6, 3))


def test_a_constant_divided_by_a_tensor_is_refused(path):
    node = helper.make_node("Div", ["c", "x"], ["y"])

    with pytest.raises(MXNetError, match="op type Div"):
        onnx.load(write(path, [node], [("c", CONSTANT)]))


@pytest.mark.parametrize("slopes", [(1,), (3,), (1, 1), (1, 3), (4, 1), (1, 4, 1)])
@pytest.mark.parametrize("shape", [("n",), ("n", 3), ("n", 4, 3)])
def test_slopes_that_broadcast_are_read_or_refused(slopes, shape, path):
    node = helper.make_node("PRelu", ["x", "a"], ["y"])
    x = normal(*(5 if length == "n" else length for length in shape))
    write(path, [node], [("a", abs(normal(*slopes)))], shape=shape)
    by_channel = (1,) * (len(shape) - len(slopes)) + slopes
    is_one = onp.prod(slopes) == 1 and len(slopes) <= len(shape)
    if is_one or (
        len(by_channel) == len(shape) > 1 and by_channel[1] == onp.prod(slopes) == shape[1]
    ):
        assert_read(path, x)
    else:
        with pytest.raises(MXNetError):
            onnx.load(path)


@pytest.mark.parametrize("scale", [(1,), (3,)])
@pytest.mark.parametrize("shift", [(1,), (3,), None])
def test_vectors_of_one_element_serve_a_whole_layer_norm(scale, shift, path):
    inputs, constants = ["x", "g"], [("g", normal(*scale))]
    if shift:
        inputs, constants = [*inputs, "b"], [*constants, ("b", normal(*shift))]

    assert_read(
        write(path, [helper.make_node("LayerNormalization", inputs, ["y"])], constants),
        normal(5, 3),
    )
