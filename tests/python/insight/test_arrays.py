"""Named arrays in a line each."""

import numpy as onp
import pytest

from glueball import insight, nd
from glueball.base import MXNetError
from glueball.gluon import ParameterDict, nn
from glueball.insight import _arrays


def test_each_array_has_a_line():
    text = str(insight.look({"0.weight": onp.arange(8.0).reshape(2, 4), "bias": onp.zeros(2)}))

    assert text.splitlines() == [
        "Arrays    Shape   Mean   Std  Values",
        "─" * 38,
        "0.weight  (2, 4)  3.50  2.29  ████████",
        "bias      (2,)    0.00  0.00  ▁▁▁▁█▁▁▁",
    ]


def test_a_net_says_what_is_tied_frozen_lost_or_not_there():
    first = nn.Dense(2, in_units=2, use_bias=False)
    net = nn.Sequential(
        first, nn.Dense(2, in_units=2, use_bias=False, params=first.params), nn.Dense(3, in_units=2)
    )
    net.add(nn.Dense(2))
    first.initialize()
    net[3].initialize()
    first.weight.set_data(nd.array([[1, onp.nan], [onp.inf, 2]]))
    first.weight.grad_req = "null"

    notes = [(each.name, each.note) for each in insight.look(net).entries]

    assert notes == [
        ("0.weight", "2 not finite, frozen"),
        ("1.weight", "2 not finite, frozen, tied to 0.weight"),
        ("2.weight", "not initialized"),
        ("2.bias", "not initialized"),
        ("3.weight", "waiting"),
        ("3.bias", ""),
    ]
    assert len(insight.look(net.collect_params())) == 5


@pytest.mark.parametrize("number", [3, 400], ids=["few", "many"])
def test_figures_are_right_however_many_arrays_there_are(number):
    rng = onp.random.default_rng(0)
    arrays = {str(i): rng.normal(i, 2, 200).astype("float32") for i in range(number)}
    arrays["0"][7] = onp.nan
    arrays["1"][:] = 5
    arrays["2"][:] = onp.inf

    found = insight.look(arrays).entries

    assert found[0].statistics.not_finite == 1
    assert found[1].counts.tolist() == [0, 0, 0, 0, 200, 0, 0, 0]
    assert found[2].statistics.not_finite == 200
    assert onp.isnan(found[2].statistics.mean)
    for each in (found[0], *found[3:]):
        values = arrays[each.name][onp.isfinite(arrays[each.name])].astype("float64")
        expected = (values.mean(), values.std(), values.min(), values.max())
        onp.testing.assert_allclose(each.statistics[2:6], expected, rtol=1e-9)
        assert each.counts.sum() == values.size
        onp.testing.assert_array_equal(each.counts, onp.histogram(values, each.edges)[0])


@pytest.mark.parametrize("number", [1, 300], ids=["few", "many"])
def test_a_lost_number_is_found_in_large_arrays_though_figures_are_of_a_sample(number):
    arrays = {str(i): onp.ones(100_000 if i == 0 else 300, "float32") for i in range(number)}
    arrays["0"][12_345] = onp.nan

    look = insight.look(arrays)

    assert look.is_sampled
    assert look.entries[0].statistics.not_finite == 1
    assert "of a sample" in str(look)
    assert "of a sample" in look._repr_html_()


def test_sums_that_overflow_lose_nothing():
    assert _arrays._not_finite(onp.full(4, 3e38, "float32")) == 0
    assert _arrays._not_finite(onp.array([onp.inf, -onp.inf])) == 2


def test_small_and_large_numbers_keep_digits():
    text = str(insight.look({"small": onp.full(2, 1e-5), "large": onp.full(2, 123456.0)}))

    assert "1e-05" in text
    assert "1.23e+05" in text


@pytest.mark.parametrize("array", [onp.zeros((0, 3)), onp.array(["text"]), onp.zeros(2, complex)])
def test_what_has_no_numbers_has_a_line_too(array):
    (entry,) = insight.look({"x": array}).entries

    assert entry.statistics is None
    assert entry.shape == array.shape


def test_an_empty_dict_of_parameters_is_a_table_without_rows():
    assert len(str(insight.look(ParameterDict())).splitlines()) == 2
    assert "<table" in insight.look(ParameterDict())._repr_html_()


def test_other_things_are_refused():
    with pytest.raises(
        MXNetError, match=r"expected a net, parameters or a dict of named arrays.*found list"
    ):
        insight.look([1, 2])
