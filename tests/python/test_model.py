"""One-file models: a net goes into a file and comes back the same; what is no model is refused."""

from __future__ import annotations

import copy
import json
import os
import struct

import numpy as onp
import pytest
from hypothesis import given

import glueball
from glueball import MXNetError, _core, autograd, gluon, init, name, nd, npx
from glueball.base import ArgumentError
from glueball.gluon import nn
from random_nets import FUNCTIONS, KINDS, nets, normal, randomised

# Other work may share the machine.


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "net.safetensors")


@pytest.fixture(autouse=True)
def fresh_names():
    with name.NameManager():
        yield


def assert_same_bits(left, right):
    assert (left.shape, left.dtype) == (right.shape, right.dtype)
    assert left.asnumpy().tobytes() == right.asnumpy().tobytes()


def travelled(net, x, path):
    """The net as it comes out of a file, after a look at all that has to be equal."""
    x = nd.array(x, dtype=x.dtype)
    expected = net(x)

    net.export(path)
    again = glueball.load(path)

    assert_same_bits(again(x), expected)
    assert repr(again) == repr(net)
    assert (again.prefix, again.name) == (net.prefix, net.name)
    before, after = net.collect_params(), again.collect_params()
    assert list(after) == list(before)
    for key, parameter in after.items():
        assert_same_bits(parameter.data(), before[key].data())
        assert parameter.grad_req == before[key].grad_req
    return again


# Out and back


@given(made=nets(KINDS))
def test_random_nets_come_back_with_the_same_bits(made, tmp_path_factory):
    net, width = made
    x = normal(4, width)
    file = tmp_path_factory.mktemp("model") / "net.safetensors"

    travelled(randomised(net, x), x, str(file))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_activation_travels(function, path):
    x = normal(3, 4)
    net = nn.HybridSequential(nn.Activation(function), nn.Dense(2, activation=function))

    again = travelled(randomised(net, x), x, path)

    assert type(again[0]) is nn.Activation


@pytest.mark.parametrize(
    "layer",
    [
        nn.LeakyReLU(0.3),
        nn.ELU(0.7),
        nn.SELU(),
        nn.GELU(),
        nn.SiLU(),
        nn.Swish(1.7),
        nn.Identity(),
        nn.Flatten(),
        nn.Dropout(0.4),
        nn.Dropout(0.4, axes=(1, -1)),
        nn.Dense(3, use_bias=False, flatten=False),
        nn.PReLU(in_channels=0),
        nn.BatchNorm(axis=-1, momentum=0.8, epsilon=1e-3, scale=False),
        nn.BatchNorm(center=False, use_global_stats=True),
        nn.LayerNorm(axis=1, epsilon=1e-3, center=False),
        nn.InstanceNorm(axis=-1, scale=True),
        nn.InstanceNorm(),
        nn.GroupNorm(num_groups=2),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_every_layer_travels_alone_and_in_a_chain(layer, path):
    x = normal(3, 2, 4)
    randomised(layer, x)

    assert type(travelled(layer, x, path)) is type(layer)
    chain = nn.Sequential(nn.Sequential(layer))
    assert type(travelled(chain, x, path)[0][0]) is type(layer)


def test_axes_of_dropout_travel(path):
    net = nn.HybridSequential(nn.Dropout(0.5, axes=(1, -1)), nn.Dropout(0.25))
    net.export(path)

    again = glueball.load(path)

    assert repr(again) == repr(net)
    with open(path, "rb") as file:
        text = file.read().decode("latin-1")
    # Where no axes are given, none are written: older readers know nothing of them.
    assert text.count("axes") == 1


def test_float64_travels(path):
    x = normal(3, 4, dtype="float64")
    net = nn.HybridSequential(nn.Dense(5, activation="gelu", dtype="float64"))

    again = travelled(randomised(net, x), x, path)

    assert again[0].weight.dtype == onp.float64


def test_a_dense_layers_activation_may_have_a_parameter(path):
    layer = nn.Dense(4)
    layer.act = nn.LeakyReLU(0.25)
    x = normal(3, 2)
    randomised(layer, x)
    expected = layer(nd.array(x))

    layer.export(path)
    again = glueball.load(path)

    assert_same_bits(again(nd.array(x)), expected)
    assert repr(again) == "Dense(2 -> 4, LeakyReLU(0.25))"


def test_names_are_those_of_the_net_wherever_it_is_loaded(path):
    net = nn.HybridSequential(prefix="model_")
    with net.name_scope():
        net.add(nn.Dense(4, activation="relu"), nn.HybridSequential(nn.Dense(2)))
    net[1].add(nn.Dense(2, prefix="head_"))

    again = travelled(randomised(net, normal(1, 3)), normal(1, 3), path)

    assert list(again.collect_params())[-1] == "head_bias"
    assert again[0].name == "model_dense0"
    assert nn.Dense(1).name == "dense0"  # loading has used up no numbers


def test_a_net_loads_into_a_process_that_has_made_others(path):
    net = nn.HybridSequential(nn.Dense(2, in_units=3))
    net.initialize()
    net.export(path)

    first, second = glueball.load(path), glueball.load(path)

    assert first[0].weight is not second[0].weight
    assert first[0].weight.name == second[0].weight.name == net[0].weight.name


def test_children_taken_out_leave_no_gap_in_the_file(path):
    net = nn.HybridSequential(nn.Dense(3), nn.Dense(4), nn.Dense(2))
    del net._children["1"]
    x = nd.ones((1, 3))
    randomised(net, normal(1, 3))

    net.export(path)
    again = glueball.load(path)

    assert [key for key, _ in again._walk_parameters()][-1] == "1.bias"
    assert_same_bits(again(x), net(x))


def test_a_subclass_that_only_adds_layers_is_a_chain(path):
    class Net(nn.HybridSequential):
        def __init__(self):
            super().__init__()
            self.add(nn.Dense(3, in_units=2))

    net = Net()
    net.initialize()
    net.export(path)

    assert type(glueball.load(path)) is nn.HybridSequential


def test_an_empty_chain_travels(path):
    travelled(nn.HybridSequential(), normal(2, 3), path)


def test_hooks_stay_with_the_net(path):
    net = randomised(nn.HybridSequential(nn.Dense(2)), normal(1, 3))
    net[0].register_forward_hook(lambda *_: None)

    travelled(net, normal(1, 3), path)


def test_a_loaded_net_trains_on_bit_by_bit(path):
    def step(net):
        trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "wd": 0.1})
        with autograd.record():
            loss = (net(nd.array(x)) ** 2).sum()
        loss.backward()
        trainer.step(4)
        return [parameter.data().asnumpy() for parameter in net.collect_params().values()]

    x = normal(4, 3)
    net = randomised(nn.HybridSequential(nn.Dense(5, activation="tanh"), nn.Dense(2)), x)
    net.export(path)

    for ours, theirs in zip(step(glueball.load(path)), step(net), strict=True):
        onp.testing.assert_array_equal(ours, theirs)


def test_numpy_mode_travels(path):
    net = randomised(nn.HybridSequential(nn.Dense(2)), normal(1, 3))
    expected = net(nd.ones((1, 3))).asnumpy()
    net.export(path)

    npx.set_np()
    try:
        output = glueball.load(path)(glueball.np.ones((1, 3)))
    finally:
        npx.reset_np()

    onp.testing.assert_array_equal(onp.asarray(output), expected)


def test_the_same_net_gives_the_same_bytes(path, tmp_path):
    net = randomised(nn.HybridSequential(nn.Dense(2)), normal(1, 3))
    net.export(path)
    glueball.load(path).export(tmp_path / "again.safetensors")

    with open(path, "rb") as one, open(tmp_path / "again.safetensors", "rb") as two:
        assert one.read() == two.read()


# Ties


def test_tied_layers_are_stored_once_and_come_back_tied(path):
    first = nn.Dense(3, in_units=3)
    net = nn.HybridSequential(first, nn.Dense(3, in_units=3, params=first.params))

    again = travelled(randomised(net, normal(1, 3)), normal(1, 3), path)

    assert _core.ModelFile(os.fsencode(path)).aliases == {
        "1.weight": "0.weight",
        "1.bias": "0.bias",
    }
    assert again[1].weight is again[0].weight
    assert again[1].bias is again[0].bias
    assert again[1].name == "dense1"


def test_a_layer_used_twice_comes_back_as_two_that_are_tied(path):
    layer = nn.Dense(3, in_units=3, activation="tanh")
    net = nn.HybridSequential(layer, nn.Dense(3), layer)

    again = travelled(randomised(net, normal(1, 3)), normal(1, 3), path)

    assert again[2].weight is again[0].weight
    assert again[1].weight is not again[0].weight


def test_a_part_of_a_layer_may_be_tied(path):
    first = nn.Dense(3, in_units=3)
    second = nn.Dense(3, in_units=3, params=first.collect_params(".*weight"), use_bias=False)
    net = nn.HybridSequential(first, second)

    again = travelled(randomised(net, normal(1, 3)), normal(1, 3), path)

    assert again[1].weight is again[0].weight
    assert again[1].bias is None


def test_an_alias_may_come_before_what_it_names(path):
    model = architecture(dense(3, 3, "a_", use_bias=False), dense(3, 3, "b_", use_bias=False))
    write(path, model, {"1.weight": normal(3, 3)}, {"0.weight": "1.weight"})

    net = glueball.load(path)

    assert net[0].weight is net[1].weight
    assert net[0].weight.name == "a_weight"


# What cannot be exported


class Custom(nn.HybridBlock):
    def hybrid_forward(self, F, x):
        return x + 1


class Twice(nn.Dense):
    def hybrid_forward(self, F, x, weight, bias):
        return 2 * super().hybrid_forward(F, x, weight, bias)


class Called(nn.Dense):
    def __call__(self, x):
        return super().__call__(x) + 1


class Scaled(nn.HybridSequential):
    def __init__(self):
        super().__init__()
        self.factor = self.params.get("factor", shape=(1,))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Custom(prefix="odd_"),
        lambda: Twice(2, in_units=2, prefix="odd_"),
        lambda: Called(2, in_units=2, prefix="odd_"),
        lambda: Scaled(),
        lambda: nn.HybridLambda("softmax", prefix="odd_"),
        lambda: nn.HybridConcurrent(prefix="odd_"),
    ],
    ids=["own block", "own forward", "own call", "own parameter", "function", "concurrent"],
)
def test_a_block_that_no_file_can_name_is_named_and_an_old_file_stays(make, path):
    layer = make()
    net = nn.HybridSequential(nn.Dense(2, in_units=2), nn.HybridSequential(layer))
    net.initialize()
    with open(path, "w") as file:
        file.write("old")

    kind = type(layer).__name__
    with pytest.raises(
        ArgumentError,
        match=rf"can name \(Seq.*found '{layer.name}' \({kind}\) at '1.0' of.*put its",
    ):
        net.export(path)

    with open(path) as file:
        assert file.read() == "old"
    assert os.listdir(os.path.dirname(path)) == ["net.safetensors"]


def test_an_activation_of_ones_own_inside_a_dense_layer_is_none_of_ours(path):
    layer = nn.Dense(2, in_units=2)
    layer.act = Custom()
    layer.initialize()

    with pytest.raises(ArgumentError, match=r"found 'dense0' \(Dense\)"):
        layer.export(path)


def test_a_net_without_values_says_so_in_gluons_words(path):
    net = nn.HybridSequential(nn.Dense(2))
    with pytest.raises(RuntimeError, match="has not been initialized. Note that"):
        net.export(path)
    net.initialize()
    with pytest.raises(gluon.parameter.DeferredInitializationError):
        net.export(path)
    assert not os.path.exists(path)


def test_mxnets_pair_of_files_is_refused_with_the_name_to_use(tmp_path):
    net = nn.HybridSequential(nn.Dense(2, in_units=2))
    net.initialize()

    with pytest.raises(
        ArgumentError, match=r"ends in .safetensors, found '.*mlp'.*mlp.safetensors'"
    ):
        net.export(str(tmp_path / "mlp"))
    with pytest.raises(ArgumentError, match=r"expected epoch 0.*'net-3.safetensors'"):
        net.export(str(tmp_path / "mlp.safetensors"), epoch=3)
    assert list(tmp_path.iterdir()) == []


def test_dtypes_names_and_depths_that_no_reader_takes_are_refused(path):
    mixed = nn.HybridSequential(nn.Dense(2, in_units=2), nn.Dense(2, in_units=2, dtype="float64"))
    mixed.initialize()
    with pytest.raises(
        ArgumentError, match="one dtype in .*found float32 and float64; cast the net"
    ):
        mixed.export(path)

    twins = nn.HybridSequential(*(nn.Dense(2, in_units=2, prefix="same_") for _ in range(2)))
    for layer in twins:
        layer.initialize()
    with pytest.raises(
        ArgumentError, match="different Parameters with the same name 'same_weight'"
    ):
        twins.export(path)

    net = nn.HybridSequential()
    for _ in range(24):
        net = nn.HybridSequential(net)
    with pytest.raises(ArgumentError, match="nested up to 24 deep, found more at '0.0"):
        net.export(path)
    net[0].export(path)
    assert repr(glueball.load(path)) == repr(net[0])


def test_a_folder_that_is_not_there_is_named(tmp_path):
    net = nn.HybridSequential(nn.Dense(2, in_units=2))
    net.initialize()

    with pytest.raises(MXNetError, match="no_such"):
        net.export(str(tmp_path / "no_such" / "net.safetensors"))


# What cannot be loaded


def dense(units, in_units, prefix="dense_", **changes):
    return {
        "kind": "Dense",
        "prefix": prefix,
        "units": units,
        "in_units": in_units,
        "use_bias": True,
        "flatten": True,
        "activation": None,
    } | changes


def architecture(*layers, **changes):
    net = {"kind": "HybridSequential", "prefix": "net_", "layers": list(layers)}
    head = {"format": "glueball.model", "version": 1, "dtype": "float32", "in_units": None}
    return head | {"net": net} | changes


def write(path, model, arrays, aliases=(), metadata=()):
    """A .safetensors file by the format's description: nothing of glueball's writes it."""
    texts = dict(aliases) | dict(metadata)
    if model is not None:
        texts["glueball.model"] = model if isinstance(model, str) else json.dumps(model)
    header, data = {"__metadata__": texts}, b""
    for key, array in arrays.items():
        begin, data = len(data), data + array.tobytes()
        dtype = f"{array.dtype.kind.upper()}{8 * array.itemsize}"
        offsets = [begin, len(data)]
        header[key] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": offsets}
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


ARRAYS = {"0.weight": normal(2, 3), "0.bias": normal(2)}
GOOD = architecture(dense(2, 3))


def changed(**changes):
    """GOOD with another setting of its layer; None as name takes one out."""
    model = copy.deepcopy(GOOD)
    layer = model["net"]["layers"][0]
    for key, value in changes.items():
        if value is ...:
            del layer[key]
        else:
            layer[key] = value
    return model


def nested(depth):
    model = GOOD["net"]
    for _ in range(depth):
        model = {"kind": "Sequential", "prefix": "", "layers": [model]}
    return architecture() | {"net": model}


HOSTILE = {
    "empty text": ("", "expected the architecture as JSON"),
    "no JSON": ("{", "expected the architecture as JSON"),
    "cut JSON": (json.dumps(GOOD)[:-1], "expected the architecture as JSON"),
    "more behind": (json.dumps(GOOD) + "x", "expected the architecture as JSON"),
    "a key twice": ('{"format":"glueball.model","format":"x"}', "expected the architecture as JSON"),
    "NaN": (json.dumps(changed(units=float("nan"))), "expected the architecture as JSON"),
    "a number beyond double": (
        json.dumps(GOOD).replace('"units": 2', '"units": 1e999'),
        "expected the architecture as JSON",
    ),
    "half a surrogate": (
        json.dumps(GOOD).replace("dense_", "\\ud800"),
        "expected the architecture as JSON",
    ),
    "brackets to the end": ("[" * 100000, "expected the architecture as JSON"),
    "a list": ([], "expected 'format' in the architecture"),
    "a number": (5, "expected 'format' in the architecture"),
    "another format": (GOOD | {"format": "x"}, "the format 'glueball.model' in .* found 'x'"),
    "no version": ({"format": "glueball.model"}, "expected 'version'"),
    "a newer version": (GOOD | {"version": 2}, "version 1 in .* found version 2; use a glueball"),
    "a version in between": (GOOD | {"version": 1.5}, "found version 1.5"),
    "a version as text": (GOOD | {"version": "1"}, "found no number"),
    "another dtype": (GOOD | {"dtype": "float16"}, "float32 or float64 in .* found 'float16'"),
    "an unknown member": (GOOD | {"code": "x"}, "known members .* found 'code'"),
    "no net": ({k: v for k, v in GOOD.items() if k != "net"}, "expected 'net'"),
    "a net that is a list": (GOOD | {"net": []}, "expected an object that describes"),
    "an unknown layer": (architecture({"kind": "Conv2D", "prefix": ""}), "found 'Conv2D' at '0'"),
    "a layer without kind": (architecture({"prefix": ""}), "expected 'kind' of layer '0'"),
    "a layer that is a text": (architecture("Dense"), "object that describes layer '0'"),
    "layers that are no list": (
        GOOD | {"net": {"kind": "Sequential", "prefix": "", "layers": {}}},
        "'layers' of the net .Sequential. to be a list",
    ),
    "chains in chains": (nested(24), "nested up to 24 deep in .* found more at '0.0"),
    "chains beyond JSON's depth": (nested(70), "expected the architecture as JSON"),
    "no setting": (changed(flatten=...), "expected 'flatten' of layer '0' .Dense. in .* found nothing"),
    "an unknown setting": (changed(code="x"), "known settings in .* found 'code' of layer '0'"),
    "a setting of another kind": (changed(use_bias=1), "'use_bias' .* to be true or false"),
    "a text for a number": (changed(units="2"), "'units' .* to be a number"),
    "no units": (changed(units=0), "'units' of layer '0' .Dense. to be an integer from 1"),
    "negative units": (changed(units=-2), "'units' .* found -2"),
    "broken units": (changed(units=2.5), "'units' .* found 2.5"),
    "huge units": (changed(units=2**53), r"expected an array '0.weight' of shape \(9007199254740992, 3\)"),
    "units beyond doubles": (changed(units=2**64), "'units' .* to be an integer from 1 to"),
    "sizes that overflow": (changed(units=2**40, in_units=2**40), "expected an array '0.weight'"),
    "another width": (changed(in_units=4), r"of shape \(2, 4\) and dtype F32 in .* found \(2, 3\)"),
    "units and width exchanged": (changed(units=3, in_units=2), "expected an array '0.weight'"),
    "an unknown activation": (changed(activation="os.system"), "name of an activation in .*'os.system'"),
    "a parameter that is not there": (
        changed(activation="relu", alpha=0.5),
        "no 'alpha' of layer '0' .Dense., whose activation has no parameter",
    ),
    "a negative slope": (changed(activation="leaky_relu", alpha=-0.5), "'alpha' .* to be from 0"),
    "a rate above 1": (
        architecture(dense(2, 3), {"kind": "Dropout", "prefix": "", "rate": 1.5}),
        "'rate' of layer '1' .Dropout. to be from 0 to 1 in .* found 1.5",
    ),
    **{
        f"axes that are {what}": (
            architecture(
                dense(2, 3), {"kind": "Dropout", "prefix": "", "rate": 0.5, "axes": axes}
            ),
            f"'axes' of layer '1' .Dropout. to be {wanted}",
        )
        for what, axes, wanted in [
            ("no list", 1, "a list"),
            ("no numbers", ["a"], "integers from -8 to 7 in .* found another kind"),
            ("no integers", [0.5], "integers from -8 to 7 in .* found 0.5"),
            ("too far", [8], "integers from -8 to 7 in .* found 8"),
        ]
    },
    "arrays left over": (architecture(), "found '0.(weight|bias)', which belongs to none"),
    "arrays missing": (architecture(dense(2, 3), dense(2, 2, "b_")), "expected an array '1.weight'"),
    "a bias left over": (changed(use_bias=False), "found '0.bias', which belongs to none"),
    "a hundred thousand layers": (
        architecture(*[{"kind": "Nothing", "prefix": ""}] * 100000),
        "found 'Nothing' at '0'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_architecture_is_refused_by_name_of_file_and_fault(case, path):
    model, fault = HOSTILE[case]
    write(path, model, ARRAYS)

    with pytest.raises(MXNetError, match=fault) as caught:
        glueball.load(path)
    assert "net.safetensors" in str(caught.value)


def test_the_model_that_the_hostile_ones_are_made_of_loads(path):
    write(path, GOOD, ARRAYS)

    net = glueball.load(path)

    onp.testing.assert_array_equal(net[0].weight.data().asnumpy(), ARRAYS["0.weight"])


@pytest.mark.parametrize(
    ("arrays", "aliases", "metadata", "fault"),
    [
        ({"0.weight": ARRAYS["0.weight"].astype("float64")}, {}, {}, r"dtype F32 in .*\(2, 3\), F64"),
        ({"0.weight": onp.ones((2, 3), "int32")}, {}, {}, r"dtype F32 in .*\(2, 3\), I32"),
        ({"0.weight": normal(6)}, {}, {}, r"shape \(2, 3\) and .* found \(6,\)"),
        ({"0.weight": normal(2, 3, 1)}, {}, {}, r"found \(2, 3, 1\)"),
        ({"0.weight": onp.ones((2, 3), "float32")}, {"9.bias": "0.bias"}, {}, "'9.bias', which belongs"),
        ({"0.weight": normal(2, 3)}, {"0.bias": "0.weight"}, {}, r"'0.bias' .* found \(2, 3\)"),
        ({}, {}, {"0.weight": "0.weights", "0.weights": "0.weight"}, "expected an array '0.weight'"),
    ],
    ids=["float64", "integers", "one axis", "three axes", "alias of nothing", "alias of another",
         "aliases in a circle"],
)  # fmt: skip
def test_arrays_that_do_not_fit_the_architecture_are_refused(
    arrays, aliases, metadata, fault, path
):
    bias = {} if "0.bias" in aliases else {"0.bias": ARRAYS["0.bias"]}
    write(path, GOOD, bias | arrays, aliases, metadata)

    with pytest.raises(MXNetError, match=fault):
        glueball.load(path)


def test_two_parameters_of_one_name_are_refused(path):
    write(
        path,
        architecture(dense(2, 3), dense(2, 2)),
        ARRAYS | {"1.weight": normal(2, 2), "1.bias": normal(2)},
    )

    with pytest.raises(MXNetError, match="different names in .* two called 'dense_weight'"):
        glueball.load(path)


def test_a_file_of_parameters_only_says_how_to_load_it(path):
    write(path, None, ARRAYS)

    with pytest.raises(MXNetError, match=r"found parameters only; build the net, and use load_par"):
        glueball.load(path)


def test_a_missing_file_is_named(path):
    with pytest.raises(MXNetError, match="net.safetensors"):
        glueball.load(path)


def test_a_file_cut_anywhere_is_refused(path):
    net = randomised(nn.HybridSequential(nn.Dense(2)), normal(1, 3))
    net.export(path)
    with open(path, "rb") as file:
        whole = file.read()

    for length in range(len(whole)):
        with open(path, "wb") as file:
            file.write(whole[:length])
        with pytest.raises(MXNetError, match="net.safetensors"):
            glueball.load(path)


def test_initializers_are_not_part_of_the_file(path):
    net = nn.HybridSequential(nn.Dense(2, in_units=2, weight_initializer=init.Constant(3)))
    net.initialize()
    net.export(path)

    again = glueball.load(path)
    again.initialize(init.Zero(), force_reinit=True)

    assert again[0].weight.data().asnumpy().tolist() == [[0, 0], [0, 0]]
