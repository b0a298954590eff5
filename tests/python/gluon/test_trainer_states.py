"""A training that is saved and gone on with is, bit by bit, the training that was not interrupted."""

from __future__ import annotations

import copy
import json
import os
import pickle

import numpy as onp
import pytest

from glueball import autograd, gluon, lr_scheduler, nd, optimizer, random
from glueball.base import FileFormatError
from glueball.gluon import Trainer, nn

X = nd.array(onp.random.default_rng(0).normal(size=(8, 3)))
Y = nd.array(onp.random.default_rng(1).normal(size=(8, 1)))
RULES = sorted(optimizer.optimizer._registry)


def make_net(seed=0):
    rng = onp.random.default_rng(seed)
    net = nn.HybridSequential()
    net.add(nn.Dense(5, activation="tanh", in_units=3), nn.Dense(1, in_units=5))
    net.initialize()
    for parameter in net.collect_params().values():
        parameter.set_data(nd.array(rng.normal(size=parameter.shape)))
    return net


def make_trainer(net, name="adam", **settings):
    return Trainer(list(net.collect_params().values()), name, settings)


def train(net, trainer, steps):
    loss_function = gluon.loss.L2Loss()
    for _ in range(steps):
        with autograd.record():
            loss = loss_function(net(X), Y)
        loss.backward()
        trainer.step(len(X))


def values(net):
    return [p.data().asnumpy().copy() for p in net.collect_params().values()]


def assert_same(net, other):
    for ours, theirs in zip(values(net), values(other), strict=True):
        onp.testing.assert_array_equal(ours, theirs)


def continued(net):
    other = make_net(seed=1)
    for parameter, value in zip(other.collect_params().values(), values(net), strict=True):
        parameter.set_data(nd.array(value))
    return other


@pytest.mark.parametrize(
    ("name", "own"),
    [
        *((name, {}) for name in RULES),
        *((name, {"momentum": 0.9}) for name in ("dcasgd", "lars", "nag", "sgd")),
        ("rmsprop", {"centered": True}),
    ],
    ids=str,
)
def test_training_goes_on_bit_by_bit(name, own, tmp_path):
    settings = {"learning_rate": 0.05, "clip_gradient": 0.5, **own}
    net = make_net()
    trainer = make_trainer(net, name, **settings)
    train(net, trainer, 4)
    trainer.save_states(tmp_path / "trainer.states")
    other = continued(net)

    resumed = make_trainer(other, name, **settings)
    resumed.load_states(tmp_path / "trainer.states")
    random.seed(7)  # sgld draws
    train(net, trainer, 4)
    random.seed(7)
    train(other, resumed, 4)

    assert_same(net, other)
    assert resumed.optimizer.num_update == 8


def test_without_the_states_training_would_go_another_way(tmp_path):
    net = make_net()
    trainer = make_trainer(net)
    train(net, trainer, 4)
    other = continued(net)

    train(net, trainer, 4)
    train(other, make_trainer(other), 4)

    assert not onp.array_equal(values(net)[0], values(other)[0])


@pytest.mark.parametrize(
    "schedule",
    [
        lambda: lr_scheduler.FactorScheduler(3, 0.7),
        lambda: lr_scheduler.MultiFactorScheduler([2, 5], 0.3),
        lambda: lr_scheduler.CosineScheduler(9, warmup_steps=2),
    ],
    ids=["factor", "multi", "cosine"],
)
def test_schedules_go_on_too(schedule, tmp_path):
    file = str(tmp_path / "states")
    net = make_net()
    trainer = make_trainer(net, "nag", learning_rate=0.1, momentum=0.9, lr_scheduler=schedule())
    train(net, trainer, 4)
    trainer.save_states(file)
    other = continued(net)

    resumed = make_trainer(other, "nag", learning_rate=0.1, momentum=0.9, lr_scheduler=schedule())
    resumed.load_states(file)

    assert resumed.learning_rate == trainer.learning_rate
    train(net, trainer, 4)
    train(other, resumed, 4)
    assert_same(net, other)


def test_states_of_parameters_that_differ_in_age(tmp_path):
    file = tmp_path / "states"
    net = make_net()
    net[0].weight.grad_req = "null"
    trainer = make_trainer(net, "nadam", learning_rate=0.1)
    train(net, trainer, 3)
    net[0].weight.grad_req = "write"
    train(net, trainer, 2)
    trainer.save_states(file)
    other = continued(net)

    resumed = make_trainer(other, "nadam", learning_rate=0.1)
    resumed.load_states(file)
    train(net, trainer, 3)
    train(other, resumed, 3)

    assert_same(net, other)


def test_states_can_be_saved_before_the_first_step_and_undo_later_ones(tmp_path):
    file = tmp_path / "states"
    net, other = make_net(), make_net()
    trainer = make_trainer(net)
    trainer.save_states(file)
    train(net, trainer, 3)
    for parameter, value in zip(net.collect_params().values(), values(other), strict=True):
        parameter.set_data(nd.array(value))

    trainer.load_states(file)
    train(net, trainer, 2)
    train(other, make_trainer(other), 2)

    assert_same(net, other)


def test_states_can_be_loaded_before_shapes_are_known(tmp_path):
    file = tmp_path / "states"
    net = make_net()
    trainer = make_trainer(net)
    train(net, trainer, 3)
    trainer.save_states(file)
    waiting = nn.HybridSequential(nn.Dense(5, activation="tanh"), nn.Dense(1))
    waiting.initialize()
    resumed = make_trainer(waiting)

    resumed.load_states(file)
    for parameter, value in zip(waiting.collect_params().values(), values(net), strict=True):
        parameter.set_data(nd.array(value))
    train(net, trainer, 2)
    train(waiting, resumed, 2)

    assert_same(net, waiting)


def test_saving_takes_nothing_from_the_training(tmp_path):
    net, other = make_net(), make_net()
    trainer, undisturbed = make_trainer(net), make_trainer(other)

    for _ in range(3):
        train(net, trainer, 1)
        train(other, undisturbed, 1)
        trainer.save_states(tmp_path / "states")

    assert_same(net, other)
    assert [path.name for path in tmp_path.iterdir()] == ["states"]


# Learning rates


def test_a_learning_rate_that_was_given_stays(tmp_path):
    file = tmp_path / "states"
    make_trainer(make_net(), "sgd", learning_rate=0.5).save_states(file)

    given = make_trainer(make_net(), "sgd", learning_rate=0.25)
    given.load_states(file)
    changed = make_trainer(make_net(), "sgd")
    changed.set_learning_rate(0.125)
    changed.load_states(file)
    silent = make_trainer(make_net(), "sgd")
    silent.load_states(file)

    assert given.learning_rate == 0.25
    assert changed.learning_rate == 0.125
    assert silent.learning_rate == 0.5


def test_settings_and_multipliers_stay_the_trainers_own(tmp_path):
    file = tmp_path / "states"
    make_trainer(make_net(), "sgd", momentum=0.5, wd=0.1).save_states(file)
    net = make_net()
    net[0].weight.lr_mult = 0.5
    trainer = make_trainer(net, "sgd", momentum=0.9, wd=0.2)

    trainer.load_states(file)

    assert (trainer.optimizer.momentum, trainer.optimizer.wd) == (0.9, 0.2)
    assert net[0].weight.lr_mult == 0.5


# Files that do not fit


@pytest.fixture
def trained(tmp_path):
    net = make_net()
    trainer = make_trainer(net)
    train(net, trainer, 3)
    return net, trainer, tmp_path / "states"


def assert_unchanged(trained, tmp_path, load, match, error=ValueError):
    _, trainer, _ = trained
    before = tmp_path / "before"
    trainer.save_states(before)

    with pytest.raises(error, match=match):
        load()

    after = tmp_path / "after"
    trainer.save_states(after)
    with onp.load(before) as old, onp.load(after) as new:
        assert old.files == new.files
        for name in old.files:
            onp.testing.assert_array_equal(old[name], new[name])


def test_states_of_another_optimizer_are_refused(trained, tmp_path):
    _, trainer, file = trained
    make_trainer(make_net(), "sgd").save_states(file)

    assert_unchanged(
        trained,
        tmp_path,
        lambda: trainer.load_states(file),
        "expected states of Adam, the Trainer's optimizer, .* found those of SGD; make the Trainer",
    )
    assert type(trainer.optimizer) is optimizer.Adam


def test_states_of_other_parameters_are_refused(trained, tmp_path):
    _, trainer, file = trained
    wider = nn.HybridSequential(nn.Dense(5, in_units=4, prefix="wide_"), nn.Dense(1, in_units=5))
    wider.initialize()
    make_trainer(wider).save_states(file)

    assert_unchanged(
        trained,
        tmp_path,
        lambda: trainer.load_states(file),
        r"of shape \(5, 3\) in .*states', found those of 'wide_weight' of shape \(5, 4\); states follow",
    )


def test_states_of_fewer_parameters_are_refused(trained, tmp_path):
    net, trainer, file = trained
    make_trainer(net[0]).save_states(file)

    assert_unchanged(
        trained,
        tmp_path,
        lambda: trainer.load_states(file),
        "expected states of 4 parameters in .*, found 2; make the Trainer",
    )


def test_a_missing_file_is_not_found(trained, tmp_path):
    _, trainer, file = trained

    assert_unchanged(
        trained, tmp_path, lambda: trainer.load_states(file), "states", FileNotFoundError
    )


def edit_header(file, change):
    with onp.load(file) as archive:
        arrays = dict(archive)
    header = json.loads(arrays["header"].tobytes())
    change(header)
    text = json.dumps(header).encode()
    arrays["header"] = onp.frombuffer(text, dtype=onp.uint8)
    with open(file, "wb") as out:
        onp.savez(out, **arrays)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.write_bytes(b"momentum"),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.read_bytes()[:200]),
        lambda file: nd.save(f"{file}.npz", {"weight": X}) or os.replace(f"{file}.npz", file),
        lambda file: edit_header(file, lambda h: h.update(version=99)),
        lambda file: edit_header(file, lambda h: h.update(format="other")),
        lambda file: edit_header(file, lambda h: h["parameters"][1].pop("count")),
        lambda file: edit_header(file, lambda h: h["parameters"][1].update(state={"array": "77"})),
        lambda file: edit_header(file, lambda h: h.pop("num_update")),
    ],
    ids=[
        "text", "empty", "cut", "arrays", "version", "format", "no count", "no array", "no number"
    ],
)  # fmt: skip
def test_spoilt_files_are_refused(spoil, trained, tmp_path):
    _, trainer, file = trained
    trainer.save_states(file)
    spoil(file)

    assert_unchanged(
        trained,
        tmp_path,
        lambda: trainer.load_states(file),
        "expected states that Trainer.save_states wrote, version 1, in .*states', found ",
    )


def entry(**changes):
    return lambda header: header["parameters"][1].update(changes)


def without(*keys):
    def change(header):
        *outer, last = keys
        for key in outer:
            header = header[key]
        del header[last]

    return change


def nested(levels):
    state = None
    for _ in range(levels):
        state = {"list": [state]}
    return state


HEADERS = {
    "no optimizer": (without("optimizer"), "header without 'optimizer'"),
    "no parameters": (without("parameters"), "header without 'parameters'"),
    "no rate": (without("learning_rate"), "header without 'learning_rate'"),
    "no shape": (without("parameters", 1, "shape"), "entry 1 of 'parameters' without 'shape'"),
    "no name": (without("parameters", 1, "name"), "entry 1 of 'parameters' without 'name'"),
    "no state": (without("parameters", 1, "state"), "no list of arrays, or no 'carry', for Param"),
    "no carry": (without("parameters", 1, "carry"), "no list of arrays, or no 'carry', for Param"),
    "entries by name": (lambda h: h.update(parameters={}), "is an object, not a list"),
    "an entry is text": (lambda h: h["parameters"].__setitem__(1, "x"), "is a text, not an object"),
    "an optimizer's number": (
        lambda h: h.update(optimizer=3),
        "'optimizer' of header is 3, not a t",
    ),
    "a count of text": (
        entry(count="3"),
        "'count' of entry 1 of 'parameters' is a text, not an int",
    ),
    "a fraction": (entry(count=2.5), "is 2.5, not an integer from 0 to"),
    "a count below 0": (entry(count=-1), "is -1, not an integer from 0 to"),
    "a count of truth": (entry(count=True), "is a truth value, not an integer"),
    "a huge count": (entry(count=2**70), "is 1180591620717411303424, not an integer from 0 to"),
    "400 digits": (entry(count=10**400), r"is a number beyond 10\^30, not an integer from 0 to"),
    "updates below 0": (
        lambda h: h.update(num_update=-3),
        "'num_update' of header is -3, not an i",
    ),
    "infinite updates": (lambda h: h.update(num_update=onp.inf), "'num_update' of header is inf"),
    "NaN to carry": (
        entry(carry=onp.nan),
        "'carry' of entry 1 of 'parameters' is nan, not a finite",
    ),
    "null to carry": (entry(carry=None), "'carry' of entry 1 of 'parameters' is null"),
    "a NaN rate": (lambda h: h.update(learning_rate=onp.nan), "'learning_rate' of header is nan"),
    "a rate of 2**2000": (lambda h: h.update(learning_rate=2**2000), "a number beyond 10"),
    "a rate of text": (lambda h: h.update(learning_rate="0.1"), "is a text, not a finite number"),
    "a shape of text": (
        entry(shape="5"),
        "'shape' of entry 1 of 'parameters' is a text, not lengths",
    ),
    "a shape of 2**70": (entry(shape=[2**70]), "is a list, not lengths"),
    "a shape of truth": (entry(shape=[True]), "is a list, not lengths"),
    "half a pair": (entry(name="\ud800"), "not text that UTF-8 can write"),
    "state of two kinds": (
        entry(state={"list": [], "dict": {}}),
        "none of array, number, tuple, l",
    ),
    "state of no kind": (entry(state={}), "none of array, number, tuple, list and dict"),
    "state of another kind": (entry(state={"set": []}), "a state of kind 'set' with list in it"),
    "a number of text": (entry(state={"number": "1"}), "a state of kind 'number' with str in it"),
    "a dict of list": (entry(state={"dict": []}), "a state of kind 'dict' with list in it"),
    "a list of number": (entry(state={"list": 3}), "'list' of a state is 3, not a list"),
    "an array of list": (
        entry(state={"list": [{"array": []}]}),
        "'array' of a state is a list, no",
    ),
    "a state of numbers": (
        entry(state={"list": [{"number": 1}]}),
        "not an array of float32 or float",
    ),
    "ten arrays": (
        entry(state={"list": [{"array": "2"}] * 10}),
        "10 arrays of states for Parameter",
    ),
    "deep states": (
        entry(state=nested(400)),
        "maximum recursion|no list of arrays|not an array of",
    ),
    "a version of list": (lambda h: h.update(version=[1]), r"of version \[1\]"),
}


@pytest.mark.parametrize("case", HEADERS)
def test_a_header_is_checked_member_by_member(case, trained, tmp_path):
    change, fault = HEADERS[case]
    _, trainer, file = trained
    trainer.save_states(file)
    edit_header(file, change)

    assert_unchanged(
        trained,
        tmp_path,
        lambda: trainer.load_states(file),
        rf"expected states that Trainer.save_states wrote, version 1, in '.*states', found .*{fault}",
        FileFormatError,
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"", "Expecting value"),
        (b"\xff", "can't decode byte"),
        (b"3", "header is 3, not an object"),
        (b"[" * 100000, "maximum recursion depth"),
        (b'{"format": 1' + b"1" * 5000 + b"}", "Exceeds the limit"),
    ],
    ids=["empty", "no text", "number", "deep", "digits"],
)
def test_a_header_that_is_not_an_object_of_json_is_refused(text, fault, trained, tmp_path):
    _, trainer, file = trained
    with open(file, "wb") as out:
        onp.savez(out, header=onp.frombuffer(text, dtype=onp.uint8))

    assert_unchanged(
        trained, tmp_path, lambda: trainer.load_states(file), f"found .*{fault}", FileFormatError
    )


def test_pickled_objects_are_never_loaded(trained, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("code of the file was run",))

    _, trainer, file = trained
    with open(file, "wb") as out:
        onp.savez(out, header=onp.array([Bomb()], dtype=object), allow_pickle=True)

    assert_unchanged(
        trained, tmp_path, lambda: trainer.load_states(file), "that Trainer.save_states wrote"
    )


def test_a_state_of_the_wrong_shape_is_refused_and_all_stay(trained, tmp_path):
    _, trainer, file = trained
    trainer.save_states(file)
    edit_header(file, lambda h: h["parameters"][3].update(state={"list": [{"array": "0"}] * 2}))

    assert_unchanged(
        trained,
        tmp_path,
        lambda: trainer.load_states(file),
        "expected a state of the shape of Parameter .* load the states that were saved",
    )


# Optimizers of your own


@pytest.fixture
def averaging():
    @optimizer.register
    class Averaging(optimizer.Optimizer):
        """Steps by the mean of the last gradients, of which it keeps a few kinds of states."""

        def create_state(self, index, weight):
            kept = None if index == 0 else (nd.zeros_like(weight), [0.5, None])
            return {"mean": nd.zeros_like(weight), "more": kept}

        def update(self, index, weight, grad, state):
            self._update_count(index)
            state["mean"][:] = 0.5 * state["mean"] + 0.5 * self.rescale_grad * grad
            if state["more"] is not None:
                state["more"][1][0] *= 0.5
                weight -= state["more"][1][0] * state["mean"]
            weight -= self._get_lr(index) * state["mean"] / self._index_update_count[index]

    yield Averaging
    del optimizer.optimizer._registry["averaging"]


def test_rules_of_ones_own_are_saved_too(averaging, tmp_path):
    file = tmp_path / "states"
    net = make_net()
    trainer = make_trainer(net, "averaging", learning_rate=0.1)
    train(net, trainer, 3)
    trainer.save_states(file)
    other = continued(net)

    resumed = make_trainer(other, "averaging", learning_rate=0.1)
    resumed.load_states(file)
    train(net, trainer, 3)
    train(other, resumed, 3)

    assert_same(net, other)
    assert resumed.optimizer.num_update == 6
    assert resumed.optimizer._states[1]["more"][1][0] == 0.5**7


def test_states_that_cannot_be_written_are_named(averaging, tmp_path):
    net = make_net()
    trainer = make_trainer(net, "averaging")
    train(net, trainer, 1)
    trainer.optimizer._states[2] = {"mean": {1, 2}}

    with pytest.raises(
        TypeError, match=f"as state of '{net[1].weight.name}', found set; keep such"
    ):
        trainer.save_states(tmp_path / "states")
    assert list(tmp_path.iterdir()) == []


# Copies


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))], ids=["copy", "pickle"]
)
def test_optimizers_can_be_copied_with_their_settings(name, copied):
    own = {"wd": 0.25} if name != "groupadagrad" else {"eps": 0.5}
    original = optimizer.create(name, learning_rate=0.5, clip_gradient=2, **own)

    other = copied(original)

    assert type(other) is type(original)
    assert (other.learning_rate, other.wd, other.clip_gradient) == (0.5, original.wd, 2)
    if hasattr(original, "_native"):
        assert other._native.hyperparameters() == original._native.hyperparameters()
        assert other._native is not original._native
