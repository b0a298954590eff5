"""The programs of docs/insight.md on diagnosis run, and print what stands below them."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "insight.md"
BLOCKS = r"```python\n(.*?)```\n\n```text\n(.*?)```"


def masked(text):
    """Leave out what the last bits of floats decide: digits, bars, and the room that they take."""
    return re.sub(
        r"[─\s]+", " ", re.sub(r"[▁▂▃▄▅▆▇█]+", "|", re.sub(r"[-+]?[\d.]+(e-?\d+)?", "#", text))
    )


def test_programs_on_diagnosis_print_what_the_page_says():
    text = PAGE.read_text(encoding="utf8")
    part = text[text.index("## Diagnosis") : text.index("## Notebooks")]
    space = {}
    found = re.findall(BLOCKS, part, re.DOTALL)

    assert len(found) == 3
    for program, printed in found:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(program, space)  # noqa: S102 - the page is ours
        assert masked(out.getvalue()) == masked(printed)
        assert max(map(len, out.getvalue().splitlines())) <= 80
