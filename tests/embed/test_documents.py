"""The C++ programs that README.md and docs/cpp.md show compile, and run, as they stand there."""

from __future__ import annotations

import re

import pytest
from projects import FOLDER, ROOT, glueball_option, run

# What the programs leave to the reader.
AROUND = """
Tensor images({64, 784});
Tensor inputs({64, 784});
std::vector<std::int64_t> labels(64, 3);
const std::int64_t batch_size = 64;
Generator generator(1);
"""
NET = """
Sequential net;
net.add<Dense>("dense0", 10);
net.initialize();
"""


def programs(document):
    return re.findall(r"```cpp\n(.*?)```", (ROOT / document).read_text(encoding="utf8"), re.DOTALL)


@pytest.mark.parametrize("document", ["README.md", "docs/cpp.md"])
def test_a_documents_program_runs(document, tmp_path):
    (shown,) = programs(document)
    body = shown.replace("#include <glueball/glueball.h>\n\nusing namespace glueball;\n", "")
    body = body.replace("for (...)", "for (int step = 0; step < 2; ++step)")
    net = "" if "Sequential net" in body else NET
    source = tmp_path / "shown.cpp"
    source.write_text(
        "#include <glueball/glueball.h>\n#include <cstdint>\n#include <memory>\n#include <vector>\n"
        f"using namespace glueball;\nint main() {{\n{AROUND}{net}{body}\n}}\n"
    )

    run("g++", "-std=c++17", source, f"-I{glueball_option('--include')}", glueball_option("--lib"),
        "-fopenmp", "-o", tmp_path / "shown")  # fmt: skip
    run(tmp_path / "shown")


def test_the_documents_show_the_projects_that_are_built():
    shown = (ROOT / "docs/cpp.md").read_text(encoding="utf8")

    for project in ("find_package", "add_subdirectory"):
        lists = (FOLDER / project / "CMakeLists.txt").read_text(encoding="utf8")
        line = next(line for line in lists.splitlines() if line.startswith(project))
        assert line in shown
