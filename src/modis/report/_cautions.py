from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..studies import UNLABELED
from ._predictions import COMBINED

if TYPE_CHECKING:
    from ._results import Results

__all__ = ["FEW", "cautions"]

#: With fewer test samples a recall is no more than an example.
FEW = 5
_OFTEN_MISSED = 0.5
_OVERFITTED = 0.15
_APART = 0.5


def cautions(results: Results) -> dict[str, Any]:
    """What a reader should watch out for, as numbers; the template has the sentences.

    Returns
    -------
    Dict with

    - ``unseen``: by class, the modalities without a training sample of it,
    - ``few``: by class, test samples by modality where these are fewer than :data:`FEW`,
    - ``missed``: class, source, number found, number of test samples, the class that was
      predicted most often instead and how often,
    - ``overfitted``: modality, balanced accuracy on training and on test samples,
    - ``mixing``: modality mixing if it is low, else `None`,
    - ``uninformative``: source, target and error of translations that are no better than the
      average profile.
    """
    train, test = results.cohort.counts("train"), results.cohort.counts("test")
    classes = [name for name in train if name != UNLABELED]
    is_judged = results.predictions is not None and test[classes].to_numpy().any()
    unseen = {name: list(train.index[train[name] == 0]) for name in classes}
    few = {name: test.loc[test[name] < FEW, name].to_dict() for name in classes}
    mixing = results.mixing
    return {
        "unseen": {name: where for name, where in unseen.items() if where},
        "few": {name: counts for name, counts in few.items() if counts and is_judged},
        "missed": _missed(results) if is_judged else [],
        "overfitted": _overfitted(results) if is_judged else [],
        "mixing": mixing if mixing is not None and mixing < _APART else None,
        "uninformative": _uninformative(results),
    }


def _missed(results: Results) -> list[tuple[str, str, int, int, str, int]]:
    predictions = results.predictions
    assert predictions is not None
    known = predictions[(predictions["part"] == "test") & predictions["label"].notna()]
    rows = []
    for (source, name), own in known.groupby(["source", "label"], sort=False):
        mistaken = own.loc[own["predicted"] != name, "predicted"].value_counts()
        n_found = len(own) - int(mistaken.sum())
        if source != COMBINED and len(own) >= FEW and n_found < _OFTEN_MISSED * len(own):
            instead = str(mistaken.index[0]), int(mistaken.iloc[0])
            rows.append((str(name), str(source), n_found, len(own), *instead))
    return rows


def _overfitted(results: Results) -> list[tuple[str, float, float]]:
    table = results.metrics[results.metrics["metric"] == "balanced_accuracy"]
    table = table.pivot(index="modality", columns="split", values="value")
    if not {"train", "test"} <= set(table):
        return []
    table = table.reindex(list(results.cohort.modalities))
    table = table.loc[table["train"] - table["test"] > _OVERFITTED, ["train", "test"]]
    return list(table.itertuples(name=None))


def _uninformative(results: Results) -> list[tuple[str, str, float]]:
    judged = results.translations
    if judged is None:
        return []
    return [
        (source, target, judged.errors.loc[source, target])
        for target in judged.errors.columns
        for source in judged.errors.index
        if source != target and judged.errors.loc[source, target] >= judged.average[target]
    ]
