"""A file with a fault, or one that is not a model, is refused by name, with the fault."""

from __future__ import annotations

import copy
import json

import numpy as onp
import pytest

import glueball
from glueball.base import FileFormatError
from glueball.gluon import nn
from model_files import architecture, dense, write
from random_nets import normal, randomised


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "net.safetensors")


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
    "trailing text": (json.dumps(GOOD) + "x", "expected the architecture as JSON"),
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
    "layers that are not a list": (
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

    with pytest.raises(FileFormatError, match=fault) as caught:
        glueball.load(path)
    assert caught.type is FileFormatError
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

    with pytest.raises(FileFormatError, match=fault):
        glueball.load(path)


def test_two_parameters_of_one_name_are_refused(path):
    write(
        path,
        architecture(dense(2, 3), dense(2, 2)),
        ARRAYS | {"1.weight": normal(2, 2), "1.bias": normal(2)},
    )

    with pytest.raises(FileFormatError, match="different names in .* two called 'dense_weight'"):
        glueball.load(path)


def test_a_file_of_parameters_only_says_how_to_load_it(path):
    write(path, None, ARRAYS)

    with pytest.raises(
        FileFormatError, match=r"found parameters only; build the net, and use load_par"
    ):
        glueball.load(path)


def test_layers_that_python_does_not_put_together_are_a_fault_of_the_file(path):
    inner = {"kind": "Sequential", "prefix": "", "layers": [dense(2, 3)]}
    arrays = {"0.0.weight": ARRAYS["0.weight"], "0.0.bias": ARRAYS["0.bias"]}
    write(path, architecture(inner), arrays)  # the core has one class of chains

    with pytest.raises(
        FileFormatError, match=r"net.safetensors', found layers that .* must also be HybridBlock"
    ):
        glueball.load(path)


def test_a_missing_file_is_named(path):
    with pytest.raises(FileNotFoundError, match="net.safetensors"):
        glueball.load(path)


def test_a_file_cut_anywhere_is_refused(path):
    net = randomised(nn.HybridSequential(nn.Dense(2)), normal(1, 3))
    net.export(path)
    with open(path, "rb") as file:
        whole = file.read()

    for length in range(len(whole)):
        with open(path, "wb") as file:
            file.write(whole[:length])
        with pytest.raises(FileFormatError, match="net.safetensors"):
            glueball.load(path)
