from collections.abc import Iterable
from typing import Any

_N_NAMED, _LONGEST = 5, 60
#: Longer names make no figure and no table that can be read.
_LONGEST_NAME = 100


class NotInDataError(KeyError):
    """A modality, column or layer that the data, or the model, do not have."""

    def __str__(self) -> str:
        """Show the message as it is; a plain KeyError would escape its quotes."""
        return str(self.args[0]) if self.args else ""


def name_some(names: Iterable[Any]) -> str:
    """Quote the first names of a list, and say how many more there are."""
    names = [shortened(name) for name in names]
    more = f" and {len(names) - _N_NAMED} more" if len(names) > _N_NAMED else ""
    return ", ".join(f"'{name}'" for name in names[:_N_NAMED]) + more


def shortened(name: Any) -> str:
    """A name as it can be shown: cut off, and without commands for a terminal."""
    text = "".join(x if x.isprintable() else "?" for x in str(name))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"


def can_be_shown(name: str) -> bool:
    """Whether a name fits in a table and a figure."""
    return 0 < len(name) <= _LONGEST_NAME and name.isprintable()
