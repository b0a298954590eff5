"""Deferred initialization: parameters whose shape only data tells."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from glueball import autograd, cpu, gluon, init, nd, npx
from glueball import np as mnp
from glueball.base import DeferredInitializationError, MXNetError, UninitializedError
from glueball.gluon import nn


class Recorder(init.Initializer):
    """Fills with ones, and remembers what it was asked to fill."""

    def __init__(self):
        super().__init__()
        self.filled = []

    def _init_weight(self, name, arr):
        self.filled.append((str(name), arr.shape))
        arr[:] = 1

    _init_bias = _init_weight


def net_of(*layers):
    net = nn.Sequential()
    net.add(*layers)
    return net


def no_bias(units, **settings):
    return nn.Dense(units, use_bias=False, **settings)


def values(parameter):
    return parameter.data().asnumpy()


DEFERRED = (
    "Parameter 'dense0_weight' has not been initialized yet because initialization was deferred. "
    "Actual initialization happens during the first forward pass. Please pass one batch of data "
    "through the network before accessing Parameters. You can also avoid deferred initialization by "
    "specifying in_units, num_features, etc., for network layers."
)


def test_known_shapes_are_initialized_at_once_and_unknown_ones_at_the_first_forward():
    net = net_of(nn.Dense(3, bias_initializer=None), nn.Dense(2, bias_initializer=None))
    recorder = Recorder()
    net.initialize(recorder)
    assert recorder.filled == [("dense0_bias", (3,)), ("dense1_bias", (2,))]
    assert str(net[0]) == "Dense(None -> 3, linear)"

    net(nd.ones((7, 4)))

    assert recorder.filled[2:] == [("dense0_weight", (3, 4)), ("dense1_weight", (2, 3))]
    assert str(net[0]) == "Dense(4 -> 3, linear)"
    assert net[0].weight.shape == (3, 4)


def test_everything_is_initialized_at_once_when_all_widths_are_given():
    net = net_of(
        nn.Dense(3, in_units=4, bias_initializer=None),
        nn.Dense(2, in_units=3, bias_initializer=None),
    )
    recorder = Recorder()
    net.initialize(recorder)
    order = [name for name, _ in recorder.filled]
    assert order == ["dense0_weight", "dense0_bias", "dense1_weight", "dense1_bias"]

    net(nd.ones((1, 4)))
    assert len(recorder.filled) == 4


def test_initializing_again_after_a_forward_is_immediate():
    net = net_of(nn.Dense(3), nn.Dense(2))
    net.initialize()
    net(nd.ones((1, 4)))
    recorder = Recorder()
    net.collect_params(".*weight").initialize(recorder, force_reinit=True)

    assert recorder.filled == [("dense0_weight", (3, 4)), ("dense1_weight", (2, 3))]


def test_it_happens_once():
    net = net_of(no_bias(3))
    recorder = Recorder()
    net.initialize(recorder)
    for batch in (1, 5, 2):
        net(nd.ones((batch, 4)))

    assert len(recorder.filled) == 1


def test_weights_are_initialized_in_the_order_of_execution():
    class Backwards(nn.Block):
        def __init__(self):
            super().__init__(prefix="net_")
            with self.name_scope():
                self.second = no_bias(2)
                self.first = no_bias(3)
                self.never = no_bias(7)

        def forward(self, x):
            return self.second(self.first(x))

    net = Backwards()
    recorder = Recorder()
    net.initialize(recorder)
    net(nd.ones((1, 4)))

    assert [name for name, _ in recorder.filled] == ["net_dense1_weight", "net_dense0_weight"]
    with pytest.raises(DeferredInitializationError, match="'net_dense2_weight' .* was deferred"):
        net.never.weight.data()


def test_it_happens_while_recording_and_the_first_gradient_is_right():
    net = net_of(nn.Dense(2))
    net.initialize("ones")
    x = nd.array([[1, 2, 3], [4, 5, 6]])
    with autograd.record():
        loss = net(x).sum()
    loss.backward()

    np.testing.assert_array_equal(net[0].weight.grad().asnumpy(), [[5, 7, 9], [5, 7, 9]])
    np.testing.assert_array_equal(net[0].bias.grad().asnumpy(), [2, 2])


@pytest.mark.parametrize("ask", ["data", "grad", "list_data", "list_grad"])
def test_a_deferred_parameter_says_what_it_waits_for(ask):
    layer = nn.Dense(2)
    layer.initialize()

    with pytest.raises(DeferredInitializationError) as caught:
        getattr(layer.weight, ask)()

    assert str(caught.value) == DEFERRED
    assert isinstance(caught.value, RuntimeError)
    assert layer.weight.shape == (2, 0)
    assert layer.weight.list_ctx() == [cpu(0)]


def test_a_net_that_was_never_initialized_names_the_first_weight_and_computes_nothing():
    net = net_of(nn.Dense(3), nn.Dense(2))

    with pytest.raises(
        UninitializedError, match="^Parameter 'dense0_weight' has not been initialized"
    ):
        net(nd.ones((1, 4)))

    net.initialize("ones")
    assert net(nd.ones((1, 4))).asnumpy().tolist() == [[12, 12]]


@pytest.mark.parametrize("way", ["save_parameters", "collect_params().save"])
def test_a_deferred_net_cannot_be_saved_and_no_file_is_left(tmp_path, way):
    net = net_of(nn.Dense(3))
    net.initialize()
    path = tmp_path / "net.npz"

    save = net.save_parameters if way == "save_parameters" else net.collect_params().save
    with pytest.raises(DeferredInitializationError):
        save(str(path))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("initialized", [False, True], ids=["fresh", "deferred"])
def test_loading_gives_shapes_and_values_without_initializing(tmp_path, initialized):
    saved = net_of(nn.Dense(3), nn.Dense(2))
    saved.initialize(init.Normal(1.0))
    expected = saved(nd.ones((1, 4)))
    saved.save_parameters(str(tmp_path / "net.npz"))

    net = net_of(nn.Dense(3), nn.Dense(2))
    recorder = Recorder()
    if initialized:
        net.collect_params(".*weight").initialize(recorder)
    net.load_parameters(str(tmp_path / "net.npz"))

    assert str(net[0]) == "Dense(4 -> 3, linear)"
    np.testing.assert_array_equal(net(nd.ones((1, 4))).asnumpy(), expected.asnumpy())
    assert recorder.filled == []


def test_a_trainer_can_be_made_before_data_and_steps_after():
    net = net_of(nn.Dense(1))
    net.initialize("ones")
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5})
    with pytest.raises(DeferredInitializationError):
        trainer.step(1)

    with autograd.record():
        loss = net(nd.array([[2, 4]]))
    loss.backward()
    trainer.step(1)

    np.testing.assert_array_equal(values(net[0].weight), [[0, -1]])
    np.testing.assert_array_equal(values(net[0].bias), [-0.5])


def test_a_trainer_needs_initialize():
    with pytest.raises(RuntimeError, match=r"^Parameter 'dense0_bias' has not been initialized$"):
        gluon.Trainer(nn.Dense(1).collect_params(), "sgd")


def test_of_two_initialize_calls_the_last_counts_for_deferred_weights():
    net = net_of(nn.Dense(2))
    net.initialize("ones")
    with pytest.warns(
        UserWarning, match="Parameter 'dense0_bias' is already initialized"
    ) as caught:
        net.initialize(init.Constant(3))
    assert len(caught) == 1

    net(nd.ones((1, 3)))
    assert (values(net[0].weight) == 3).all()


def test_force_reinit_before_data_replaces_the_plan_without_a_warning():
    net = net_of(nn.Dense(2))
    net.initialize("ones")
    net.initialize(init.Constant(3), force_reinit=True)
    net(nd.ones((1, 3)))

    assert (values(net[0].weight) == 3).all()


def test_changes_while_deferred_hold_when_the_shape_is_known():
    net = net_of(nn.Dense(2))
    net.initialize("ones")
    net.cast("float64")
    net.collect_params().setattr("grad_req", "null")
    net.collect_params().reset_ctx(cpu(1))
    net[0].weight.initialize(init.Constant(4), ctx=cpu(1))
    net(nd.ones((1, 3), dtype="float64"))

    weight = net[0].weight
    assert weight.data().dtype == np.float64
    assert weight.grad_req == "null"
    assert weight.list_ctx() == [cpu(1)]
    assert (values(weight) == 4).all()


class Moody(init.Initializer):
    """Raises until told not to."""

    def __init__(self, error):
        super().__init__()
        self.error = error
        self.calls = 0

    def _init_weight(self, name, arr):
        self.calls += 1
        arr[:] = 9
        if self.error is not None:
            raise self.error
        arr[:] = 2


def test_an_exception_in_an_initializer_reaches_the_caller_unchanged_and_the_plan_stays():
    error = KeyError("no luck", 7)
    moody = Moody(error)
    net = net_of(no_bias(2), no_bias(1))
    net.initialize(moody)

    with pytest.raises(KeyError) as caught:
        net(nd.ones((1, 3)))
    assert caught.value is error
    with pytest.raises(DeferredInitializationError):
        net[0].weight.data()

    moody.error = None
    assert net(nd.ones((1, 3))).asnumpy().tolist() == [[24]]
    assert moody.calls == 3


def test_after_a_failed_initializer_another_can_be_given():
    net = net_of(no_bias(2))
    net.initialize(Moody(ValueError("never")))
    with pytest.raises(ValueError, match=r"^never\nwhile "):
        net(nd.ones((1, 3)))

    net.initialize("ones")
    assert net(nd.ones((1, 3))).asnumpy().tolist() == [[3, 3]]


def test_an_exception_while_recording_leaves_a_net_that_trains():
    moody = Moody(ValueError("never"))
    net = net_of(no_bias(1))
    net.initialize(moody)
    with pytest.raises(ValueError, match=r"^never\nwhile "), autograd.record():
        net(nd.ones((1, 3)))
    assert not autograd.is_recording()

    moody.error = None
    with autograd.record():
        loss = net(nd.ones((1, 3)))
    loss.backward()
    np.testing.assert_array_equal(net[0].weight.grad().asnumpy(), [[1, 1, 1]])


def test_an_exception_at_once_leaves_the_parameter_uninitialized():
    net = net_of(no_bias(2, in_units=3))
    with pytest.raises(ValueError, match=r"^never\nwhile "):
        net.initialize(Moody(ValueError("never")))
    with pytest.raises(UninitializedError):
        net[0].weight.data()

    net.initialize("ones")
    assert (values(net[0].weight) == 1).all()


def test_an_exception_in_a_reinitialization_leaves_the_old_values():
    net = net_of(no_bias(2, in_units=3))
    net.initialize("ones")
    with pytest.raises(ValueError, match=r"^never\nwhile "):
        net.initialize(Moody(ValueError("never")), force_reinit=True)

    assert net(nd.ones((1, 3))).asnumpy().tolist() == [[3, 3]]


def test_another_width_than_the_first_is_refused_by_name_and_the_net_stays_usable():
    net = net_of(nn.Dense(3, prefix="hidden_"), nn.Dense(2, prefix="out_"))
    net.initialize("ones")
    net(nd.ones((1, 4)))

    with pytest.raises(MXNetError) as caught:
        net(nd.ones((5, 3)))

    assert str(caught.value) == (
        "expected input of shape (batch, 4) for 'hidden', found (5, 3); pass 4 features, or make a "
        "new layer for 3 (its weight hidden_weight is (3, 4))"
    )
    assert net(nd.ones((5, 4))).shape == (5, 2)


def test_a_width_given_that_differs_from_the_data_is_refused_at_the_first_forward():
    net = net_of(nn.Dense(3, in_units=4, prefix="hidden_"), nn.Dense(2))
    net.initialize("ones")

    with pytest.raises(MXNetError, match=r"expected input of shape \(batch, 4\) for 'hidden'"):
        net(nd.ones((1, 5)))

    assert net(nd.ones((1, 4))).shape == (1, 2)


def test_an_input_of_one_axis_is_a_batch_of_single_numbers():
    layer = nn.Dense(3)
    layer.initialize("ones")

    assert layer(nd.array([1, 2, 3, 4])).asnumpy().tolist() == [[i] * 3 for i in (1, 2, 3, 4)]
    assert layer.weight.shape == (3, 1)


def test_a_first_batch_without_samples_tells_the_width():
    layer = nn.Dense(3)
    layer.initialize("ones")

    assert layer(nd.array(np.zeros((0, 4)))).shape == (0, 3)
    assert layer(nd.ones((1, 4))).asnumpy().tolist() == [[4, 4, 4]]


def test_a_first_batch_without_features_is_refused_and_the_layer_still_waits():
    layer = nn.Dense(3, prefix="out_")
    layer.initialize("ones")

    with pytest.raises(
        MXNetError, match=r"expected at least one feature for 'out', found shape \(3, 0\)"
    ):
        layer(nd.array(np.zeros((3, 0))))

    assert layer.weight.shape == (3, 0)
    assert layer(nd.ones((1, 4))).asnumpy().tolist() == [[4, 4, 4]]


def test_a_first_batch_of_another_dtype_is_refused_and_the_layer_still_waits():
    layer = nn.Dense(3, prefix="out_")
    layer.initialize("ones")

    with pytest.raises(MXNetError, match="expected input of dtype float32 for 'out'.*float64"):
        layer(nd.ones((1, 4), dtype="float64"))

    assert layer(nd.ones((1, 5))).asnumpy().tolist() == [[5, 5, 5]]


def test_many_threads_that_run_a_deferred_net_first_initialize_it_once():
    net = net_of(no_bias(64), no_bias(64))
    recorder = Recorder()
    net.initialize(recorder)
    x = nd.ones((4, 32))
    outputs = []
    threads = [threading.Thread(target=lambda: outputs.append(net(x))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(recorder.filled) == [("dense0_weight", (64, 32)), ("dense1_weight", (64, 64))]
    assert len(outputs) == 8
    assert all((output.asnumpy() == 32 * 64).all() for output in outputs)


def test_infer_shape_of_a_shape_initializes_without_data():
    net = net_of(nn.Dense(3, activation="relu"), nn.Dense(2))
    recorder = Recorder()
    net.collect_params(".*weight").initialize(recorder)
    net.infer_shape((None, 20))

    assert recorder.filled == [("dense0_weight", (3, 20)), ("dense1_weight", (2, 3))]
    assert str(net[0]) == "Dense(20 -> 3, Activation(relu))"


def test_infer_shape_before_initialize_makes_initialize_immediate():
    net = net_of(nn.Dense(3), nn.Dense(2))
    net.infer_shape((None, 20))
    with pytest.raises(UninitializedError):
        net[0].weight.data()

    net.initialize("ones")
    assert net[0].weight.data().shape == (3, 20)


def test_infer_shape_of_an_array_only_fills_in_shapes():
    layer = nn.Dense(3)
    layer.initialize()
    layer.infer_shape(nd.ones((2, 5)))

    assert layer.weight.shape == (3, 5)
    with pytest.raises(DeferredInitializationError):
        layer.weight.data()
    layer(nd.ones((2, 5)))
    assert layer.weight.data().shape == (3, 5)


def test_infer_shape_refuses_a_shape_that_does_not_fit_and_the_net_stays_usable():
    net = net_of(nn.Dense(3, in_units=4, prefix="hidden_"))
    net.initialize("ones")

    with pytest.raises(MXNetError, match="'hidden'"):
        net.infer_shape((None, 5))

    assert net(nd.ones((1, 4))).shape == (1, 3)


def test_a_blocks_own_parameter_without_leave_to_wait_is_refused_at_initialize():
    class Own(nn.Block):
        def __init__(self):
            super().__init__(prefix="own_")
            self.weight = self.params.get("weight", shape=(3, 0))

    with pytest.raises(
        ValueError,
        match=r"Cannot initialize Parameter 'own_weight' because it has invalid shape: \(3, 0\)\.",
    ):
        Own().initialize()


def test_a_plain_blocks_own_deferred_parameter_is_not_inferred():
    class Own(nn.Block):
        def __init__(self):
            super().__init__(prefix="own_")
            self.weight = self.params.get("weight", shape=(3, 0), allow_deferred_init=True)

        def forward(self, x):
            return nd.dot(x, self.weight.data().T)

    block = Own()
    block.initialize("ones")
    with pytest.raises(DeferredInitializationError, match="'own_weight'"):
        block(nd.ones((1, 4)))

    block.weight.set_data(np.ones((3, 4)))
    assert block(nd.ones((1, 4))).asnumpy().tolist() == [[4, 4, 4]]


class Hybrid(nn.HybridBlock):
    def __init__(self):
        super().__init__(prefix="own_")
        self.weight = self.params.get("weight", shape=(3, 0), allow_deferred_init=True)

    def hybrid_forward(self, F, x, weight):
        return F.dot(x, weight.T)


def test_a_hybrid_block_that_cannot_infer_its_shape_says_how_to():
    block = Hybrid()
    block.initialize("ones")

    with pytest.raises(
        ValueError, match="Deferred initialization failed because shape cannot be inferred"
    ):
        block(nd.ones((1, 4)))


def test_a_hybrid_block_infers_through_its_own_infer_shape():
    class Inferring(Hybrid):
        def infer_shape(self, x):
            self.weight.shape = (3, x.shape[1])

    block = Inferring()
    recorder = Recorder()
    block.initialize(recorder)

    assert block(nd.ones((1, 4))).asnumpy().tolist() == [[4, 4, 4]]
    assert recorder.filled == [("own_weight", (3, 4))]


def test_numpy_mode_shows_unknown_widths_as_minus_one():
    npx.set_np()
    try:
        net = net_of(nn.Dense(2))
        net.initialize("ones")
        assert str(net[0].weight) == "Parameter dense0_weight (shape=(2, -1), dtype=float32)"
        assert net(mnp.ones((1, 3))).tolist() == [[3, 3]]
        assert net[0].weight.shape == (2, 3)
    finally:
        npx.reset_np()


def test_an_initializer_that_runs_its_own_net_is_told_that_there_are_no_values_yet():
    net = nn.Dense(2)

    class RunsTheNet(init.Initializer):
        def _init_weight(self, name, arr):
            net(nd.ones((1, 3)))

    net.initialize(RunsTheNet())

    with pytest.raises(DeferredInitializationError, match="has not been initialized yet"):
        net(nd.ones((1, 3)))

    net.initialize("ones", force_reinit=True)
    assert net(nd.ones((1, 3))).asnumpy().tolist() == [[3, 3]]
