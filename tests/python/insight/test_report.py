"""Reports as text and as data."""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path

import pytest

import glueball
from glueball import gluon, init
from glueball.gluon import nn
from glueball.insight._report import bars, lay_out

sys.path.insert(0, str(Path(__file__).parent))
import nets


def reports():
    x, y = nets.data()
    vanishing = nets.deep("tanh", init.Normal(0.01), depth=30)
    trainer = gluon.Trainer(vanishing.collect_params(), "sgd", {"learning_rate": 10})
    yield glueball.diagnose(vanishing, x, y, trainer=trainer, mend=True)
    constant = nets.deep("relu", init.Constant(0.5), depth=3)
    trainer = gluon.Trainer(constant.collect_params(), "sgd", {"learning_rate": 10})
    yield glueball.diagnose(constant, x, y, trainer=trainer, mend=True)
    x[0, 0] = math.nan
    yield glueball.diagnose(nets.deep("tanh", "xavier"), x, y)
    yield glueball.diagnose(nets.dense(8, 10), x)


def test_reports_fit_80_columns_and_are_plain():
    for report in reports():
        text = str(report)
        assert max(map(len, text.splitlines())) <= 80
        assert "\x1b" not in text
        assert not any(line.endswith(" ") for line in text.splitlines())


def test_reports_become_json():
    for report in reports():
        data = json.loads(json.dumps(report.to_dict(), allow_nan=False))
        assert [each["kind"] for each in data["findings"]] == [
            each.kind for each in report.findings
        ]
        assert len(data["layers"]) == len(report.rows)


def test_a_report_says_what_why_and_what_mends_it():
    x, y = nets.data()

    text = " ".join(str(glueball.diagnose(nets.deep("relu", "xavier"), x, y)).split())

    said = r"VANISHING \(mild\). The signal shrinks: each of 21 layers multiplies its spread by 0\.[67]"
    assert re.search(said, text)
    assert (
        "Why: A layer keeps its signal where the weights' variance is 2 / fan-in. Of these weights"
        in text
    )
    assert re.search(r"theory expects 0\.[67]", text)
    assert "Mend: Initialize with 'kaimingnormal' (a factor of 1)" in text
    assert "See: He and others, Delving deep into rectifiers, arXiv:1502.01852" in text


def test_long_names_are_cut_in_their_middle():
    text = lay_out(("layer", "type"), [("encoder." * 12 + "weight", "Dense"), ("0", "Dense")])

    assert max(map(len, text.splitlines())) <= 80
    assert text.splitlines()[2].startswith("encoder.")
    assert "weight  Dense" in text.splitlines()[2]

    class ANetWithAVeryLongNameThatGoesOnAndOnAndOnUntilNobodyRemembersItsBeginning(nn.Block):
        def __init__(self):
            super().__init__()
            self.a_layer_with_a_very_long_name_that_goes_on_and_on_and_on = nn.Dense(10)

        def forward(self, x):
            return self.a_layer_with_a_very_long_name_that_goes_on_and_on_and_on(x)

    net = ANetWithAVeryLongNameThatGoesOnAndOnAndOnUntilNobodyRemembersItsBeginning()
    net.initialize()
    x, y = nets.data()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 100})
    text = str(glueball.diagnose(net, x, y, trainer=trainer))
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("figures", "drawn"),
    [
        ([1, 1, 1], "▅▅▅"),
        ([1e-9, 1e-6, 1e-3, 1], "▁▃▆█"),
        ([math.nan, 1], " ▅"),
        ([0, 0], "  "),
        ([], ""),
    ],
)
def test_bars_show_powers_of_ten(figures, drawn):
    assert bars(figures) == drawn


def test_many_bars_are_thinned_out():
    assert len(bars([1.0] * 500)) == 40
