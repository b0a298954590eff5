"""The table that `Block.summary` prints as ``mxnet``: Gluon's. The other is in insight/test_summary.py."""

from __future__ import annotations

import subprocess
import sys

import pytest

import glueball
from glueball import nd
from glueball.gluon import nn

RULE = "-" * 80


@pytest.fixture(autouse=True)
def _as_mxnet(monkeypatch):
    monkeypatch.setitem(sys.modules, "mxnet", glueball)


@pytest.mark.parametrize("first", ["import glueball.gluon.nn", ""])
def test_a_program_that_imports_mxnet_gets_gluons_table(first):
    program = f"""{first}
import glueball
glueball.install_as_mxnet()
from mxnet import nd
from mxnet.gluon import nn
net = nn.Dense(3, in_units=2)
net.initialize()
net.summary(nd.ones((1, 2)))
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "".join(run.stdout.splitlines()[1].split()) == "Layer(type)OutputShapeParam#"


class TwoLayers(nn.Block):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.hidden = nn.Dense(4, activation="relu", in_units=3)
        self.output = nn.Dense(2, in_units=4)

    def forward(self, x):
        return self.output(self.hidden(x))


def test_summary_lists_layers_as_they_run(capsys):
    class Net(nn.Block):
        def __init__(self):
            super().__init__()
            self.output = nn.Dense(2, in_units=4)  # runs last
            self.hidden = nn.Dense(4, activation="relu", in_units=3)

        def forward(self, x):
            return self.output(self.hidden(x))

    net = Net()
    net.initialize()

    net.summary(nd.ones((5, 3)))

    rows = [
        ("Layer (type)", "Output Shape", "Param #"),
        ("Input", "(5, 3)", "0"),
        ("Activation-1", "(5, 4)", "0"),
        ("Dense-2", "(5, 4)", str(3 * 4 + 4)),
        ("Dense-3", "(5, 2)", str(4 * 2 + 2)),
        ("Net-4", "(5, 2)", "0"),
    ]
    table = ["{:>20}  {:>42} {:>15}".format(*row) for row in rows]
    assert capsys.readouterr().out.splitlines() == [
        RULE,
        table[0],
        "=" * 80,
        *table[1:],
        "=" * 80,
        "Parameters in forward computation graph, duplicate included",
        "   Total params: 26",
        "   Trainable params: 26",
        "   Non-trainable params: 0",
        "Shared params in forward computation graph: 0",
        "Unique parameters in model: 26",
        RULE,
    ]
    assert not net.hidden._forward_hooks


def test_summary_counts_shared_and_frozen_parameters(capsys):
    net = nn.Sequential()
    first = nn.Dense(3, in_units=3)
    frozen = nn.Dense(2, in_units=3)
    net.add(first, nn.Dense(3, in_units=3, params=first.params), frozen)
    frozen.collect_params().setattr("grad_req", "null")
    net.initialize()

    net.summary(nd.ones((1, 3)))

    out = capsys.readouterr().out
    assert "   Total params: 32\n   Trainable params: 24\n   Non-trainable params: 8\n" in out
    assert "Shared params in forward computation graph: 12\nUnique parameters in model: 20\n" in out


def test_summary_of_a_deferred_net_initializes_it_first(capsys):
    net = nn.Sequential(nn.Dense(4, activation="relu"))
    net.initialize()

    net.summary(nd.ones((1, 3)))

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[3:6]] == ["Input", "Activation-1", "Dense-2"]


def test_summary_of_a_hybridized_net_is_refused():
    net = nn.HybridSequential(nn.Dense(4, in_units=3, prefix="only_"))
    net.initialize()
    net.hybridize()

    with pytest.raises(AssertionError, match="must not be hybridized to print summary"):
        net.summary(nd.ones((1, 3)))


def test_summary_of_an_uninitialized_net_names_the_parameter():
    net = nn.Sequential(nn.Dense(4, in_units=3, prefix="only_"))

    with pytest.raises(RuntimeError, match="Parameter 'only_weight' has not been initialized"):
        net.summary(nd.ones((1, 3)))


class Gives(nn.Block):
    """A block that gives what a function makes of its input."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


# The rows are those of MXNet 1.9.1.
@pytest.mark.parametrize(
    ("function", "row"),
    [
        (lambda x: x, "(1, 2)"),
        (lambda x: (x, [x, x]), "(1, 2), [(1, 2), (1, 2)]"),
        (lambda x: [x], "(1, 2)"),
        (lambda x: {"all": x}, "dict"),
        (lambda x: None, "NoneType"),
        (lambda x: 3.0, "float"),
    ],
    ids=["array", "nested", "list", "dict", "none", "number"],
)
def test_summary_shows_whatever_a_block_gives(capsys, function, row):
    Gives(function).summary(nd.ones((1, 2)))

    lines = capsys.readouterr().out.splitlines()
    assert lines[3] == "{:>20}  {:>42} {:>15}".format("Input", "(1, 2)", 0)
    assert lines[4] == "{:>20}  {:>42} {:>15}".format("Gives-1", row, 0)


def test_summary_takes_several_inputs(capsys):
    Gives(lambda x, y: x + y).summary(nd.ones((2, 2)), nd.ones((2, 1)))

    row = capsys.readouterr().out.splitlines()[3]
    assert row == "{:>20}  {:>42} {:>15}".format("Input", "(2, 2), (2, 1)", 0)
