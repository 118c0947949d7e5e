"""The paper's experiments: a model trained in a setting and its evaluation, and all of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mudata import MuData
from rich.console import Console

from ..datasets._intersim import bayes_probabilities
from ..model import MODIS
from ._figures import draw_paper
from ._methods import METHODS
from ._paper_table import BAYES, tabulate, to_markdown
from ._runs import Found, Job, Row, Store, complete, write_tables
from ._scores import rate_classes, vote
from ._settings import LABELS_KEY, SETTINGS, Source, class_names, settings_of

# the paper draws so many samples per modality
_MOST_POINTS = 800


@dataclass(frozen=True)
class Experiment:
    """The study: methods in the settings of the paper; seed 0 with latent points as well."""

    source: Source
    max_epochs: int | None = None

    def parameters(self, job: Job) -> Row:
        setting, method = SETTINGS[job.key["setting"]], METHODS.get(job.key["method"])
        return {
            "data": self.source.describe(setting.delta, links=method is not None and method.links),
            "setting": asdict(setting),
            "method": None if method is None else [method.model, method.train, method.links],
            "max_epochs": self.max_epochs,
        }

    def perform(self, job: Job) -> Found:
        setting, name = SETTINGS[job.key["setting"]], job.key["method"]
        parts = self.source.load(setting.delta)
        if name == BAYES:
            best = bayes_probabilities(parts.test, **self.source.simulation(setting.delta))
            predicted = {modality: table.idxmax(axis=1) for modality, table in best.items()}
            return list(_rate_classes(_labels(parts.test), predicted)), None
        method = METHODS[name]
        model, seconds = method.fit(
            setting.apply(parts.train, job.seed),
            job.seed,
            {"labels_key": LABELS_KEY if setting.labeled_fraction else None},
            {"feature_links": parts.links} if method.links else {},
            {"max_epochs": self.max_epochs, "enable_progress_bar": False},
        )
        measured = {"train_seconds": seconds, "epochs": len(model.history["loss_train"])}
        rows: list[Row] = [{"metric": metric, "value": own} for metric, own in measured.items()]
        is_shown, latent = job.seed == 0, None
        rows += evaluate(model, parts.test, parts.truth, confusion=is_shown)
        if is_shown:
            latent = sample_latent(model, parts.test)
            counts = model.class_counts().drop(columns=["total", "features"]).astype(int)
            by_class = counts.rename_axis(columns="class").T
            rows += _records("n_train", by_class.melt(var_name="source", ignore_index=False))
        classes = class_names(parts.train)
        pairs = setting.missing(classes, list(parts.train.mod), job.seed)
        chosen = {
            "rare_class": setting.rare_class(classes, job.seed),
            "missing": "; ".join(f"{name} in {modality}" for name, modality in pairs) or None,
        }
        return [chosen | row for row in rows], latent


def evaluate(model: MODIS, test: MuData, truth: MuData, *, confusion: bool = False) -> list[Row]:
    """Measure a trained model on unpaired test data, of which `truth` holds every modality.

    The limit of an error is the within-class variance of the test samples: what the best
    prediction that knows only the class leaves.
    """
    labels = _labels(test)
    rows: list[Row] = []
    if model.module.n_classes:
        predicted = {name: model.predict(test, modality=name).astype(str) for name in test.mod}
        rows += _rate_classes(labels, predicted)
        for name in labels if confusion else ():
            rows += _confusion("confusion", labels[name], predicted[name], source=name)
    latent = {name: model.get_latent_representation(test, modality=name) for name in test.mod}
    for source, target in permutations(latent, 2):
        where = {"source": source, "target": target}
        voters = vote(latent[source], labels[source].to_numpy())
        carried = voters.predict(latent[target].astype(np.float64)).astype(object)
        value = float(np.mean(carried == labels[target]))
        rows.append({"metric": "label_transfer", **where, "value": value})
        if confusion:
            rows += _confusion("transfer_confusion", labels[target], carried, **where)
    observed = np.concatenate([adata.obs_names for adata in test.mod.values()])
    known = truth.obs[LABELS_KEY].reindex(observed).astype(str).to_numpy()
    for target in test.mod:
        x = truth.mod[target][observed].to_df().astype(np.float64)
        limit = np.nanmean((x - x.groupby(known).transform("mean")) ** 2)
        for source in test.mod:
            where = {"source": source, "target": target}
            translated = model.translate(source, target, test).to_df()
            error = np.nanmean((x.loc[translated.index] - translated) ** 2)
            rows.append({"metric": "mse", **where, "value": float(error)})
            rows.append({"metric": "mse_over_limit", **where, "value": float(error / limit)})
    return rows


def sample_latent(model: MODIS, test: MuData) -> pd.DataFrame:
    """``modality``, ``label`` and latent point of at most 800 test samples per modality."""
    parts = []
    for name, labels in _labels(test).items():
        order = np.random.default_rng(0).permutation(len(labels))
        chosen = np.sort(order[:_MOST_POINTS])
        latent = model.get_latent_representation(test, modality=name, indices=chosen.tolist())
        part = pd.DataFrame({"modality": name, "label": labels.to_numpy()[chosen]})
        parts.append(part.join(pd.DataFrame(latent).add_prefix("latent_")))
    return pd.concat(parts, ignore_index=True)


def _labels(test: MuData) -> dict[str, pd.Series]:
    return {name: adata.obs[LABELS_KEY].astype(str) for name, adata in test.mod.items()}


def _rate_classes(
    labels: Mapping[str, pd.Series], predicted: Mapping[str, pd.Series]
) -> Iterator[Row]:
    """Rows of the classes predicted from each modality, and over all of them."""
    pairs = {name: (own, predicted[name]) for name, own in labels.items()}
    everything = zip(*pairs.values(), strict=True)
    for source, (true, named) in {**pairs, "all": map(pd.concat, everything)}.items():
        values, by_class = rate_classes(true, named)
        # the paper's W-ACC: the same number, if weights come from the test samples
        values["inverse_frequency_accuracy"] = values["balanced_accuracy"]
        for metric, value in values.items():
            yield {"source": source, "metric": metric, "value": float(value)}
        recall = by_class["recall"].rename_axis("class").rename("value")
        yield from _records("recall", recall, source=source)


def _confusion(metric: str, true: Any, named: Any, **where: str) -> list[Row]:
    table = pd.DataFrame({"class": np.asarray(true), "predicted": np.asarray(named)})
    return _records(metric, table.value_counts(sort=False).rename("value"), **where)


def _records(metric: str, values: pd.Series | pd.DataFrame, **where: str) -> list[Row]:
    return [{"metric": metric, **where, **row} for row in values.reset_index().to_dict("records")]


_COLUMNS = ["figure", "setting", "method", "seed", "rare_class", "missing"]
_COLUMNS += ["metric", "source", "target", "class", "predicted", "value"]


def reproduce(
    figure: str,
    out: str | Path,
    data: str = "synthetic",
    *,
    links_file: Path | None = None,
    reference_path: Path | None = None,
    n_samples: int = 11_500,
    methods: Sequence[str] = ("default", "links"),
    seeds: int = 10,
    jobs: int = 1,
    max_epochs: int | None = None,
    only: Sequence[str] | None = None,
    console: Console | None = None,
) -> pd.DataFrame:
    """Run the paper's experiments, and write their figures and tables; as ``modis reproduce``.

    Finished runs are kept in ``out/runs``; a second call does only those that are missing. The
    tables have the rows of all runs in the folder that belong to the same data.
    """
    out, console = Path(out), console or Console(highlight=False)
    settings = settings_of(figure, only)
    unknown = [name for name in methods if name not in METHODS]
    if unknown or not methods:
        raise ValueError(f"There is no method {unknown or ''}; there are {list(METHODS)}.")
    source = Source(data, links_file, reference_path, n_samples)
    source.check()
    # what cannot serve should be known before hours of training, not after
    needing = [name for name in methods if METHODS[name].links]
    for delta in {SETTINGS[name].delta for name in settings}:
        if source.load(delta).links is None and needing:
            raise ValueError(
                f"The method {needing[0]!r} needs linked features. Name a table with "
                "--links-file, put it into uns['feature_links'], or leave the method out with "
                "--methods."
            )
    store = Store(out, Experiment(source, max_epochs), "runs")
    wanted = [Job({"setting": s, "method": BAYES}) for s in settings if SETTINGS[s].delta]
    wanted += [
        Job({"setting": setting, "method": method}, seed)
        for seed in range(seeds)
        for setting in settings
        for method in methods
    ]

    def write() -> pd.DataFrame:
        results = _collect(store)
        table = tabulate(results)
        write_tables(out, results, table, to_markdown(table))
        console.print("Drawing figures", soft_wrap=True)
        draw_paper(figure, results, store, out)
        return table

    return complete(store, wanted, jobs, console, write)


def _collect(store: Store) -> pd.DataFrame:
    """Rows of all runs in the folder, in the order of settings, methods and seeds."""
    settings, methods = list(SETTINGS), [*METHODS, BAYES]

    def place(job: Job) -> tuple[int, ...]:
        named = settings.index(job.key["setting"]), methods.index(job.key["method"])
        return (*named, job.seed)

    results, _ = store.collect(sorted(store.finished(), key=place))
    results["figure"] = [SETTINGS[name].figure for name in results["setting"]]
    return results.reindex(columns=_COLUMNS)
