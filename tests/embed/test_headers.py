"""The public headers stand alone, as C++17, without a warning, and every public entity is documented."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET

import pytest
from projects import ROOT, WARNINGS, glueball_option, run

INCLUDE = glueball_option("--include")
HEADERS = sorted(path.name for path in (INCLUDE / "glueball").iterdir())


def test_the_wheel_carries_every_header():
    assert sorted(path.name for path in (ROOT / "cpp/include/glueball").iterdir()) == HEADERS


def test_glueball_h_includes_every_header():
    text = (INCLUDE / "glueball/glueball.h").read_text(encoding="utf8")

    assert [
        name
        for name in HEADERS
        if name != "glueball.h" and f'#include "glueball/{name}"' not in text
    ] == []


def test_each_header_compiles_alone_without_a_warning(compiler, tmp_path):
    sources = []
    for name in HEADERS:
        source = tmp_path / f"{name.removesuffix('.h')}.cpp"
        # Twice: a header guards against that.
        source.write_text(f"#include <glueball/{name}>\n#include <glueball/{name}>\n")
        sources.append(source)

    run(compiler, "-std=c++17", "-fsyntax-only", *WARNINGS.split(), f"-I{INCLUDE}", *sources)


def test_warnings_would_be_found_in_a_header(compiler, tmp_path):
    header = tmp_path / "glueball" / "careless.h"
    header.parent.mkdir()
    header.write_text("inline int narrowed(long value) { return value; }\n")
    source = tmp_path / "careless.cpp"
    source.write_text("#include <glueball/careless.h>\n")

    printed = run(compiler, "-std=c++17", "-fsyntax-only", *WARNINGS.split(), f"-I{tmp_path}", source,
                  fails=True)  # fmt: skip

    assert "conversion" in printed


def test_the_headers_include_neither_eigen_nor_python(tmp_path):
    source = tmp_path / "all.cpp"
    source.write_text("#include <glueball/glueball.h>\n")

    files = run("g++", "-std=c++17", "-M", f"-I{INCLUDE}", source).split()

    assert any(file.endswith("glueball/tensor.h") for file in files)
    assert [file for file in files if "eigen" in file.lower() or "python.h" in file.lower()
            or "pybind11" in file] == []  # fmt: skip


def doxygen(headers, folder):
    """Run doxygen as docs/Doxyfile says, but on `headers`; return its warnings and its XML."""
    settings = (ROOT / "docs/Doxyfile").read_text(encoding="utf8")
    settings += f"""
INPUT = {headers}
STRIP_FROM_PATH = {headers.parent}
OUTPUT_DIRECTORY = {folder}
GENERATE_HTML = NO
GENERATE_XML = YES
XML_PROGRAMLISTING = NO
WARN_AS_ERROR = NO
"""
    warnings = run("doxygen", "-", cwd=ROOT, input=settings)
    return warnings, [ET.parse(path).getroot() for path in sorted((folder / "xml").glob("*.xml"))]


def undocumented(trees):
    """List the public entities, and enumerators, that have no comment of their own or of their base's."""
    return {
        entity.findtext("compoundname") or entity.findtext("name")
        for tree in trees
        for compound in tree.findall("compounddef")
        if compound.get("prot") != "private" and compound.get("kind") != "dir"
        for entity in compound.iter()
        if entity.tag in ("compounddef", "memberdef", "enumvalue")
        and entity.get("prot") == "public"
        and entity.find("reimplements") is None
        and not speaks_for_itself(entity)
        and not any(
            "".join(text.itertext()).strip()
            for kind in ("brief", "detailed")
            for text in entity.findall(f"{kind}description")
        )
    }


def speaks_for_itself(entity):
    """Tell destructors, and what the compiler writes or refuses: the language says what they do."""
    written = entity.findtext("argsstring", "").replace(" ", "")
    return entity.findtext("name", "").startswith("~") or written.endswith(("=default", "=delete"))


def test_every_public_entity_is_documented(tmp_path):
    warnings, trees = doxygen(ROOT / "cpp/include/glueball", tmp_path)

    assert warnings == ""
    assert undocumented(trees) == set()
    # What is checked is there: a class, a member, an enumerator, a macro.
    names = {entity.text for tree in trees for entity in tree.iter("name")}
    assert {"data", "truncated_normal", "GLUEBALL_VERSION"} <= names


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("class GLUEBALL_API Bare {};", "glueball::Bare"),
        ("/// C.\nclass GLUEBALL_API C { public: int bare() const; };", "bare"),
        ("/// E.\nenum class E { /** a */ with, bare };", "bare"),
        ("GLUEBALL_API int bare(int x);", "bare"),
        ("/// S.\nstruct S { int bare = 0; };", "bare"),
        ("using bare = int;", "bare"),
        ("}\n#define bare 1\nnamespace glueball {", "bare"),
    ],
)
def test_a_missing_comment_would_be_found(code, name, tmp_path):
    headers = tmp_path / "glueball"
    headers.mkdir()
    shutil.copy(ROOT / "cpp/include/glueball/export.h", headers)
    (headers / "new.h").write_text(
        f"/// @file\n/// New.\n/// Names.\nnamespace glueball {{\n{code}\n}}\n"
    )

    _, trees = doxygen(headers, tmp_path / "out")

    assert name in undocumented(trees)


def test_no_class_has_a_destructor_that_throws(compiler, tmp_path):
    _, trees = doxygen(ROOT / "cpp/include/glueball", tmp_path)
    classes = [
        entity.findtext("compoundname")
        for tree in trees
        for entity in tree.iter("compounddef")
        if entity.get("kind") in ("class", "struct") and entity.get("prot") == "public"
    ]
    source = tmp_path / "destructors.cpp"
    source.write_text(
        "#include <glueball/glueball.h>\n#include <type_traits>\n"
        + "".join(
            f'static_assert(std::is_nothrow_destructible_v<{name}>, "{name}");\n'
            for name in classes
            if name != "glueball::Buffer"  # whose destructor is private: release() calls it
        )
    )

    assert "glueball::Parameter" in classes
    run(compiler, "-std=c++17", "-fsyntax-only", f"-I{INCLUDE}", source)
