"""A net's arrays by path, and in a list: taken, put back, and the report of what was."""

from __future__ import annotations

import threading

import numpy as onp
import pytest

from glueball import autograd, nd
from glueball.base import MXNetError
from glueball.gluon import Trainer, nn
from glueball.gluon.parameter import LoadReport


def mlp(**settings):
    net = nn.Sequential(nn.Dense(3, in_units=2, **settings), nn.Dense(1, in_units=3, **settings))
    net.initialize()
    return net


def shared_net():
    shared = nn.Dense(2, in_units=2)
    net = nn.Sequential(shared, nn.Flatten(), shared)
    net.initialize()
    return net


def values_of(net):
    return {path: array.asnumpy() for path, array in net.state_dict().items()}


def test_state_dict_has_live_arrays_by_path():
    net = mlp()

    state = net.state_dict()
    state["1.bias"][:] = 7

    assert list(state) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert state["0.weight"] is net[0].weight.data()
    assert net[1].bias.data().asnumpy() == [7]


def test_state_dict_has_copies_where_they_are_asked_for():
    net = mlp()

    state = net.state_dict(copy=True)
    state["1.bias"][:] = 7

    assert net[1].bias.data().asnumpy() == [0]


def test_state_dict_of_a_net_without_values_says_what_to_do():
    with pytest.raises(RuntimeError, match="initialize"):
        nn.Sequential(nn.Dense(2)).state_dict()


def test_load_state_dict_takes_every_array():
    source, target = mlp(), mlp()

    report = target.load_state_dict(source.state_dict())

    assert report == LoadReport({path: path for path in source.state_dict()})
    for path, array in values_of(source).items():
        onp.testing.assert_array_equal(target[path].data().asnumpy(), array)


def test_load_state_dict_makes_shapes_known_and_initializes_nothing_first():
    target = nn.Sequential(nn.Dense(3), nn.Dense(1))

    target.load_state_dict(mlp().state_dict())

    assert target[0].weight.shape == (3, 2)
    assert target(nd.ones((4, 2))).shape == (4, 1)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda state: state.pop("1.bias"), "found missing '1.bias'; pass strict=False"),
        (lambda state: state.update({"1.bais": onp.ones(1)}), "found unexpected '1.bais'"),
        (lambda state: state.update({"1.bias": onp.ones(5)}), "1.bias"),
        (lambda state: state.update({"0.weight": onp.ones((2, 3))}), "0.weight"),
    ],
)
def test_load_state_dict_changes_all_or_nothing(change, match):
    target = mlp()
    before = values_of(target)
    state = {path: onp.full_like(array, 3) for path, array in before.items()}
    change(state)

    with pytest.raises(AssertionError, match=match):
        target.load_state_dict(state)

    for path, array in values_of(target).items():
        onp.testing.assert_array_equal(array, before[path])


def test_load_state_dict_reports_what_it_left_when_it_is_not_strict():
    target = mlp()
    state = {"0.weight": onp.ones((9, 9)), "0.bias": onp.ones(3), "2.bias": onp.ones(2)}

    report = target.load_state_dict(state, strict=False)

    assert report.loaded == {"0.bias": "0.bias"}
    assert report.missing == report.missing_keys == ["1.weight", "1.bias"]
    assert report.unexpected == report.unexpected_keys == ["2.bias"]
    assert report.mismatched == {"0.weight": ((3, 2), (9, 9))}
    assert target[0].bias.data().asnumpy().tolist() == [1, 1, 1]
    loaded, missing, unexpected, mismatched = report
    assert (loaded, missing, unexpected, mismatched) == tuple(report)
    assert "mismatched={'0.weight': ((3, 2), (9, 9))}" in repr(report)


def test_nothing_that_fits_is_reported_rather_than_loaded():
    target = mlp()
    before = values_of(target)

    report = target.load_state_dict({"dense0_weight": onp.ones((3, 2))}, strict=False)

    assert report.loaded == {}
    assert report.unexpected == ["dense0_weight"]
    onp.testing.assert_array_equal(values_of(target)["0.weight"], before["0.weight"])


def test_a_shared_layer_has_every_place_in_the_dict_and_needs_one():
    net = shared_net()

    assert list(net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    report = net.load_state_dict({"2.weight": onp.ones((2, 2)), "2.bias": onp.zeros(2)})

    assert report.loaded == {"0.weight": "2.weight", "0.bias": "2.bias"}
    assert net[0].weight.data().asnumpy().tolist() == [[1, 1], [1, 1]]


def test_arrays_of_one_shared_parameter_have_to_agree():
    net = shared_net()
    state = net.state_dict(copy=True)
    state["2.weight"][:] = 5

    with pytest.raises(AssertionError, match=r"2\.weight"):
        net.load_state_dict(state)


@pytest.mark.parametrize("wrong", [None, [1, 2], "net.params", {"0.weight": "ones"}])
def test_load_state_dict_takes_arrays_by_name_only(wrong):
    with pytest.raises(TypeError):
        mlp().load_state_dict(wrong)


def test_set_state_dict_is_paddles_word():
    source, target = mlp(), mlp()

    target.set_state_dict(source.state_dict())

    onp.testing.assert_array_equal(values_of(target)["0.weight"], values_of(source)["0.weight"])


def test_every_way_to_load_reports(tmp_path):
    source = mlp()
    file = str(tmp_path / "net.params")
    source.save_parameters(file)
    paths = list(source.state_dict())
    names = [parameter.name for parameter in source.parameters()]
    target = mlp()

    assert list(target.load_parameters(file).loaded) == paths
    assert target.load_parameters(file, allow_missing=True, ignore_extra=True).missing == []
    source.collect_params().save(file)
    by_name = source.collect_params().load(file)
    assert list(by_name.loaded) == names
    assert list(source.collect_params().load_dict(nd.load(file)).loaded) == names
    source.save(str(tmp_path / "both"))
    assert len(target.load(str(tmp_path / "both")).loaded) == 4
    with pytest.warns(DeprecationWarning):
        assert list(source.load_params(file).loaded.values()) == names


def test_load_parameters_reports_what_is_missing_and_unexpected(tmp_path):
    file = str(tmp_path / "net.params")
    nd.save(file, {"0.bias": nd.ones(3), "7.bias": nd.ones(1)})

    report = mlp().load_parameters(file, allow_missing=True, ignore_extra=True)

    assert report.loaded == {"0.bias": "0.bias"}
    assert report.missing == ["0.weight", "1.weight", "1.bias"]
    assert report.unexpected == ["7.bias"]


def test_weights_are_those_that_learn_and_others():
    net = nn.Sequential(nn.Dense(2, in_units=2), nn.BatchNorm(in_channels=2))
    net.freeze("0.weight")

    assert [each.path for each in net.weights] == [
        *("0.weight", "0.bias", "1.gamma", "1.beta", "1.running_mean", "1.running_var"),
    ]
    assert [each.path for each in net.trainable_weights] == ["0.bias", "1.gamma", "1.beta"]
    assert [each.path for each in net.non_trainable_weights] == [
        *("0.weight", "1.running_mean", "1.running_var"),
    ]


def test_get_weights_are_copies_that_set_weights_takes_in_this_orientation():
    source, target = mlp(), mlp()

    weights = source.get_weights()
    target.set_weights(weights)
    weights[0][:] = 9

    assert [array.shape for array in weights] == [(3, 2), (3,), (1, 3), (1,)]
    onp.testing.assert_array_equal(values_of(target)["0.weight"], values_of(source)["0.weight"])


def test_set_weights_makes_shapes_known():
    target = nn.Sequential(nn.Dense(3), nn.Dense(1))

    target.set_weights(mlp().get_weights())

    assert target(nd.ones((4, 2))).shape == (4, 1)


@pytest.mark.parametrize(
    ("weights", "match"),
    [
        (lambda arrays: arrays[:3], "expected 4 arrays .* found 3"),
        (lambda arrays: [*arrays, arrays[0]], "expected 4 arrays .* found 5"),
        (lambda arrays: [], "expected 4 arrays .* found 0"),
        (lambda arrays: [arrays[0].T, *arrays[1:]], r"units, in_units.*interop\.load_keras"),
        (lambda arrays: [arrays[1], arrays[0], *arrays[2:]], r"weights\[0\] of shape \(3, 2\)"),
    ],
)
def test_set_weights_changes_all_or_nothing(weights, match):
    net = mlp()
    before = values_of(net)

    with pytest.raises(ValueError, match=match):
        net.set_weights(weights([array + 1 for array in net.get_weights()]))

    for path, array in values_of(net).items():
        onp.testing.assert_array_equal(array, before[path])


def test_set_weights_takes_no_dict():
    net = mlp()

    with pytest.raises(TypeError, match="use load_state_dict"):
        net.set_weights(net.state_dict())


def test_a_shared_layer_has_its_weights_once():
    assert len(shared_net().get_weights()) == 2


def test_loading_inside_record_is_noticed_as_every_write_is():
    net = mlp()
    state = net.state_dict(copy=True)
    x = nd.ones((1, 2))
    with autograd.record():
        loss = net(x).sum()
        net.load_state_dict({path: array + 1 for path, array in state.items()})

    with pytest.raises(MXNetError, match="has been written since"):
        loss.backward()


def test_training_goes_on_with_what_was_loaded():
    net = mlp()
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 1})
    net.load_state_dict({path: onp.ones_like(array) for path, array in values_of(net).items()})
    with autograd.record():
        loss = net(nd.ones((1, 2))).sum()
    loss.backward()
    trainer.step(1)

    onp.testing.assert_array_equal(net[1].bias.data().asnumpy(), [0])


def test_other_threads_run_the_net_while_it_is_loaded():
    net = mlp()
    x = nd.ones((2, 2))
    states = [
        {path: onp.full(array.shape, fill, "float32") for path, array in values_of(net).items()}
        for fill in (0, 1)
    ]
    errors = []
    done = threading.Event()

    def run():
        while not done.is_set():
            try:
                net(x)
            except Exception as error:  # noqa: BLE001 - what any thread meets fails the test
                errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    for turn in range(100):
        net.load_state_dict(states[turn % 2])
        net.set_weights(list(states[turn % 2].values()))
    done.set()
    thread.join()

    assert errors == []


def test_a_printed_report_counts_and_lists():
    source = nn.Sequential(nn.Dense(3, in_units=2), nn.Dense(2, in_units=3))
    source.initialize()
    arrays = source.state_dict(copy=True)
    arrays["0.bias"] = nd.ones((4,))
    arrays["more"] = arrays.pop("1.bias")

    report = source.load_state_dict(arrays, strict=False)

    assert str(report).splitlines() == [
        "2 loaded", "1 missing", "  1.bias", "1 unexpected", "  more",
        "1 mismatched", "  0.bias: expected (3,), found (4,)",
    ]  # fmt: skip
    long = LoadReport({}, missing=[f"{i}.weight" for i in range(12)])
    assert str(long).splitlines()[-2:] == ["  9.weight", "  ... and 2 more"]
