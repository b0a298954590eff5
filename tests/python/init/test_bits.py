"""The same bits, however an array is filled."""

from __future__ import annotations

import math

import numpy as np
import pytest

from glueball import _core, init
from init_filling import SEED, fill


class Users(init.Initializer):
    """Draws as a user's class does, from the default generator."""

    def _init_weight(self, name, arr):
        init.Uniform(1.0)._init_weight(name, arr)
        arr += 3


# Of each initializer: a shape large enough to be split over threads where that is done.
CASES = [
    (init.Zero(), (300, 700)),
    (init.One(), (300, 700)),
    (init.Constant(0.3), (300, 700)),
    (init.Constant(np.arange(700) / 7), (300, 700)),
    (init.Identity(2.0), (37, 50)),
    (init.Dirac(groups=2), (6, 5, 3, 3)),
    (init.Bilinear(), (3, 2, 4, 4)),
    (init.LSTMBias(), (64, 2)),
    (init.Uniform(), (600, 701)),
    (init.Uniform(low=1, high=3), (600, 701)),
    (init.Normal(0.5, 2.0), (600, 701)),
    (init.TruncatedNormal(0.5), (600, 701)),
    (init.TruncatedNormal(0.5, low=-1, high=3), (600, 701)),
    (init.TruncatedNormal(0.5, cut="value", correct=True), (600, 701)),
    (init.Sparse(0.3), (301, 203)),
    (init.Sparse(0.3, per="row"), (301, 203)),
    (init.VarianceScaling(), (600, 701)),
    (init.VarianceScaling(2.0, "fan_geo_avg", "uniform"), (60, 70, 5, 5)),
    (init.Xavier(), (600, 701)),
    (init.Xavier("gaussian", "in", 2.34), (600, 701)),
    (init.MSRAPrelu(), (600, 701)),
    (init.XavierUniform(), (600, 701)),
    (init.XavierNormal(), (600, 701)),
    (init.XavierNormal(truncated=True), (600, 701)),
    (init.KaimingUniform(), (600, 701)),
    (init.KaimingNormal(), (600, 701)),
    (init.LeCunUniform(), (600, 701)),
    (init.LeCunNormal(), (600, 701)),
    (init.Orthogonal(), (60, 41)),
    (init.Orthogonal(method="svd"), (60, 41)),
    (init.Orthogonal(1.0, "normal"), (141, 260)),
    (init.DeltaOrthogonal(), (40, 20, 3)),
    (init.Mixed([".*"], ["xavier"]), (600, 701)),
    (init.Load({"dense0_weight": np.arange(12).reshape(3, 4)}), (3, 4)),
    (init.create(lambda shape: np.arange(math.prod(shape)).reshape(shape)), (30, 4)),
    (Users(), (300, 701)),
]

cases = pytest.mark.parametrize(("initializer", "shape"), CASES, ids=lambda x: repr(x)[:50])


@pytest.fixture(autouse=True)
def _threads():
    before = _core.num_threads()
    yield
    _core.set_num_threads(before)


def bits(array):
    return np.ascontiguousarray(array).view(f"u{array.itemsize}")


@cases
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_number_of_threads_gives_the_same_bits(initializer, shape, dtype):
    _core.set_num_threads(1)
    expected = bits(fill(initializer, shape, dtype=dtype))

    for threads in (2, 7):
        _core.set_num_threads(threads)
        np.testing.assert_array_equal(bits(fill(initializer, shape, dtype=dtype)), expected)


@cases
def test_shards_have_the_bits_of_the_whole(initializer, shape):
    whole = fill(initializer, shape).ravel()

    for cut in {0, 1, 5, whole.size // 2 + 1, whole.size - 3}:
        shards = [
            initializer.fill_shard(
                "dense0_weight", shape, start, stop - start, _core.Generator(SEED)
            )
            for start, stop in [(0, cut), (cut, whole.size)]
        ]
        np.testing.assert_array_equal(bits(np.concatenate(shards)), bits(whole))


@pytest.mark.parametrize(("offset", "count"), [(-1, 3), (0, 13), (11, 2), (12, 1)])
def test_a_shard_outside_the_whole_is_refused(offset, count):
    with pytest.raises(ValueError, match=r"a shard inside 'dense0_weight' of shape \(3, 4\)"):
        init.Uniform().fill_shard("dense0_weight", (3, 4), offset, count, _core.Generator())


@cases
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_array_with_gaps_gets_the_same_bits(initializer, shape, dtype):
    expected = bits(fill(initializer, shape, dtype=dtype))

    spaced = np.full((*shape[:-1], 2 * shape[-1]), -9, dtype)
    strided = spaced[..., ::2]
    transposed = np.full(shape[::-1], -9, dtype).T
    for array in (strided, transposed):
        _core.seed(SEED)
        initializer("dense0_weight", array)
        np.testing.assert_array_equal(bits(array), expected)
    assert (spaced[..., 1::2] == -9).all()


@cases
def test_float64_agrees_with_float32_up_to_rounding(initializer, shape):
    single = fill(initializer, shape)
    double = fill(initializer, shape, dtype="float64")

    scale = np.abs(double).max()
    np.testing.assert_allclose(single, double, rtol=2e-6, atol=2e-6 * scale)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0)])
@pytest.mark.parametrize(
    "initializer",
    [
        each
        for each, shape in CASES
        if len(shape) == 2 and not isinstance(each, (init.LSTMBias, init.Constant, init.Load))
    ],
    ids=lambda x: repr(x)[:50],
)
def test_an_empty_array_is_left_alone(initializer, shape):
    assert fill(initializer, shape).shape == shape


@cases
def test_the_next_array_gets_other_values_where_values_are_drawn(initializer, shape):
    _core.seed(SEED)
    first, second = np.zeros(shape, "float32"), np.zeros(shape, "float32")
    initializer("dense0_weight", first)
    initializer("dense0_weight", second)

    again = fill(initializer, shape)
    np.testing.assert_array_equal(bits(first), bits(again))
    drawn = _core.default_generator().position > 0
    assert np.array_equal(first, second) != drawn


def test_a_shared_initializer_gives_each_parameter_values_of_its_own():
    uniform = init.Uniform()

    def parameter(stream):
        made = _core.Parameter("x_weight", (20, 20), "float32", "write", True, True, 1.0, 1.0)
        made._initialize(None, uniform, _core.Generator(SEED, stream), False)
        return np.array(made._data(np.ndarray))

    assert not np.intersect1d(parameter(1), parameter(2)).size > 5
    np.testing.assert_array_equal(parameter(1), parameter(1))
