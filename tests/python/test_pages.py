"""The Python code of every guide runs, in order, and prints what stands below it.

A block of ```python is run after those before it on its page; a block of ```text that follows it is its output, where
`...` stands for anything, numbers may differ in their last digit (instruction sets do) and bars by a step. A line
`<!-- not run: reason -->` before a block leaves it out.
"""

from __future__ import annotations

import contextlib
import doctest
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# docs/coming-from.md has a test of its own, which looks at what each cell changes too.
PAGES = sorted(
    page
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    if page.exists() and page.name != "coming-from.md" and "```python" in page.read_text()
)
FENCED = re.compile(
    r"(?P<left_out><!-- not run: [^\n]+-->\n+)?^```python\n(?P<code>.*?)^```\n(?:\n*^```text\n(?P<output>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d*)?(?:e[-+]?\d+)?")
BARS = "▁▂▃▄▅▆▇█"


def blocks(text: str) -> list[tuple[int, str, str | None]]:
    """Return line, code and expected output of each block that is to be run."""
    return [
        (text.count("\n", 0, found.start("code")), found["code"], found["output"])
        for found in FENCED.finditer(text)
        if not found["left_out"]
    ]


def last_digit(number: str) -> float:
    """Return what one step of the last digit shown is worth: 0 for an integer, 0.01 for 3.14, 1e-5 for 2.3e-4."""
    digits, _, exponent = number.partition("e")
    if "." not in digits and not exponent:
        return 0.0
    return 10.0 ** (int(exponent or 0) - len(digits.partition(".")[2]))


def alike(expected: str, printed: str) -> str:
    """Return what was printed, with the expected text's numbers and bars where they differ by a step."""
    wanted = iter(NUMBER.findall(expected))

    def number(found: re.Match[str]) -> str:
        here, there = found[0], next(wanted, found[0])
        apart = abs(float(here.replace(",", "")) - float(there.replace(",", "")))
        return there if apart <= 1.5 * last_digit(there) else here

    printed = NUMBER.sub(number, printed)
    bars = iter([each for each in expected if each in BARS])

    def bar(found: re.Match[str]) -> str:
        there = next(bars, found[0])
        return there if abs(BARS.index(there) - BARS.index(found[0])) <= 1 else found[0]

    printed = re.sub(f"[{BARS}]", bar, printed)
    return re.sub("─+", "─", printed)  # lines are as long as what they part


# A process for each page: glueball.install_as_mxnet() and defaults hold for a process. The lines of a traceback are
# the page's.
PROGRAM = """
import contextlib, io, json, sys
import glueball

page, blocks = json.load(sys.stdin)
glueball.random.seed(0)
namespace, printed = {"__name__": "__main__"}, []
for line, code in blocks:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile("\\n" * line + code, page, "exec"), namespace)
    printed.append(out.getvalue())
json.dump(printed, sys.stdout)
"""


def run(page: str, text: str, folder: Path) -> None:
    """Run the blocks of a page in a folder; the test fails with the line that raises, or whose output differs."""
    found = blocks(text)
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        input=json.dumps([page, [(line, code) for line, code, _ in found]]),
        capture_output=True, text=True, cwd=folder, check=False,
    )  # fmt: skip
    if process.returncode != 0:
        pytest.fail(process.stderr, pytrace=False)
    for (line, code, expected), printed in zip(found, json.loads(process.stdout), strict=True):
        if expected is None:
            continue
        checker = doctest.OutputChecker()
        wanted, got = re.sub("─+", "─", expected), alike(expected, printed)
        if not checker.check_output(wanted, got, FLAGS):
            difference = checker.output_difference(
                doctest.Example(code, wanted), got, doctest.REPORT_NDIFF
            )
            pytest.fail(f"{page}, line {line + 1}: {difference}", pytrace=False)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_of_a_page_runs_and_prints_what_is_shown(page, tmp_path):
    run(page.name, page.read_text(), tmp_path)


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda page: page.name
)
def test_links_of_a_page_lead_to_files(page):
    links = re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


def test_an_output_that_differs_is_found(tmp_path):
    page = "Text.\n\n```python\nx = 1\nprint(x)\n```\n\n```text\n2\n```\n"
    with pytest.raises(pytest.fail.Exception, match=r"p\.md, line 4"):
        run("p.md", page, tmp_path)
    run("p.md", page.replace("\n2\n", "\n1\n"), tmp_path)
    run("p.md", page.replace("\n2\n", "\n...\n"), tmp_path)
    run("p.md", page.replace("```python", "<!-- not run: an example -->\n```python"), tmp_path)


@pytest.mark.parametrize(
    ("shown", "printed", "is_alike"),
    [
        ("std 0.16", "std 0.17", True),
        ("std 0.16", "std 0.18", False),
        ("1,344 values", "1,345 values", False),
        ("loss 2.31e-04", "loss 2.32e-04", True),
        ("loss 2.31e-04", "loss 2.31e-03", False),
        ("▁▂█", "▂▂▇", True),
        ("▁▂█", "▁▄█", False),
        ("a ─── b", "a ───── b", True),
        ("yes", "no", False),
    ],
)
def test_numbers_may_differ_in_their_last_digit_and_bars_by_a_step(
    shown, printed, is_alike, tmp_path
):
    page = f"```python\nprint({printed!r})\n```\n\n```text\n{shown}\n```\n"
    with contextlib.nullcontext() if is_alike else pytest.raises(pytest.fail.Exception):
        run("p.md", page, tmp_path)


def test_code_that_raises_names_its_line_of_the_page(tmp_path):
    with pytest.raises(pytest.fail.Exception, match=r'(?s)File "p\.md", line 5.*ZeroDivisionError'):
        run("p.md", "Text.\n\n```python\nx = 0\n1 / x\n```\n", tmp_path)
