"""Whether alarms, sets, new classes and filled values keep what they promise, on real data.

    python benchmarks/trust.py --results benchmarks/results/trust [--test] [--only NAME ...]
        [--parts promises alarms added missing]

Reads the folder that MODIS_SHARED_DATA names, or shared/data beside the repository. Models are
trained on 70 % of the training part of each data set and judged on the rest; with --test, trained
on the whole training part and judged on the test part. Rows of a table that are measured again
take the place of those that were there. What is judged are the linear models, which do not depend
on the networks: these are trained for one epoch.

Rivals are one logistic regression per modality, class-balanced, with the penalty of least log loss
in shuffled folds, and the nearest class mean of standardised features; of several modalities, the
mean of their log-probabilities. Sets of these regressions are made as those of the model are.
"""

from __future__ import annotations

import argparse
import logging
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import mudata as md
import numpy as np
import pandas as pd
import scvi
import torch
from real import data_folder
from scipy import sparse
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import cross_val_predict, train_test_split

from modis import MODIS
from modis.model import _trust

SETS = ("brca_tcga", "tcga_rare", "pbmc_mosaic", "pbmc10k_cite", "tcga_pancancer")
# samples and features of a modality, and classes that are left out in turn, at most
MOST_ROWS, MOST_FEATURES, MOST_CLASSES = 3_000, 3_000, 10
# samples of the largest cohort that train, and that are judged
OF_PANCANCER = 2_000, 2_000
# samples of a new class, and data sets that it is tried on
HANDFUL, ADDED = 5, ("pbmc10k_cite", "tcga_rare")
PENALTIES = np.logspace(-4, 1, 6)
# draws of the values that are taken away
DRAWS = 3
MISSING = {"tcga_rare": (0.1, 0.2, 0.4), "brca_tcga": (0.1, 0.2, 0.4)}


def read(name: str, *, test: bool) -> tuple[md.MuData, md.MuData]:
    """Training and judged samples."""
    mdata = md.read_h5mu(data_folder() / f"{name}.h5mu")
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
        both = zip((first, second), OF_PANCANCER, strict=True)
        first, second = (pd.Index(each)[rng.permutation(len(each))[:n]] for each, n in both)
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
            scores[m, "maximum probability"] = pd.Series(np.exp(own.max(axis=1)), index[rows])
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
    yield from sets_of(model, judged, "")
    yield from sets_of(as_logistic(model), judged, " of LR")


def sets_of(model: MODIS, judged: md.MuData, whose: str) -> Iterator[dict]:
    """Coverage and size of sets of classes."""
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
            yield row | {"what": f"coverage{whose}", "value": covered.mean()}
            yield row | {"what": f"size of sets{whose}", "value": sets.sum(axis=1).mean()}
            if len(large):
                yield row | {"what": f"coverage{whose}, worst class of 20", "value": large.min()}


def choose_penalty(x: np.ndarray, codes: np.ndarray) -> tuple[float, np.ndarray]:
    """Penalty with the least log loss in shuffled folds, and what it says out of fold."""
    best = np.inf
    for penalty in PENALTIES:
        rng, model = np.random.default_rng(0), regression(penalty)
        order = rng.permutation(len(x))
        said = np.empty((len(x), codes.max() + 1))
        said[order] = cross_val_predict(model, x[order], codes[order], method="predict_proba")
        if (loss := log_loss(codes, said)) < best:
            best, chosen, out_of_fold = loss, penalty, said
        elif loss > 1.05 * best:
            break
    return chosen, out_of_fold


def regression(penalty: float) -> LogisticRegression:
    return LogisticRegression(C=penalty, class_weight="balanced", max_iter=1_000)


def as_logistic(model: MODIS) -> MODIS:
    """The same model with plain logistic regressions as class maps."""
    networks, data, out_of_fold = model.module, model._training_data(), {}
    for name, item in data.items():
        code = networks.modality_codes[name]
        out_of_fold[name] = np.full((item.n_obs, networks.n_classes), np.nan)
        classes, counts = np.unique(item.labels, return_counts=True)
        # a class needs a sample in each fold
        classes = classes[counts >= 5]
        rows = np.flatnonzero(np.isin(item.labels, classes))
        x = networks.scale(name, torch.from_numpy(item.matrix.rows(rows))).cpu().numpy()
        turn = np.linalg.svd(x, full_matrices=False)[2]
        codes = np.searchsorted(classes, item.labels[rows])
        penalty, said = choose_penalty(x @ turn.T, codes)
        with np.errstate(divide="ignore"):
            said = np.fmax(np.log(said), -14.0)
        out_of_fold[name][np.ix_(rows, classes)] = said
        found = regression(penalty).fit(x @ turn.T, codes)
        weight = np.zeros((networks.n_classes, x.shape[1]))
        bias, seen = np.zeros((2, networks.n_classes))
        weight[classes], bias[classes], seen[classes] = found.coef_ @ turn, found.intercept_, 1
        for what, value in (("weight", weight), ("bias", bias), ("seen", seen)):
            networks.linear[f"class_{what}_{code}"] = value
            networks.linear._buffers.pop(f"guest_{what}_{code}", None)
    networks.linear["combination"] = np.ones(len(data))
    _trust.fit_trust(model, data, out_of_fold, {})
    return model


Rows = dict[str, np.ndarray]
RIVALS = ("logistic regression", "nearest class mean")


def standardised(train: md.MuData, judged: md.MuData) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Standardised features of both, turned onto the principal axes, by modality."""
    places = {}
    for name, adata in judged.mod.items():
        x = train.mod[name].X
        spread = x.std(axis=0)
        both = ((own - x.mean(axis=0)) / np.where(spread > 0, spread, 1) for own in (x, adata.X))
        known, new = both
        turn = np.linalg.svd(known, full_matrices=False)[2].T
        places[name] = known @ turn, new @ turn
    return places


def rival_classes(
    rival: str, rows: Rows, places: dict, train: md.MuData, judged: md.MuData, penalties: dict
) -> dict[str | None, pd.Series]:
    """Class that a rival predicts from each modality and from all; `rows` train it."""
    said = {}
    for name, (known, new) in places.items():
        labels = train.mod[name].obs["label"].to_numpy()[rows[name]]
        x = known[rows[name]]
        if rival == "logistic regression":
            if name not in penalties:
                penalties[name] = choose_penalty(x, np.unique(labels, return_inverse=True)[1])[0]
            model = regression(penalties[name]).fit(x, labels)
            classes, own = model.classes_, model.predict_log_proba(new)
        else:
            classes = np.unique(labels)
            means = np.stack([x[labels == each].mean(axis=0) for each in classes])
            own = -np.square(means).sum(axis=1) / 2 + new @ means.T
            own = log_softmax(own / x.shape[1], axis=1)
        said[name] = pd.DataFrame(own, judged.mod[name].obs_names, classes)
    columns = sorted(set().union(*said.values()))
    # a class that a modality lacks is not ruled out by it
    every = [own.reindex(columns=columns).fillna(-14.0).clip(lower=-14.0) for own in said.values()]
    total = pd.concat(every).groupby(level=0).mean().loc[judged.obs_names]
    return {name: own.idxmax(axis=1) for name, own in said.items()} | {None: total.idxmax(axis=1)}


def added(train: md.MuData, judged: md.MuData) -> Iterator[dict]:
    """Recall of a class of five new samples, and what recall others lose, in turn."""
    labels, truth = labels_of(train), labels_of(judged)
    counts = labels.value_counts()
    names = counts.index[(counts > HANDFUL) & counts.index.isin(truth)]
    places, penalties = standardised(train, judged), {}
    for name in np.random.default_rng(1).permutation(sorted(names))[:MOST_CLASSES]:
        own = labels.index[labels == name]
        hand = np.random.default_rng(0).permutation(own)[:HANDFUL]
        few = {m: a[a.obs_names.isin(hand)].copy() for m, a in train.mod.items()}
        model = fit(chosen(train, lambda found, name=name: found != name))
        found = {"add_class": [{m: model.predict(judged, modality=m) for m in (*places, None)}]}
        model.add_class(name, make({m: a for m, a in few.items() if a.n_obs}))
        found["add_class"].append({m: model.predict(judged, modality=m) for m in (*places, None)})
        others = {m: (a.obs["label"] != name).to_numpy() for m, a in train.mod.items()}
        taught = {m: others[m] | a.obs_names.isin(hand) for m, a in train.mod.items()}
        for rival in RIVALS:
            how = places, train, judged, penalties
            found[rival] = [rival_classes(rival, rows, *how) for rows in (others, taught)]
        for kind, (before, after) in found.items():
            for m, said in after.items():
                known = truth[said.index]
                row = {"modality": m or "all", "kind": kind, "class": name}
                if not (known == name).any():
                    continue
                recall = (said == known).groupby(known).mean()
                earlier = (before[m] == known).groupby(known).mean()
                yield row | {"what": "recall of a new class", "value": recall[name]}
                lost = (earlier - recall).drop(name).mean()
                yield row | {"what": "recall that others lose", "value": lost}
                lost = ((before[m] == known).astype(int) - (said == known))[known != name].mean()
                yield row | {"what": "accuracy that others lose", "value": lost}


def missing(train: md.MuData, judged: md.MuData, shares: tuple[float, ...]) -> Iterator[dict]:
    """Balanced accuracy and error of filled values, without some values; means of draws."""
    kinds = [("at random", share) for share in (0.0, *shares)]
    kinds += [("small values", share) for share in shares]
    for kind, share in kinds:
        rows = [
            row | {"kind": f"{share:.0%} {kind}"}
            for seed in range(DRAWS if share else 1)
            for row in one_draw(train, judged, kind, share, np.random.default_rng([2, seed]))
        ]
        if rows:
            means = pd.DataFrame(rows).groupby(["modality", "kind", "what"])["value"].mean()
            yield from means.reset_index().to_dict("records")


def one_draw(
    train: md.MuData, judged: md.MuData, kind: str, share: float, rng: np.random.Generator
) -> Iterator[dict]:
    lost, parts = {}, []
    for part in (train, judged):
        own = part.copy()
        for name, adata in own.mod.items():
            rank = adata.X.argsort(axis=0).argsort(axis=0) / len(adata.X)
            chance = share if kind == "at random" else np.clip(2 * share * (1 - rank), 0, 1)
            away = rng.random(adata.shape) < chance
            away[:, away.mean(axis=0) > 0.95] = False
            adata.X = np.where(away, np.nan, adata.X)
            lost[name] = away
        parts.append(own)
    model, with_means = fit(parts[0]), [own.copy() for own in parts]
    means = {name: np.nanmean(adata.X, axis=0) for name, adata in parts[0].mod.items()}
    for own in with_means:
        for name, adata in own.mod.items():
            adata.X = np.where(np.isnan(adata.X), means[name], adata.X)
    for name, (known, new) in standardised(*with_means).items():
        row, truth = {"modality": name}, judged.mod[name].obs["label"]
        score = balanced_accuracy_score(truth, model.predict(parts[1], modality=name))
        yield row | {"what": "balanced accuracy", "value": score}
        classes, codes = np.unique(train.mod[name].obs["label"], return_inverse=True)
        rival = regression(choose_penalty(known, codes)[0]).fit(known, codes)
        score = balanced_accuracy_score(truth, classes[rival.predict(new)])
        yield row | {"what": "balanced accuracy, logistic regression", "value": score}
        if not share:
            continue
        x, spread = judged.mod[name].X, np.nanstd(parts[0].mod[name].X, axis=0)
        at, scale = lost[name] & (spread > 1e-6), np.where(spread > 1e-6, spread, 1)
        filled = model.impute(name, parts[1]).X
        for what, values in (("filled values", filled), ("the feature mean", means[name])):
            error = np.square((values - x) / scale)[at].mean()
            yield row | {"what": f"error of {what}", "value": error}


#: What is measured, by name.
PARTS: dict[str, Callable[[md.MuData, md.MuData, str], Iterable[dict]]] = {
    "promises": lambda train, judged, name: promises(fit(train), judged),
    "alarms": lambda train, judged, name: alarms(train, judged),
    "added": lambda train, judged, name: added(train, judged) if name in ADDED else (),
    "missing": lambda train, judged, name: missing(train, judged, MISSING.get(name, ())),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--test", action="store_true")
    parser.add_argument("--only", nargs="+", default=SETS)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    options = parser.parse_args()
    options.results.mkdir(parents=True, exist_ok=True)
    for name in options.only:
        train, judged = read(name, test=options.test)
        rows = [row for part in options.parts for row in PARTS[part](train, judged, name)]
        table, path = pd.DataFrame(rows).assign(data=name), options.results / f"{name}.csv"
        if path.exists():
            before = pd.read_csv(path)
            table = pd.concat([before[~before["what"].isin(table["what"])], table])
        table.to_csv(path, index=False, float_format="%.4g")
        by = ["what", "kind", "modality"]
        print(name, table.groupby(by)["value"].mean().round(3).to_string(), sep="\n", flush=True)


if __name__ == "__main__":
    logging.getLogger("scvi").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()
