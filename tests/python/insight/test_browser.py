"""Snippets as Chromium shows them, and notebooks that show them."""

import warnings

import numpy as onp
import pytest

from browser import ask, needs_chromium, page_of, picture
from glueball import init, nd
from glueball.gluon import nn


def net_with_a_lost_number():
    net = nn.Sequential(
        nn.Dense(1, in_units=1), nn.Dense(9, in_units=9), nn.Dense(3, in_units=3), prefix="net_"
    )
    net.register_child(nn.Sequential(nn.Dense(2, in_units=2)), "a_block_of_a_very_long_name_" * 4)
    net.initialize(init.Normal(1))
    net[1].weight.data()[0, 0] = onp.nan
    return net


def snippets():
    net = net_with_a_lost_number()
    return [
        each._repr_html_()
        for each in (net, net.collect_params(), net[1].weight, net.summary(print=False), nd.random.normal(shape=(60, 50)))
    ]  # fmt: skip


@needs_chromium
def test_a_table_is_sorted_by_its_buttons(tmp_path):
    table = net_with_a_lost_number().collect_params()._repr_html_()
    script = """
      const order = () => [...document.querySelectorAll('tbody tr')]
        .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
        .map(row => row.cells[1].textContent);
      const orders = [order()];
      document.querySelectorAll('input')[2].click();
      orders.push(order());
      const column = [...document.querySelectorAll('tr')].map(row => row.cells[3].getBoundingClientRect().right);
      return [orders, new Set(column.map(Math.round)).size];
    """

    orders, columns = ask(tmp_path, page_of([table], script))

    shapes = ["(1, 1)", "(1,)", "(9, 9)", "(9,)", "(3, 3)", "(3,)", "(2, 2)", "(2,)"]
    assert orders[0] == shapes
    assert orders[1] == ["(9, 9)", "(9,)", "(3, 3)", "(2, 2)", "(3,)", "(2,)", "(1, 1)", "(1,)"]
    assert columns == 1  # cells stand below one another


@needs_chromium
def test_nothing_reaches_beyond_a_narrow_page(tmp_path):
    script = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"

    wide, page = ask(tmp_path, page_of(snippets(), script), "--window-size=500,900")

    assert wide <= page


@needs_chromium
@pytest.mark.parametrize(("theme", "width"), [("light", 900), ("dark", 400)])
def test_snippets_are_readable_in_both_themes(tmp_path, theme, width):
    pytest.importorskip("PIL")

    image = picture(tmp_path, "snippets", page_of(snippets()), theme, (width, 1800))

    lightness = image.mean(2)
    background = onp.median(lightness)
    assert background > 240 if theme == "light" else background < 40
    assert abs(lightness - background).max() > 180  # text
    red, green, blue = (image[..., i].astype(int) for i in range(3))
    assert ((red > 150) & (red - green > 80) & (red - blue > 60)).sum() > 20  # what is not finite
    assert ((blue - red > 60) & (green > 90)).sum() > 500  # bars


@needs_chromium
def test_a_notebook_shows_each_table_once(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbconvert = pytest.importorskip("nbconvert")
    pytest.importorskip("ipykernel")
    cells = [
        (
            "import glueball\nfrom glueball import nd\nfrom glueball.gluon import nn\n"
            "net = nn.Sequential(nn.Dense(3, in_units=2), prefix='net_')\nnet.initialize('ones')"
        ),
        "net.summary(nd.ones((1, 2)))",
        "net.summary()\nnet",
        "net.collect_params()",
        "net[0].weight",
        "nd.ones((2, 2))",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in cells])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the packages'
        nbconvert.preprocessors.ExecutePreprocessor(timeout=60, kernel_name="python3").preprocess(
            book
        )
        page, _ = nbconvert.HTMLExporter().from_notebook_node(book)

    shown = [
        [each for each in cell.outputs if "text/html" in each.get("data", {})]
        for cell in book.cells
    ]
    assert [len(each) for each in shown] == [0, 1, 2, 1, 1, 1]
    assert not [
        each for cell in book.cells for each in cell.outputs if each.output_type == "stream"
    ]
    assert "9 parameters: 9 trainable" in shown[1][0]["data"]["text/html"]
    assert "9 parameters: 9 trainable" in shown[1][0]["data"]["text/plain"]
    script = "return document.querySelectorAll('.glueball details[open]').length"
    inner = page.replace(
        "</body>", f"<script>document.body.dataset.result = String({script[7:]})</script></body>"
    )
    assert ask(tmp_path, inner) == 1
    pytest.importorskip("PIL")
    assert picture(tmp_path, "notebook", inner).std() > 5
