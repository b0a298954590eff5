"""`python -m glueball run` and `check`: programs written for MXNet run, and what they lack is listed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from glueball._scripts import Lack, lacks_of


def command(*arguments, **settings):
    return subprocess.run(
        [sys.executable, "-m", "glueball", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        **settings,
    )


SCRIPT = """import sys
import helper
import mxnet as mx
from mxnet.gluon import nn

if __name__ == "__main__":
    net = nn.Dense(3, in_units=4)
    net.initialize()
    print(net(mx.nd.ones((2, 4))).shape, sys.argv, helper.VALUE, __file__, mx.__version__)
    if "fail" in sys.argv:
        helper.fail()
    sys.exit(len(sys.argv))
"""


@pytest.fixture
def script(tmp_path):
    (tmp_path / "helper.py").write_text("VALUE = 7\n\n\ndef fail():\n    raise KeyError('gone')\n")
    path = tmp_path / "old.py"
    path.write_text(SCRIPT)
    return path


def test_a_script_runs_as_python_would_run_it(script, tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()

    ran = command("run", script, "--epochs", "3", "-v", cwd=folder)

    assert ran.stdout == f"(2, 3) {[str(script), '--epochs', '3', '-v']} 7 {script} 1.9.1\n"
    assert ran.returncode == 4  # what it exits with
    assert ran.stderr == ""


def test_an_error_shows_the_scripts_frames_alone(script):
    ran = command("run", script, "fail")

    assert ran.returncode == 1
    frames = [line.split('"')[1] for line in ran.stderr.splitlines() if line.startswith("  File")]
    assert frames == [str(script), str(script.parent / "helper.py")]
    assert ran.stderr.splitlines()[-1] == "KeyError: 'gone'"


def test_a_script_that_is_not_there_or_not_python_is_told(tmp_path):
    ran = command("run", tmp_path / "none.py")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "No such file" in ran.stderr

    (tmp_path / "bad.py").write_text("print 'old'\n")
    ran = command("run", tmp_path / "bad.py")
    assert ran.returncode == 1
    assert "SyntaxError" in ran.stderr
    assert "_scripts.py" not in ran.stderr


def test_what_lacks_is_listed_with_its_line(tmp_path):
    (tmp_path / "all.py").write_text("from mxnet import nd\nnd.ones((2,)).asnumpy().nothing\n")
    below = tmp_path / "package"
    below.mkdir()
    (below / "conv.py").write_text(
        "import mxnet as mx\n\nnet = mx.gluon.nn.Conv2D(3, 3)\nmx.sym.Variable('x')\n"
    )
    (below / "two.py").write_text("print 'old'\n")

    found = command("check", tmp_path)

    assert found.stdout.splitlines() == [
        f"{below}/conv.py:3: mxnet.gluon.nn.Conv2D: is for convolutional nets, which glueball leaves out",
        f"{below}/conv.py:4: mxnet.sym.Variable: is for symbolic graphs, which glueball leaves out",
        f"{below}/two.py:1: is not Python 3: Missing parentheses in call to 'print'. Did you mean print(...)?",
        "3 files: 5 names of mxnet; glueball has 2 of them",
    ]
    assert found.returncode == 1
    found = command("check", tmp_path / "all.py")
    assert (found.returncode, found.stdout) == (
        0,
        "1 file: 2 names of mxnet; glueball has all of them\n",
    )


def test_programs_without_mxnet_and_paths_that_are_not_there_are_told(tmp_path):
    (tmp_path / "other.py").write_text("import numpy\n")
    found = command("check", tmp_path)
    assert (found.returncode, found.stdout) == (
        1,
        "expected programs that import mxnet, found none in 1 file\n",
    )

    found = command("check", tmp_path / "none")
    assert found.returncode == 2
    assert "No such file" in found.stderr


PROGRAM = """
import json
from glueball._scripts import lacks_of
used, lacks = lacks_of('''{}''')
print(json.dumps([used, [[each.line, each.name] for each in lacks]]))
"""


@pytest.mark.parametrize(
    ("source", "used", "lacks"),
    [
        ("import mxnet\nmxnet.nd.zeros((1,))", ["mxnet", "mxnet.nd.zeros"], []),
        ("from mxnet import nd as F\nF.relu(1)\nF.Convolution(1)", ["mxnet.nd", "mxnet.nd.relu", "mxnet.nd.Convolution"], [[3, "mxnet.nd.Convolution"]]),
        ("from mxnet.gluon import rnn\nrnn.LSTM(3)", ["mxnet.gluon.rnn", "mxnet.gluon.rnn.LSTM"], [[2, "mxnet.gluon.rnn.LSTM"]]),
        ("from mxnet.gluon.model_zoo import vision\nvision.resnet18_v1()", ["mxnet.gluon.model_zoo"], [[1, "mxnet.gluon.model_zoo"]]),
        ("from mxnet.nd import ons", ["mxnet.nd.ons"], [[1, "mxnet.nd.ons"]]),
        ("from mxnet.test_utils import *\nimport numpy as np\nnp.nothing", ["mxnet.test_utils"], []),
        ("import mxnet as mx\ndef f(s: mx.sym.Symbol): pass", ["mxnet", "mxnet.sym.Symbol"], [[2, "mxnet.sym.Symbol"]]),
    ],
)  # fmt: skip
def test_names_are_followed_through_imports(source, used, lacks):
    import json

    run = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(source)], capture_output=True, text=True, check=True
    )
    assert json.loads(run.stdout) == [used, lacks]


def test_source_that_is_not_python_3_is_one_lack():
    assert lacks_of(b"x = (") == ([], [Lack(1, "", "is not Python 3: '(' was never closed")])
