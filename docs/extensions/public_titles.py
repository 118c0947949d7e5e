"""Name a class by its public name where a link tells it on hover.

Sphinx knows a class also by where it is defined, and links annotations by that name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def rename(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    for link in doctree.findall(nodes.reference):
        title = link.get("reftitle") or ""
        if title.startswith("modis."):
            link["reftitle"] = re.sub(r"\._\w+", "", title)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-resolved", rename)
    return {"parallel_read_safe": True}
