from __future__ import annotations

from typing import TYPE_CHECKING

from ..metrics import modality_mixing
from ._cohort import UNLABELED
from ._predictions import COMBINED

if TYPE_CHECKING:
    from ._fit import Results

__all__ = ["FEW", "cautions"]

#: With fewer test samples a recall is an anecdote.
FEW = 5
_OFTEN_MISSED = 0.5
_OVERFITTED = 0.15
_APART = 0.5


def cautions(results: Results) -> list[str]:
    """What a reader should watch out for, found in the numbers."""
    texts = []
    cohort = results.cohort
    train, test = cohort.counts("train"), cohort.counts("test")
    classes = [name for name in train if name != UNLABELED]
    if results.predictions is None:
        only_links = (
            "only the linked features make sure"
            if results.model.link_summary is not None
            else "without labels or linked features nothing makes sure"
        )
        texts.append(
            "No classes were learned, so there are no predictions: the latent space shows "
            f"similarity only, and {only_links} that the same biology of two omics lies in the "
            "same place."
        )
    if not (cohort.part == "test").any():
        texts.append("Nothing was held out: run again with a --test-size to learn how good it is.")
    for name in classes:
        unseen = [m for m in train.index if not train.loc[m, name]]
        if len(unseen) == len(train.index):
            texts.append(f"{name} has no training sample at all and cannot be predicted.")
        elif unseen:
            texts.append(
                f"{name} has no training sample in {', '.join(unseen)}: there the model must "
                "recognise it from what other omics taught it."
            )
    if results.predictions is not None and test[classes].to_numpy().any():
        texts += _few(results, classes)
        texts += _missed(results)
        texts += _overfitted(results)
    if len(cohort.modalities) > 1:
        texts += _apart(results)
    if results.translations is not None and results.translations.across:
        texts += _uninformative(results)
    elif len(cohort.modalities) > 1:
        texts.append(
            "Too few test samples were measured by two omics, so translations from one omics into "
            "another could not be compared with the truth."
        )
    return texts


def _few(results: Results, classes: list[str]) -> list[str]:
    test = results.cohort.counts("test")
    few = []
    for name in classes:
        counts = test[name]
        where = [f"{m} ({int(n)})" for m, n in counts.items() if n < FEW]
        if where:
            few.append(f"{name} in {', '.join(where)}")
    if not few:
        return []
    return [
        f"Too few test samples to judge (fewer than {FEW}): {'; '.join(few)}. In the balanced "
        "accuracy each of them weighs as much as a common class."
    ]


def _missed(results: Results) -> list[str]:
    predictions = results.predictions
    assert predictions is not None
    known = predictions[(predictions["part"] == "test") & predictions["label"].notna()]
    texts = []
    for (source, name), own in known.groupby(["source", "label"], sort=False):
        found = (own["predicted"] == name).mean()
        if len(own) < FEW or found >= _OFTEN_MISSED or source == COMBINED:
            continue
        mistaken = own.loc[own["predicted"] != name, "predicted"].value_counts()
        texts.append(
            f"{name} is often missed from {source}: {round(found * len(own))} of {len(own)} "
            f"test samples were found; {mistaken.index[0]} was said most often instead "
            f"({mistaken.iloc[0]})."
        )
    return texts


def _overfitted(results: Results) -> list[str]:
    table = results.metrics[results.metrics["metric"] == "balanced_accuracy"]
    table = table.pivot(index="modality", columns="split", values="value")
    if not {"train", "test"} <= set(table):
        return []
    table = table.reindex(results.cohort.modalities)
    table = table[table["train"] - table["test"] > _OVERFITTED]
    if table.empty:
        return []
    pairs = [f"{row.Index} {row.train:.2f} and {row.test:.2f}" for row in table.itertuples()]
    return [
        "The model knows its training samples better than it knows new ones (balanced accuracy on "
        f"training and on test samples: {'; '.join(pairs)}). Only the test figures tell what to "
        "expect."
    ]


def _apart(results: Results) -> list[str]:
    obs = results.embedding.obs
    rows, labels = results.embedding, None
    classes = set(results.cohort.samples["label"].dropna())
    if classes:
        known = obs["label"].isin(classes).to_numpy()
        rows, labels = rows[known], obs["label"][known].astype(str)
    where = "in the latent space" if labels is None else "within a class"
    try:
        mixing = modality_mixing(rows.obsm["X_modis"], rows.obs["modality"], labels)
    except ValueError:
        # no class is in two modalities: nothing can mix
        return []
    if mixing >= _APART:
        return []
    return [
        f"{where.capitalize()}, samples of different omics lie beside each other rather than "
        f"mixed (mixing {mixing:.2f}; 1 is perfect, 0 means apart): do not read closeness of "
        f"single samples across omics as likeness{', beyond their class' if classes else ''}."
    ]


def _uninformative(results: Results) -> list[str]:
    judged = results.translations
    assert judged is not None
    bad = [
        f"{source} into {target} ({judged.errors.loc[source, target]:.2f})"
        for target in judged.errors.columns
        for source in judged.errors.index
        if source != target and judged.errors.loc[source, target] >= judged.average[target]
    ]
    if not bad:
        return []
    return [
        "These translations are no better than the average profile of all samples: "
        f"{', '.join(bad)}."
    ]
