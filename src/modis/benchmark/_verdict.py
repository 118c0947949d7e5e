from __future__ import annotations

from typing import TYPE_CHECKING

from ._methods import METHODS
from ._names import ALL, AVERAGE, COMBINED, SEVERAL

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["judge"]

_METRIC = "balanced_accuracy"
# shown with three digits
_LEAST = 0.0005


def judge(table: pd.DataFrame) -> list[str]:
    """Say in a few sentences whether MODIS is worth it on these data.

    Parameters
    ----------
    table
        As from :func:`~modis.benchmark._table.tabulate`.

    Returns
    -------
    One sentence or two each; none if MODIS was not measured beside another method.
    """
    ahead = table[(table["metric"] == _METRIC) & (table["reference"] != "")]
    everywhere = ahead[ahead["subset"] == ALL]
    said = []
    if len(everywhere):
        single = everywhere[everywhere["modality"] != AVERAGE]
        overall = everywhere[everywhere["modality"] == AVERAGE]
        row = (overall if len(overall) else single).iloc[0]
        where = "on average over the omics" if len(overall) else f"in {row['modality']}"
        said.append(
            f"MODIS is {_distance(row)} {_rivals(single)} {where} {_interval(row)}. "
            f"{_advice(row, single)}"
        )
        if len(single) > 1:
            best, worst = (
                single.loc[how] for how in (single["mean"].idxmax(), single["mean"].idxmin())
            )
            said.append(
                f"By omics it stands best in {best['modality']} ({best['mean']:+.3f}) and worst "
                f"in {worst['modality']} ({worst['mean']:+.3f})."
            )
    together = ahead[(ahead["subset"] == SEVERAL) & (ahead["modality"] == COMBINED)]
    for _, row in together.iterrows():
        said.append(
            f"From all omics that an observation has, MODIS is {_distance(row)} "
            f"{_reference(row['reference'])} {_interval(row)}."
        )
    return said


def _distance(row: pd.Series) -> str:
    """How far above or below."""
    if abs(row["mean"]) < _LEAST:
        return "level with"
    side = "above" if row["mean"] > 0 else "below"
    return f"{abs(row['mean']):.3f} {side}"


def _interval(row: pd.Series) -> str:
    return (
        f"(balanced accuracy; 95 % interval of the difference {row['low']:+.3f} to "
        f"{row['high']:+.3f})"
    )


def _rivals(single: pd.DataFrame) -> str:
    titles = [METHODS[name].title for name in dict.fromkeys(single["reference"])]
    return titles[0] if len(titles) == 1 else f"the better of {' and '.join(titles)}"


def _reference(reference: str) -> str:
    method, _, modality = reference.partition(" ")
    title = METHODS[method].title
    if modality == COMBINED:
        return f"the mean of the omics' predictions by {title}"
    return f"the best single omics ({modality}, {title})"


def _advice(row: pd.Series, single: pd.DataFrame) -> str:
    if row["low"] > 0:
        return "It is worth it here."
    other = "a classifier per omics" if (single["reference"] != "diagvi").all() else "the other"
    if row["high"] < 0:
        return (
            f"For classes alone, {other} is the better choice here; MODIS also gives a common "
            "latent space and translations."
        )
    return f"The difference may be chance: for classes alone, {other} may do as well."
