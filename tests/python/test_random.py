"""Random numbers of `nd.random`, `np.random` and `mx.random`."""

from __future__ import annotations

import math
import threading

import numpy as onp
import pytest
from scipy import stats

import glueball as mx
from glueball import MXNetError, _core, gluon, nd, np, npx, random
from glueball.base import ArgumentError

DRAWS = 20_000


@pytest.fixture(autouse=True)
def seeded():
    mx.random.seed(20170728)


def fits(sample, distribution):
    """Run a Kolmogorov-Smirnov test at the level 1e-4, on a fixed seed."""
    return stats.kstest(onp.asarray(sample).ravel().astype(float), distribution).pvalue > 1e-4


@pytest.mark.parametrize(
    ("sample", "distribution"),
    [
        (lambda n: nd.random.uniform(-2, 3, n), stats.uniform(-2, 5).cdf),
        (lambda n: nd.random.uniform(3, -2, n), stats.uniform(-2, 5).cdf),
        (lambda n: nd.random.normal(1, 2, n), stats.norm(1, 2).cdf),
        (lambda n: nd.random.randn(n, loc=1, scale=2), stats.norm(1, 2).cdf),
        (lambda n: nd.random.exponential(2, n), stats.expon(scale=2).cdf),
        (lambda n: nd.random.gamma(2, 3, n), stats.gamma(2, scale=3).cdf),
        (lambda n: nd.random_exponential(2, n), stats.expon(scale=0.5).cdf),
        (lambda n: nd.random.uniform_like(nd.zeros(n), -2, 3), stats.uniform(-2, 5).cdf),
        (lambda n: nd.random.normal_like(nd.zeros(n), 1, 2), stats.norm(1, 2).cdf),
        (lambda n: nd.random.exponential_like(nd.zeros(n), 2), stats.expon(scale=0.5).cdf),
        (lambda n: nd.random.gamma_like(nd.zeros(n), 2, 3), stats.gamma(2, scale=3).cdf),
        (lambda n: npx.random.uniform_n(-2, 3, n), stats.uniform(-2, 5).cdf),
        (lambda n: npx.random.normal_n(1, 2, n), stats.norm(1, 2).cdf),
        (lambda n: np.random.uniform(-2, 3, n), stats.uniform(-2, 5).cdf),
        (lambda n: np.random.normal(1, 2, size=(n,)), stats.norm(1, 2).cdf),
        (lambda n: np.random.rand(n), stats.uniform.cdf),
        (lambda n: np.random.randn(n), stats.norm.cdf),
        (lambda n: np.random.exponential(2, n), stats.expon(scale=2).cdf),
        (lambda n: np.random.gamma(2, 3, n), stats.gamma(2, scale=3).cdf),
        (lambda n: np.random.beta(2, 3, n), stats.beta(2, 3).cdf),
        (lambda n: np.random.chisquare(3, n), stats.chi2(3).cdf),
        (lambda n: np.random.gumbel(1, 2, n), stats.gumbel_r(1, 2).cdf),
        (lambda n: np.random.laplace(1, 2, n), stats.laplace(1, 2).cdf),
        (lambda n: np.random.logistic(1, 2, n), stats.logistic(1, 2).cdf),
        (lambda n: np.random.lognormal(1, 0.5, n), stats.lognorm(0.5, scale=math.e).cdf),
        (lambda n: np.random.pareto(3, n), stats.lomax(3).cdf),
        (lambda n: np.random.power(3, n), stats.powerlaw(3).cdf),
        (lambda n: np.random.rayleigh(2, n), stats.rayleigh(scale=2).cdf),
        (lambda n: np.random.weibull(2, n), stats.weibull_min(2).cdf),
    ],
)
def test_draws_have_their_distribution(sample, distribution):
    values = sample(DRAWS)

    assert values.shape == (DRAWS,)
    assert values.dtype == onp.float32
    assert fits(values, distribution)


@pytest.mark.parametrize(
    ("sample", "mean", "variance"),
    [
        (lambda n: nd.random.poisson(4, n), 4, 4),
        (lambda n: nd.random.negative_binomial(3, 0.4, n), 3 * 0.6 / 0.4, 3 * 0.6 / 0.4**2),
        (lambda n: nd.random.generalized_negative_binomial(2, 0.5, n), 2, 2 + 0.5 * 4),
        (lambda n: nd.random.generalized_negative_binomial(2, 0, n), 2, 2),
        (lambda n: nd.random.bernoulli(0.3, n), 0.3, 0.21),
        (lambda n: nd.random.poisson_like(nd.zeros(n), 4), 4, 4),
        (lambda n: nd.random.negative_binomial_like(nd.zeros(n), 3, 0.4), 4.5, 3 * 0.6 / 0.4**2),
        (lambda n: nd.random.generalized_negative_binomial_like(nd.zeros(n), 2, 0.5), 2, 4),
        (lambda n: npx.random.bernoulli(0.3, size=n), 0.3, 0.21),
        (lambda n: npx.random.bernoulli(logit=math.log(0.3 / 0.7), size=n), 0.3, 0.21),
        (lambda n: nd.random.randint(-2, 5, n), 1, (7**2 - 1) / 12),
        (lambda n: np.random.randint(5, size=n), 2, (5**2 - 1) / 12),
        (lambda n: np.random.poisson(4, n), 4, 4),
        (lambda n: np.random.bernoulli(0.3, n), 0.3, 0.21),
    ],
)
def test_counts_have_their_mean_and_variance(sample, mean, variance):
    values = onp.asarray(sample(DRAWS)).astype(float)

    assert abs(values.mean() - mean) < 5 * math.sqrt(variance / DRAWS)
    # The variance of the sample variance is near 2 sigma^4 / n; kurtosis here is at most 3 + 3.
    assert abs(values.var() - variance) < 5 * variance * math.sqrt(5 / DRAWS)
    assert (values == onp.round(values)).all()


def draw_some():
    return [
        onp.asarray(a)
        for a in (
            nd.random.uniform(shape=3),
            nd.random.normal(shape=3),
            nd.random.gamma(2, 2, shape=3),
            nd.random.shuffle(nd.arange(10)),
            np.random.uniform(size=3),
            np.random.choice(10, 3),
            nd.Dropout(nd.ones(10), mode="always"),
        )
    ]


def test_one_seed_repeats_everything_and_numpys_does_not_matter():
    mx.random.seed(7)
    first = draw_some()
    mx.random.seed(7)
    onp.random.seed(3)  # noqa: NPY002
    second = draw_some()
    third = draw_some()

    for a, b in zip(first, second, strict=True):
        onp.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(second, third, strict=True))


@pytest.mark.parametrize("seed", [-1, 2**64 + 5, onp.int64(3)])
def test_any_integer_is_a_seed(seed):
    mx.random.seed(seed)
    a = nd.random.uniform(shape=3)
    mx.random.seed(int(seed) % 2**64)

    onp.testing.assert_array_equal(onp.asarray(a), onp.asarray(nd.random.uniform(shape=3)))


def test_seed_that_is_not_an_integer_is_refused():
    with pytest.raises(ValueError, match=r"integer as the seed, found 1\.5"):
        mx.random.seed(1.5)


def test_draws_do_not_depend_on_how_they_are_asked_for():
    mx.random.seed(1)
    whole = nd.random.uniform(shape=(4, 3)).asnumpy()
    mx.random.seed(1)
    parts = [nd.random.uniform(shape=3).asnumpy() for _ in range(4)]
    mx.random.seed(1)
    out = nd.zeros((4, 3))
    nd.random.uniform(out=out)

    onp.testing.assert_array_equal(whole, parts)
    onp.testing.assert_array_equal(whole, out.asnumpy())


def test_shapes_and_dtypes():
    assert nd.random.uniform().shape == (1,)
    assert nd.random.uniform(shape=3).shape == (3,)
    assert nd.random.normal(shape=(2, 0)).shape == (2, 0)
    assert np.random.uniform().shape == ()
    assert np.random.normal(size=(2, 3)).shape == (2, 3)
    assert nd.random.uniform(dtype="float64").dtype == onp.float64
    assert nd.random.randint(3).dtype == onp.int32
    assert type(nd.random.uniform()) is nd.NDArray
    assert type(np.random.uniform(-10, 10, (2, 3))) is np.ndarray
    assert nd.random_uniform is nd.random.uniform
    assert mx.random.uniform is nd.random.uniform
    assert nd.random_normal is nd.random.normal


def test_out_is_filled_in_any_layout_and_dtype_and_returned():
    for out in (nd.zeros((3, 4)), nd.zeros((4, 3)).T, nd.zeros((3, 4), dtype="float64")):
        assert nd.random.uniform(5, 6, out=out) is out
        assert (onp.asarray(out) >= 5).all()
        assert (onp.asarray(out) <= 6).all()
        assert nd.random.gamma(2, 2, out=out) is out
    view = nd.zeros((3, 4))
    nd.random.normal(out=view[1])
    assert (onp.asarray(view) != 0).sum() == 4


def test_out_and_shape_must_agree():
    for draw in (nd.random.uniform, nd.random.gamma):
        with pytest.raises(MXNetError, match=r"out= of shape \(2,\).*found \(3,\)"):
            draw(shape=2, out=nd.zeros(3))


def test_arrays_of_settings_give_draws_for_each():
    low, high = nd.array([0, 10]), nd.array([1, 20])

    a = nd.random.uniform(low, high, shape=500).asnumpy()

    assert a.shape == (2, 500)
    assert ((a[0] >= 0) & (a[0] < 1)).all()
    assert ((a[1] >= 10) & (a[1] < 20)).all()
    assert a[1].max() > 19
    g = nd.random.gamma(nd.array([1, 100]), nd.array([1, 1]), shape=200).asnumpy()
    assert g.shape == (2, 200)
    assert abs(g[1].mean() - 100) < 5 * math.sqrt(100 / 200)
    n = np.random.normal(np.array([0, 100]), 1.0)
    assert n.shape == (2,)
    assert 90 < float(n[1]) < 110


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: nd.random.normal(scale=0), "scale > 0 for normal, found 0"),
        (lambda: nd.random.normal(scale=-1), "scale > 0 for normal, found -1"),
        (lambda: nd.random.normal(scale=math.nan), "scale > 0 for normal, found nan"),
        (lambda: np.random.normal(scale=-1), "scale >= 0 for normal, found -1"),
        (lambda: nd.random.uniform(0, math.inf), "finite bounds for uniform"),
        (lambda: nd.random.randint(3, 3), "settings that 'randint' is defined for"),
        (lambda: nd.random.poisson(-1), "settings that 'poisson' is defined for"),
        (lambda: nd.random.uniform(shape=-1), "lengths of 0 or more for 'uniform'"),
        (
            lambda: nd.random.uniform(size=3),
            "found|only documented settings for 'uniform', found size",
        ),
        (lambda: nd.random.multinomial(nd.array([1, 2])), "probabilities that sum to 1"),
        (lambda: np.random.choice(3, 5, replace=False), "a choice that can be made"),
    ],
)
def test_settings_that_are_none(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def test_multinomial():
    p = nd.array([[0.2, 0.5, 0.3], [0, 0, 1]])

    a = nd.random.multinomial(p, shape=DRAWS)

    assert a.shape == (2, DRAWS)
    assert a.dtype == onp.int32
    counts = onp.bincount(onp.asarray(a)[0], minlength=3) / DRAWS
    assert (abs(counts - [0.2, 0.5, 0.3]) < 5 * math.sqrt(0.25 / DRAWS)).all()
    assert (onp.asarray(a)[1] == 2).all()
    assert nd.random.multinomial(p).shape == (2,)
    assert nd.random.multinomial(p, shape=(2, 3)).shape == (2, 2, 3)
    counts = np.random.multinomial(10, np.array([0.5, 0.5]))
    assert counts.sum().item() == 10


def test_shuffle_and_permutation():
    a = nd.arange(20).reshape((10, 2))
    b = nd.random.shuffle(a)

    assert sorted(b.asnumpy()[:, 0].tolist()) == a.asnumpy()[:, 0].tolist()
    assert (b[:, 1] - b[:, 0]).asnumpy().tolist() == [1] * 10
    assert (b != a).sum().asscalar() > 0
    c = np.arange(20)
    np.random.shuffle(c)
    assert sorted(c.tolist()) == list(range(20))
    assert sorted(np.random.permutation(20).tolist()) == list(range(20))
    assert sorted(np.random.choice(20, 20, replace=False).tolist()) == list(range(20))


def test_weighted_choice():
    a = onp.asarray(np.random.choice(3, DRAWS, p=[0.1, 0.0, 0.9]))

    assert set(onp.unique(a)) == {0, 2}
    assert abs((a == 0).mean() - 0.1) < 5 * math.sqrt(0.09 / DRAWS)


A, B = onp.array([[0.5, 3.0]], onp.float32), onp.array([[0.25, 0.5]], onp.float32)


@pytest.mark.parametrize(
    ("name", "parameters", "of"),
    [
        ("uniform", (-A, B), lambda a, b: stats.uniform(a, b - a)),
        ("normal", (A, B), stats.norm),
        ("gamma", (A, B), lambda a, b: stats.gamma(a, scale=b)),
        ("exponential", (A,), lambda rate: stats.expon(scale=1 / rate)),
        ("poisson", (A,), stats.poisson),
        ("negative_binomial", (A, B), stats.nbinom),
        (
            "generalized_negative_binomial",
            (A, B),
            lambda mu, alpha: stats.nbinom(1 / alpha, 1 / (1 + mu * alpha)),
        ),
    ],
)
def test_each_element_of_the_parameters_has_its_draws(name, parameters, of):
    function = getattr(nd, f"sample_{name}")
    arrays = [nd.array(each) for each in parameters]

    values = function(*arrays, shape=DRAWS)

    assert values.shape == (1, 2, DRAWS)
    assert values.dtype == onp.float32
    assert function(*arrays).shape == (1, 2)
    assert function(*arrays, shape=(3, 4), dtype="float64").dtype == onp.float64
    for i in range(2):
        distribution = of(*[each[0, i].astype(float) for each in parameters])
        sample, n = values.asnumpy()[0, i].astype(float), DRAWS
        assert abs(sample.mean() - distribution.mean()) < 5 * distribution.std() / math.sqrt(n)
        assert sample.var() == pytest.approx(distribution.var(), rel=0.1)


def test_draws_like_an_array_have_its_dtype():
    like = nd.zeros((2, 3), dtype="float64")

    for name in ("uniform", "normal", "exponential", "gamma", "poisson"):
        values = getattr(nd.random, f"{name}_like")(like)
        assert values.shape == (2, 3)
        assert values.dtype == onp.float64


def test_vectors_have_their_means_and_covariances():
    mean, cov = onp.array([[1.0, -1.0], [0.0, 5.0]]), onp.array([[2.0, 0.6], [0.6, 0.5]])

    values = np.random.multivariate_normal(np.array(mean), np.array(cov), size=DRAWS)

    assert values.shape == (DRAWS, 2, 2)
    assert values.dtype == onp.float32
    for i in range(2):
        sample = values.asnumpy()[:, i].astype(float)
        onp.testing.assert_allclose(sample.mean(axis=0), mean[i], atol=0.06)
        onp.testing.assert_allclose(onp.cov(sample.T), cov, atol=0.1)
        assert fits(sample[:, 0], stats.norm(mean[i, 0], math.sqrt(2)).cdf)
    line = np.random.multivariate_normal(np.zeros(2), np.ones((2, 2)), size=5).asnumpy()
    onp.testing.assert_allclose(line[:, 0], line[:, 1], rtol=1e-4)


@pytest.mark.parametrize(
    ("mean", "cov", "error"),
    [
        (onp.zeros(3), onp.eye(2), r"found \(3,\) and \(2, 2\)"),
        (onp.zeros(2), -onp.eye(2), "positive semidefinite"),
        (onp.zeros(2), onp.array([[1.0, 0.5], [0.0, 1.0]]), "symmetric"),
    ],
)
def test_covariances_that_cannot_be_are_refused(mean, cov, error):
    with pytest.raises(ValueError, match=error):
        np.random.multivariate_normal(np.array(mean), np.array(cov))


def test_shapes_of_a_batch_of_distributions():
    assert npx.random.uniform_n(0, np.ones(2), batch_shape=3).shape == (3, 2)
    assert npx.random.normal_n(np.zeros((4, 1)), np.ones(2), batch_shape=(3, 1)).shape == (
        3,
        1,
        4,
        2,
    )
    assert type(npx.random.normal_n(batch_shape=2)) is np.ndarray


@pytest.mark.parametrize("settings", [{}, {"prob": 0.5, "logit": 0.0}, {"prob": 1.5}])
def test_bernoulli_wants_one_probability(settings):
    with pytest.raises(ValueError, match="for bernoulli, found"):
        npx.random.bernoulli(**settings)


@pytest.mark.parametrize("prob", [-0.1, 1.5, float("nan"), [0.5, 2.0]], ids=str)
@pytest.mark.parametrize("draw", [nd.random.bernoulli, np.random.bernoulli, npx.random.bernoulli])
def test_what_is_not_a_probability_is_refused(draw, prob):
    values = nd.array(prob) if isinstance(prob, list) else prob
    with pytest.raises(ValueError, match=r"^expected probabilities within \[0, 1\] for bernoulli"):
        draw(values)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: nd.random.exponential(-1),
        lambda: nd.random.gamma(-1),
        lambda: nd.random.gamma(1, -1),
        lambda: nd.random.poisson(-1),
        lambda: nd.random.negative_binomial(0, 0.5),
        lambda: nd.random.negative_binomial(1, 0),
        lambda: nd.random.negative_binomial(1, 2),
        lambda: nd.random.generalized_negative_binomial(-1, 1),
        lambda: nd.random.generalized_negative_binomial(1, -1),
        lambda: nd.random.randint(3, 3),
    ],
)
def test_distributions_that_do_not_exist_are_refused(draw):
    with pytest.raises(ValueError, match="^expected .*, found .*; "):
        draw()


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (2, 1, 3, 4)])
def test_multinomial_takes_probabilities_of_any_rank(shape):
    probabilities = onp.zeros(shape, onp.float32)
    certain = onp.arange(probabilities[..., 0].size).reshape(shape[:-1]) % 4
    onp.put_along_axis(probabilities, certain[..., None], 1, -1)

    found, logs = nd.sample_multinomial(nd.array(probabilities), shape=5, get_prob=True)

    assert found.shape == logs.shape == (*shape[:-1], 5)
    onp.testing.assert_array_equal(found.asnumpy(), onp.repeat(certain[..., None], 5, -1))
    onp.testing.assert_allclose(logs.asnumpy(), 0, atol=1e-6)


def test_what_draws_apart_changes_nobodys_numbers():
    random.seed(5)
    expected = nd.random.uniform(shape=(30,)).asnumpy()
    random.seed(5)
    found = []

    with _core.DrawsApart():
        same = nd.random.uniform(shape=(10,)).asnumpy()
        thread = threading.Thread(
            target=lambda: found.append(nd.random.uniform(shape=(10,)).asnumpy())
        )
        thread.start()
        thread.join()
        with _core.DrawsApart():
            nd.random.uniform(shape=(10,))
        again = nd.random.uniform(shape=(10,)).asnumpy()
    found += [nd.random.uniform(shape=(10,)).asnumpy() for _ in range(2)]

    onp.testing.assert_array_equal(onp.concatenate(found), expected)
    onp.testing.assert_array_equal(onp.concatenate([same, again]), expected[:20])


def test_a_scope_that_draws_apart_is_for_one_block_at_a_time():
    scope = _core.DrawsApart()
    with pytest.raises(ArgumentError, match="an open DrawsApart"):
        scope.__exit__(None, None, None)
    with scope, pytest.raises(ArgumentError, match="one that is open"):
        scope.__enter__()


def test_diagnosing_leaves_the_numbers_of_other_threads():
    net = gluon.nn.Sequential(gluon.nn.Dense(4, in_units=4), gluon.nn.Dropout(0.5))
    net.initialize()
    random.seed(5)
    expected = nd.random.uniform(shape=(200,)).asnumpy()
    random.seed(5)
    drawn, stop = [], threading.Event()

    def draw():
        while not stop.is_set() and len(drawn) < 20:
            drawn.append(nd.random.uniform(shape=(10,)).asnumpy())

    thread = threading.Thread(target=draw)
    thread.start()
    while thread.is_alive():
        mx.diagnose(net, onp.ones((8, 4), "float32"))
    thread.join()
    stop.set()

    onp.testing.assert_array_equal(onp.concatenate(drawn), expected)
