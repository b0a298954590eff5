"""What is written into the installed object in place of relocations, on objects made for it."""

from __future__ import annotations

import platform
import re

import pytest
from projects import ROOT, run

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="other machines' objects are installed as they are"
)

# Calls of functions above and below, constants, a table of addresses, and a function that another
# object defines too.
SOURCE = r"""
#include <cstdio>
static int after(int x);
[[gnu::noinline]] static int before(int x) { return x > 0 ? after(x - 1) + 1 : 5; }
[[gnu::noinline]] static int after(int x) { return x > 0 ? before(x - 1) + 10 : 7; }
static int (*const table[])(int) = {before, after};
[[gnu::weak, gnu::noinline]] int replaced() { return 1; }
extern "C" int strong(int i) { return table[i](3); }
int main(int count, char**) {
  std::printf("%d %d %d %s\n", strong(count - 1), before(4), replaced(), count > 1 ? "more" : "one");
  return 0;
}
"""


@pytest.fixture(scope="module")
def settle(tmp_path_factory):
    """The tool, compiled."""
    program = tmp_path_factory.mktemp("tool") / "settle_relocations"
    run("g++", "-std=c++20", ROOT / "cmake/settle_relocations.cpp", "-o", program)
    return program


@pytest.fixture
def settled(settle, tmp_path):
    """An object, linked by the installed one's script and settled."""
    (tmp_path / "part.cpp").write_text(SOURCE)
    run("g++", "-std=c++17", "-O1", "-fPIC", "-c", tmp_path / "part.cpp", "-o", tmp_path / "part.o")
    whole = tmp_path / "whole.o"
    run("ld", "-r", "-T", ROOT / "cmake/one_object.ld", "-o", whole, tmp_path / "part.o")
    run(settle, whole)
    run("objcopy", whole)
    return whole


def relocations(path, section):
    """Return what the relocations of a section name."""
    printed = run("readelf", "--relocs", "--wide", path)
    part = printed.partition(f"'.rela{section}'")[2].partition("\nRelocation section")[0]
    return re.findall(r"R_X86_64_\w+\s+[0-9a-f]+ (\S+)", part)


def test_a_settled_object_computes_what_it_did(settled, tmp_path):
    other = tmp_path / "other.cpp"
    other.write_text("int replaced() { return 2; }\n")

    run("g++", settled, other, "-o", tmp_path / "program")

    # strong(0) = before(3) = 1 + 10 + 1 + after(0); before(4) = 1 + 10 + 1 + 10 + before(0).
    assert run(tmp_path / "program") == "19 27 2 one\n"


def test_only_what_others_define_or_may_replace_is_left_to_the_linker(settled):
    # The table lies in another section, at a distance that the linker chooses.
    assert set(relocations(settled, ".text")) == {"printf", "_Z8replacedv", ".data.rel.ro"}


def test_tables_name_the_section_of_what_they_point_to(settled):
    assert set(relocations(settled, ".data.rel.ro")) == {".text"}


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda data: b"no object", "cut off"),
        (lambda data: data[:-8], "cut off"),
        (lambda data: data[:16] + b"\x03" + data[17:], "a relocatable object"),
    ],
    ids=["short", "truncated", "shared"],
)
def test_refuses_what_it_cannot_settle_and_leaves_it(settle, settled, damage, fault):
    damaged = damage(settled.read_bytes())
    settled.write_bytes(damaged)

    assert fault in run(settle, settled, fails=True)
    assert settled.read_bytes() == damaged
