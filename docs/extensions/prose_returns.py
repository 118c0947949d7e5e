"""Read a `Returns` section that is plain prose as one paragraph.

The types are in the annotations, so most sections hold a sentence and no type. Napoleon takes
each line of it for the type of one more returned value. A sentence that names the type ("AnnData
with ...") needs no second line that says the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.ext.napoleon import NumpyDocstring

if TYPE_CHECKING:
    from sphinx.application import Sphinx

consume_typed = NumpyDocstring._consume_returns_section


def consume(
    docstring: NumpyDocstring, preprocess_types: bool = False
) -> list[tuple[str, str, list[str]]]:
    lines = docstring._consume_to_next_section()
    text = docstring._dedent(lines)
    if len(text) > 1 and text[1].startswith(" "):  # a type, and below it what it is
        docstring._lines.extendleft(reversed(lines))
        return consume_typed(docstring, preprocess_types)
    return [("", "", text)]


# what a sentence calls a type, where it is not its name
SAID = {"ndarray": "array|axes", "bool": "whether", "list": "lists|names|jobs|rows|tidy"}
SAID |= {"float": "number|mean", "MuData": "copy|modalities|obs"}


def drop_said_type(app: Sphinx, domain: str, objtype: str, content: nodes.Element) -> None:
    for fields in content.findall(nodes.field_list):
        by_name = {field[0].astext(): field for field in fields}
        if not {"returns", "rtype"} <= set(by_name):
            continue
        said = by_name["returns"][1].astext()
        kind = re.split(r"[\[| ]", by_name["rtype"][1].astext())[0].rpartition(".")[2]
        fields.remove(by_name["rtype"])
        if not re.search(rf"\b({SAID.get(kind, kind)})\b", said, re.IGNORECASE):
            fields.insert(fields.index(by_name["returns"]) + 1, by_name["rtype"])


# what Sphinx does not shorten by itself
LONG = re.compile(
    r"TypeAliasForwardRef\('(\w+)'\)"
    r"|~?\b(?:collections\.abc|typing|pandas\.core\.frame|modis\.\w+\._\w+)\."
)


def shorten_types(app: Sphinx, domain: str, objtype: str, content: nodes.Element) -> None:
    for field in content.findall(nodes.field):
        if field[0].astext().startswith(("type ", "rtype")):
            for text in list(field[1].findall(nodes.Text)):
                short = LONG.sub(lambda found: found[1] or "", text)
                text.parent.replace(text, nodes.Text(short))


def shorten_defaults(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str, returned: str
) -> tuple[str, str] | None:
    # Sphinx reads no signature with the name that a dataclass gives to what it makes anew
    return (signature.replace("<factory>", "..."), returned) if signature else None


def setup(app: Sphinx) -> dict[str, bool]:
    app.setup_extension("sphinx.ext.autodoc")  # which knows the event
    NumpyDocstring._consume_returns_section = consume
    app.connect("autodoc-process-signature", shorten_defaults)
    app.connect("object-description-transform", drop_said_type, priority=900)
    app.connect("object-description-transform", shorten_types, priority=901)
    return {"parallel_read_safe": True}
