"""``python -m glueball inspect`` and ``diff``."""

import re

import numpy as onp
import pytest

from browser import ask, needs_chromium, picture
from glueball import __main__, init, nd
from glueball.gluon import nn


@pytest.fixture
def net():
    made = nn.HybridSequential(
        nn.Dense(8, activation="relu", in_units=4), nn.BatchNorm(in_channels=8)
    )
    made.add(nn.Dense(3, in_units=8))
    made.initialize(init.Xavier())
    return made


def run(capsys, *arguments):
    status = __main__.main([str(each) for each in arguments])
    return status, capsys.readouterr()


@pytest.mark.parametrize("kind", ["safetensors", "params", "npz"])
def test_files_of_parameters_are_shown(capsys, tmp_path, net, kind):
    net[2].bias.data()[1] = onp.nan
    net.save_parameters(tmp_path / f"net.{kind}")

    status, said = run(capsys, "inspect", tmp_path / f"net.{kind}")

    assert status == 0
    assert said.out.startswith(f"net.{kind}: 8 arrays, {4 * 8 + 8 + 4 * 8 + 8 * 3 + 3} numbers, ")
    row = next(line for line in said.out.splitlines() if line.startswith("0.weight"))
    std = net[0].weight.data().asnumpy().std()
    assert re.fullmatch(rf"0.weight +\(8, 4\) +-?\d\.\d\d +{std:.2f} +[▁▂▃▄▅▆▇█]{{8}}", row)
    assert "1 not finite" in said.out
    assert max(map(len, said.out.splitlines())) <= 80


def test_models_are_shown_with_their_summary(capsys, tmp_path, net):
    net.export(tmp_path / "net.safetensors")

    _, said = run(capsys, "inspect", tmp_path / "net.safetensors")

    assert "0     Dense relu  (?, 4)  (?, 8)      40  yes" in said.out
    assert "99 parameters: 83 trainable, 16 frozen" in said.out


def test_onnx_is_shown(capsys, tmp_path, net):
    onnx = pytest.importorskip("glueball.onnx")
    pytest.importorskip("onnx")
    onnx.export(net, tmp_path / "net.onnx", fold_batch_norm=False)

    _, said = run(capsys, "inspect", tmp_path / "net.onnx")

    assert "99 parameters" in said.out
    assert "2.weight" in said.out


def test_what_cannot_be_read_is_told(capsys, tmp_path):
    (tmp_path / "net.npz").write_bytes(b"PK\x03\x04 damaged")

    for name, text in (("none.params", "No such file"), ("net.npz", "expected")):
        status, said = run(capsys, "inspect", tmp_path / name)
        assert status == 2
        assert said.out == ""
        assert text in said.err
        assert name in said.err


def test_a_tied_array_is_counted_once(capsys, tmp_path):
    first = nn.Dense(8, in_units=8, use_bias=False)
    net = nn.Sequential(first, nn.Dense(8, in_units=8, use_bias=False, params=first.params))
    net.initialize()
    net.save_parameters(tmp_path / "net.safetensors")

    _, said = run(capsys, "inspect", tmp_path / "net.safetensors")

    assert "2 arrays, 64 numbers" in said.out
    assert "tied to 0.weight" in said.out


def test_eight_bit_floats_are_listed(capsys, tmp_path):
    header = b'{"x":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}}'
    header += b" " * (-len(header) % 8)
    (tmp_path / "x.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")

    status, said = run(capsys, "inspect", tmp_path / "x.safetensors")

    assert status == 0
    assert re.search(r"x +\(2,\) .*not read", said.out)


def test_equal_files_are_equal_whatever_their_kind(capsys, tmp_path, net):
    net[0].weight.data()[0, 0] = onp.nan
    net.save_parameters(tmp_path / "a.params")
    net.save_parameters(tmp_path / "b.safetensors")

    status, said = run(capsys, "diff", tmp_path / "a.params", tmp_path / "b.safetensors")

    assert status == 0
    assert said.out.splitlines()[2:] == ["8 of 8 arrays are equal"]


def test_differences_are_listed(capsys, tmp_path):
    one = {
        "same": nd.ones((2,)),
        "gone": nd.ones((3,)),
        "wide": nd.ones((2, 2)),
        "x": nd.array([3.0, 4.0]),
    }
    other = {
        "same": nd.ones((2,)),
        "new": nd.ones((1,)),
        "wide": nd.ones((2, 3)),
        "x": nd.array([3.0, 4.5]),
    }
    one["y"], other["y"] = nd.ones((2,)), nd.ones((2,), dtype="float64")
    nd.save(str(tmp_path / "a.npz"), one)
    nd.save(str(tmp_path / "b.npz"), other)

    status, said = run(capsys, "diff", tmp_path / "a.npz", tmp_path / "b.npz")

    assert status == 1
    assert said.out.splitlines()[2] == "1 of 6 arrays are equal"
    rows = [re.split(r"  +", line) for line in said.out.splitlines()[6:]]
    assert rows == [
        ["gone", "only in a", "(3,)"],
        ["wide", "shape", "(2, 2), (2, 3)"],
        ["x", "values", "0.5", "0.1"],
        ["y", "dtype", "float32, float64"],
        ["new", "only in b", "(1,)"],
    ]


def test_help_lists_the_commands(capsys):
    with pytest.raises(SystemExit) as ended:
        __main__.main(["--help"])

    out = capsys.readouterr().out
    assert ended.value.code == 0
    for word in ("inspect", "diff", "--cmake-dir", ".safetensors, .params, .npz or .onnx"):
        assert word in " ".join(out.split())


def test_an_unknown_command_is_told_with_those_that_there_are(capsys):
    with pytest.raises(SystemExit) as ended:
        __main__.main(["inspct", "net.params"])

    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert "argument COMMAND: invalid choice: 'inspct'" in said
    assert all(command in said for command in ("inspect", "diff", "run", "check"))


def written(capsys, tmp_path, net):
    net.register_child(nn.Dense(2, in_units=3), "<b>a_layer_of_a_very_long_name_</b>" * 3)
    net.initialize(force_reinit=True)
    net.save_parameters(tmp_path / "net.params")
    status, said = run(capsys, "inspect", tmp_path / "net.params", "--html", tmp_path / "page.html")
    assert status == 0
    assert said.out.splitlines()[-1] == f"written to {tmp_path / 'page.html'}"
    return (tmp_path / "page.html").read_text(encoding="utf8")


def test_a_page_is_whole_and_offline(capsys, tmp_path, net):
    page = written(capsys, tmp_path, net)

    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    assert "http" not in page
    assert "&lt;b&gt;" in page
    assert "<b>a_layer" not in page


def test_a_page_of_differences_is_written(capsys, tmp_path):
    nd.save(str(tmp_path / "a.npz"), {"<i>": nd.ones((1,))})
    nd.save(str(tmp_path / "b.npz"), {"<i>": nd.zeros((1,))})

    assert (
        run(capsys, "diff", tmp_path / "a.npz", tmp_path / "b.npz", "--html", tmp_path / "d.html")[
            0
        ]
        == 1
    )
    assert "&lt;i&gt;" in (tmp_path / "d.html").read_text(encoding="utf8")
    status, said = run(capsys, "inspect", tmp_path / "a.npz", "--html", tmp_path / "no" / "d.html")
    assert status == 2
    assert "d.html" in said.err


@needs_chromium
def test_a_page_is_used_by_keyboard_and_fits_a_narrow_window(capsys, tmp_path, net):
    net.export(tmp_path / "net.safetensors")
    run(capsys, "inspect", tmp_path / "net.safetensors", "--html", tmp_path / "whole.html")
    page = (tmp_path / "whole.html").read_text(encoding="utf8")
    script = """
      const focusable = [...document.querySelectorAll('summary, input, a[href]')];
      const reached = focusable.filter(each => { each.focus(); return document.activeElement === each; });
      const top = document.documentElement;
      return [focusable.length - reached.length, reached.length > 8, top.scrollWidth <= top.clientWidth];
    """
    measured = f"<script>document.body.dataset.result = JSON.stringify((() => {{{script}}})())</script></main>"

    # Within blocks that are folded nothing can have the focus.
    page = page.replace("<details ", "<details open ").replace("</main>", measured)
    assert ask(tmp_path, page, "--window-size=500,900") == [0, True, True]
    pytest.importorskip("PIL")
    for theme in ("light", "dark"):
        assert picture(tmp_path, "whole", page, theme).std() > 5
