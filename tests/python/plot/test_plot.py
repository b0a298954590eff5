"""Pictures of nets: each is kept as a PNG beside the test's other files, and what is drawn is checked."""

import sys
import warnings

import numpy as onp
import pytest

import glueball
from glueball import autograd, gluon, init, nd
from glueball.base import MXNetError
from glueball.gluon import nn

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
plot = glueball.plot
plt = pytest.importorskip("matplotlib.pyplot")

X = nd.array(onp.random.default_rng(0).normal(size=(64, 16)))
Y = nd.array(onp.arange(64) % 3)
LONG = "a_layer_of_a_net_with_a_name_that_is_very_long"


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture
def keep(tmp_path, request):
    """Keeps the picture of axes, and checks that all words are within it."""

    def kept(axes):
        figure = (axes[0] if isinstance(axes, list) else axes).figure
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figure.savefig(tmp_path / f"{request.node.name.replace('/', '_')}.png", dpi=80)
        box = figure.bbox
        for ax in figure.axes:
            around = ax.get_tightbbox()
            assert around.x0 >= box.x0 - 1
            assert around.y0 >= box.y0 - 1
            assert around.x1 <= box.x1 + 1
            assert around.y1 <= box.y1 + 1
        return axes

    return kept


def net():
    made = nn.HybridSequential(prefix="net_")
    tied = nn.Dense(16, in_units=16, activation="tanh")
    made.add(
        tied,
        nn.HybridSequential(
            nn.Dense(16, in_units=16, activation="tanh", params=tied.params), nn.Dropout(0.1)
        ),
    )
    made.register_child(nn.Dense(3, in_units=16), LONG)
    made.initialize(init.Xavier())
    made.collect_params()[made._children[LONG].weight.name].grad_req = "null"
    return made


def deep(initializer, layers=20):
    made = nn.Sequential(*(nn.Dense(16, activation="tanh", in_units=16) for _ in range(layers)))
    made.initialize(initializer)
    return made


def texts(ax):
    return [each.get_text() for each in ax.texts if each.get_text()]


def test_parameters_are_histograms(keep):
    made = net()
    made[0].bias.data()[:2] = onp.nan

    axes = keep(plot.parameters(made, bins=10))

    titles = [ax.get_title() for ax in axes]
    assert titles[:2] == ["0.weight", "0.bias"]
    assert titles[2].endswith(".weight")
    assert max(map(len, titles)) == 18
    bars = axes[0].patches
    values = made[0].weight.data().asnumpy()
    assert [bar.get_height() for bar in bars] == onp.histogram(values, 10)[0].tolist()
    assert axes[1].get_xlabel() == "2 not finite"
    assert axes[2].patches[0].get_facecolor() != bars[0].get_facecolor()  # frozen


def test_parameters_without_values_say_so(keep):
    axes = keep(plot.parameters(nn.Dense(2)))

    assert texts(axes[0]) == ["no values yet"]


def test_of_many_parameters_some_are_drawn():
    axes = plot.parameters(deep("xavier", 200))

    assert len(axes) == 32
    assert (axes[0].get_title(), axes[-1].get_title()) == ("0.weight", "199.bias")
    assert plot.parameters(nn.Sequential()) == []


def test_weights_are_a_heat_map_around_zero(keep):
    made = deep(init.Normal(1), 1)
    made[0].weight.data()[0, 0] = onp.nan

    ax = keep(plot.weights(made[0].weight))

    (image,) = ax.images
    values = made[0].weight.data().asnumpy()
    assert image.get_array().mask.sum() == 1
    assert image.get_clim() == (-onp.nanmax(abs(values)), onp.nanmax(abs(values)))
    assert ax.get_ylabel() == "unit"
    vector = keep(plot.weights(onp.zeros(5)))
    assert vector.images[0].get_array().shape == (1, 5)
    assert plot.weights(onp.zeros((1000, 3))).images[0].get_array().shape == (256, 3)
    keep(plot.weights(onp.full((2, 2), onp.nan)))


def test_activations_show_mean_spread_and_range(keep):
    made = net()
    outputs = {}
    made[0].register_forward_hook(
        lambda block, inputs, output: outputs.update(first=output.asnumpy())
    )
    made(X)

    ax = keep(plot.activations(made, X))

    bar, first = ax.patches[0], outputs["first"]
    assert bar.get_y() == pytest.approx(first.mean() - first.std(), rel=1e-4)
    assert bar.get_height() == pytest.approx(2 * first.std(), rel=1e-4)
    (low, high) = ax.collections[0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx((first.min(), first.max()), rel=1e-5)
    assert ax.get_ylabel() == "value"


def test_the_signal_is_drawn_with_its_factor(keep):
    made = deep(init.Normal(0.1))

    ax = keep(plot.signal(made, X))

    report = glueball.diagnose(made, X)
    signal, gradient = ax.lines
    assert signal.get_ydata() == pytest.approx([row["spread"] for row in report.rows])
    assert gradient.get_ydata() == pytest.approx([row["gradient"] for row in report.rows])
    assert ax.get_yscale() == "log"
    words = [each.get_text() for each in ax.get_legend().get_texts()]
    assert words[0] == f"signal: x {report.measurement.forward.factor:.3g} a layer"
    assert keep(plot.signal(report)).lines[0].get_ydata() == pytest.approx(signal.get_ydata())


def test_gradients_are_drawn_beside_values(keep):
    made = net()

    ax = keep(plot.gradients(made, X, Y))

    weights = glueball.diagnose(made, X, Y).parameters
    values, gradient = ax.lines
    assert values.get_ydata()[0] == pytest.approx(weights[0]["size"])
    assert gradient.get_ydata()[0] == pytest.approx(weights[0]["gradient"])
    assert onp.isnan(gradient.get_ydata()[2])  # frozen
    assert [each.get_text() for each in ax.get_xticklabels()][0] == "0.weight"
    with pytest.raises(MXNetError, match="expected labels or a loss for gradients"):
        plot.gradients(made, X)


def test_the_structure_shows_widths_ties_and_frozen_layers(keep):
    made = net()
    made._children[LONG].bias.grad_req = "null"

    ax = keep(plot.structure(made))

    assert texts(ax)[:4] == [
        "Dense tanh, 16 wide",
        "Dense tanh, 16 wide",
        "Dropout, 16 wide",
        "Dense, 3 wide, frozen",
    ]
    assert [bar.get_width() for bar in ax.patches] == pytest.approx(onp.log2([17, 17, 17, 4]))
    assert [bar.get_hatch() for bar in ax.patches] == [None, None, None, "///"]
    (tie,) = ax.lines
    assert list(tie.get_ydata()) == [0, 0, 1, 1]
    assert ax.get_title() == "HybridSequential 'net'"


@pytest.mark.parametrize(
    ("make", "bars"),
    [
        (nn.Sequential, 1),
        (lambda: nn.Dense(2), 1),
        (lambda: deep("xavier", 200), 200),
        (lambda: nn.Sequential(nn.Dense(5), nn.Sequential()), 2),
    ],
    ids=["no layers", "one layer", "200 layers", "nothing below"],
)
def test_the_structure_of_any_net_is_drawn(keep, make, bars):
    assert len(keep(plot.structure(make())).patches) == bars


def test_the_structure_joins_what_gives_to_what_takes(keep):
    branches = nn.HybridConcurrent()
    branches.add(nn.Dense(16), nn.HybridSequential(nn.Dense(8), nn.Dense(24)), nn.Dense(8))
    made = nn.Sequential(nn.Dense(64), branches, nn.Dense(32), nn.Dense(10))

    class Own(nn.Sequential):
        def forward(self, x):
            return self[0](self[1](x))

    made.add(Own(nn.Dense(3), nn.Dense(10)))
    ax = keep(plot.structure(made, shape=(None, 20)))

    bars = ["0", "1.0", "1.1.0", "1.1.1", "1.2", "2", "3", "4.0", "4.1"]
    assert [label.get_text() for label in ax.get_yticklabels()] == bars
    arrows = sorted(
        (round(each.xyann[1]), round(each.xy[1]))
        for each in ax.texts
        if isinstance(each, matplotlib.text.Annotation)
    )
    lanes = {tuple(line.get_ydata()[[1, 2]].round()) for line in ax.lines}
    joined = {(start, end) for start, end in arrows if start != end} | lanes
    # Into and out of the branches; nothing is known of a forward of Python's.
    assert joined == {(0, 1), (0, 2), (0, 4), (2, 3), (1, 5), (3, 5), (4, 5), (5, 6)}


def test_the_structure_knows_widths_from_a_shape(keep):
    ax = keep(plot.structure(nn.Sequential(nn.Flatten(), nn.Dense(3)), shape=(None, 4, 5)))

    assert texts(ax) == ["Flatten, 20 wide", "Dense, 3 wide"]


def test_initializers_are_compared(keep):
    reports = {
        name: glueball.diagnose(deep(each), X)
        for name, each in (("xavier", "xavier"), ("small", init.Normal(0.01)))
    }

    ax = keep(plot.compare(reports))

    assert [each.get_text() for each in ax.get_legend().get_texts()] == ["xavier", "small"]
    ends = [line.get_ydata()[-1] for line in ax.lines]
    assert ends[0] > 1e-2
    assert ends[1] < 1e-9
    assert ax.lines[0].get_marker() != ax.lines[1].get_marker()
    with pytest.raises(MXNetError, match="expected a dict of reports by name, found list"):
        plot.compare([1])


def test_a_comparison_of_initializers_is_drawn():
    found = init.compare(lambda: deep(None), X, ["xavier", init.Normal(0.01)])

    ax = plot.compare(found)

    assert [each.get_text() for each in ax.get_legend().get_texts()] == found.names
    assert [len(line.get_ydata()) for line in ax.lines] == [20, 20]


def trained(layers, every=2):
    made = deep("xavier", layers)
    trainer = gluon.Trainer(made.collect_params(), "sgd", {"learning_rate": 0.01})
    with gluon.Monitor(made, every=every) as monitor:
        for _ in range(7):
            with autograd.record():
                loss = (made(X) ** 2).mean()
            loss.backward()
            trainer.step(1)
    return monitor


def test_training_is_drawn_over_its_steps(keep):
    monitor = trained(3)

    ax = keep(plot.training(monitor))

    assert [line.get_label() for line in ax.lines] == ["0.weight", "1.weight", "2.weight"]
    for line in ax.lines:
        steps, ratios = monitor.history(line.get_label(), "ratio")
        assert list(line.get_xdata()) == steps == [0, 2, 4, 6]
        assert list(line.get_ydata()) == ratios
    assert ax.get_yscale() == "log"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "update / weight")
    both = keep(plot.training(monitor, "mean"))
    assert both.get_yscale() == "linear"
    assert [line.get_linestyle() for line in both.lines].count("--") == 3
    with pytest.raises(MXNetError, match="expected a figure that the monitor saw, found 'colour'"):
        plot.training(monitor, "colour")
    with pytest.raises(MXNetError, match=r"expected a gluon\.Monitor to draw, found int"):
        plot.training(3)


def test_training_of_many_layers_has_no_list_of_names(keep):
    ax = keep(plot.training(trained(40)))

    assert len(ax.lines) == 40
    assert ax.get_legend() is None
    assert ax.get_title() == "Training: 40 arrays, the first ones dark"


def test_what_is_not_finite_is_marked(keep):
    made = deep("xavier", 4)
    made[2].weight.data()[0, 0] = onp.nan

    ax = keep(plot.activations(made, X))

    assert list(ax.lines[-1].get_xdata()) == [2, 3]
    assert ax.lines[-1].get_label() == "not finite"


def test_two_hundred_layers_have_names_that_can_be_read(keep):
    ax = keep(plot.signal(deep("xavier", 200), X))

    assert len(ax.get_xticklabels()) <= 24


def test_a_net_without_layers_has_an_empty_picture(keep):
    assert texts(keep(plot.activations(nn.Sequential(), X))) == ["no layers"]


def test_axes_are_taken_and_returned():
    figure, axes = plt.subplots(2, 2)
    made = net()

    assert plot.signal(made, X, ax=axes[0, 0]) is axes[0, 0]
    assert plot.weights(made[0].weight, ax=axes[0, 1]) is axes[0, 1]
    assert plot.parameters(made, axes=axes) == list(axes.flat)
    assert plt.get_fignums() == [figure.number]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot.structure(3), "expected a net to draw, found int"),
        (lambda: plot.weights(3), r"found an array of shape \(\)"),
        (lambda: plot.parameters([1]), "expected a net or its parameters to draw, found list"),
        (lambda: plot.signal(net(), X, ax=3), "expected axes of matplotlib as ax, found int"),
        (
            lambda: plot.parameters(net(), axes=plt.subplots()[1]),
            "expected 4 axes of matplotlib.*found 1",
        ),
        (
            lambda: plot.signal(nn.Sequential(nn.Dense(2)), X),
            "to be initialized, found that it is not",
        ),
        (lambda: plot.weights(onp.zeros((0, 2))), "expected numbers to draw"),
    ],
)
def test_mistakes_are_told(call, message):
    with pytest.raises(MXNetError, match=message):
        call()


def test_matplotlib_that_is_missing_is_told_with_the_line_that_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)

    with pytest.raises(ImportError, match=r"pip install 'glueball\[plot\]'"):
        plot.structure(net())
