"""A report as a snippet of a notebook, and as one page."""

import re

import numpy as onp
import pytest

import glueball
from browser import ask, needs_chromium, picture
from glueball import init, nd
from glueball.base import MXNetError
from glueball.gluon import nn

X = nd.array(onp.random.default_rng(0).normal(size=(32, 16)))


def net(initializer, layers=6):
    made = nn.Sequential(*(nn.Dense(16, activation="tanh", in_units=16) for _ in range(layers)))
    made.initialize(initializer)
    return made


def written(report, tmp_path):
    report.to_html(tmp_path / "report.html")
    return (tmp_path / "report.html").read_text(encoding="utf8")


def test_a_page_says_what_the_report_does(tmp_path):
    report = glueball.diagnose(net(init.Normal(0.01)), X, X, mend=True)

    page = written(report, tmp_path)

    assert "<script" not in page
    assert "http" not in page
    assert re.findall("<h2>(.*?)</h2>", page) == [
        "Findings", "Signal and gradient", "Layers", "Parameters", "Measured on a copy",
    ]  # fmt: skip
    for finding in report.findings:
        assert f">{finding.kind}</b>" in page
    for row in report.rows:
        assert f"<title>{row['path']}: signal {row['spread']:.3g}</title>" in page
    assert page.count("<circle") == 2 * len(report.rows)
    assert "<th" in page
    assert ">dead</th>" not in page  # no layer of tanh is ever dead


def test_a_healthy_net_has_a_short_page(tmp_path):
    report = glueball.diagnose(net("xavier"), X)

    assert report.is_healthy
    assert "Nothing is wrong." in written(report, tmp_path)


@pytest.mark.parametrize(
    "make",
    [
        nn.Sequential,
        lambda: net("zeros"),
        lambda: nn.Sequential(nn.Dense(2)),
        lambda: net("xavier", 1),
    ],
    ids=["no layers", "zeros", "not initialized", "one layer"],
)
def test_any_net_has_a_page(tmp_path, make):
    assert "Findings" in written(glueball.diagnose(make(), X), tmp_path)


def test_what_is_not_finite_is_marked_and_names_are_escaped():
    made = net("xavier")
    made.register_child(nn.Dense(16, in_units=16), "<b>x</b>")
    made.initialize("xavier", force_reinit=True)
    made[2].weight.data()[0, 0] = onp.nan

    snippet = glueball.diagnose(made, X)._repr_html_()

    assert '<span class="bad">1 not finite</span>' in snippet
    assert "<b>x</b>" not in snippet
    assert "&lt;b&gt;x&lt;/b&gt;" in snippet


def test_a_page_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(MXNetError, match=r"no/report\.html"):
        glueball.diagnose(net("xavier"), X).to_html(tmp_path / "no" / "report.html")


@needs_chromium
def test_a_page_is_sorted_and_fits_a_narrow_window(tmp_path):
    page = written(glueball.diagnose(net(init.Normal(0.01), 200), X, X), tmp_path)
    script = """
      const rows = [...document.querySelector('.sorted').tBodies[0].rows];
      document.querySelectorAll('.sort')[0].querySelectorAll('input')[5].click();
      rows.sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top);
      const top = document.documentElement;
      return [rows.slice(0, 3).map(row => row.cells[0].textContent), top.scrollWidth <= top.clientWidth];
    """
    script = f"<script>document.body.dataset.result = JSON.stringify((() => {{{script}}})())</script></main>"

    first, fits = ask(tmp_path, page.replace("</main>", script), "--window-size=500,900")

    assert first == ["199", "198", "197"]  # the largest gradients
    assert fits
    pytest.importorskip("PIL")
    for theme, width in (("light", 900), ("dark", 400)):
        assert picture(tmp_path, "report", page, theme, (width, 1400)).std() > 5
