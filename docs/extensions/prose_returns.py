"""Read a `Returns` section that is plain prose as one paragraph.

The types stand in the annotations, so most sections hold a sentence and no type. Napoleon takes
each line of it for the type of one more returned value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sphinx.ext.napoleon import NumpyDocstring

if TYPE_CHECKING:
    from sphinx.application import Sphinx

consume_typed = NumpyDocstring._consume_returns_section


def consume(
    docstring: NumpyDocstring, preprocess_types: bool = False
) -> list[tuple[str, str, list[str]]]:
    lines = docstring._consume_to_next_section()
    text = docstring._dedent(lines)
    if any(line.startswith(" ") for line in text):
        docstring._lines.extendleft(reversed(lines))
        return consume_typed(docstring, preprocess_types)
    return [("", "", text)]


def setup(app: Sphinx) -> dict[str, bool]:
    NumpyDocstring._consume_returns_section = consume
    return {"parallel_read_safe": True}
