"""`Block.summary`: the table of a net, with or without data. Gluon's is in gluon/block/test_summary.py."""

import json
import threading

import numpy as onp
import pytest

from glueball import autograd, init, nd, random
from glueball.base import MXNetError
from glueball.gluon import Parameter, nn


def mlp(**first):
    return nn.Sequential(nn.Dense(8, activation="relu", **first), nn.Dense(3), prefix="mlp_")


def rows(summary, *names):
    return [tuple(row[name] for name in names) for row in summary.rows]


class Python(nn.Block):
    """A block of Python's: the first child runs last."""

    def __init__(self):
        super().__init__()
        self.last = nn.Dense(2)
        self.first = nn.Dense(4, activation="tanh")

    def forward(self, x, y=None):
        x = self.first(x if y is None else x + y)
        return self.last(x), x


def test_a_shape_tells_everything_without_data(capsys):
    summary = mlp().summary(shape=(None, 20))

    assert capsys.readouterr().out == (
        "Sequential 'mlp'\n"
        "Path  Type        Input    Output  Params  Trainable\n"
        "────────────────────────────────────────────────────\n"
        "0     Dense relu  (?, 20)  (?, 8)     168  yes\n"
        "1     Dense       (?, 8)   (?, 3)      27  yes\n"
        "────────────────────────────────────────────────────\n"
        "195 parameters: 195 trainable, 0 frozen (780 B)\n"
    )
    assert (summary.total, summary.trainable, summary.bytes) == (195, 195, 780)
    assert summary.multiply_adds == 20 * 8 + 8 * 3


def test_without_inputs_it_says_what_is_known():
    summary = mlp().summary(print=False)

    assert rows(summary, "input", "output", "params") == [
        (None, (None, 8), None),
        ((None, 8), (None, 3), 27),
    ]
    assert "35 parameters + 1 of unknown shape" in str(summary)
    assert rows(mlp(in_units=20).summary(print=False), "input") == [((None, 20),), ((None, 8),)]


def test_data_tells_shapes_with_the_batch():
    summary = mlp().summary(nd.ones((5, 20)), print=False)

    assert rows(summary, "input", "output") == [((5, 20), (5, 8)), ((5, 8), (5, 3))]


def test_blocks_of_python_run_and_keep_the_order_of_the_net():
    summary = Python().summary(shape=[(None, 6), (None, 6)], print=False)

    assert rows(summary, "path", "input", "output", "params") == [
        ("last", (None, 4), (None, 2), 10),
        ("first", (None, 6), (None, 4), 28),
    ]
    unknown = Python().summary(print=False)
    assert rows(unknown, "path", "input", "output") == [
        ("last", None, (None, 2)),
        ("first", None, (None, 4)),
    ]


def test_a_tied_frozen_parameter_is_counted_once():
    first = nn.Dense(8, in_units=8, use_bias=False)
    net = nn.Sequential(first, nn.Dense(8, in_units=8, use_bias=False, params=first.params))
    net.collect_params().setattr("grad_req", "null")

    summary = net.summary(print=False)

    assert (summary.total, summary.trainable) == (64, 0)
    assert rows(summary, "params", "tied") == [(64, {}), (0, {"1.weight": "0.weight"})]
    assert "tied: 1.weight is 0.weight, counted once" in str(summary)
    assert "64 parameters: 0 trainable, 64 frozen" in str(summary)


def test_a_block_at_two_places_is_tied_and_has_the_shapes_of_each():
    shared = nn.Dense(4, flatten=False)
    net = nn.Sequential(shared, nn.Activation("relu"), shared)

    summary = net.summary(shape=(None, 4), print=False)

    assert summary.total == 20
    assert rows(summary, "path", "output") == [("0", (None, 4)), ("1", (None, 4)), ("2", (None, 4))]
    assert summary.rows[2]["tied"] == {"2.weight": "0.weight", "2.bias": "0.bias"}


def nested():
    return nn.Sequential(nn.Dense(4), nn.Sequential(nn.Dense(4), nn.Sequential(nn.BatchNorm())))


def test_depth_folds_blocks_and_counts_them():
    whole, folded = (
        nested().summary(shape=(None, 4), depth=depth, print=False) for depth in (None, 1)
    )

    assert rows(whole, "path", "depth") == [
        ("0", 0),
        ("1", 0),
        ("1.0", 1),
        ("1.1", 1),
        ("1.1.0", 2),
    ]
    assert rows(folded, "path", "params", "trainable") == [("0", 20, 20), ("1", 36, 28)]
    assert whole.total == folded.total == 56
    assert sum(row["params"] for row in whole.rows) == 56
    assert whole.multiply_adds == folded.multiply_adds == 32
    assert "    1.1.0" in str(whole)
    only = nested().summary(depth=0, shape=(None, 4), print=False)
    assert rows(only, "path", "params") == [("", 56)]


def test_columns_are_chosen():
    net = mlp(weight_initializer=init.Normal(0.1))
    net.initialize()
    net(nd.ones((1, 20)))
    weight = net[0].weight.data().asnumpy()

    summary = net.summary(
        columns=("path", "dtype", "bytes", "multiply_adds", "initializer", "mean", "spread")
    )

    row = summary.rows[0]
    assert (row["dtype"], row["bytes"], row["multiply_adds"]) == ("float32", 672, 160)
    assert row["initializer"].startswith("Normal(")
    onp.testing.assert_allclose(
        (row["mean"], row["spread"]), (weight.mean(), weight.std()), rtol=1e-5
    )
    assert str(summary).splitlines()[1].split() == [
        "Path", "Dtype", "Bytes", "Mult-adds", "Initializer", "Mean", "Spread",
    ]  # fmt: skip


def test_multiply_adds_count_every_position():
    net = nn.Sequential(nn.Dense(8, flatten=False))

    assert net.summary(shape=(None, 5, 7, 3), print=False).multiply_adds == 5 * 7 * 3 * 8


def test_it_is_plain_values_too():
    summary = nested().summary(shape=(None, 4), print=False)

    assert json.loads(json.dumps(summary.to_dict()))["total"] == 56


def test_nothing_of_the_net_changes():
    def values(look):
        random.seed(3)
        net, ran = mlp(), []
        net[0].register_forward_hook(lambda *_: ran.append(1))
        net.initialize(init.Normal(1))
        if look:
            with autograd.record():
                net.summary(shape=(None, 6), print=False)
                net.summary(nd.ones((2, 6)), print=False)
                net.summary(print=False)
            assert net[0].weight.shape == (8, 0)
            assert not ran
        other = nn.Dense(2, in_units=2)
        other.initialize(init.Normal(1))
        net(nd.ones((1, 6)))
        return [p.data().asnumpy() for p in [*net.collect_params().values(), other.weight]]

    for plain, after in zip(values(False), values(True), strict=True):
        onp.testing.assert_array_equal(plain, after)


def test_it_needs_no_values_and_no_initialization():
    net = mlp(in_units=20)

    assert net.summary(nd.ones((2, 20)), print=False).total == 195
    assert net[0].weight._state == "uninitialized"


@pytest.mark.parametrize(
    ("net", "row"),
    [
        (nn.Sequential(), "(net)  Sequential  ?      ?"),
        (nn.Dense(3, in_units=2), "(net)  Dense  (?, 2)  (?, 3)       9  yes"),
        (nn.Sequential(nn.Dense(2)), "0     Dense  ?      (?, 2)       ?"),
    ],
    ids=["none", "a layer", "one layer"],
)
def test_small_nets_have_one_row(net, row):
    assert str(net.summary(print=False)).splitlines()[3:-2] == [row]


def test_two_hundred_layers_have_a_row_each():
    net = nn.Sequential(*(nn.Dense(4, activation="tanh") for _ in range(200)))

    summary = net.summary(shape=(None, 4), print=False)

    assert len(summary.rows) == 200
    assert summary.rows[199]["output"] == (None, 4)


def test_own_parameters_of_a_net_have_a_row():
    class Scaled(nn.Block):
        def __init__(self):
            super().__init__()
            self.scale = Parameter("scale", shape=(3,))
            self.layer = nn.Dense(3, in_units=3)

        def forward(self, x):
            return self.layer(x)

    assert rows(Scaled().summary(print=False), "path", "params") == [("", 3), ("layer", 12)]


def test_what_cannot_be_copied_runs_itself():
    net = mlp(in_units=20)
    net.lock = threading.Lock()
    with pytest.raises(MXNetError, match="copy.deepcopy refuses it"):
        net.summary(nd.ones((2, 20)))
    assert rows(net.summary(print=False), "params") == [(168,), (None,)]
    net.initialize()
    net(nd.ones((2, 20)))

    assert net.summary(nd.ones((2, 20)), print=False).total == 195
    assert not net[0]._forward_hooks


def test_long_names_fit_80_columns(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    net = nn.Sequential()
    inner = nn.Sequential(nn.Dense(4))
    net.register_child(inner, "encoder_of_what_is_a_very_long_name_for_a_part_of_a_net_" * 3)

    text = str(net.summary(shape=(None, 4), print=False))

    assert max(map(len, text.splitlines())) == 80
    assert "…" in text


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net: net.summary((5, 3)), r"expected arrays as inputs of 'mlp', found \(5, 3\); to give a shape, "),
        (lambda net: net.summary(nd.ones((1, 2)), shape=(1, 2)), "expected either inputs or shape"),
        (lambda net: net.summary(columns=("path", "colour")), r"expected columns of 'path', .*found \['colour'\]"),
        (lambda net: net.summary(depth=-1), "expected a number of levels as depth, found -1"),
        (lambda net: net.summary(shape="wide"), "expected the shape of an input as shape, found 'wide'"),
        (lambda net: net.summary(shape=(2.5, 3)), r"expected the shape of an input as shape, found \(2.5, 3\)"),
        (lambda net: net.summary(shape=(None, 7)), r"expected input of shape \(batch, 20\) for 'mlp_dense0'"),
    ],
)  # fmt: skip
def test_mistakes_are_told(call, message):
    with nn.Block(prefix="mlp_").name_scope():
        layer = nn.Dense(8, in_units=20)
    net = nn.Sequential(layer, prefix="mlp_")

    with pytest.raises(MXNetError, match=message):
        call(net)


def test_html_escapes_names_and_has_no_script():
    net = nn.Sequential(prefix="<b>net</b>_")
    net.register_child(nn.Dense(2, in_units=2), "<script>alert(1)</script>")

    page = net.summary(print=False)._repr_html_()

    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "&lt;b&gt;net&lt;/b&gt;" in page
