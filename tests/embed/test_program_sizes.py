"""What a program pays for glueball is what docs/cpp.md says."""

from __future__ import annotations

import re
import sys

from projects import ROOT, run


def test_the_programs_have_the_sizes_that_the_guide_states():
    guide = (ROOT / "docs/cpp.md").read_text(encoding="utf8")
    printed = run(sys.executable, "-P", ROOT / "scripts/program_sizes.py", cwd=sys.prefix)

    sizes = dict(re.findall(r"^(\w+): (\d\.\d+) MB$", printed, re.MULTILINE))
    assert set(sizes) == {"control_loop", "custom_initializer", "serve", "train"}
    for name, size in sizes.items():
        stated = re.search(rf"\| `{name}` \| (\d\.\d+) \|", guide)
        assert stated is not None
        # The document rounds, and compilers differ.
        assert float(size) < 1.1 * float(stated[1])
