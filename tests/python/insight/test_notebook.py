"""What notebooks show: one snippet each, escaped, quickly made, without a script."""

import re
import subprocess
import sys
import time
from html.parser import HTMLParser

import numpy as onp
import pytest

import glueball
from glueball import autograd, gluon, init, nd, np
from glueball.gluon import Parameter, nn

VOID = {"input", "meta", "link", "br", "hr"}


class Page(HTMLParser):
    """Reads a snippet, and checks that its tags are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words, self.attributes = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append(dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def read(thing):
    return Page(thing._repr_html_())


def ready_net():
    first = nn.Dense(4, in_units=4, activation="relu")
    net = nn.Sequential(
        first,
        nn.Sequential(nn.Dense(4, in_units=4, params=first.params)),
        nn.BatchNorm(in_channels=4),
    )
    net.add(nn.Dense(2, in_units=4))
    net.initialize(init.Xavier())
    return net


class Python(nn.Block):
    def __init__(self):
        super().__init__()
        self.inner = nn.Dense(2, in_units=2)
        self.scale = Parameter("scale", shape=(2,))

    def forward(self, x):
        return self.inner(x)


def wide_net(width):
    net = nn.Sequential(nn.Dense(width), nn.Dense(1))
    net.initialize()
    net.infer_shape((None, 3))
    return net


def seen_by_monitor(steps):
    net = wide_net(4)
    trainer = gluon.Trainer(net.collect_params(), "sgd")
    with gluon.Monitor(net, every=1) as monitor:
        for _ in range(steps):
            with autograd.record():
                loss = net(nd.ones((2, 3)))
            loss.backward()
            trainer.step(2)
    return monitor


THINGS = {
    "net": ready_net,
    "not initialized": lambda: nn.Sequential(nn.Dense(3)),
    "no layers": nn.Sequential,
    "one layer": lambda: nn.Dense(2, in_units=3),
    "python": Python,
    "parameters": lambda: ready_net().collect_params(),
    "parameter": lambda: ready_net()[0].weight,
    "parameter without values": lambda: nn.Dense(2).weight,
    "summary": lambda: ready_net().summary(print=False),
    "explanation": lambda: ready_net().explain(),
    "load report": lambda: ready_net().load_state_dict({"<b>": nd.ones((4, 4))}, strict=False),
    "lsuv": lambda: init.lsuv_(ready_net(), nd.random.normal(shape=(64, 4))),
    "mup": lambda: init.mup_(ready_net(), base=ready_net()),
    "widths": lambda: init.check_widths(wide_net, [4, 8], nd.ones((2, 3)), steps=1),
    "comparison": lambda: init.compare(lambda: nn.Dense(3), nd.ones((2, 3)), ["xavier"]),
    "diagnosis": lambda: glueball.diagnose(ready_net(), nd.random.normal(shape=(8, 4))),
    "monitor": lambda: seen_by_monitor(steps=2),
    "monitor of nothing": lambda: seen_by_monitor(steps=0),
    "array": lambda: nd.arange(12).reshape((3, 4)),
    "vector": lambda: nd.arange(100),
    "large array": lambda: nd.random.normal(shape=(300, 200)),
    "cube": lambda: nd.zeros((2, 3, 4)),
    "empty array": lambda: nd.array(onp.zeros((0, 2))),
    "scalar": lambda: np.array(3.0),
    "integers": lambda: nd.arange(5, dtype="int32"),
    "nan": lambda: nd.array([onp.nan, onp.inf, 1]),
    "all nan": lambda: nd.array(onp.full((40, 40), onp.nan)),
}


@pytest.mark.parametrize("make", THINGS.values(), ids=THINGS.keys())
def test_a_snippet_is_whole_and_needs_nothing_from_elsewhere(make):
    thing = make()

    page = read(thing)

    assert page.tags[:2] == ["div", "style"]
    assert not {"script", "link", "iframe", "object", "img"} & set(page.tags)
    assert not [
        key for each in page.attributes for key in each if key.startswith("on") or key == "src"
    ]
    assert "http" not in thing._repr_html_()
    assert page.text


def test_a_net_is_a_tree_with_states_ties_and_frozen_parts():
    net = ready_net()
    net[3].weight.data()[0, 0] = onp.nan
    net[3].collect_params().setattr("grad_req", "null")

    page = read(net)

    assert page.tags.count("details") == 6
    assert "Dense(4 -> 4, Activation(relu)) 20 parameters ready" in page.text
    assert "10 parameters ready frozen 1 not finite" in page.text
    links = [each["href"][1:] for each in page.attributes if "href" in each]
    ids = [each["id"] for each in page.attributes if "id" in each]
    assert [link.partition("-0.")[2] for link in links] == ["weight", "bias"]
    assert set(links) <= set(ids)
    assert len(set(ids)) == len(ids)


def test_states_are_said():
    net = nn.Sequential(nn.Dense(3))
    assert "3 + ? parameters not initialized" in read(net).text

    net.initialize()
    assert "waiting for its shape" in read(net).text


def test_a_parameter_shows_its_figures_and_histogram():
    net = nn.Dense(64, in_units=64, weight_initializer=init.Normal(0.5))
    net.initialize()
    values = net.weight.data()

    page = read(net.weight)

    assert page.tags.count("rect") == 32
    assert f"std {float(onp.asarray(values).std()):.4g}" in page.text
    assert "Normal(" in page.text
    assert "not finite" not in page.text
    values[0, :3] = onp.nan
    assert "not finite 3" in read(net.weight).text


def test_a_sample_is_said_to_be_one():
    layer = nn.Dense(400, in_units=400)
    layer.initialize()

    assert "of a sample of 65,536 of 160,000 elements" in read(layer.weight).text
    assert "of a sample" in read(layer).text


def test_a_table_of_parameters_can_be_sorted():
    net = nn.Sequential(nn.Dense(1, in_units=1), nn.Dense(9, in_units=9), nn.Dense(3, in_units=3))
    net.initialize("ones")

    page = read(net.collect_params())

    orders = [each["style"] for each in page.attributes if "--o0" in each.get("style", "")]
    by_size = [int(re.search(r"--o1:(\d+)", each)[1]) for each in orders]
    assert by_size == [4, 5, 0, 1, 2, 3]  # 1, 1, 81, 9, 9 and 3 elements
    assert page.tags.count("input") == 5


def test_a_small_array_is_a_table_and_a_large_one_has_a_picture():
    small, large = read(nd.arange(6).reshape((2, 3))), read(nd.ones((50, 40)))

    assert small.text == "NDArray (2, 3) float32 0 1 2 0 0 1 2 1 3 4 5"
    assert "svg" not in small.tags
    assert large.tags.count("rect") == 32 * 32
    assert "heat map of some 32 rows and 32 columns" in large.text


def test_numpys_arrays_show_their_class():
    with glueball.np_array(True):
        assert read(np.ones((1, 2))).text.startswith("ndarray (1, 2)")


def test_names_are_escaped():
    net = nn.Sequential(prefix="<i>&net_")
    net.register_child(
        nn.Dense(2, in_units=2, prefix="<img src=x>_"), '"><script>alert(1)</script>'
    )
    net.initialize()

    for thing in (net, net.collect_params(), net.collect_params()["<img src=x>_weight"]):
        page = read(thing)
        assert not {"script", "img", "i"} & set(page.tags)


def test_a_net_of_many_layers_is_shown_in_part():
    net = nn.Sequential(*(nn.Dropout(0.1) for _ in range(500)))

    assert "101 more, not shown" in read(net).text


def test_deeply_nested_nets_end():
    net = nn.Sequential(nn.Dense(1))
    for _ in range(100):
        net = nn.Sequential(net)

    assert "1 more, not shown" in read(net).text


def test_looking_changes_nothing():
    net = nn.Sequential(nn.Dense(2), nn.Dense(2))
    net.initialize()

    read(net)
    read(net.collect_params())

    assert [each._state for each in net.collect_params().values()].count("deferred") == 2
    net(nd.ones((1, 3)))


def test_ten_million_parameters_are_shown_in_time():
    net = nn.Sequential(*(nn.Dense(220, in_units=220, activation="relu") for _ in range(200)))
    net.initialize()
    net._repr_html_()

    times = []
    for _ in range(5):
        start = time.process_time()
        net._repr_html_()
        times.append(time.process_time() - start)

    assert min(times) < 0.15  # 0.03 s where nothing else runs


def test_nothing_of_it_is_imported_by_glueball():
    program = (
        "import glueball, sys; print([m for m in sys.modules if 'insight' in m or m == 'html'])"
    )

    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert run.stdout == "[]\n"


def test_a_load_report_lists_what_did_not_fit_unfolded_and_escaped():
    arrays = {"0.weight": nd.ones((4, 5)), "<b>more</b>": nd.ones((1,))}

    page = read(ready_net().load_state_dict(arrays, strict=False))

    assert "0 loaded" in page.text
    assert "1 unexpected <b>more</b>" in page.text
    assert "1 mismatched 0.weight: expected (4, 4), found (4, 5)" in page.text
    assert page.tags.count("b") == 0
    unfolded = [
        each
        for tag, each in zip(page.tags, page.attributes, strict=True)
        if tag == "details" and "open" in each
    ]
    assert len(unfolded) == 3  # missing, unexpected, mismatched


def test_reports_are_tables_with_a_row_for_each_thing():
    explanation = THINGS["explanation"]()
    page = read(explanation)
    assert page.tags.count("tr") == 1 + len(explanation)
    assert "1.0.weight" in page.text  # the note on what is tied

    page = read(THINGS["monitor"]())
    assert "step 1" in page.text
    assert "0.weight" in page.text
    assert read(THINGS["monitor of nothing"]()).text == "0 steps, none of them looked at"
