"""Arguments that cannot be used, names that do not exist, and how an error shows them."""

from collections.abc import Callable, Collection, Iterable, Sequence
from difflib import get_close_matches
from numbers import Real
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


def number(name: str, value: Any, fits: Callable[[float], bool], says: str) -> float:
    """A number, NumPy's too, for which `fits` holds; a ValueError `says` what it must be."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not fits(float(value)):
        and_so = "" if is_number else ", and a number"
        raise ValueError(f"{name}={shortened(repr(value))} must be {says}{and_so}.")
    return float(value)


def whole(name: str, value: Any, least: int = 1) -> int:
    """A whole number, such as 3, 3.0 or NumPy's; others are a ValueError."""
    says = f"at least {least}, and whole"
    return int(number(name, value, lambda x: x >= least and x.is_integer(), says))


def choice(name: str, value: Any, choices: Collection[Any]) -> None:
    """Refuse a value that is none of the choices, with a ValueError."""
    if value not in choices:
        raise ValueError(f"{name}={shortened(repr(value))} is not known; choose one of {choices}.")


def check_arguments(what: str, names: Iterable[str], known: Sequence[str]) -> None:
    """Refuse arguments that are not known, with a TypeError."""
    for name in names:
        if name not in known:
            raise TypeError(
                f"{what} has no argument {name!r}. Did you mean "
                f"{get_close_matches(name, known, 1, 0)[0]!r}? It has {list(known)}."
            )
