"""The demo does its main job: builds, trains on real data, saves, and loads back."""

import re

import numpy as np
import pytest

from glueball import demo

pytest.importorskip("sklearn")
pytest.importorskip("tqdm")


def test_demo_trains_saves_and_loads(tmp_path, capsys):
    file = tmp_path / "digits.npz"

    status = demo.main(["--out", str(file)])

    printed = capsys.readouterr().out
    assert status == 0
    assert "shape=(128, 0)" in printed  # before shapes are known
    assert "shape=(128, 64)" in printed  # and after
    assert len(re.findall(r"epoch +\d+: loss \d", printed)) == 20
    accuracy = float(re.search(r"accuracy on the test images: ([\d.]+)%", printed)[1])
    assert accuracy >= 97
    assert "predictions equal: True" in printed
    with np.load(file) as saved:
        assert saved["0.weight"].shape == (128, 64)


def test_demo_names_the_extra_when_scikit_learn_is_missing(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.datasets", None)

    status = demo.main([])

    assert status == 1
    assert "glueball[demo]" in capsys.readouterr().err
