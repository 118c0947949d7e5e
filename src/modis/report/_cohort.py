from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anndata as ad
import mudata as md
import pandas as pd

from ..data import collect_batches, collect_labels
from ..studies._reading import (
    by_modality,
    check_column,
    draw_test,
    stated_part,
    used_modalities,
    without_pulling,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._settings import Settings

__all__ = ["UNLABELED", "Cohort", "make_cohort"]

#: Column of samples without a label; in brackets, as no class is called so.
UNLABELED = "(no label)"


@dataclass
class Cohort:
    """The data of a run, taken apart into what trains and what tests.

    Parameters
    ----------
    mdata
        All observations, as they were read.
    modalities
        Modalities that the model uses.
    layer, likelihood
        By modality.
    labels
        Class names by modality, `None` where not known; empty without labels.
    part
        ``"train"`` or ``"test"`` by observation, missing for those in no used modality.
    train
        The observations that train.
    """

    mdata: md.MuData
    modalities: list[str]
    layer: dict[str, str | None]
    likelihood: dict[str, str]
    labels: dict[str, pd.Series]
    part: pd.Series
    train: md.MuData
    samples: pd.DataFrame = field(init=False)

    def __post_init__(self) -> None:
        """Table of one row per (observation, modality)."""
        none = pd.Series(dtype=object)
        frames = [
            pd.DataFrame(
                {
                    "observation": self.mdata.mod[name].obs_names,
                    "modality": name,
                    "part": self.part.reindex(self.mdata.mod[name].obs_names).to_numpy(),
                    "label": self.labels.get(name, none)
                    .reindex(self.mdata.mod[name].obs_names)
                    .to_numpy(dtype=object),
                }
            )
            for name in self.modalities
        ]
        self.samples = pd.concat(frames, ignore_index=True)

    @property
    def label(self) -> pd.Series:
        """Class by observation of the MuData, missing where not known."""
        known = self.samples.dropna(subset="label").drop_duplicates("observation")
        labels = known.set_index("observation")["label"].reindex(self.mdata.obs_names)
        return labels.astype(object)

    @property
    def n_modalities(self) -> pd.Series:
        """How many of the used modalities each observation has."""
        counts = self.samples.groupby("observation").size()
        return counts.reindex(self.mdata.obs_names, fill_value=0)

    def counts(self, part: str) -> pd.DataFrame:
        """Samples by modality and class; the last column is ``UNLABELED``."""
        own = self.samples[self.samples["part"] == part]
        names = own["label"].where(own["label"].notna(), UNLABELED)
        classes = sorted(set(self.samples["label"].dropna()))
        table = pd.crosstab(own["modality"], names)
        table = table.reindex(index=self.modalities, columns=[*classes, UNLABELED], fill_value=0)
        return table.rename_axis(index=None, columns=None)

    def values(self, modality: str) -> ad.AnnData:
        """One modality with the values in ``X`` that the model reads."""
        adata, layer = self.mdata.mod[modality], self.layer[modality]
        matrix = adata.X if layer is None else adata.layers[layer]
        return ad.AnnData(matrix, obs=adata.obs[[]], var=adata.var[[]])


def make_cohort(mdata: md.MuData, settings: Settings) -> Cohort:
    """Choose modalities, labels and test observations, refusing what cannot work.

    Raises
    ------
    KeyError
        If a column or modality is not in the data.
    ValueError
        If labels disagree, or the parts cannot be made.
    """
    modalities = used_modalities(mdata, settings.modalities)
    for option, key in (
        ("--labels-key", settings.labels_key),
        ("--batch-key", settings.batch_key),
        ("--split-key", settings.split_key),
    ):
        if key is not None:
            check_column(mdata, modalities, key, option)
    layer = by_modality(settings.layer, modalities, "--layer")
    given = by_modality(settings.likelihood, modalities, "--likelihood")
    likelihood = {name: value or "gaussian" for name, value in given.items()}
    labels: dict[str, pd.Series] = {}
    if settings.labels_key is not None:
        labels = collect_labels(
            mdata, modalities, settings.labels_key, settings.unlabeled_category
        )
    batches: dict[str, pd.Series] = {}
    if settings.batch_key is not None:
        batches = collect_batches(mdata, modalities, settings.batch_key)
    if settings.split_key is not None:
        part = stated_part(mdata, modalities, settings.split_key)
    else:
        part = _drawn_part(mdata, modalities, labels, settings)
    part = part.reindex(mdata.obs_names)
    _check_parts(mdata, modalities, part, batches)
    train = _training_data(mdata, modalities, part, labels, batches, settings)
    return Cohort(mdata, modalities, layer, likelihood, labels, part, train)


def _drawn_part(
    mdata: md.MuData,
    modalities: list[str],
    labels: Mapping[str, pd.Series],
    settings: Settings,
) -> pd.Series:
    """Draw test observations; without labels, equally from every set of modalities."""
    names = pd.Index(dict.fromkeys(n for m in modalities for n in mdata.mod[m].obs_names))
    part = pd.Series("train", index=names, dtype=object)
    if settings.test_size:
        columns = {
            name: labels.get(name, pd.Series("none", index=mdata.mod[name].obs_names))
            for name in modalities
        }
        part[draw_test(columns, settings.test_size, settings.seed)] = "test"
    return part


def _check_parts(
    mdata: md.MuData,
    modalities: list[str],
    part: pd.Series,
    batches: Mapping[str, pd.Series],
) -> None:
    for name in modalities:
        own = part.reindex(mdata.mod[name].obs_names)
        if not (own == "train").any():
            raise ValueError(
                f"Modality {name!r} has no observation that trains. Leave it out with "
                "--modalities, or change the split."
            )
        if name in batches:
            of_train = set(batches[name][(own == "train").to_numpy()])
            only_test = sorted(set(batches[name]) - of_train)
            if only_test:
                raise ValueError(
                    f"Batch {only_test[0]!r} of modality {name!r} has only test observations, so "
                    "the model cannot learn it. Leave --batch-key out, or change the split."
                )


def _training_data(
    mdata: md.MuData,
    modalities: list[str],
    part: pd.Series,
    labels: Mapping[str, pd.Series],
    batches: Mapping[str, pd.Series],
    settings: Settings,
) -> md.MuData:
    parts = {}
    for name, adata in mdata.mod.items():
        rows = (part.reindex(adata.obs_names) == "train").to_numpy()
        if name not in modalities:
            # the model must know its name, so that it accepts and ignores it later
            parts[name] = ad.AnnData(obs=adata.obs.loc[rows, []].copy())
            continue
        parts[name] = adata[rows].copy()
        for key, columns in ((settings.labels_key, labels), (settings.batch_key, batches)):
            if key is not None:
                parts[name].obs[key] = pd.Categorical(columns[name][rows])
    with without_pulling():
        return md.MuData(parts)
