"""Lead from a class in an annotation, named by where it is defined, to its public name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, shown: nodes.TextElement
) -> nodes.reference | None:
    target = node.get("reftarget", "")
    parts = target.split(".")
    public = ".".join(part for part in parts if not part.startswith("_"))
    if node.get("refdomain") != "py" or parts[0] != "modis" or public == target:
        return None
    # a method named by its mixin has no public name; nor has what no page shows
    if public not in env.domains.python_domain.objects:
        return None
    where = node["refdoc"]
    link = env.domains.python_domain.resolve_xref(
        env, where, app.builder, node["reftype"], public, node, shown
    )
    if link is not None:
        link["reftitle"] = public
    return link


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True}
