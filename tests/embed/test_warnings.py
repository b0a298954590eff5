"""What a program that embeds the library may compile along with it: sources and tests, without a warning.

g++ compiles all of it with warnings as errors in CI. `built_by_clang` does the same to the library for one
instruction set; what it leaves out is read here without making code of it, which takes a third of the time.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from projects import ROOT, WARNINGS, run

pytestmark = pytest.mark.skipif(
    shutil.which("clang++") is None, reason="needs clang++: apt-get install clang"
)
# -Wsign-conversion is for headers, which reach programs that ask for it.
OF_SOURCES = [flag for flag in WARNINGS.split() if flag != "-Wsign-conversion"]


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    """Return the command that compiles each source of the library and of its tests, by file."""
    folder = tmp_path_factory.mktemp("commands")
    run(
        "cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DCMAKE_CXX_COMPILER=clang++",
        "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", "-DGLUEBALL_ISAS=v4", "-DGLUEBALL_INSTALL=OFF",
        "-DGLUEBALL_TESTS=ON",
    )  # fmt: skip
    found = {}
    for entry in json.loads((folder / "compile_commands.json").read_text(encoding="utf8")):
        words = shlex.split(entry["command"])
        end = words.index("-o")  # followed by the object, -c and the source
        found[Path(entry["file"]).relative_to(ROOT)] = words[:end]
    return found


def read_all(commands):
    """Compile each file of a mapping as far as warnings need it; return what all print."""

    def read(item):
        file, words = item
        return run(*words, *OF_SOURCES, "-fsyntax-only", ROOT / file)

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return "".join(pool.map(read, commands.items()))


def test_clang_builds_the_library_without_a_warning(built_by_clang):
    (flags,) = {
        tuple(sorted(word for word in line.split() if word.startswith("-W")))
        for line in (built_by_clang / "build.ninja").read_text(encoding="utf8").splitlines()
        if line.strip().startswith("FLAGS =")
    }

    assert {"-Wall", "-Wextra", "-Wconversion", "-Werror"} <= set(flags)
    assert not [flag for flag in flags if flag.startswith("-Wno-")]


def test_clang_finds_nothing_in_the_kernels_for_avx512(commands):
    kernels = {
        file: words for file, words in commands.items() if file.is_relative_to("cpp/src/kernels")
    }

    assert len(kernels) == len(list((ROOT / "cpp/src/kernels").glob("*.cpp")))
    assert read_all(kernels) == ""


def test_clang_finds_nothing_in_the_tests(commands):
    tests = {file: words for file, words in commands.items() if file.is_relative_to("tests/cpp")}
    fuzzers = (file.relative_to(ROOT) for file in (ROOT / "tests/fuzz").glob("*.cpp"))
    words = tests[Path("tests/cpp/files/test_io.cpp")]

    assert set(tests) == {file.relative_to(ROOT) for file in (ROOT / "tests/cpp").rglob("*.cpp")}
    assert read_all(tests | dict.fromkeys(fuzzers, words)) == ""


def test_a_warning_would_be_found(commands, tmp_path):
    careless = tmp_path / "careless.cpp"
    careless.write_text("int narrowed(long value);\nint narrowed(long value) { return value; }\n")

    printed = run(
        *commands[Path("tests/cpp/files/test_io.cpp")],
        *OF_SOURCES,
        "-fsyntax-only",
        careless,
        fails=True,
    )

    assert "-Wshorten-64-to-32" in printed
