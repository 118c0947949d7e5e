"""Describe a constant by the comment above it, in the module that it was imported from.

Autodoc looks for the comment only where a public name is offered, and otherwise shows the
docstring of `dict`.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

from sphinx.pycode import ModuleAnalyzer

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def comment_of(full_name: str) -> list[str]:
    room, _, name = full_name.rpartition(".")
    package = importlib.import_module(room)
    for module in pkgutil.iter_modules(package.__path__, prefix=f"{room}."):
        found = ModuleAnalyzer.for_module(module.name).find_attr_docs()
        if ("", name) in found:
            return found["", name]
    return []


def describe(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    if what == "data":
        lines[:] = comment_of(name)


def setup(app: Sphinx) -> dict[str, bool]:
    app.setup_extension("sphinx.ext.autodoc")  # which knows the event
    app.connect("autodoc-process-docstring", describe)
    return {"parallel_read_safe": True}
