"""Say in words what the figures of notebooks show, for those who do not see them.

A cell may say so in its metadata: ``{"mystnb": {"image": {"alt": "..."}}}``.
Otherwise the section, and the call that drew the figure, are used: without them, the text would be
the name of a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

_LONGEST = 120


def describe(app: Sphinx, doctree: nodes.document) -> None:
    for image in doctree.findall(nodes.image):
        if image.get("alt"):
            continue
        cell = next((part for part in _around(image) if "cell" in part.get("classes", ())), None)
        if cell is None:
            continue
        section = next((part for part in _around(cell) if isinstance(part, nodes.section)), None)
        title = "Figure" if section is None else section.next_node(nodes.title).astext()
        image["alt"] = f"{title.rstrip('.')}: {_drawn_by(cell)}"


def _around(node: nodes.Node) -> Iterator[nodes.Element]:
    while node.parent is not None:
        node = node.parent
        yield node


def _drawn_by(cell: nodes.Element) -> str:
    """The last call of a cell that draws, or else its last statement, in one line."""
    source = next((part.astext() for part in cell.findall(nodes.literal_block)), "")
    statements: list[str] = []
    for line in source.strip().splitlines():
        # a call may go over several lines, of which the first begins at the margin
        if line[:1] in " \t)]}" and statements:
            statements[-1] += line.strip()
        elif line and not line.startswith("#"):
            statements.append(line.strip())
    drawing = [text for text in statements if "pl." in text] or statements
    if not drawing:
        return "figure of a cell"
    text = drawing[-1].rstrip(";")
    return f"figure drawn by {text if len(text) <= _LONGEST else text[:_LONGEST] + ' ...'}"


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-read", describe)
    return {"parallel_read_safe": True}
