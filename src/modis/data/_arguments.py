"""Checks of arguments: numbers of any type, words from a list, names that exist."""

from collections.abc import Callable, Collection, Iterable, Sequence
from difflib import get_close_matches
from numbers import Real
from typing import Any

from ._errors import shortened


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
