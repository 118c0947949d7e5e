from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["by_modality"]


def by_modality(
    given: Sequence[str], modalities: Sequence[str], option: str
) -> dict[str, str | None]:
    """Read ``name`` and ``modality=name`` into a value per modality.

    Raises
    ------
    ValueError
        If a modality is unknown or a value is given twice.
    """
    common: str | None = None
    own: dict[str, str | None] = {}
    seen = set()
    for text in given:
        modality, equals, name = text.partition("=")
        if not equals:
            modality, name = "", text
        if not name:
            raise ValueError(f"{option} {text!r} names no value; write modality=name.")
        if modality and modality not in modalities:
            raise ValueError(
                f"{option} {text!r} names the modality {modality!r}, which is not used; "
                f"there are {', '.join(modalities)}."
            )
        if modality in seen:
            whom = f"for {modality!r}" if modality else "for all modalities"
            raise ValueError(f"{option} is given twice {whom}.")
        seen.add(modality)
        if modality:
            own[modality] = name
        else:
            common = name
    return {modality: own.get(modality, common) for modality in modalities}
