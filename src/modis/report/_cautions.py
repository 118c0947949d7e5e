from typing import Any

from ..studies import UNLABELED
from ._predictions import COMBINED
from ._results import Results

#: With fewer test samples a recall is no more than an example.
FEW = 5
_OFTEN_MISSED = 0.5
_OVERFITTED = 0.15
_APART = 0.5


def cautions(results: Results) -> dict[str, Any]:
    """Problems that a reader should know of, as numbers; the template has the sentences.

    ``unseen`` modalities and ``few`` test samples by class; ``missed`` classes with what was
    predicted instead; ``overfitted`` modalities; low ``mixing``; ``uninformative`` translations.
    """
    train, test = (results.counts[part].drop(columns=UNLABELED) for part in ("train", "test"))
    unseen = {name: list(n.index[n == 0]) for name, n in train.items()}
    few = {name: n[n < FEW].to_dict() for name, n in test.items()}
    is_judged = not results.recalls.empty
    mixing = results.mixing
    return {
        "unseen": {name: where for name, where in unseen.items() if where},
        "few": {name: n for name, n in few.items() if n and is_judged},
        "missed": _missed(results) if is_judged else [],
        "overfitted": _overfitted(results) if is_judged else [],
        "mixing": mixing if mixing is not None and mixing < _APART else None,
        "uninformative": _uninformative(results),
    }


def _missed(results: Results) -> list[tuple[str, str, int, int, str, int]]:
    assert results.predictions is not None
    test = results.predictions[results.predictions["part"] == "test"]
    predicted = test.groupby(["source", "label"])["predicted"]
    recalls = results.recalls.drop(COMBINED, level="modality")
    low = recalls[(recalls["n_samples"] >= FEW) & (recalls["recall"] < _OFTEN_MISSED)]
    rows = []
    for (source, name), n in low[["n_found", "n_samples"]].iterrows():
        own = predicted.get_group((source, name))
        instead = own[own != name].value_counts()
        rows.append((name, source, *n, instead.index[0], int(instead.iloc[0])))
    return rows


def _overfitted(results: Results) -> list[tuple[str, float, float]]:
    table = results.metrics[results.metrics["metric"] == "balanced_accuracy"]
    table = table.pivot(index="modality", columns="split", values="value")
    if "train" not in table:
        return []
    table = table.reindex(list(results.cohort.modalities))
    table = table.loc[table["train"] - table["test"] > _OVERFITTED, ["train", "test"]]
    return list(table.itertuples(name=None))


def _uninformative(results: Results) -> list[tuple[str, str, float]]:
    judged = results.translations
    if judged is None:
        return []
    return [
        (source, target, error)
        for target, errors in judged.errors.items()
        for source, error in errors.items()
        if source != target and error >= judged.average[target]
    ]
