"""Looks at pages in headless Chromium, where it is installed (the extra ``test-web`` has what pip can bring)."""

import html
import json
import re
import shutil
import subprocess

import pytest

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium: apt-get install chromium"
)
THEMES = {"light": [], "dark": ["--force-dark-mode"]}


def run(path, *arguments):
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        f"--user-data-dir={path.parent / 'profile'}", *arguments, path.as_uri(),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout.decode()


def page_of(snippets, script=""):
    """A page with snippets as a notebook shows them, and a script that leaves its result."""
    measured = (
        f"<script>document.body.dataset.result = JSON.stringify((() => {{{script}}})())</script>"
    )
    return (
        "<!doctype html><meta charset='utf8'><meta name='viewport' content='width=device-width'>"
        "<style>:root{color-scheme:light dark}body{background:Canvas;color:CanvasText}</style>"
        f"<body>{'<hr>'.join(snippets)}{measured if script else ''}"
    )


def ask(folder, page, *arguments):
    """Return what the script of a page left."""
    path = folder / "page.html"
    path.write_text(page, encoding="utf8")
    found = re.search(r'data-result="([^"]*)"', run(path, "--dump-dom", *arguments))
    return json.loads(html.unescape(found[1]))


def picture(folder, name, page, theme="light", size=(900, 1400)):
    """Keep a PNG of a page in a folder, and return the image as an array."""
    import numpy as onp
    from PIL import Image

    path, kept = folder / f"{name}.html", folder / f"{name}-{theme}-{size[0]}.png"
    path.write_text(page, encoding="utf8")
    run(path, f"--screenshot={kept}", f"--window-size={size[0]},{size[1]}", *THEMES[theme])
    return onp.asarray(Image.open(kept).convert("RGB"))
