"""BatchNorm, LayerNorm, InstanceNorm and GroupNorm, against NumPy and central differences."""

from __future__ import annotations

import copy
import pickle

import numpy as onp
import pytest

from glueball import autograd, gluon, init, nd, npx
from glueball import np as gnp
from glueball.base import DeferredInitializationError
from glueball.gluon import nn
from glueball.gluon.block._plan import IndexChain, current_plan

RNG = onp.random.default_rng(5)


def standardised(x, over, eps=1e-5):
    mean = x.mean(axis=over, keepdims=True)
    return (x - mean) / onp.sqrt(x.var(axis=over, keepdims=True) + eps)


def grouped(x, groups, eps=1e-5):
    rows = x.reshape(len(x), groups, -1)
    return standardised(rows, (2,), eps).reshape(x.shape)


# name: layer, shape of the input, axis of the channels, the formula without gamma and beta
CASES = {
    "layer": (nn.LayerNorm, (4, 6), 1, lambda x: standardised(x, (1,))),
    "layer, axis 1 of 3": (
        lambda **k: nn.LayerNorm(axis=1, **k),
        (2, 5, 3),
        1,
        lambda x: standardised(x, (1,)),
    ),
    "layer, larger epsilon": (
        lambda **k: nn.LayerNorm(epsilon=0.3, **k),
        (4, 6),
        1,
        lambda x: standardised(x, (1,), 0.3),
    ),
    "instance": (
        lambda **k: nn.InstanceNorm(scale=True, **k),
        (2, 3, 5),
        1,
        lambda x: standardised(x, (2,)),
    ),
    "instance, last axis": (
        lambda **k: nn.InstanceNorm(axis=-1, scale=True, **k),
        (2, 3, 4, 2),
        3,
        lambda x: standardised(x, (1, 2)),
    ),
    "one group": (nn.GroupNorm, (3, 6), 1, lambda x: grouped(x, 1)),
    "three groups": (lambda **k: nn.GroupNorm(3, **k), (2, 6), 1, lambda x: grouped(x, 3)),
    "two groups of images": (
        lambda **k: nn.GroupNorm(2, **k),
        (2, 4, 3, 2),
        1,
        lambda x: grouped(x, 2),
    ),
    "batch": (nn.BatchNorm, (7, 3), 1, lambda x: standardised(x, (0,))),
    "batch, images": (nn.BatchNorm, (3, 2, 4), 1, lambda x: standardised(x, (0, 2))),
    "batch, last axis": (
        lambda **k: nn.BatchNorm(axis=-1, epsilon=0.2, **k),
        (3, 2, 4),
        2,
        lambda x: standardised(x, (0, 1), 0.2),
    ),
}


def made(kind, dtype="float64"):
    """Return the layer with random gamma and beta, and what they are, to be broadcast."""
    make, shape, axis, formula = CASES[kind]
    layer = make(gamma_initializer=init.Uniform(low=0.5, high=2), beta_initializer=init.Normal(1))
    layer.initialize()
    layer.cast(dtype)
    x = nd.array(RNG.normal(3, 2, size=shape), dtype=dtype)
    layer(x)
    wide = [-1 if i == axis else 1 for i in range(len(shape))]
    gamma, beta = (p.data().asnumpy().reshape(wide) for p in (layer.gamma, layer.beta))
    return layer, x, gamma, beta, formula


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
def test_output_is_that_of_the_formula(kind, dtype, tolerance):
    layer, x, gamma, beta, formula = made(kind, dtype)

    with autograd.train_mode():
        y = layer(x)

    wanted = formula(x.asnumpy().astype(onp.float64)) * gamma + beta
    onp.testing.assert_allclose(y.asnumpy(), wanted, rtol=tolerance, atol=tolerance)
    assert y.dtype == onp.dtype(dtype)


@pytest.mark.parametrize("kind", CASES)
def test_gradients_are_those_of_central_differences(kind):
    layer, x, gamma, beta, formula = made(kind)
    head = RNG.normal(size=x.shape)
    x.attach_grad()
    with autograd.record():
        y = layer(x)
    y.backward(nd.array(head, dtype="float64"))

    def loss(x, gamma, beta):
        return float((head * (formula(x) * gamma + beta)).sum())

    values = [x.asnumpy(), gamma.copy(), beta.copy()]
    found = [x.grad, layer.gamma.grad(), layer.beta.grad()]
    for place, gradient in enumerate(found):
        array = values[place]
        wanted = onp.empty(array.size)
        for index in range(array.size):
            ends = []
            for step in (1e-5, -1e-5):
                moved = [each.copy() for each in values]
                moved[place].reshape(-1)[index] += step
                ends.append(loss(*moved))
            wanted[index] = (ends[0] - ends[1]) / 2e-5
        error = onp.abs(gradient.asnumpy().reshape(-1) - wanted).max()
        assert error < 1e-6 * max(1.0, onp.abs(wanted).max())


def test_batch_norm_gradient_with_running_values_is_that_of_a_line():
    layer = nn.BatchNorm(use_global_stats=True, gamma_initializer=init.Constant([2.0, 3.0]))
    layer.initialize()
    layer.running_mean.set_data(nd.array([1, -1]))
    layer.running_var.set_data(nd.array([4, 9]))
    x = nd.array([[1, 2], [3, 6], [0, 0]])
    x.attach_grad()

    with autograd.record():
        y = layer(x)
    y.backward()

    unit = (x.asnumpy() - [1, -1]) / onp.sqrt(onp.array([4, 9]) + 1e-5)
    onp.testing.assert_allclose(y.asnumpy(), unit * [2, 3], rtol=1e-5, atol=1e-6)
    slope = onp.array([2, 3]) / onp.sqrt(onp.array([4, 9]) + 1e-5)
    onp.testing.assert_allclose(x.grad.asnumpy(), onp.tile(slope, (3, 1)), rtol=1e-6)
    onp.testing.assert_allclose(layer.gamma.grad().asnumpy(), unit.sum(0), rtol=1e-5)
    onp.testing.assert_array_equal(layer.running_mean.data().asnumpy(), [1, -1])


def test_one_training_step_moves_the_running_values_as_gluons_example_says():
    layer = nn.BatchNorm()
    layer.initialize()

    with autograd.record():
        layer(nd.array([[1, 2], [3, 6]]))

    onp.testing.assert_allclose(layer.running_mean.data().asnumpy(), [0.2, 0.4], rtol=1e-6)
    onp.testing.assert_allclose(layer.running_var.data().asnumpy(), [1.0, 1.3], rtol=1e-6)


def test_running_values_move_in_the_forward_and_once():
    layer = nn.BatchNorm(momentum=0.5)
    layer.initialize()
    x = nd.array([[2.0], [4.0]])

    with autograd.record():
        y = layer(x)
    after_forward = layer.running_mean.data().asnumpy().copy()
    y.backward()

    onp.testing.assert_allclose(after_forward, [1.5])
    onp.testing.assert_array_equal(layer.running_mean.data().asnumpy(), after_forward)
    with autograd.train_mode():  # without a recording too
        layer(x)
    onp.testing.assert_allclose(layer.running_mean.data().asnumpy(), [0.5 * 1.5 + 0.5 * 3])


def test_prediction_uses_the_running_values_and_leaves_them():
    layer = nn.BatchNorm()
    layer.initialize()
    x = nd.array([[1, 2], [3, 6]])
    with autograd.record():
        layer(x)

    with autograd.record(train_mode=False):
        y = layer(x)

    wanted = (x.asnumpy() - [0.2, 0.4]) / onp.sqrt(onp.array([1.0, 1.3]) + 1e-5)
    onp.testing.assert_allclose(y.asnumpy(), wanted, rtol=1e-5)
    onp.testing.assert_allclose(layer(x).asnumpy(), wanted, rtol=1e-5)
    onp.testing.assert_allclose(layer.running_mean.data().asnumpy(), [0.2, 0.4], rtol=1e-6)


def test_running_values_that_move_before_backward_change_no_gradient():
    layer = nn.BatchNorm()
    layer.initialize()
    x = nd.array([[1.0], [3.0]])
    x.attach_grad()
    with autograd.record(train_mode=False):
        y = layer(x)
    with autograd.train_mode():
        layer(100 * x)

    y.backward()

    onp.testing.assert_allclose(x.grad.asnumpy(), onp.full((2, 1), 1 / onp.sqrt(1 + 1e-5)))


def test_mean_of_a_long_batch_keeps_its_digits_in_float32():
    x = RNG.normal(1000, 1, size=(50_000, 2)).astype(onp.float32)
    layer = nn.BatchNorm(momentum=0)
    layer.initialize()

    with autograd.train_mode():
        y = layer(nd.array(x))

    exact = x.astype(onp.float64)
    onp.testing.assert_allclose(layer.running_mean.data().asnumpy(), exact.mean(0), rtol=1e-7)
    onp.testing.assert_allclose(layer.running_var.data().asnumpy(), exact.var(0), rtol=1e-5)
    onp.testing.assert_allclose(y.asnumpy(), standardised(exact, (0,)), atol=2e-4)


def test_without_scale_one_stands_in_for_gamma():
    layer = nn.BatchNorm(scale=False, center=False, gamma_initializer=init.Constant(7.0))
    layer.initialize()
    x = nd.array([[1.0], [3.0], [8.0]])
    with autograd.record():
        y = layer(x)
    onp.testing.assert_allclose(y.asnumpy(), standardised(x.asnumpy(), (0,)), rtol=1e-5)
    assert [p.grad_req for p in layer.collect_params().values()] == ["null"] * 4


@pytest.mark.parametrize("make", [nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm, nn.BatchNorm])
def test_center_and_scale_decide_what_is_learned(make):
    layer = make(center=False, scale=True)
    assert (layer.gamma.grad_req, layer.beta.grad_req) == ("write", "null")
    layer.beta.grad_req = "write"
    assert layer.beta.grad_req == "null"


def test_parameters_and_reprs_are_gluons():
    layer = nn.BatchNorm()
    assert list(layer.collect_params()) == [
        "batchnorm0_gamma",
        "batchnorm0_beta",
        "batchnorm0_running_mean",
        "batchnorm0_running_var",
    ]
    assert [p.grad_req for p in layer.params.values()] == ["write", "write", "null", "null"]
    assert repr(layer) == (
        "BatchNorm(axis=1, eps=1e-05, momentum=0.9, fix_gamma=False, use_global_stats=False, "
        "in_channels=None)"
    )
    assert repr(nn.BatchNorm(in_channels=3, scale=False)).endswith(
        "fix_gamma=True, use_global_stats=False, in_channels=3)"
    )
    assert (
        repr(nn.LayerNorm()) == "LayerNorm(eps=1e-05, axis=-1, center=True, scale=True, "
        "in_channels=0)"
    )
    assert (
        repr(nn.InstanceNorm()) == "InstanceNorm(eps=1e-05, axis=1, center=True, scale=False, "
        "in_channels=0)"
    )
    assert (
        repr(nn.GroupNorm(2)) == "GroupNorm(eps=1e-05, num_groups=2, center=True, scale=True, "
        "in_channels=0)"
    )


@pytest.mark.parametrize("make", [nn.LayerNorm, lambda: nn.GroupNorm(2), nn.BatchNorm])
def test_channels_become_known_from_data_or_from_a_shape(make):
    by_data, by_shape = make(), nn.HybridSequential()
    by_data.initialize()
    with pytest.raises(DeferredInitializationError):
        by_data.gamma.data()
    by_shape.add(nn.Dense(4), make(), nn.Dense(2))
    by_shape.initialize()

    by_data(nd.ones((2, 6)))
    by_shape.infer_shape((None, 3))

    assert by_data.gamma.data().shape == (6,)
    assert by_shape[1].beta.data().shape == (4,)
    assert by_shape[2].weight.data().shape == (2, 4)


def test_deferred_layers_can_be_cast_frozen_and_loaded(tmp_path):
    net = nn.HybridSequential()
    net.add(nn.Dense(3), nn.BatchNorm())
    net.initialize()
    net.cast("float64")
    net[1].gamma.grad_req = "null"
    net[1].running_mean.set_data(nd.array([1, 2, 3]))
    x = nd.array(RNG.normal(size=(4, 2)), dtype="float64")

    with autograd.record():
        y = net(x)
    y.backward()

    assert y.dtype == onp.float64
    assert net[1].running_var.dtype == onp.float64
    hidden = net[0](x).asnumpy()
    onp.testing.assert_allclose(
        net[1].running_mean.data().asnumpy(), 0.9 * onp.array([1, 2, 3]) + 0.1 * hidden.mean(0)
    )
    onp.testing.assert_allclose(net[1].beta.grad().asnumpy(), [4, 4, 4])
    with pytest.raises(RuntimeError):
        net[1].gamma.grad()

    net.save_parameters(str(tmp_path / "net.npz"))
    fresh = nn.HybridSequential()
    fresh.add(nn.Dense(3), nn.BatchNorm())
    fresh.cast("float64")
    fresh.load_parameters(str(tmp_path / "net.npz"))

    assert set(nd.load(str(tmp_path / "net.npz"))) == {
        "0.weight",
        "0.bias",
        "1.gamma",
        "1.beta",
        "1.running_mean",
        "1.running_var",
    }
    onp.testing.assert_array_equal(fresh(x).asnumpy(), net(x).asnumpy())


def test_copies_and_pickles_take_the_running_values_along():
    layer = nn.BatchNorm()
    layer.initialize()
    x = nd.array([[1, 2], [3, 6]])
    with autograd.train_mode():
        layer(x)

    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        onp.testing.assert_array_equal(twin(x).asnumpy(), layer(x).asnumpy())
        with autograd.train_mode():
            twin(x)
        assert twin.running_mean.data().asnumpy()[0] > layer.running_mean.data().asnumpy()[0]


def test_shared_layers_share_the_running_values():
    first = nn.BatchNorm(in_channels=2)
    second = nn.BatchNorm(in_channels=2, params=first.params)
    first.initialize()

    with autograd.train_mode():
        second(nd.array([[1, 2], [3, 6]]))

    assert second.running_mean is first.running_mean
    onp.testing.assert_allclose(first.running_mean.data().asnumpy(), [0.2, 0.4], rtol=1e-6)


def test_trainer_leaves_the_running_values_alone_and_the_loss_falls():
    net = nn.HybridSequential()
    net.add(nn.Dense(8, activation="relu"), nn.BatchNorm(), nn.LayerNorm(), nn.Dense(1))
    net.initialize(init.Xavier())
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "wd": 0.5})
    l2 = gluon.loss.L2Loss()
    x = nd.array(RNG.normal(size=(32, 4)))
    t = nd.array((x.asnumpy() ** 2).sum(1, keepdims=True))
    losses = []
    for _ in range(30):
        with autograd.record():
            loss = l2(net(x), t)
        loss.backward()
        before = net[1].running_var.data().asnumpy().copy()
        trainer.step(32)
        onp.testing.assert_array_equal(net[1].running_var.data().asnumpy(), before)
        losses.append(float(loss.asnumpy().mean()))

    assert losses[-1] < 0.5 * losses[0]


def test_weight_update_between_forward_and_backward_changes_no_gradient_of_the_input():
    layer = nn.LayerNorm(in_channels=3)
    layer.initialize()
    x = nd.array([[1.0, 2.0, 4.0]])
    x.attach_grad()
    gradients = []
    for touch in (False, True):
        with autograd.record():
            y = layer(x)[:, 0:1]
        y.backward(retain_graph=True)
        if touch:
            gluon.Trainer(layer.collect_params(), "sgd", {"learning_rate": 9.0}).step(1)
            y.backward()
        gradients.append(x.grad.asnumpy().copy())
    onp.testing.assert_array_equal(*gradients)


def test_numpy_mode_gives_numpy_arrays():
    npx.set_np()
    try:
        layer = nn.BatchNorm()
        layer.initialize()
        with autograd.record():
            y = layer(gnp.array([[1.0, 2.0], [3.0, 6.0]]))
        y.backward()
        assert type(y) is gnp.ndarray
        assert type(layer.running_mean.data()) is gnp.ndarray
        onp.testing.assert_allclose(layer.running_mean.data().asnumpy(), [0.2, 0.4], rtol=1e-6)
    finally:
        npx.reset_np()


def test_a_subclass_may_change_what_goes_in():
    class Doubled(nn.BatchNorm):
        def hybrid_forward(self, F, x, **params):
            return super().hybrid_forward(F, 2 * x, **params)

    layer = Doubled()
    layer.initialize()

    with autograd.train_mode():
        layer(nd.array([[1, 2], [3, 6]]))

    onp.testing.assert_allclose(layer.running_mean.data().asnumpy(), [0.4, 0.8], rtol=1e-6)


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("training", [False, True])
def test_layer_does_what_the_function_of_nd_does(kind, training):
    layer, x, *_ = made(kind)
    head = nd.array(RNG.normal(size=x.shape), dtype="float64")
    outputs, gradients = [], []
    running = [
        getattr(layer, n).data().asnumpy()
        for n in ("running_mean", "running_var")
        if hasattr(layer, n)
    ]
    for compute in (
        layer,
        lambda x: layer.hybrid_forward(
            nd, x, **{key: p.data() for key, p in layer._reg_params.items()}
        ),
    ):
        for name, values in zip(("running_mean", "running_var"), running, strict=False):
            getattr(layer, name).set_data(values)
        x.attach_grad()
        with autograd.record(train_mode=training):
            y = compute(x)
        y.backward(head)
        outputs.append([y.asnumpy(), *(p.data().asnumpy() for p in layer._reg_params.values())])
        gradients.append(
            [x.grad.asnumpy(), layer.gamma.grad().asnumpy(), layer.beta.grad().asnumpy()]
        )

    for native, function in zip(outputs[0] + gradients[0], outputs[1] + gradients[1], strict=True):
        onp.testing.assert_allclose(native, function, rtol=1e-10, atol=1e-10)


def test_net_of_dense_layers_and_normalisations_is_one_native_call():
    net = nn.HybridSequential()
    net.add(
        nn.Embedding(5, 4),
        nn.Dense(6),
        nn.BatchNorm(),
        nn.PReLU(in_channels=0),
        nn.LayerNorm(),
        nn.HybridLambda("tanh"),
        nn.GroupNorm(3),
        nn.Dense(2),
    )
    net.initialize()

    y = net(nd.array([[1, 4], [0, 2]], dtype="int32"))

    assert y.shape == (2, 2)
    assert [type(step) for step in current_plan(net).steps] == [IndexChain]
    with autograd.record():
        y = net(nd.array([[1, 4], [0, 2]]))
    y.backward()
    for parameter in net.collect_params().values():
        assert parameter.grad_req == "null" or parameter._grad_is_fresh


def test_other_dtype_or_width_is_refused_and_nothing_moves():
    layer = nn.BatchNorm(in_channels=2)
    layer.initialize()
    for wrong, error, text in [
        (nd.ones((2, 2), dtype="float64"), TypeError, "input of dtype float32 for 'batchnorm0'"),
        (nd.ones((2, 3)), ValueError, r"expected 2 channels on axis 1 .*found the shape \(2, 3\)"),
        (nd.ones((3,)), ValueError, "expected an input of 'batchnorm0' with channels on axis 1"),
        (nd.ones((2, 2))[0:0], ValueError, "expected at least one sample"),
    ]:
        with autograd.train_mode(), pytest.raises(error, match=text):
            layer(wrong)
    onp.testing.assert_array_equal(layer.running_mean.data().asnumpy(), [0, 0])
    with pytest.raises(ValueError, match="one NDArray"):
        layer("ones")


def test_empty_batch_is_fine_in_prediction():
    layer = nn.BatchNorm(in_channels=2)
    layer.initialize()
    assert layer(nd.ones((2, 2))[0:0]).shape == (0, 2)


@pytest.mark.parametrize("settings", [{"momentum": 1.5}, {"epsilon": -1}, {"momentum": onp.nan}])
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(ValueError, match="expected .* of BatchNorm to be finite and from 0"):
        nn.BatchNorm(**settings)


def test_settings_of_a_wrong_type_are_refused():
    with pytest.raises(TypeError, match="expected a number as epsilon of LayerNorm"):
        nn.LayerNorm(epsilon="small")
    with pytest.raises(TypeError, match="expected an integer as in_channels of BatchNorm"):
        nn.BatchNorm(in_channels=2.5)


def test_groups_have_to_divide_the_channels():
    with pytest.raises(ValueError, match="expected a number of channels that 4 groups can share"):
        nn.GroupNorm(4, in_channels=6)
    layer = nn.GroupNorm(4)
    layer.initialize()
    with pytest.raises(ValueError, match="found 6; choose a number of groups"):
        layer(nd.ones((2, 6)))
    assert layer(nd.ones((2, 8))).shape == (2, 8)  # the failure has fixed nothing


def test_instance_norm_needs_something_to_take_the_mean_over():
    layer = nn.InstanceNorm()
    layer.initialize()
    with pytest.raises(
        ValueError, match="expected an input with an axis besides batch and channel"
    ):
        layer(nd.ones((2, 3)))
