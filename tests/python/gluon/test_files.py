"""Parameters in files: by structural path, by full name, checked before anything changes."""

from __future__ import annotations

import numpy as onp
import pytest

import glueball
from glueball import MXNetError, gluon, init, nd
from glueball.gluon import nn

X = nd.ones((2, 3))


def mlp(**settings):
    net = nn.Sequential(**settings)
    with net.name_scope():
        net.add(nn.Dense(4, activation="relu", in_units=3), nn.Dense(2, in_units=4))
    return net


def trained(**settings):
    net = mlp(**settings)
    net.initialize(init.Normal(1))
    return net


def values(net):
    return {path: p.data().asnumpy().copy() for path, p in net._walk_parameters()}


def assert_same(left, right):
    assert left.keys() == right.keys()
    for path in left:
        onp.testing.assert_array_equal(left[path], right[path])


@pytest.fixture(params=["npz", "params", "safetensors"])
def path(tmp_path, request):
    return str(tmp_path / f"net.{request.param}")


# By structure


def test_names_in_the_file_are_structural_paths(path):
    class Net(nn.Block):
        def __init__(self):
            super().__init__()
            self.scale = self.params.get("scale", shape=(1,))
            self.unnamed = None
            self.params.get("loose", shape=(1,))
            self.offset = self.params.get_constant("offset", nd.array([5]))
            self.direct = gluon.Parameter("direct", shape=(2,))
            self.body = mlp()
            self.out = nn.Dense(1, in_units=2)

    net = Net()
    net.initialize()
    net.save_parameters(path)

    saved = nd.load(path)
    assert sorted(saved) == [
        "body.0.bias",
        "body.0.weight",
        "body.1.bias",
        "body.1.weight",
        "direct",
        "loose",
        "offset",
        "out.bias",
        "out.weight",
        "scale",
    ]
    onp.testing.assert_array_equal(
        saved["body.1.weight"].asnumpy(), net.body[1].weight.data().asnumpy()
    )


def test_saved_net_loads_into_one_of_other_names(path):
    net = trained(prefix="one_")
    net.save_parameters(path)
    other = mlp(prefix="other_")

    other.load_parameters(path)

    assert_same(values(other), values(net))
    onp.testing.assert_array_equal(other(X).asnumpy(), net(X).asnumpy())


def test_loading_needs_no_initialize_and_makes_shapes_known(path):
    net = trained()
    net.save_parameters(path)
    fresh = nn.Sequential(nn.Dense(4, activation="relu"), nn.Dense(2))

    fresh.load_parameters(path)

    assert repr(fresh[0]) == "Dense(3 -> 4, Activation(relu))"
    onp.testing.assert_array_equal(fresh(X).asnumpy(), net(X).asnumpy())


def test_loading_initializes_nothing_first(path):
    trained().save_parameters(path)

    class Forbidden(init.Initializer):
        def _init_weight(self, name, data):
            raise AssertionError(name)

    net = nn.Sequential(
        nn.Dense(4, activation="relu", weight_initializer=Forbidden()),
        nn.Dense(2, weight_initializer=Forbidden()),
    )
    net.initialize()
    net.load_parameters(path)

    assert net(X).shape == (2, 2)


def test_deferred_net_is_ready_after_loading_and_initialize_only_warns(path):
    net = trained()
    net.save_parameters(path)
    deferred = nn.Sequential(nn.Dense(4, activation="relu"), nn.Dense(2, prefix="second_"))
    deferred.initialize()

    deferred.load_parameters(path)
    with pytest.warns(UserWarning, match="is already initialized, ignoring") as caught:
        deferred.initialize()

    assert len(caught) == 4
    assert_same(values(deferred), values(net))


def test_loading_writes_into_the_arrays_that_users_hold(path):
    net = trained()
    net.save_parameters(path)
    other = trained()
    held = other[0].weight.data()

    other.load_parameters(path)

    assert other[0].weight.data() is held
    onp.testing.assert_array_equal(held.asnumpy(), net[0].weight.data().asnumpy())


def test_path_objects_are_taken(tmp_path):
    net, other = trained(), mlp()

    net.save_parameters(tmp_path / "net.npz")
    other.load_parameters(tmp_path / "net.npz")

    assert_same(values(other), values(net))


def test_saving_writes_over_an_older_file_and_leaves_nothing_else(tmp_path):
    trained().save_parameters(tmp_path / "net.npz")
    net = trained()
    net.save_parameters(tmp_path / "net.npz")

    assert [each.name for each in tmp_path.iterdir()] == ["net.npz"]
    other = mlp()
    other.load_parameters(tmp_path / "net.npz")
    assert_same(values(other), values(net))


def test_numpy_reads_the_file(tmp_path):
    path = tmp_path / "net.npz"
    net = trained()
    net.save_parameters(path)

    with onp.load(path) as archive:
        assert_same({name: archive[name] for name in archive.files}, values(net))


def test_float64_nets_come_back_as_float64(path):
    net = trained()
    net.cast("float64")
    net.save_parameters(path)
    other = mlp()
    other.cast("float64")

    other.load_parameters(path)

    assert_same(values(other), values(net))


# Parameters that are used twice


def shared_net():
    net = nn.Sequential()
    net.add(nn.Dense(3, in_units=3))
    net.add(nn.Dense(3, in_units=3, params=net[0].params))
    return net


def test_shared_parameters_are_written_under_each_path(path):
    net = shared_net()
    net.initialize(init.Normal(1))
    net.save_parameters(path)

    saved = nd.load(path)
    assert set(saved) == {"0.weight", "0.bias", "1.weight", "1.bias"}
    onp.testing.assert_array_equal(saved["0.weight"].asnumpy(), saved["1.weight"].asnumpy())

    apart = nn.Sequential(nn.Dense(3), nn.Dense(3))
    apart.load_parameters(path)
    assert_same(values(apart), values(net))


def test_deduplicated_file_loads_into_nets_that_share_the_same_way(path):
    net = shared_net()
    net.initialize(init.Normal(1))
    net.save_parameters(path, deduplicate=True)
    other = shared_net()

    other.load_parameters(path)

    assert set(nd.load(path)) == {"0.weight", "0.bias"}
    assert_same(values(other), values(net))
    with pytest.raises(AssertionError, match="Parameter '1.weight' is missing in file"):
        nn.Sequential(nn.Dense(3), nn.Dense(3)).load_parameters(path)


# What does not fit changes nothing


def test_saving_an_uninitialized_net_writes_nothing(tmp_path):
    net = mlp(prefix="net_")

    with pytest.raises(
        RuntimeError, match="Parameter 'net_dense0_weight' has not been initialized"
    ):
        net.save_parameters(tmp_path / "net.npz")
    assert list(tmp_path.iterdir()) == []


def test_saving_a_deferred_net_writes_nothing(tmp_path):
    net = nn.Sequential(nn.Dense(2))
    net.initialize()

    for save in (net.save_parameters, net.collect_params().save):
        with pytest.raises(gluon.parameter.DeferredInitializationError, match="was deferred"):
            save(tmp_path / "net.npz")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def target():
    """Yield a net with values; whatever a test tries to load, they stay."""
    net = trained(prefix="net_")
    before, held = values(net), net[0].weight.data()
    yield net
    assert_same(values(net), before)
    assert net[0].weight.data() is held
    assert net(X).shape == (2, 2)


def save_changed(path, change):
    arrays = {name: nd.array(value + 1) for name, value in values(trained()).items()}
    change(arrays)
    nd.save(path, arrays)


def test_missing_parameter_lists_what_the_file_has(path, target):
    save_changed(path, lambda arrays: arrays.pop("1.bias"))

    with pytest.raises(AssertionError) as caught:
        target.load_parameters(path)

    names = ", ".join(f"'{name}'" for name in nd.load(path))
    assert str(caught.value) == (
        f"Parameter '1.bias' is missing in file '{path}', which contains parameters: {names}. Set "
        "allow_missing=True to ignore missing parameters."
    )


def test_extra_parameter_lists_what_the_net_has(path, target):
    save_changed(path, lambda arrays: arrays.update({"2.weight": nd.ones(1)}))

    with pytest.raises(ValueError) as caught:
        target.load_parameters(path)

    assert str(caught.value) == (
        f"Parameter '2.weight' loaded from file '{path}' is not present in ParameterDict, which "
        "contains parameters '0.weight', '0.bias', '1.weight', '1.bias'. Set ignore_extra=True to "
        "ignore. "
    )


def test_wrong_shape_of_the_last_parameter_changes_none(path, target):
    save_changed(path, lambda arrays: arrays.update({"1.bias": nd.ones(7)}))

    with pytest.raises(AssertionError) as caught:
        target.load_parameters(path)

    assert str(caught.value) == (
        "Failed loading Parameter 'net_dense1_bias' from saved params: shape incompatible expected "
        f"(2,) vs saved (7,) (in file '{path}')"
    )


def test_wrong_dtype_changes_none(path, target):
    save_changed(path, lambda arrays: arrays.update({"1.bias": nd.ones(2, dtype="float64")}))

    with pytest.raises(AssertionError) as caught:
        target.load_parameters(path)

    assert str(caught.value) == (
        "Failed loading Parameter 'net_dense1_bias' from saved params: dtype incompatible expected "
        "float32 vs saved float64. Set cast_dtype=True to cast the dtype of saved params. (In file "
        f"'{path}'.)"
    )


def test_unknown_dtype_source_is_refused(path, target):
    save_changed(path, lambda arrays: None)

    with pytest.raises(
        ValueError, match="expected dtype_source 'current' or 'saved', found 'mine'"
    ):
        target.load_parameters(path, dtype_source="mine")


def test_list_of_arrays_is_not_a_net(path, target):
    nd.save(path, [nd.ones(1)])

    with pytest.raises(ValueError, match=r"expected named arrays in .*, found a list"):
        target.load_parameters(path)


def test_missing_file_is_an_os_error(tmp_path, target):
    with pytest.raises(OSError, match=r"nosuch\.npz"):
        target.load_parameters(str(tmp_path / "nosuch.npz"))


def test_file_of_another_kind_is_named(path, target):
    with open(path, "wb") as file:
        file.write(b"no archive")

    with pytest.raises(MXNetError, match=r"expected a .safetensors or .params file as .*net\."):
        target.load_parameters(path)


def test_half_a_file_is_named(path, target):
    trained().save_parameters(path)
    with open(path, "rb+") as file:
        file.truncate(200)

    with pytest.raises(MXNetError, match=r"expected an? \..* file .*net\."):
        target.load_parameters(path)


def test_uninitialized_net_stays_so_when_loading_fails(path):
    save_changed(path, lambda arrays: arrays.update({"1.bias": nd.ones(7)}))
    net = nn.Sequential(nn.Dense(4), nn.Dense(2))

    with pytest.raises(AssertionError, match="shape incompatible"):
        net.load_parameters(path)

    assert net[0].weight.shape == (4, 0)
    with pytest.raises(RuntimeError, match="has not been initialized"):
        net[0].weight.data()


# What may differ


def test_allow_missing_leaves_the_others_as_they_are(path):
    save_changed(path, lambda arrays: arrays.pop("1.bias"))
    net = mlp(prefix="net_")

    net.load_parameters(path, allow_missing=True)

    assert net[0].weight.data().shape == (4, 3)
    with pytest.raises(RuntimeError, match="Parameter 'net_dense1_bias' has not been initialized"):
        net(X)


def test_ignore_extra_takes_what_fits(path):
    net = trained()
    net.save_parameters(path)
    part = nn.Sequential(nn.Dense(4, activation="relu"))

    part.load_parameters(path, ignore_extra=True)

    assert_same(values(part), {k: v for k, v in values(net).items() if k.startswith("0.")})


def test_cast_dtype_converts_to_the_nets_dtype_or_takes_the_files(path):
    net = trained()
    net.cast("float64")
    net.save_parameters(path)
    current, saved = mlp(), mlp()

    current.load_parameters(path, cast_dtype=True)
    saved.load_parameters(path, cast_dtype=True, dtype_source="saved")

    assert current[0].weight.dtype == onp.float32
    assert_same(values(current), {k: v.astype("float32") for k, v in values(net).items()})
    assert saved[0].weight.dtype == onp.float64
    assert_same(values(saved), values(net))


# By full name


def test_collected_parameters_are_saved_and_loaded_by_full_name(path):
    net = trained(prefix="net_")
    net.collect_params().save(path)
    other = mlp(prefix="net_")

    other.collect_params().load(path)

    assert set(nd.load(path)) == set(net.collect_params())
    assert_same(values(other), values(net))


def test_prefix_can_be_stripped_and_restored(path):
    net = trained(prefix="net_")
    net.collect_params().save(path, strip_prefix="net_")
    other = mlp(prefix="other_")

    other.collect_params().load(path, restore_prefix="other_")

    assert "dense0_weight" in nd.load(path)
    assert_same(values(other), values(net))


def test_prefix_that_names_do_not_have_is_refused(tmp_path):
    net = trained(prefix="net_")

    with pytest.raises(
        ValueError, match=r"^Prefix 'other_' is to be striped before saving, but Param"
    ):
        net.collect_params().save(tmp_path / "net.npz", strip_prefix="other_")
    assert list(tmp_path.iterdir()) == []


def test_prefix_to_restore_has_to_fit_the_dict(path, target):
    target.collect_params().save(path)

    with pytest.raises(
        AssertionError, match=r"^restore_prefix is 'other_' but Parameters name 'net_d"
    ):
        target.collect_params().load(path, restore_prefix="other_")


def test_dicts_check_everything_first_too(path, target):
    arrays = {name: p.data() + 1 for name, p in target.collect_params().items()}
    arrays["net_dense1_bias"] = nd.ones(7)
    nd.save(path, arrays)

    with pytest.raises(AssertionError, match="shape incompatible"):
        target.collect_params().load(path)


def test_dicts_refuse_missing_and_extra_names_as_assertions(path, target):
    nd.save(path, {"net_dense0_weight": nd.ones((4, 3)), "more": nd.ones(1)})

    with pytest.raises(AssertionError, match="Parameter 'net_dense0_bias' is missing in file"):
        target.collect_params().load(path)
    with pytest.raises(AssertionError, match="Parameter 'more' loaded from file"):
        target.collect_params().load(path, allow_missing=True)


@pytest.mark.parametrize("strip", ["", "net_"], ids=["full", "stripped"])
def test_blocks_load_files_by_full_name_whatever_their_own_prefix(path, strip):
    net = trained(prefix="net_")
    net.collect_params().save(path, strip_prefix=strip)
    other = mlp(prefix="other_")

    other.load_parameters(path)

    assert_same(values(other), values(net))


def test_layers_load_files_by_full_name_when_counters_differ(path):
    layer = nn.Dense(2, in_units=3)
    layer.initialize(init.Normal(1))
    layer.collect_params().save(path)
    other = nn.Dense(2)

    other.load_parameters(path)

    onp.testing.assert_array_equal(other(X).asnumpy(), layer(X).asnumpy())


# Old names


def test_old_names_work_and_say_what_is_new(path):
    net = trained()
    other = mlp()

    with pytest.warns(
        DeprecationWarning, match=r"^save_params is deprecated. Please use save_parameters"
    ):
        net.save_params(path)
    with pytest.warns(
        DeprecationWarning, match=r"^load_params is deprecated. Please use load_parameters"
    ):
        other.load_params(path)

    assert_same(values(other), values(net))


# Nets without parameters


@pytest.mark.parametrize("kind", ["params", "npz", "safetensors"])
def test_a_net_without_parameters_loads_what_it_has_saved(kind, tmp_path):
    path = str(tmp_path / f"empty.{kind}")
    net = nn.HybridSequential(nn.Flatten(), nn.Activation("relu"))

    net.save_parameters(path)
    net.load_parameters(path)
    net.collect_params().save(path)
    net.collect_params().load(path)
    net.save(str(tmp_path / "pair"))
    net.load(str(tmp_path / "pair"))

    assert dict(init.Load(path).param) == {}
    layer = nn.Dense(1, in_units=2)
    with pytest.raises(AssertionError, match="Parameter 'weight' is missing in file"):
        layer.load_parameters(path)
    layer.load_parameters(path, allow_missing=True)


def test_a_model_without_parameters_is_made_again(tmp_path):
    path = str(tmp_path / "empty.safetensors")
    net = nn.HybridSequential(nn.Flatten(), nn.Activation("relu"))

    net.export(path)

    assert glueball.load(path)(nd.array([[-1, 2]])).asnumpy().tolist() == [[0, 2]]
