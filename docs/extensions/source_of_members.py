"""Link members to their source wherever it is: functions made methods, and inherited methods.

Sphinx looks for ``MODIS.predict`` in the class. Here the names under which a class offers a
function are added to those of the file that has it.
"""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any

from sphinx.pycode import ModuleAnalyzer

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOMS = ("modis", "modis.module", "modis.train")


def function_of(member: Any) -> Any:
    member = getattr(member, "fget", None) or getattr(member, "__func__", member)
    return inspect.unwrap(member) if callable(member) else member


def find_source(app: Sphinx, modname: str) -> tuple[str, dict[str, Any]] | None:
    if not modname.startswith("modis."):
        return None
    analyzer = ModuleAnalyzer.for_module(modname)
    analyzer.find_tags()
    tags = dict(analyzer.tags)
    for room in map(importlib.import_module, ROOMS):
        for kind in filter(inspect.isclass, (getattr(room, each) for each in room.__all__)):
            for name in dir(kind):
                function = function_of(inspect.getattr_static(kind, name))
                place = tags.get(getattr(function, "__qualname__", ""))
                if place and getattr(function, "__module__", "") == modname:
                    tags.setdefault(f"{kind.__name__}.{name}", place)
    return analyzer.code, tags


def setup(app: Sphinx) -> dict[str, bool]:
    app.setup_extension("sphinx.ext.viewcode")  # which knows the event
    app.connect("viewcode-find-source", find_source)
    return {"parallel_read_safe": True}
