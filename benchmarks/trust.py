"""Whether alarms, sets of classes and filled values keep what they promise, on real data.

    python benchmarks/trust.py --results benchmarks/results/trust [--test] [--only NAME ...]

Reads the folder that MODIS_SHARED_DATA names, or shared/data beside the repository. Models are
trained on 70 % of the training part of each data set and judged on the rest; with --test, trained
on the whole training part and judged on the test part. What is judged are the linear models,
which do not depend on the networks: these are trained for one epoch.
"""

from __future__ import annotations

import argparse
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import mudata as md
import numpy as np
import pandas as pd
import scvi
from scipy import sparse
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import train_test_split

from modis import MODIS
from modis.model import _trust

REPOSITORY = Path(__file__).resolve().parents[1]
SETS = ("brca_tcga", "tcga_rare", "pbmc_mosaic", "pbmc10k_cite", "tcga_pancancer")
# samples and features of a modality, and classes that are left out in turn, at most
MOST_ROWS, MOST_FEATURES, MOST_CLASSES = 3_000, 3_000, 8
MISSING = {"tcga_rare": (0.1, 0.2, 0.4), "brca_tcga": (0.1, 0.2, 0.4)}


def read(name: str, *, test: bool) -> tuple[md.MuData, md.MuData]:
    """Training and judged samples."""
    folder = Path(os.environ.get("MODIS_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    mdata = md.read_h5mu(folder / f"{name}.h5mu")
    parts: list[dict] = [{}, {}]
    labels = pd.concat([a.obs["label"].astype(str) for a in mdata.mod.values()])
    part = pd.concat([a.obs["split70_seed0"].astype(str) for a in mdata.mod.values()])
    labels, part = labels[~labels.index.duplicated()], part[~part.index.duplicated()]
    first, second = part.index[part == "train"], part.index[part == "test"]
    if not test:
        common = labels[first].map(labels[first].value_counts()) > 1
        names = first[common]
        first, second = train_test_split(
            names, test_size=0.3, random_state=0, stratify=labels[names]
        )
    rng = np.random.default_rng(0)
    if name == "tcga_pancancer":
        kept = rng.choice(labels.unique(), 10, replace=False)
        first, second = (each[labels[each].isin(kept)] for each in (first, second))
    for k, names in enumerate((first, second)):
        for modality, adata in mdata.mod.items():
            found = np.flatnonzero(adata.obs_names.isin(names))
            rows = np.sort(rng.permutation(found)[:MOST_ROWS])
            own = adata[rows, :MOST_FEATURES].copy()
            own.X = own.X.toarray() if sparse.issparse(own.X) else np.asarray(own.X)
            own.obs = own.obs[["label"]].astype(str)
            parts[k][modality] = own
    return make(parts[0]), make(parts[1])


def make(modalities: dict) -> md.MuData:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return md.MuData(modalities)


def chosen(mdata: md.MuData, keep: Callable[[pd.Series], pd.Series]) -> md.MuData:
    """Samples of some classes."""
    found = {name: a[keep(a.obs["label"]).to_numpy()].copy() for name, a in mdata.mod.items()}
    return make({name: a for name, a in found.items() if a.n_obs})


def fit(mdata: md.MuData) -> MODIS:
    scvi.settings.seed = 0
    MODIS.setup_mudata(mdata, labels_key="label")
    model = MODIS(mdata)
    model.train(max_epochs=1, accelerator="cpu", enable_progress_bar=False)
    return model


def labels_of(mdata: md.MuData) -> pd.Series:
    labels = pd.concat([a.obs["label"] for a in mdata.mod.values()])
    return labels[~labels.index.duplicated()].reindex(mdata.obs_names)


def odd(mdata: md.MuData) -> Iterator[tuple[str, md.MuData]]:
    """Wrong queries."""
    rng = np.random.default_rng(0)
    kinds = {
        "not logged": lambda x: np.exp2(np.clip(x, None, 30)),
        "zeros": np.zeros_like,
        "noise": lambda x: rng.normal(np.nanmean(x), np.nanstd(x), x.shape).astype(np.float32),
        "shuffled": lambda x: x[:, rng.permutation(x.shape[1])],
    }
    for kind, change in kinds.items():
        other = mdata.copy()
        for adata in other.mod.values():
            adata.X = change(adata.X)
        yield kind, other


def alarms(train: md.MuData, judged: md.MuData) -> Iterator[dict]:
    """AUROC of each score with one class left out of the training, in turn."""
    counts = labels_of(train).value_counts()
    names = np.random.default_rng(1).permutation(counts.index[counts >= 5])[:MOST_CLASSES]
    for name in names:
        others = chosen(train, lambda own, name=name: own != name)
        if labels_of(others).nunique() < 2:
            continue
        model = fit(others)
        index, alarm, said = _trust.judge(model, judged, None, None)
        # how likely each score says that a sample is known
        scores = {(m, "alarm"): pd.Series(own, index) for m, own in alarm.items()}
        for m, (rows, own) in said.items():
            scores[m, "maximum probability"] = pd.Series(own.max(axis=1), index[rows])
        together = model.novelty(judged)["all"]
        likeliest = pd.concat([own for (_, s), own in scores.items() if s != "alarm"], axis=1)
        scores["all", "alarm"] = together
        scores["all", "maximum probability"] = likeliest.mean(axis=1)
        truth = (labels_of(judged) == name).reindex(index)
        for (modality, score), own in scores.items():
            seen = own.dropna()
            unknown = truth[seen.index]
            if 1 < unknown.sum() < len(unknown):
                value = roc_auc_score(unknown, -seen)
                yield {"what": "AUROC", "modality": modality, "kind": score, "class": name} | {
                    "value": value
                }


def promises(model: MODIS, judged: md.MuData) -> Iterator[dict]:
    """Share of genuine and of wrong samples that raise an alarm; coverage and size of sets."""
    for kind, query in (("genuine", judged), *odd(judged)):
        p_values = model.novelty(query)
        for modality, own in p_values.items():
            value = (own.dropna() <= 0.05).mean()
            yield {"what": "flagged at .05", "modality": modality, "kind": kind, "value": value}
    truth = labels_of(judged)
    for modality in (*judged.mod, None):
        for per_class in (True, False):
            sets = model.predict_set(judged, modality, 0.9, per_class)
            own = truth[sets.index]
            known = own.isin(sets.columns).to_numpy()
            sets, own = sets[known], own[known]
            covered = sets.to_numpy()[np.arange(len(sets)), sets.columns.get_indexer(own)]
            by_class = pd.Series(covered).groupby(own.to_numpy()).agg(["mean", "size"])
            large = by_class.loc[by_class["size"] >= 20, "mean"]
            row = {"modality": modality or "all", "kind": "per class" if per_class else "overall"}
            yield row | {"what": "coverage", "value": covered.mean()}
            yield row | {"what": "size of sets", "value": sets.sum(axis=1).mean()}
            if len(large):
                yield row | {"what": "coverage, worst class of 20", "value": large.min()}


def missing(train: md.MuData, judged: md.MuData, shares: tuple[float, ...]) -> Iterator[dict]:
    """Balanced accuracy and error of filled values, with values taken away."""
    for kind in ("at random", "small values"):
        for share in (0.0, *shares):
            if not share and kind != "at random":
                continue
            rng, lost, parts = np.random.default_rng(2), {}, []
            for part in (train, judged):
                own = part.copy()
                for name, adata in own.mod.items():
                    rank = adata.X.argsort(axis=0).argsort(axis=0) / len(adata.X)
                    chance = (
                        share if kind == "at random" else np.clip(2 * share * (1 - rank), 0, 1)
                    )
                    away = rng.random(adata.shape) < chance
                    away[:, away.mean(axis=0) > 0.95] = False
                    adata.X = np.where(away, np.nan, adata.X)
                    lost[name] = away
                parts.append(own)
            model = fit(parts[0])
            for name in judged.mod:
                said = model.predict(parts[1], modality=name)
                score = balanced_accuracy_score(judged.mod[name].obs["label"], said)
                row = {"modality": name, "kind": f"{share:.0%} {kind}"}
                yield row | {"what": "balanced accuracy", "value": score}
                if not share:
                    continue
                x, filled = judged.mod[name].X, model.impute(name, parts[1]).X
                known = parts[0].mod[name].X
                spread = np.nanstd(known, axis=0)
                at = lost[name] & (spread > 1e-6)
                scale = np.where(spread > 1e-6, spread, 1)
                for what, values in (
                    ("error of filled values", filled),
                    ("error of the feature mean", np.nanmean(known, axis=0)),
                ):
                    error = np.square((values - x) / scale)[at].mean()
                    yield row | {"what": what, "value": error}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--test", action="store_true")
    parser.add_argument("--only", nargs="+", default=SETS)
    options = parser.parse_args()
    options.results.mkdir(parents=True, exist_ok=True)
    for name in options.only:
        train, judged = read(name, test=options.test)
        found = [*promises(fit(train), judged), *alarms(train, judged)]
        found += missing(train, judged, MISSING.get(name, ()))
        table = pd.DataFrame(found).assign(data=name)
        table.to_csv(options.results / f"{name}.csv", index=False, float_format="%.4g")
        by = ["what", "kind", "modality"]
        print(name, table.groupby(by)["value"].mean().round(3).to_string(), sep="\n", flush=True)


if __name__ == "__main__":
    logging.getLogger("scvi").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()
