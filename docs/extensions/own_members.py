"""Show of a class what this package wrote: its methods and properties, its mixins' too.

What comes unchanged from scvi-tools and PyTorch is documented there, and would fill a page each.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def skip(app: Sphinx, what: str, name: str, obj: Any, skipped: bool, options: Any) -> bool | None:
    if what not in {"attribute", "method", "property"}:  # autosummary names what the member is
        return None
    if isinstance(obj, property):
        obj = obj.fget
    written_here = (getattr(obj, "__module__", None) or "").startswith("modis.")
    if name.startswith("_") or not (inspect.isroutine(obj) and written_here):
        return True
    return None


def setup(app: Sphinx) -> dict[str, bool]:
    app.setup_extension("sphinx.ext.autodoc")  # which knows the event
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True}
