"""Tables of what ``benchmarks/trust.py`` measured on the test samples of five data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from real_data import DATA

if TYPE_CHECKING:
    import pandas as pd

Rows = list[dict[str, object]]
LEVEL = "flagged at .05"


def list_novelty(trust: pd.DataFrame) -> Rows:
    """Shares of flagged samples, and how well the samples of a left-out class are detected."""
    rows = []
    for name, own in _by_data(trust):
        flagged, together = own[own["what"] == LEVEL], own[own["modality"] == "all"]
        known = flagged[(flagged["kind"] == "genuine") & (flagged["modality"] != "all")]
        of_all = flagged[flagged["modality"] == "all"].set_index("kind")["value"]
        auroc = together[together["what"] == "AUROC"].groupby("kind")["value"].mean()
        rows.append(
            {
                "data": name,
                "flagged, by modality": f"{known['value'].mean():.3f}",
                "flagged, all modalities": f"{of_all['genuine']:.3f}",
                "wrong samples flagged": f"{of_all.drop('genuine').min():.2f}",
                "AUROC, novelty": f"{auroc['alarm']:.2f}",
                "AUROC, probability": f"{auroc['maximum probability']:.2f}",
            }
        )
    return rows


def list_sets(trust: pd.DataFrame) -> Rows:
    """Coverage and mean size of prediction sets, from all modalities."""
    rows = []
    for name, own in _by_data(trust):
        values = own[own["modality"] == "all"].groupby(["kind", "what"])["value"].first()
        row = {"data": name}
        for title, kind, whose in (
            ("per class", "per class", ""),
            ("per class, logistic regression", "per class", " of LR"),
            ("overall (`per_class=False`)", "overall", ""),
        ):
            covered, size = values[kind, f"coverage{whose}"], values[kind, f"size of sets{whose}"]
            row[title] = f"{covered:.2f} ({size:.1f})"
        rows.append(row)
    return rows


def list_added(trust: pd.DataFrame) -> Rows:
    """Recall of a class of five new samples, and the mean decrease of the recall of the others."""
    rows = []
    for name, own in _by_data(trust):
        means = own[own["modality"] == "all"].groupby(["what", "kind"])["value"].mean()
        if "recall of a new class" not in means.index:
            continue
        row = {"data": name}
        for title, kind in (
            ("`add_class`", "add_class"),
            ("logistic regression, trained again", "logistic regression"),
            ("nearest class mean", "nearest class mean"),
        ):
            found = means["recall of a new class", kind]
            lost = means["recall that others lose", kind]
            row[title] = f"{found:.2f} ({round(lost, 2) + 0.0:.2f})"
        rows.append(row)
    return rows


def _by_data(trust: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Results by the name of the data set."""
    return [(DATA.get(str(name), str(name)), own) for name, own in trust.groupby("data")]
