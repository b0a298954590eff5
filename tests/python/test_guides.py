"""Every path, symbol, option and command that a guide or a public header names exists."""

from __future__ import annotations

import builtins
import json
import re
from pathlib import Path

import pytest

import glueball.base

ROOT = Path(__file__).parents[2]
GUIDES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "bench").rglob("*.md"),
        *(ROOT / "third_party").glob("*.md"),
    ]
)
HEADERS = sorted((ROOT / "cpp/include/glueball").rglob("*.h"))
CHANGELOG = ROOT / "CHANGELOG.md"  # names what earlier versions had

FOLDERS = (
    *("bench", "cmake", "cpp", "docs", "examples", "python", "scripts", "tests", "third_party"),
    ".ci",
)
FILES = {
    path.relative_to(ROOT).as_posix()
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and "third_party/eigen/" not in path.as_posix()
} | {path.name for path in ROOT.iterdir() if path.is_file()}
PLACES = FILES | {parent.as_posix() for file in FILES for parent in Path(file).parents}
SOURCE_ENDINGS = r"(?:py|pyi|cpp|h|md|toml|cmake|in)"


def words_of_code(text):
    """Yield what stands between backticks, and the lines of fenced blocks."""
    fences = re.findall(r"^ *```.*?\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    yield from (line.strip() for fence in fences for line in fence.splitlines())
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    yield from re.findall(r"`([^`\n]+)`", prose)


def stems_of(path):
    """Fill in `<stem>` and `<room>`, which stand for any one of them."""
    return re.sub(r"<\w+>", "*", path)


def exists(path):
    """Tell whether a file or folder is called so, from the root or from a folder below it."""
    pattern = re.compile(
        rf"(?:.*/)?{re.escape(stems_of(path).strip('/')).replace(re.escape('*'), '[^/]*')}"
    )
    return any(pattern.fullmatch(place) for place in PLACES)


def paths_in(text):
    """Yield what reads as a path into this repository."""
    for code in words_of_code(text):
        for word in code.split():
            path = word.split("::")[0].strip("()[],;:'\"")
            first = path.removeprefix("./").split("/")[0]
            if re.fullmatch(rf"[\w./<>*-]*\w\.{SOURCE_ENDINGS}", path) or (
                "/" in path and first in FOLDERS and re.fullmatch(r"[\w./<>*-]+", path)
            ):
                yield path
    for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in link:
            yield link.removeprefix("../")


# What a reader makes, or a build.
OTHERS = {"program.cpp", "third_party/eigen"}


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_guide_names_only_files_that_exist(guide):
    if guide == CHANGELOG:
        return
    named = set(paths_in(guide.read_text(encoding="utf8"))) - OTHERS

    assert sorted(path for path in named if not exists(path)) == []


@pytest.mark.parametrize("header", HEADERS, ids=lambda path: path.name)
def test_a_header_names_only_files_that_exist(header):
    comments = "\n".join(re.findall(r"//.*", header.read_text(encoding="utf8")))
    named = re.findall(rf"[\w/-]+\.{SOURCE_ENDINGS}\b", comments)

    assert sorted(path for path in set(named) if not exists(path)) == []


def test_modules_and_scripts_that_commands_name_exist():
    commands = [
        code
        for guide in GUIDES
        if guide != CHANGELOG
        for code in words_of_code(guide.read_text(encoding="utf8"))
    ]
    modules = {name for code in commands for name in re.findall(r"python -m (bench[.\w]*)", code)}
    presets = {name for code in commands for name in re.findall(r"--preset[ =](\w+)", code)}
    known = {
        preset["name"]
        for preset in json.loads((ROOT / "CMakePresets.json").read_text())["configurePresets"]
    }

    assert "bench" in modules
    assert [name for name in modules if not exists(name.replace(".", "/") + ".py") and
            not exists(name.replace(".", "/") + "/__main__.py")] == []  # fmt: skip
    assert presets
    assert presets <= known


def test_options_and_variables_that_guides_name_are_read_somewhere():
    text = "\n".join(guide.read_text(encoding="utf8") for guide in GUIDES if guide != CHANGELOG)
    sources = "\n".join(
        (ROOT / file).read_text(encoding="utf8", errors="ignore")
        for file in FILES
        if file.endswith((".cpp", ".h", ".cmake", ".txt", ".py", ".in")) or file.startswith(("scripts/", ".ci/"))
    )  # fmt: skip
    named = set(re.findall(r"\bGLUEBALL_\w*[A-Z]\b", text))

    assert "GLUEBALL_ISA" in named
    assert sorted(name for name in named if not re.search(rf"\b{name}\b", sources)) == []


def test_errors_that_headers_promise_exist():
    declared = set(
        re.findall(
            r"\b(?:class|struct) GLUEBALL_API (\w+)", "\n".join(map(Path.read_text, HEADERS))
        )
    )
    comments = "\n".join(
        line for header in HEADERS for line in re.findall(r"///?.*", header.read_text())
    )
    promised = set(re.findall(r"(?<![\w:])([A-Z]\w*Error)\b", comments))

    assert "ShapeError" in promised
    assert promised - declared == set()


def test_errors_that_guides_name_exist():
    known = {name for name in dir(glueball.base) if name.endswith("Error")}
    known |= {name for name in dir(builtins) if name.endswith("Error")}
    known |= set(
        re.findall(
            r"\b(?:class|struct) GLUEBALL_API (\w+Error)", "\n".join(map(Path.read_text, HEADERS))
        )
    )
    missing = {
        (guide.name, name)
        for guide in GUIDES
        if guide != CHANGELOG
        for name in re.findall(r"`(?:\w+[.:]+)*([A-Z]\w*Error)`", guide.read_text(encoding="utf8"))
        if name not in known
    }

    assert missing == set()


def test_members_that_guides_name_in_cpp_words_exist():
    headers = "\n".join(path.read_text() for path in (ROOT / "cpp").rglob("*.h"))
    missing = {
        (guide.name, f"{owner}::{member}")
        for guide in GUIDES
        if guide != CHANGELOG
        for owner, member in re.findall(
            r"`(?:glueball::)?([A-Z]\w+)::(\w+)", guide.read_text(encoding="utf8")
        )
        if not re.search(rf"\b{owner}\b", headers) or not re.search(rf"\b{member}\b", headers)
    }

    assert missing == set()


def test_what_does_not_exist_would_be_found():
    assert list(paths_in("see `cpp/src/nowhere.cpp`, [this](docs/nothing.md)\n")) == [
        "cpp/src/nowhere.cpp",
        "docs/nothing.md",
    ]
    assert not exists("cpp/src/nowhere.cpp")
    assert exists("cpp/src/nn/<stem>.cpp")
    assert exists("test_guides.py")
