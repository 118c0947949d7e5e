from collections.abc import Iterable
from typing import Any

_N_NAMED = 5


class NotInDataError(KeyError):
    """A modality, column or layer that the data, or the model, do not have."""

    def __str__(self) -> str:
        """Show the message as it is; a plain KeyError would escape its quotes."""
        return str(self.args[0]) if self.args else ""


def name_some(names: Iterable[Any]) -> str:
    """Quote the first names of a list, and say how many more there are."""
    names = [str(name) for name in names]
    more = f" and {len(names) - _N_NAMED} more" if len(names) > _N_NAMED else ""
    return ", ".join(f"'{name}'" for name in names[:_N_NAMED]) + more
