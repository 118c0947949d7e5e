from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ._bootstrap import Scores, resample
from ._methods import BASELINES, METHODS
from ._names import ALL, AVERAGE, COMBINED, SEVERAL

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COLUMNS", "tabulate", "to_markdown"]

COLUMNS = (
    "metric",
    "subset",
    "modality",
    "method",
    "reference",
    "mean",
    "sd",
    "low",
    "high",
    "seeds",
    "n_train",
    "n_labeled",
    "n_test",
    "seconds",
)

_OURS = "modis"
_METRIC_NAMES = {"balanced_accuracy": "Balanced accuracy", "accuracy": "Accuracy"}


def tabulate(results: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """Mean, spread and interval of every method in every modality, and how far MODIS is ahead.

    Parameters
    ----------
    results
        Tidy rows of all runs.
    predictions
        A row per run, test observation and modality.

    Returns
    -------
    DataFrame with :data:`COLUMNS`. ``mean`` and ``sd`` are over seeds, ``low`` to ``high`` is
    the 95 % bootstrap interval over test observations. With a ``reference`` the row is the
    difference to it: in a modality to the better baseline there by its mean, under
    ``"combined"`` to the best method in the best single modality, on the observations that have
    this modality, and to the best baseline's ``"combined"``. ``n_train``, ``n_labeled`` and
    ``n_test`` are means over seeds, ``seconds`` over runs.

    Examples
    --------
    >>> import pandas as pd
    >>> from modis.benchmark import tabulate
    >>> run = {"method": "lr", "modality": "rna", "seed": 0, "fold": 0}
    >>> predictions = pd.DataFrame(
    ...     [
    ...         run | {"observation": "s1", "n_modalities": 1, "label": "T", "predicted": "T"},
    ...         run | {"observation": "s2", "n_modalities": 1, "label": "B", "predicted": "T"},
    ...     ]
    ... )
    >>> result = run | {"subset": "all", "class": None}
    >>> results = pd.DataFrame(
    ...     [
    ...         result | {"metric": "n_train", "value": 40},
    ...         result | {"metric": "n_labeled", "value": 30},
    ...         result | {"metric": "seconds", "value": 0.5},
    ...     ]
    ... )
    >>> table = tabulate(results, predictions)
    >>> table[["metric", "modality", "method", "mean", "n_labeled", "n_test"]]
                  metric modality method  mean  n_labeled  n_test
    0  balanced_accuracy      rna     lr   0.5       30.0     2.0
    1           accuracy      rna     lr   0.5       30.0     2.0
    """
    rows = []
    for subset in (ALL, SEVERAL):
        own = predictions[predictions["modality"] != COMBINED]
        if subset == SEVERAL:
            own = predictions[predictions["n_modalities"] > 1]
            if COMBINED not in set(own["modality"]):
                continue
        scores = resample(own)
        paired: dict[tuple[str, str], dict[tuple[str, str, str], Scores]] = {}
        for metric in _METRIC_NAMES:
            found = {key[1:]: value for key, value in scores.items() if key[0] == metric}
            for (method, modality), value in _with_averages(found).items():
                row = _row(metric, subset, modality, method, "", value)
                rows.append(row | _sizes(results, own, method, modality))
            for modality, reference, value in _differences(found):
                rows.append(_row(metric, subset, modality, _OURS, reference, value))
            if (_OURS, COMBINED) not in found:
                continue
            if single := _best(found, [key for key in found if key[1] != COMBINED]):
                if single not in paired:
                    paired[single] = resample(_with_the_same_observations(own, single))
                same = paired[single]
                value = same[metric, _OURS, COMBINED].minus(same[(metric, *single)])
                rows.append(_row(metric, subset, COMBINED, _OURS, " ".join(single), value))
            if fused := _best(found, [(name, COMBINED) for name in BASELINES]):
                value = found[_OURS, COMBINED].minus(found[fused])
                rows.append(_row(metric, subset, COMBINED, _OURS, " ".join(fused), value))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _with_averages(
    found: Mapping[tuple[str, str], Scores],
) -> dict[tuple[str, str], Scores]:
    every = dict(found)
    for method in dict.fromkeys(method for method, _ in found):
        single = [value for (name, m), value in found.items() if name == method and m != COMBINED]
        if len(single) > 1:
            every[method, AVERAGE] = Scores.average(single)
    return every


def _differences(found: Mapping[tuple[str, str], Scores]) -> list[tuple[str, str, Scores]]:
    """MODIS less the better baseline: by modality, and their average."""
    made: list[tuple[str, str, Scores]] = []
    for method, modality in found:
        rivals = [name for name in BASELINES if (name, modality) in found]
        if not rivals and ("diagvi", modality) in found:
            rivals = ["diagvi"]
        if method == _OURS and modality != COMBINED and rivals:
            best = max(rivals, key=lambda name: found[name, modality].mean)
            made.append((modality, best, found[_OURS, modality].minus(found[best, modality])))
    if len(made) > 1:
        made.append((AVERAGE, "best", Scores.average([value for *_, value in made])))
    return made


def _best(
    found: Mapping[tuple[str, str], Scores], keys: list[tuple[str, str]]
) -> tuple[str, str] | None:
    """Method and modality of the highest score among those that were measured."""
    return max((key for key in keys if key in found), key=lambda k: found[k].mean, default=None)


def _with_the_same_observations(
    predictions: pd.DataFrame, single: tuple[str, str]
) -> pd.DataFrame:
    """A method in one modality, and MODIS from all modalities on the observations that have it.

    In a mosaic other observations have several modalities too, but lack the best one.
    """
    rival = (predictions["method"] == single[0]) & (predictions["modality"] == single[1])
    together = (predictions["method"] == _OURS) & (predictions["modality"] == COMBINED)
    shared = predictions["observation"].isin(predictions.loc[rival, "observation"])
    return predictions[rival | (together & shared)]


def _row(
    metric: str, subset: str, modality: str, method: str, reference: str, value: Scores
) -> dict[str, object]:
    low, high = value.interval
    return {
        "metric": metric,
        "subset": subset,
        "modality": modality,
        "method": method,
        "reference": reference,
        "mean": value.mean,
        "sd": value.sd,
        "low": low,
        "high": high,
        "seeds": len(value.seeds),
    }


def _sizes(
    results: pd.DataFrame, predictions: pd.DataFrame, method: str, modality: str
) -> dict[str, float]:
    own = results[results["method"] == method]
    here = own[(own["modality"] == modality) & (own["subset"] == ALL)]
    sizes = {
        name: here.loc[here["metric"] == name, "value"].mean() for name in ("n_train", "n_labeled")
    }
    tested = predictions[(predictions["method"] == method) & (predictions["modality"] == modality)]
    if len(tested):
        sizes["n_test"] = tested.groupby("seed").size().mean()
    sizes["seconds"] = own.loc[own["metric"] == "seconds", "value"].mean()
    return sizes


def to_markdown(table: pd.DataFrame) -> str:
    """Write the table for readers.

    Parameters
    ----------
    table
        As from :func:`tabulate`.

    Returns
    -------
    Markdown: a grid of methods and modalities per metric, and what the figures are.

    Examples
    --------
    >>> import pandas as pd
    >>> from modis.benchmark import tabulate, to_markdown
    >>> run = {"method": "lr", "modality": "rna", "seed": 0, "fold": 0}
    >>> predictions = pd.DataFrame(
    ...     [
    ...         run | {"observation": "s1", "n_modalities": 1, "label": "T", "predicted": "T"},
    ...         run | {"observation": "s2", "n_modalities": 1, "label": "B", "predicted": "T"},
    ...     ]
    ... )
    >>> result = run | {"subset": "all", "class": None}
    >>> results = pd.DataFrame(
    ...     [
    ...         result | {"metric": "n_train", "value": 40},
    ...         result | {"metric": "n_labeled", "value": 30},
    ...         result | {"metric": "seconds", "value": 0.5},
    ...     ]
    ... )
    >>> table = tabulate(results, predictions)
    >>> print(to_markdown(table).splitlines()[4])
    | rna (30) | 0.500 [0.500, 0.500] |
    """
    blocks = []
    for metric, title in _METRIC_NAMES.items():
        own = table[(table["metric"] == metric) & (table["reference"] == "")]
        ahead = table[(table["metric"] == metric) & (table["reference"] != "")]
        for subset, note in ((ALL, ""), (SEVERAL, ", test observations with several modalities")):
            part = own[own["subset"] == subset]
            if subset == SEVERAL and _is_everything(own):
                # what is above need not be said again
                part = part[part["modality"] == COMBINED]
            if len(part):
                differences = ahead[ahead["subset"] == subset]
                blocks.append(f"{title}{note}\n\n{_grid(part, differences)}")
    note = (
        "Mean ± standard deviation over seeds [95 % interval: test observations resampled within "
        "their class]."
    )
    if len(table[table["reference"] != ""]):
        note += (
            " The last column is MODIS less the better of the others, which it names, paired by "
            "seed."
        )
    blocks.append(note)
    seconds = table.dropna(subset="seconds").groupby("method", sort=False)["seconds"].first()
    spent = ", ".join(f"{METHODS[name].title} {value:.3g}" for name, value in seconds.items())
    blocks.append(f"Seconds per run: {spent}.")
    return "\n\n".join(blocks) + "\n"


def _is_everything(rows: pd.DataFrame) -> bool:
    """Whether all test observations have several modalities."""
    sizes = rows[~rows["modality"].isin(_LAST)].pivot_table(
        index=["method", "modality"], columns="subset", values="n_test"
    )
    return SEVERAL in sizes and bool((sizes[ALL] == sizes[SEVERAL]).all())


def _grid(part: pd.DataFrame, differences: pd.DataFrame) -> str:
    methods = list(dict.fromkeys(part["method"]))
    lines = [["from (labelled)", *(METHODS[name].title for name in methods)]]
    if len(differences):
        lines[0].append("MODIS less the better")
    lines.append(["---"] * len(lines[0]))
    for modality in dict.fromkeys([m for m in part["modality"] if m not in _LAST] + list(_LAST)):
        rows = part[part["modality"] == modality].set_index("method")
        if rows.empty:
            continue
        n = rows["n_labeled"].max()
        cells = [str(modality) + ("" if pd.isna(n) else f" ({n:.0f})")]
        cells += [_cell(rows.loc[name]) if name in rows.index else "-" for name in methods]
        if len(differences):
            here = differences[differences["modality"] == modality]
            cells.append("; ".join(_difference(row) for _, row in here.iterrows()) or "-")
        lines.append(cells)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


_LAST = (AVERAGE, COMBINED)


def _cell(row: pd.Series) -> str:
    spread = "" if pd.isna(row["sd"]) else f" ± {row['sd']:.3f}"
    return f"{row['mean']:.3f}{spread} [{row['low']:.3f}, {row['high']:.3f}]"


def _difference(row: pd.Series) -> str:
    first, _, rest = row["reference"].partition(" ")
    title = METHODS[first].title if first in METHODS else first
    than = "" if first == "best" else f" ({' '.join(filter(None, [title, rest]))})"
    return f"{row['mean']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]{than}"
