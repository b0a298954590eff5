"""One page of HTML that needs nothing from elsewhere, and no script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueball._disk import path_of, write_bytes
from glueball.insight._html import STYLE, escape

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

__all__ = ["page", "write_page"]

_PAGE = """
:root{color-scheme:light dark}
body{margin:0 auto;max-width:70rem;padding:1rem 1.2rem 3rem;background:Canvas;color:CanvasText;font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.4rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin-top:1.8rem;border-bottom:1px solid currentColor}
nav a{margin-right:1em}
"""


def page(title: str, sections: Sequence[tuple[str, str]]) -> str:
    """Return a whole page of sections: headings, and bodies of HTML as `snippet` takes them."""
    links = "".join(f'<a href="#s{i}">{escape(name)}</a>' for i, (name, _) in enumerate(sections))
    parts = "".join(
        f'<section id="s{i}"><h2>{escape(name)}</h2><div class="glueball">{body}</div></section>'
        for i, (name, body) in enumerate(sections)
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_PAGE}{STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1><nav>{links}</nav>{parts}</main></body></html>\n"
    )


def write_page(path: str | os.PathLike[str], text: str) -> None:
    """Write a page at once or not at all; an OSError that names it if that is not possible."""
    write_bytes(path_of(path), text.encode())
