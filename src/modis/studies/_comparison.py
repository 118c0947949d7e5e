"""The table of a benchmark, in numbers and in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from ._methods import REFERENCES, RIVALS
from ._rivals import COMBINED
from ._runs import Row
from ._scores import ALL, SEVERAL, Scores, resample

#: Stands among the modalities: the mean over them.
AVERAGE = "average"

_METRICS = {"balanced_accuracy": "Balanced accuracy", "accuracy": "Accuracy"}
_COLUMNS = ["metric", "subset", "modality", "method", "reference", "mean", "sd", "low", "high"]
_COLUMNS += ["seeds", "n_train", "n_labeled", "n_test", "seconds"]
_OURS = "modis"
_NOTE = (
    "Mean ± standard deviation over seeds [95 % confidence interval: test observations resampled "
    "within their class]. The last column names the baseline that is best in the modality; "
    "differences are paired by seed and observation."
)


def tabulate_comparison(results: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """Mean, spread and interval of every method in every modality, and how far MODIS is ahead.

    ``mean`` and ``sd`` are over seeds, ``low`` to ``high`` is the 95 % bootstrap interval over
    test observations. With a ``reference`` the row is MODIS minus it: in a modality the best
    baseline there by its mean, under ``"combined"`` the best method in the best single modality,
    on the observations that have this modality, and the best baseline's ``"combined"``.
    ``n_train``, ``n_labeled`` and ``n_test`` are means over seeds, ``seconds`` over runs.
    """
    rows = []
    several = predictions[predictions["n_modalities"] > 1]
    subsets = {ALL: predictions[predictions["modality"] != COMBINED]}
    if COMBINED in set(several["modality"]):
        subsets[SEVERAL] = several
    for subset, own in subsets.items():
        for metric, single in resample(own).items():
            scores = _with_averages(single)
            where = {"metric": metric, "subset": subset}
            for (method, modality), score in scores.items():
                row = where | {"modality": modality, "method": method, "reference": ""}
                rows.append(row | _interval(score) | _sizes(results, own, method, modality))
            differences = [*_differences(scores), *_combined_differences(scores, own, metric)]
            for modality, reference, score in differences:
                row = {"modality": modality, "method": _OURS, "reference": reference}
                rows.append(where | row | _interval(score))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _with_averages(scores: Scores) -> Scores:
    every = dict(scores)
    for method in dict.fromkeys(method for method, _ in scores):
        single = [own for (m, name), own in scores.items() if m == method and name != COMBINED]
        if len(single) > 1:
            every[method, AVERAGE] = _mean(single)
    return every


def _mean(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Mean over modalities, for the seeds that all of them have."""
    return (sum(parts[1:], parts[0]) / len(parts)).dropna(axis=1)


def _interval(score: pd.DataFrame) -> Row:
    low, high = np.percentile(score.iloc[1:].mean(axis=1), [2.5, 97.5])
    own = score.iloc[0]
    return {"mean": own.mean(), "sd": own.std(), "low": low, "high": high, "seeds": len(own)}


def _sizes(results: pd.DataFrame, predictions: pd.DataFrame, method: str, modality: str) -> Row:
    own = results[results["method"] == method]
    here = own[(own["modality"] == modality) & (own["subset"] == ALL)]
    names = ("n_train", "n_labeled")
    sizes = {name: here.loc[here["metric"] == name, "value"].mean() for name in names}
    tested = predictions[(predictions["method"] == method) & (predictions["modality"] == modality)]
    if len(tested):
        sizes["n_test"] = tested.groupby("seed").size().mean()
    return sizes | {"seconds": own.loc[own["metric"] == "seconds", "value"].mean()}


def _best(scores: Scores, keys: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
    """Method and modality of the highest score among those that were measured."""
    found = (key for key in keys if key in scores)
    return max(found, key=lambda key: scores[key].iloc[0].mean(), default=None)


def _minus(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Differences, seed by seed and resample by resample."""
    return (one - other).dropna(axis=1)


def _differences(scores: Scores) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """MODIS minus the best baseline: by modality, and their average."""
    made = []
    for method, modality in scores:
        groups = [[(name, modality) for name in group] for group in REFERENCES]
        best = next(filter(None, (_best(scores, group) for group in groups)), None)
        if method == _OURS and modality not in (AVERAGE, COMBINED) and best:
            made.append(_minus(scores[_OURS, modality], scores[best]))
            yield modality, best[0], made[-1]
    if len(made) > 1:
        yield AVERAGE, "best", _mean(made)


def _combined_differences(
    scores: Scores, predictions: pd.DataFrame, metric: str
) -> Iterator[tuple[str, str, pd.DataFrame]]:
    if (_OURS, COMBINED) not in scores:
        return
    if single := _best(scores, [key for key in scores if key[1] not in (AVERAGE, COMBINED)]):
        method, modality = single
        # in a mosaic other observations have several modalities too, but lack the best one
        rival = (predictions["method"] == method) & (predictions["modality"] == modality)
        ours = (predictions["method"] == _OURS) & (predictions["modality"] == COMBINED)
        shared = predictions["observation"].isin(predictions.loc[rival, "observation"])
        same = resample(predictions[rival | (ours & shared)])[metric]
        yield COMBINED, " ".join(single), _minus(same[_OURS, COMBINED], same[single])
    if fused := _best(scores, [(name, COMBINED) for name in REFERENCES[0]]):
        yield COMBINED, " ".join(fused), _minus(scores[_OURS, COMBINED], scores[fused])


def grid(lines: Iterable[Iterable[object]]) -> str:
    """A Markdown table; the first line is its head."""
    head, *others = [[str(cell) for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *others))


def write_comparison(table: pd.DataFrame) -> str:
    """Markdown: a grid of methods and modalities per metric, then what follows, in sentences."""
    blocks = []
    for metric, title in _METRICS.items():
        own = table[table["metric"] == metric]
        together = own[(own["subset"] == SEVERAL) & (own["modality"] == COMBINED)]
        blocks.append(f"{title}\n\n{_grid_of(own[own['subset'] == ALL])}")
        if len(together):
            title += ", test observations with several modalities"
            blocks.append(f"{title}\n\n{_grid_of(together)}")
    seconds = table.groupby("method", sort=False)["seconds"].first()
    spent = ", ".join(f"{RIVALS[name].title} {value:.3g}" for name, value in seconds.items())
    return "\n\n".join([*blocks, _NOTE, f"Seconds per run: {spent}.", *judge(table)]) + "\n"


def _grid_of(part: pd.DataFrame) -> str:
    methods = part.loc[part["reference"] == "", "method"].unique()
    titles = [*(RIVALS[name].title for name in methods), "MODIS − best baseline"]
    cells = part.assign(
        text=[_difference(row) if row["reference"] else _score(row) for _, row in part.iterrows()],
        title=part["method"].map(lambda name: RIVALS[name].title),
    )
    cells.loc[cells["reference"] != "", "title"] = titles[-1]
    texts = cells.pivot_table("text", "modality", "title", aggfunc="; ".join, fill_value="-")
    texts = texts.reindex(index=in_order(part["modality"]), columns=titles, fill_value="-")
    n = part.groupby("modality")["n_labeled"].max().dropna()
    names = [f"{name} ({n[name]:.0f})" if name in n else name for name in texts.index]
    lines = zip(names, *(texts[title] for title in titles), strict=True)
    return grid([["from (labelled)", *titles], *lines])


def in_order(modalities: Iterable[str]) -> list[str]:
    """Each once; the average and the prediction from all of them come last."""
    return sorted(dict.fromkeys(modalities), key=lambda name: (name == COMBINED, name == AVERAGE))


def _score(row: pd.Series) -> str:
    spread = "" if pd.isna(row["sd"]) else f" ± {row['sd']:.3f}"
    return f"{row['mean']:.3f}{spread} [{row['low']:.3f}, {row['high']:.3f}]"


def _difference(row: pd.Series) -> str:
    than = "" if row["reference"] == "best" else f" ({name_reference(row['reference'])})"
    return f"{row['mean']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]{than}"


def name_reference(reference: str) -> str:
    """What a difference is measured from: a method, and its modality if that is another one."""
    method, _, modality = reference.partition(" ")
    where = "all modalities" if modality == COMBINED else modality
    return RIVALS[method].title + (f" from {where}" if where else "")


def judge(table: pd.DataFrame) -> list[str]:
    """Say in a few sentences whether MODIS is worth it; nothing without a baseline."""
    ahead = table[(table["metric"] == "balanced_accuracy") & (table["reference"] != "")]
    everywhere = ahead[ahead["subset"] == ALL]
    sentences = []
    if len(everywhere):
        # the average over the modalities comes last
        row, methods = everywhere.iloc[-1], set(everywhere["reference"]) - {"best"}
        rivals = " or ".join(rival.title for name, rival in RIVALS.items() if name in methods)
        rivals = rivals if len(methods) == 1 else f"the best baseline ({rivals})"
        is_average = row["modality"] == AVERAGE
        where = "On average over the modalities" if is_average else f"In {row['modality']}"
        other = "one classifier per modality" if methods <= set(REFERENCES[0]) else rivals
        advice = (
            f"For classes alone, {other} is the better choice here; MODIS also gives a shared "
            "latent space and translations."
        )
        if row["low"] > 0:
            advice = "It is worth it here."
        elif row["high"] >= 0:
            advice = f"The interval includes 0: for classes alone, {other} may do as well."
        sentences.append(f"{_distance(row, rivals, where)} {advice}")
    for _, row in ahead[(ahead["subset"] == SEVERAL) & (ahead["modality"] == COMBINED)].iterrows():
        rival = name_reference(row["reference"])
        sentences.append(_distance(row, rival, "From all modalities together"))
    return sentences


def _distance(row: pd.Series, what: str, where: str) -> str:
    side = "above" if row["mean"] > 0 else "below"
    # shown with three digits
    far = f"{abs(row['mean']):.3f} {side}" if abs(row["mean"]) >= 0.0005 else "level with"
    return (
        f"{where}, MODIS is {far} {what} in balanced accuracy (95 % confidence interval of the "
        f"difference: {row['low']:+.3f} to {row['high']:+.3f})."
    )
