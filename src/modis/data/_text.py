from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["name_some"]

_N_NAMED = 5


def name_some(names: Iterable[Any]) -> str:
    """Quote the first names of a list, and say how many more there are."""
    names = [str(name) for name in names]
    more = f" and {len(names) - _N_NAMED} more" if len(names) > _N_NAMED else ""
    return ", ".join(f"'{name}'" for name in names[:_N_NAMED]) + more
