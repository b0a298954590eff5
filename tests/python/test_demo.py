"""The demo does its main job: builds, trains on real data, saves, and loads back."""

import re

import numpy as np
import pytest

from glueball import demo

pytest.importorskip("sklearn")
pytest.importorskip("tqdm")
pytest.importorskip("matplotlib")


def test_demo_trains_saves_and_loads(tmp_path, capsys):
    status = demo.main(["--out", str(tmp_path / "demo")])

    printed = capsys.readouterr().out
    assert status == 0
    assert "shape=(128, 0)" in printed  # before shapes are known
    assert "shape=(128, 64)" in printed  # and after
    assert len(re.findall(r"epoch +\d+: loss \d", printed)) == 20
    accuracy = float(re.search(r"accuracy on the test images: ([\d.]+)%", printed)[1])
    assert accuracy >= 97
    assert "predictions equal: True" in printed
    assert max(map(len, printed.splitlines())) <= 80 + len(str(tmp_path)) * 3
    with np.load(tmp_path / "demo/digits.npz") as saved:
        assert saved["0.weight"].shape == (128, 64)


def test_demo_shows_what_is_inside(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert demo.main(["--epochs", "2"]) == 0

    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in printed  # plain where it is piped
    assert "26,122 parameters: 26,122 trainable, 0 frozen (102.0 KiB)" in printed
    assert "Diagnosis: nothing is wrong with it" in printed
    small, xavier = (
        next(line for line in lines if line.startswith(name)) for name in ("Normal(", "xavier")
    )
    assert small.split()[-1] == "vanishing"
    assert float(small.split()[1]) == pytest.approx(0.01 * 128**0.5, rel=0.1)  # theory, by layer
    assert xavier.split()[-1] == "nothing"
    assert float(xavier.split()[1]) == pytest.approx(1, rel=0.1)
    named = lines[-1].removeprefix("to look at: ").split(", ")
    assert named == ["demo/report.html", "demo/parameters.png", "demo/initializers.png"]
    assert "nothing is wrong" in (tmp_path / named[0]).read_text()
    for picture in named[1:]:
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")


def test_demo_names_the_extra_when_scikit_learn_is_missing(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.datasets", None)

    status = demo.main([])

    assert status == 1
    assert "glueball[demo]" in capsys.readouterr().err
