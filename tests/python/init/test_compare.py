"""Initializers side by side."""

from __future__ import annotations

import json
import math

import numpy as onp
import pytest

import glueball
from glueball import init, nd
from glueball.base import MXNetError
from glueball.gluon import nn

WIDTH = 128


def make(function="relu", depth=20):
    net = nn.Sequential()
    for _ in range(depth):
        net.add(nn.Dense(WIDTH, activation=function))
    net.add(nn.Dense(10))
    return net


def data():
    x = onp.random.default_rng(0).normal(size=(64, WIDTH))
    return nd.array(x), nd.array(onp.arange(64) % 10)


def test_each_initializer_is_seen_as_theory_has_it():
    glueball.random.seed(0)
    x, y = data()

    found = init.compare(make, x, ["xavier", "msra", init.Normal(0.01), "lsuv"], y)

    xavier, msra, normal, lsuv = found.rows
    assert xavier["forward"] == pytest.approx(math.sqrt(0.5), rel=0.1)
    assert msra["forward"] == pytest.approx(1, rel=0.1)
    assert normal["forward"] == pytest.approx(0.01 * math.sqrt(WIDTH / 2), rel=0.1)
    assert normal["initializer"] == "Normal(sigma=0.01)"
    assert lsuv["forward"] == pytest.approx(1, rel=0.05)
    assert [row["findings"] for row in found.rows] == [["vanishing"], [], ["vanishing"], []]
    assert len(found.reports) == 4
    assert all(row["loss"] > 2 for row in found.rows)
    json.dumps(found.to_dict(), allow_nan=False)


def test_the_table_fits_80_columns():
    x, y = data()

    text = str(init.compare(make, x, ["xavier", init.VarianceScaling(2.0), "zeros", "lsuv"], y))

    assert max(map(len, text.splitlines())) <= 80
    assert "symmetric" in text
    assert text.splitlines()[2].startswith("xavier")


def test_without_labels_plain_arrays_and_the_usual_initializers():
    x, _ = data()

    found = init.compare(lambda: make("tanh", 3), x.asnumpy())

    assert found.names == ["xavier", "msra", "orthogonal", "lsuv"]
    assert all(row["loss"] is None for row in found.rows)
    assert all(row["backward"] > 0 for row in found.rows)


def test_what_can_not_be_compared_is_refused():
    x, _ = data()
    made = []

    with pytest.raises(MXNetError, match="expected initializers to compare, found none"):
        init.compare(make, x, [])
    with pytest.raises(MXNetError, match="xavier"):
        init.compare(lambda: made.append(1), x, ["xavier", "xavierr"])
    assert made == []
    with pytest.raises(MXNetError, match="expected a function that returns a new net"):
        init.compare(make(), x, ["xavier"])
    with pytest.raises(MXNetError, match="expected a function that returns a new net"):
        init.compare(lambda: 3, x, ["xavier"])


def test_notebooks_show_a_table():
    x, y = data()

    html = init.compare(lambda: make(depth=2), x, ["xavier", "zeros"], y)._repr_html_()

    assert "<code>xavier</code>" in html
    assert "symmetric" in html
    assert "<script" not in html
