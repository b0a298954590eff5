"""The code of docs/coming-from.md: all of it runs, in order, and prints and changes what it is there for."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import numpy as onp
import pytest

import glueball
from glueball import gluon, init
from glueball.gluon import nn

PAGE = Path(__file__).parents[2] / "docs/coming-from.md"
# As the texts that the page serves are numbered.
CELLS = [*map(str, range(1, 41)), *(f"P{n}" for n in range(1, 17))]

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="needs the checkout")


def code_by_cell(text):
    """Return [(cells, code)] of a page, in its order."""
    found = re.findall(
        r"^Cells? ((?:P?\d+(?:, )?)+)[^\n`]*(?:[^`]|`[^`\n]+`)*?```python\n(.*?)^```",
        text,
        re.MULTILINE | re.DOTALL,
    )
    return [(cells.rstrip(", ").split(", "), code) for cells, code in found]


@pytest.fixture(scope="module")
def ran():
    """What each cell printed, and what it left."""
    glueball.random.seed(3)
    namespace, prints, states = {}, {}, {}
    for cells, code in code_by_cell(PAGE.read_text()):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, f"{PAGE.name}, cell {cells[0]}", "exec"), namespace)  # noqa: S102 - of ours
        for cell in cells:
            prints[cell] = printed.getvalue()
            states[cell] = {
                key: {path: each.numpy() for path, each in value.named_parameters()}
                for key, value in namespace.items()
                if isinstance(value, gluon.Block)
            }
    return prints, states, namespace


def test_every_cell_has_its_code():
    cells = [cell for cells, _ in code_by_cell(PAGE.read_text()) for cell in cells]

    assert sorted(cells) == sorted(CELLS)
    assert len(code_by_cell(PAGE.read_text())) == PAGE.read_text().count("```python")


def numbers(printed):
    return [float(each) for each in re.findall(r"-?\d+\.?\d*(?:e[-+]?\d+)?", printed)]


def test_reading(ran):
    prints, states, _ = ran
    state = states["4"]["net"]
    keras = states["5"]["keras_net"]

    assert state["0.weight"].shape == (8, 4)
    assert keras["1.weight"].shape == (4, 4)
    assert "'weight': " in prints["4"]
    assert "'bias': " in prints["4"]
    assert "[0.]" in prints["4"]
    assert prints["5"].count("Parameter ") == 2
    first, second, third = prints["6"].split("\n", 2)
    assert prints["6"] == prints["8"]
    assert first == "<class 'glueball.gluon.parameter._parameter.Parameter'>"
    assert "(shape=(1,), dtype=float32)" in second
    assert third == "\n[0.]\n<NDArray 1 @cpu(0)>\n"
    assert prints["7"].endswith("[0.]\n")
    assert prints["9"] == "True\n"
    assert prints["10"] == (
        "('weight', (8, 4)) ('bias', (8,))\n"
        "('0.weight', (8, 4)) ('0.bias', (8,)) ('2.weight', (1, 8)) ('2.bias', (1,))\n"
    )
    assert prints["11"].count("array(") == 4
    assert prints["12"] == prints["14"] == "\n[0.]\n<NDArray 1 @cpu(0)>\n"
    assert prints["13"] == "[0. 0. 0. 0.]\n"


def test_nesting(ran):
    prints, states, namespace = ran

    assert list(states["15"]["rgnet"])[:2] == ["0.block 0.0.weight", "0.block 0.0.bias"]
    assert len(states["15"]["rgnet"]) == 18
    assert [each.prefix for each in namespace["blocks"]] == [f"block-{n}_" for n in range(4)]
    for number in range(4):
        assert f"(block {number}): Sequential" in prints["18"]
    assert "Dense(8 -> 4" in prints["18"]
    assert "parameters: 85 trainable" in prints["19"]
    assert prints["20"] == f"\n[{' '.join(['0.'] * 8)}]\n<NDArray 8 @cpu(0)>\n"
    assert "bias (shape=(4,), dtype=float32)" in prints["21"]
    assert prints["22"] == prints["20"]


def test_initializing(ran):
    prints, states, _ = ran

    for number in ("23", "25"):
        weight = states[number]["net"]["0.weight"]
        assert 0.003 < weight.std() < 0.02
        assert not states[number]["net"]["2.bias"].any()
    assert 0.003 < states["24"]["keras_net"]["1.weight"].std() < 0.02
    for number in ("26", "28"):
        assert (states[number]["net"]["0.weight"] == 1).all()
        assert prints[number].count("1. 1. 1. 1.") == 1
    assert (states["27"]["keras_net"]["1.weight"] == 1).all()
    for number in ("29", "31"):
        weight = states[number]["net"]["0.weight"]
        bound = onp.sqrt(6 / 12)
        assert 0.5 * bound < onp.abs(weight).max() <= bound
        assert (states[number]["net"]["2.weight"] == 42).all()
    bound = onp.sqrt(6 / 8)
    assert 0.5 * bound < onp.abs(states["30"]["keras_net"]["1.weight"]).max() <= bound
    assert (states["30"]["keras_net"]["2.weight"] == 1).all()
    for number, name, path in (
        ("32", "net", "0.weight"),
        ("34", "net", "2.weight"),
        ("33", "keras_net", "1.weight"),
    ):
        weight = states[number][name][path]
        assert ((weight == 0) | ((onp.abs(weight) >= 5) & (onp.abs(weight) <= 10))).all()
        assert weight.any()
    assert prints["32"].startswith("Init weight (8, 4)\nInit weight (1, 8)\n")


def test_the_line_of_rules_does_what_the_functions_do():
    line = next(
        each
        for each in PAGE.read_text().splitlines()
        if each.startswith("`net.initialize(init.Rules")
    )
    net = nn.Sequential(nn.Dense(8, in_units=4), nn.Activation("relu"), nn.Dense(1, in_units=8))
    net.initialize()

    exec(line.strip("`"), {"net": net, "init": init})  # noqa: S102 - of ours

    assert (net[2].weight.numpy() == 42).all()
    assert net.explain()["0.weight"].origin == "rule '0.weight'"


def test_setting(ran):
    prints, states, _ = ran

    expected = states["34"]["net"]["0.weight"] + 1
    expected[0, 0] = 42
    onp.testing.assert_array_equal(states["35"]["net"]["0.weight"], expected)
    assert numbers(prints["35"].split("<")[0])[0] == 42
    keras = states["33"]["keras_net"]["1.weight"] + 1
    keras[0, 0] = 42
    onp.testing.assert_array_equal(states["36"]["keras_net"]["1.weight"], keras)
    expected += 1
    expected[0, 0] = 42
    onp.testing.assert_array_equal(states["37"]["net"]["0.weight"], expected)


def test_sharing(ran):
    prints, _, namespace = ran
    net = namespace["net"]

    assert prints["38"] == prints["40"] == "\n[1. 1. 1. 1. 1. 1. 1. 1.]\n<NDArray 8 @cpu(0)>\n" * 2
    assert net[1].weight.data()[0, 0].asscalar() == 100
    assert net[2] is net[1]
    assert prints["39"] == "True\n"


def test_the_text_on_initialization(ran):
    prints, states, namespace = ran

    bound = 1 / onp.sqrt(30)
    first = states["P2"]["net1"]["0.weight"]
    assert 0.9 * bound < onp.abs(first).max() <= bound
    assert namespace["w1"] is namespace["net1"][0].weight
    assert namespace["b1"] is namespace["net1"][0].bias
    assert prints["P4"].startswith("Parameter ")
    assert "standard deviation" in prints["P4"]
    set_values = states["P5"]["net1"]["0.weight"]
    assert 3 <= set_values.min() < 3.1
    assert 4.9 < set_values.max() <= 5
    assert prints["P6"].endswith("<NDArray 40x30 @cpu(0)>\n")
    for path in ("0.weight", "1.weight", "2.weight"):
        assert states["P7"]["net1"][path].std() == pytest.approx(0.5, rel=0.1)
    assert states["P9"]["net2"]["l1.0.weight"].std() == pytest.approx(1, rel=0.1)
    assert states["P9"]["net2"]["l2.0.weight"].std() < 0.05
    assert prints["P10"].count("Sequential(") == 3
    assert prints["P11"].count("Sequential(") == 6
    assert prints["P11"].startswith("SimNet(")
    for layer in ("l1", "l2", "l3"):
        assert states["P12"]["net2"][f"{layer}.0.weight"].std() == pytest.approx(0.5, rel=0.1)
    bound = onp.sqrt(6 / 70)
    last = states["P15"]["net1"]["0.weight"]
    assert 0.9 * bound < onp.abs(last).max() <= bound
    assert prints["P14"] != prints["P16"]
    assert prints["P16"].endswith("<NDArray 40x30 @cpu(0)>\n")
