"""`init.check_widths`: what a few steps change is flat in the width under `mup_`, and grows without it."""

from __future__ import annotations

import json

import pytest

import glueball
from glueball import init, nd
from glueball.gluon import nn
from glueball.init._widths import WidthReport


def plain(width):
    net = nn.Sequential(
        nn.Dense(width, activation="relu", in_units=20),
        nn.Dense(width, activation="relu", in_units=width),
        nn.Dense(1, in_units=width),
    )
    net.initialize("he_normal")
    return net


@pytest.mark.parametrize(("optimizer", "rate"), [("adam", 0.001), ("sgd", 0.01)])
def test_changes_are_flat_under_mup_and_grow_without_it(optimizer, rate):
    glueball.random.seed(1)
    base = plain(64)

    def scaled(width):
        net = plain(width)
        init.mup_(net, base, optimizer)
        return net

    x = nd.random.normal(shape=(64, 20))
    settings = {"optimizer": optimizer, "learning_rate": rate, "steps": 1}

    flat = init.check_widths(scaled, [64, 256, 1024], x, **settings)
    grows = init.check_widths(plain, [64, 256, 1024], x, **settings)

    assert flat.is_flat(), flat
    assert not grows.is_flat(), grows
    assert grows.slopes["2"] > 0.6
    assert grows.slopes["1"] > 0.3


def test_the_report_of_widths():
    report = init.check_widths(plain, (8, 16), nd.ones((4, 20)), seeds=1)

    assert report.widths == (8, 16)
    assert [*report.changes] == [*report.sizes] == [*report.slopes] == ["0", "1", "2"]
    assert all(len(each) == 2 and min(each) > 0 for each in report.changes.values())
    found = json.loads(json.dumps(report.to_dict()))
    assert found["layers"]["1"]["slope"] == report.slopes["1"]
    assert str(report).splitlines()[0].split() == ["Layer", "8", "16", "Slope"]
    assert len(str(report).splitlines()) == 2 + 3


def test_a_slope_is_a_power_of_the_width():
    widths = (10, 100, 1000)
    changes = {str(power): tuple(3 * w**power for w in widths) for power in (-1, 0, 0.5, 1)}

    report = WidthReport(widths, changes, changes)

    assert report.slopes == pytest.approx({"-1": -1, "0": 0, "0.5": 0.5, "1": 1}, abs=1e-9)


@pytest.mark.parametrize(
    ("make", "widths", "settings", "error", "match"),
    [
        (plain, [8], {}, ValueError, "expected two widths or more"),
        (plain, [8, 0], {}, ValueError, "a width of check_widths"),
        (plain, [8, 16], {"steps": 0}, ValueError, "steps of check_widths"),
        (lambda width: None, [8, 16], {}, TypeError, "returned NoneType for 8"),
    ],
)
def test_wrong_arguments_are_refused(make, widths, settings, error, match):
    with pytest.raises(error, match=match):
        init.check_widths(make, widths, nd.ones((4, 20)), **settings)
