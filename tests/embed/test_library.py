"""The static library shows its interface only, and does nothing when a program starts."""

from __future__ import annotations

import re
import shutil

import pytest
from projects import FOLDER, glueball_option, run


@pytest.fixture(scope="module")
def library():
    """Return the library that the wheel carries."""
    return glueball_option("--lib")


@pytest.fixture(scope="module")
def shared(library, tmp_path_factory):
    """All of the library in one shared object."""
    path = tmp_path_factory.mktemp("shared") / "liball.so"
    run("g++", "-shared", "-o", path, "-Wl,--whole-archive", library, "-Wl,--no-whole-archive",
        "-fopenmp", "-Wl,--no-undefined")  # fmt: skip
    return path


def exported(path, *, demangled=True):
    """Return (kind, name) for the symbols that `path` shows: nm's letter, and the name."""
    printed = run("nm", "--dynamic", "--defined-only", *(["--demangle"] if demangled else []), path)
    return [tuple(line.split(" ", 2)[1:]) for line in printed.splitlines()]


def test_links_when_it_is_stripped(library, tmp_path):
    stripped = shutil.copy(library, tmp_path / "libglueball.a")
    run("strip", "--strip-unneeded", stripped)

    run("g++", "-std=c++17", FOLDER / "circle.cpp", f"-I{glueball_option('--include')}", stripped,
        "-fopenmp", "-o", tmp_path / "circle")  # fmt: skip

    run(tmp_path / "circle")


def test_a_shared_object_exports_the_interface_and_nothing_else(shared):
    names = [name for _, name in exported(shared)]

    assert "glueball::Dense::forward" in " ".join(names)
    inside = [name for name in names if re.search(r"Eigen|glueball::kernels|\(anonymous", name)]
    assert inside == []


def test_what_others_could_replace_is_the_interface_or_the_standard_library(shared):
    # Strong symbols are the library's own; weak ones are inline functions and templates. A template's
    # symbol begins with its type.
    interface = (
        r"(\w+ |typeinfo for |typeinfo name for |vtable for |non-virtual thunk to )?glueball::"
    )
    strange = [
        name
        for kind, name in exported(shared)
        if not re.match(interface, name)
        and not (kind in "WVu" and re.search(r"\bstd::|__gnu_cxx", name))
    ]

    assert strange == []


def test_the_interface_that_the_headers_declare_is_exported(shared, tmp_path):
    program = tmp_path / "circle"

    run("g++", "-std=c++17", FOLDER / "circle.cpp", "-o", program, f"-I{glueball_option('--include')}",
        shared, f"-Wl,-rpath,{shared.parent}")  # fmt: skip

    run(program)


def test_an_object_can_keep_the_interface_to_itself(library, tmp_path):
    source = tmp_path / "plugin.cpp"
    source.write_text(
        "#include <glueball/glueball.h>\n"
        'extern "C" __attribute__((visibility("default"))) double plugin(double x) {\n'
        "  glueball::Tensor array({2});\n"
        "  array.fill(x);\n"
        "  return array.data<float>()[1];\n"
        "}\n"
    )
    plugin = tmp_path / "plugin.so"

    run("g++", "-std=c++17", "-shared", "-fPIC", "-fvisibility=hidden", "-DGLUEBALL_HIDE_API", source,
        f"-I{glueball_option('--include')}", library, "-fopenmp", "-Wl,--exclude-libs,libglueball.a",
        "-o", plugin)  # fmt: skip

    names = [name for _, name in exported(plugin)]
    assert "plugin" in names
    assert [name for name in names if "glueball" in name] == []


def test_nothing_runs_when_a_program_is_loaded(library):
    sections = run("readelf", "--section-headers", "--wide", library)

    assert ".text" in sections
    assert re.findall(r"\.(?:preinit_array|init_array|ctors)\S*", sections) == []


def test_the_library_keeps_no_text_of_the_folder_it_was_built_in(library):
    data = library.read_bytes()

    assert str(FOLDER.parent.parent).encode() not in data
