"""A monitor sees what training does, changes nothing of it, and says early when it goes wrong."""

from __future__ import annotations

import math
import sys
import types
import warnings

import numpy as onp
import pytest

import glueball
from glueball import autograd, gluon, init, nd
from glueball.base import MXNetError, PackageError, TrainingWarning
from glueball.gluon import nn
from glueball.gluon.contrib.estimator import Estimator

LOSS = gluon.loss.SoftmaxCrossEntropyLoss()


def make(rate=0.1, optimizer="sgd"):
    glueball.random.seed(1)
    net = nn.Sequential(nn.Dense(16, activation="relu", in_units=8), nn.Dense(4, in_units=16))
    net.initialize(init.Xavier())
    trainer = gluon.Trainer(net.collect_params(), optimizer, {"learning_rate": rate})
    return net, trainer


def batch(samples=32):
    rng = onp.random.default_rng(0)
    return nd.array(rng.normal(size=(samples, 8))), nd.array(onp.arange(samples) % 4)


def train(net, trainer, steps, x=None, y=None):
    for _ in range(steps):
        inputs, labels = (x, y) if x is not None else batch()
        with autograd.record():
            loss = LOSS(net(inputs), labels)
        loss.backward()
        trainer.step(len(inputs))


def rows(monitor, path, kind="parameter"):
    return [row for row in monitor.rows if row["path"] == path and row["kind"] == kind]


def size(array):
    return math.sqrt(float((array.astype("float64") ** 2).mean()))


def test_figures_are_those_of_the_step_that_was_looked_at():
    net, trainer = make(optimizer="adam", rate=0.01)
    x, y = batch()

    with gluon.Monitor(net, every=2, select="*") as monitor:
        for step in range(5):
            before = net[0].weight.data().asnumpy()
            hidden = net[0](x).asnumpy()
            train(net, trainer, 1, x, y)
            after, slope = net[0].weight.data().asnumpy(), net[0].weight.grad().asnumpy()
            if step == 2:
                expected = before, after, slope, hidden

    before, after, slope, hidden = expected
    assert [row["step"] for row in rows(monitor, "0.weight")] == [0, 2, 4]
    row = rows(monitor, "0.weight")[1]
    assert row["mean"] == pytest.approx(float(before.mean()), abs=1e-7)
    assert row["std"] == pytest.approx(float(before.std()), rel=1e-5)
    assert (row["least"], row["greatest"]) == (before.min(), before.max())
    assert row["gradient"] == pytest.approx(size(slope), rel=1e-5)
    assert row["update"] == pytest.approx(size(after - before), rel=1e-5)
    assert row["ratio"] == pytest.approx(size(after - before) / size(before), rel=1e-5)
    layer = rows(monitor, "0", "activation")[1]
    assert layer["mean"] == pytest.approx(float(hidden.mean()), rel=1e-5)
    assert layer["zeros"] == pytest.approx(float((hidden == 0).mean()))
    assert layer["gradient"] > 0


def test_the_gradient_of_an_activation_is_that_which_autograd_finds():
    net, _ = make()
    x, y = batch()
    seen = []
    with net[0].register_forward_hook(lambda b, i, out: seen.append(out)), autograd.record():
        loss = LOSS(net(x), y)
    (slope,) = autograd.grad(loss, seen)

    with gluon.Monitor(net) as monitor:
        with autograd.record():
            loss = LOSS(net(x), y)
        loss.backward()

    (row,) = rows(monitor, "0", "activation")
    assert row["gradient"] == pytest.approx(size(slope.asnumpy()), rel=1e-6)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_training_under_a_monitor_is_the_same_bit_by_bit(optimizer):
    ends = []
    for watched in (False, True):
        net, trainer = make(optimizer=optimizer, rate=0.01)
        if watched:
            with gluon.Monitor(net, every=3):
                train(net, trainer, 10)
        else:
            train(net, trainer, 10)
        ends.append([p.data().asnumpy() for p in net.collect_params().values()])

    for plain, seen in zip(*ends, strict=True):
        onp.testing.assert_array_equal(plain, seen)


@pytest.mark.filterwarnings("ignore:step 0. all gradients are 0")
def test_nothing_is_left_on_the_net():
    net, trainer = make()
    with gluon.Monitor(net, every=1):
        train(net, trainer, 2)

    assert not any(b._forward_hooks or b._forward_pre_hooks for _, b in net._walk_blocks())

    class Broken(nn.Block):
        def forward(self, x):
            raise ValueError("broken")

    net = nn.Sequential(nn.Dense(3, in_units=8), Broken())
    net.initialize()
    with gluon.Monitor(net, every=1) as monitor:
        for _ in range(2):
            with pytest.raises(ValueError, match="broken"), autograd.record():
                net(nd.ones((2, 8)))
        assert len(net[0]._forward_hooks) == 1
    assert not any(b._forward_hooks or b._forward_pre_hooks for _, b in net._walk_blocks())
    assert [row["step"] for row in rows(monitor, "0", "activation")] == [0, 1]


def test_only_steps_count():
    net, trainer = make()
    x, _ = batch()

    with gluon.Monitor(net, every=1) as monitor:
        train(net, trainer, 2)
        net(x)
        with autograd.record(), autograd.pause():
            net(x)
    train(net, trainer, 2)

    assert monitor.steps == 2
    assert {row["step"] for row in monitor.rows} == {0, 1}


def test_select_takes_paths_and_what_matches_none_is_refused():
    net, trainer = make()
    with gluon.Monitor(net, select="1.*", activations=False) as monitor:
        train(net, trainer, 1)
    assert [row["path"] for row in monitor.rows] == ["1.weight", "1.bias"]
    assert "ratio" not in monitor.rows[1]  # the bias was 0

    with pytest.raises(MXNetError, match=r"found '2.\*', which matches none of '0.weight'"):
        gluon.Monitor(net, select="2.*")
    with pytest.raises(MXNetError, match="expected a Block to watch, found 3"):
        gluon.Monitor(3)
    with pytest.raises(MXNetError, match="every of Monitor"):
        gluon.Monitor(net, every=0)


def test_nets_that_wait_for_data_shared_layers_single_layers_and_blocks_of_python():
    shared = nn.Dense(8, activation="tanh")

    class Twice(nn.Block):
        def __init__(self):
            super().__init__()
            self.shared, self.again, self.head = shared, shared, nn.Dense(4)

        def forward(self, x):
            return self.head(self.again(self.shared(x)))

    for net, layers in ((Twice(), ["shared", "again", "head"]), (nn.Dense(4), [""])):
        net.initialize()
        trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01})
        with gluon.Monitor(net, every=1) as monitor:
            train(net, trainer, 3)
        assert [
            row["path"] for row in monitor.rows if row["step"] == 1 and row["kind"] == "activation"
        ] == layers
        assert {row["step"] for row in monitor.rows} == {1, 2}


def test_callbacks_get_each_look():
    net, trainer = make()
    seen = []

    with gluon.Monitor(net, every=2, callbacks=[lambda m, r: seen.append((m, len(r)))]) as monitor:
        train(net, trainer, 5)

    assert seen == [(monitor, 4)] * 3


def test_a_handler_of_an_estimator():
    net, trainer = make()
    x, y = batch()
    data = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=8)
    monitor = gluon.Monitor(net, every=2)

    Estimator(net, LOSS, trainer=trainer).fit(data, epochs=2, event_handlers=[monitor])

    assert monitor.steps == 8
    assert monitor.history("1.weight", "ratio")[0] == [0, 2, 4, 6]
    assert not net._forward_pre_hooks


def test_the_table_fits_80_columns_and_shows_the_past():
    net, trainer = make()
    monitor = gluon.Monitor(net, every=1)
    assert str(monitor) == "0 steps, none of them looked at"

    with monitor:
        train(net, trainer, 40)

    text = str(monitor)
    assert max(map(len, text.splitlines())) <= 80
    assert text.splitlines()[0].startswith("step 39")
    assert "0.weight" in text
    assert "█" in text
    with pytest.raises(MXNetError, match="expected the path of what was watched"):
        monitor.history("7.weight", "std")


def words(change, rate=0.1, steps=3, every=1):
    net, trainer = make(rate)
    x, y = batch()
    change(net, x)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with gluon.Monitor(net, every=every) as monitor:
            train(net, trainer, steps, x, y)
    assert [str(each.message) for each in caught] == monitor.words
    assert all(each.category is TrainingWarning for each in caught)
    return monitor.words


def test_an_early_word_says_what_goes_wrong_once():
    def poison(net, x):
        x[0, 0] = math.nan

    (said,) = words(poison)
    assert said == "step 0: NaN or infinity in '0'"

    (said,) = words(lambda net, x: net[0].bias.set_data(onp.full(16, -100)))
    assert said.startswith("step 0: 100 % of what '0' gives is 0")

    said = words(lambda net, x: None, rate=100)
    assert said[0].startswith("step 0: the update of")
    assert "lower the learning rate" in said[0]

    (said,) = words(lambda net, x: net.initialize(init.Zero(), force_reinit=True), rate=0)
    assert "is 0" in said

    assert words(lambda net, x: None, steps=30) == []


def test_weights_that_begin_at_zero_may_grow():
    assert words(lambda net, x: net[1].weight.set_data(onp.zeros((4, 16))), steps=5) == []


def writer_of(written):
    class SummaryWriter:
        def __init__(self, logdir):
            written["logdir"] = logdir

        def add_scalar(self, tag, value, step):
            written.setdefault(tag, []).append((step, value))

        def close(self):
            written["closed"] = True

    return types.SimpleNamespace(SummaryWriter=SummaryWriter)


def test_tensorboard_gets_what_was_and_what_will_be_seen(monkeypatch, tmp_path):
    written = {}
    monkeypatch.setitem(sys.modules, "tensorboardX", writer_of(written))
    net, trainer = make()

    with gluon.Monitor(net, every=1) as monitor:
        train(net, trainer, 3)
        monitor.to_tensorboard(tmp_path)
        train(net, trainer, 3)

    assert written["logdir"] == str(tmp_path)
    assert written["closed"]
    steps, values = monitor.history("0.weight", "std")
    assert written["parameter/0.weight/std"] == list(zip(steps, values, strict=True))


def test_tensorboards_files_are_written(tmp_path):
    pytest.importorskip("tensorboardX")
    net, trainer = make()
    with gluon.Monitor(net, every=1) as monitor:
        train(net, trainer, 3)

    monitor.to_tensorboard(tmp_path / "runs")

    (file,) = (tmp_path / "runs").iterdir()
    assert b"parameter/0.weight/std" in file.read_bytes()


def test_without_tensorboardx_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)

    with pytest.raises(PackageError, match=r"pip install 'glueball\[tensorboard\]'"):
        gluon.Monitor(make()[0]).to_tensorboard("nowhere")
