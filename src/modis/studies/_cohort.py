import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import anndata as ad
import joblib
import mudata as md
import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from .._constants import LIKELIHOOD_DOMAINS
from ..data import FeatureMatrix, align_links, check_mudata, collect_batches, collect_labels
from ..data._validation import check_likelihoods, check_names, check_values, resolve_modalities
from ..datasets import split
from ..datasets._selection import without_pulling
from ._reading import ByModality, by_modality, stated_groups, stated_part

#: Column of samples without a label; in brackets, as no class is called so.
UNLABELED = "(no label)"


@dataclass(frozen=True)
class Cohort:
    """The data of a study or a report, checked, with only what is used."""

    #: With the values of the layer in ``X``, and names but no columns.
    modalities: dict[str, ad.AnnData]
    likelihood: dict[str, str]
    layer: dict[str, str | None]
    #: Class names by modality, `None` where not known.
    labels: dict[str, pd.Series]
    #: ``"train"`` or ``"test"`` by observation of the modalities; `None` if nothing says.
    part: pd.Series | None = None
    #: Batch names by modality; `None` without batches.
    batches: Mapping[str, pd.Series] | None = None
    #: Patient or donor by observation; `None` if observations are not grouped.
    groups: pd.Series | None = None
    links: pd.DataFrame | None = None
    labels_key: str | None = None
    batch_key: str | None = None
    unlabeled_category: str = "unknown"

    @cached_property
    def label(self) -> pd.Series:
        """Class of every observation whose class is known."""
        known = pd.concat([column.dropna() for column in self.labels.values()])
        return known[~known.index.duplicated()]

    @cached_property
    def n_modalities(self) -> pd.Series:
        """How many of the modalities every observation has."""
        names = np.concatenate([adata.obs_names for adata in self.modalities.values()])
        return pd.Series(names).value_counts(sort=False)

    @cached_property
    def samples(self) -> pd.DataFrame:
        """``observation``, ``modality``, ``part`` and ``label`` of every sample."""
        labels = pd.concat(self.labels, names=["modality", "observation"])
        frame = labels.rename("label").reset_index()
        part = None if self.part is None else frame["observation"].map(self.part)
        return frame.assign(part=part)

    def counts(self, part: str) -> pd.DataFrame:
        """Samples of a part by modality and class; the last column is :data:`UNLABELED`."""
        own = self.samples[self.samples["part"] == part]
        names = own["label"].where(own["label"].notna(), UNLABELED)
        columns = [*sorted(set(self.samples["label"].dropna())), UNLABELED]
        table = pd.crosstab(own["modality"], names)
        table = table.reindex(index=list(self.modalities), columns=columns, fill_value=0)
        return table.rename_axis(index=None, columns=None)

    def is_counts(self, modality: str) -> bool:
        """Whether the values are counts."""
        return LIKELIHOOD_DOMAINS[self.likelihood[modality]] == "counts"

    def values(self, modality: str, names: pd.Index) -> np.ndarray:
        """Values of observations, float32 ``(n_obs, n_features)``."""
        adata = self.modalities[modality]
        return FeatureMatrix(adata).rows(adata.obs_names.get_indexer(names))

    def filled(self, modality: str, names: pd.Index, train: pd.Index) -> np.ndarray:
        """Values of observations, those that are missing filled with the mean of `train`."""
        values = self.values(modality, names)
        if np.isnan(values).any():
            imputer = SimpleImputer(keep_empty_features=True).fit(self.values(modality, train))
            values = imputer.transform(values)
        return values

    def names(
        self, part: str, adatas: Mapping[str, ad.AnnData] | None = None
    ) -> dict[str, pd.Index]:
        """Observations of a part, by modality of `adatas` (by default those that are used)."""
        assert self.part is not None
        observed = {name: a.obs_names for name, a in (adatas or self.modalities).items()}
        return {name: own[self.part.reindex(own) == part] for name, own in observed.items()}

    def mudata(
        self,
        names: Mapping[str, pd.Index],
        labels: Mapping[str, pd.Series] | None = None,
        adatas: Mapping[str, ad.AnnData] | None = None,
    ) -> md.MuData:
        """Copy the observations that `names` gives by modality, to set up or to predict.

        `labels` are missing where the model must not know them. Values are those of `adatas` if
        given, such as the user's modalities; of those that the cohort does not use the names alone
        are kept.
        """
        parts = {}
        for name, index in names.items():
            if name not in self.modalities:
                parts[name] = ad.AnnData(obs=pd.DataFrame(index=index))
                continue
            parts[name] = (adatas or self.modalities)[name][index].copy()
            if labels is not None:
                parts[name].obs[self.labels_key] = pd.Categorical(labels[name].reindex(index))
            if self.batches is not None:
                parts[name].obs[self.batch_key] = pd.Categorical(self.batches[name].reindex(index))
        with without_pulling():
            return md.MuData(parts)

    @cached_property
    def digest(self) -> str:
        """Equal if and only if values, names, labels, parts and batches are."""
        columns = [self.part, self.groups, *self.labels.values(), *(self.batches or {}).values()]
        columns += [own for a in self.modalities.values() for own in (a.var_names, a.obs_names)]
        names = [column if column is None else list(map(str, column)) for column in columns]
        values = {name: adata.X for name, adata in self.modalities.items()}
        return joblib.hash((values, names, self.likelihood))

    @cached_property
    def links_digest(self) -> str | None:
        """Equal if and only if the links are; `None` without links."""
        return None if self.links is None else joblib.hash(self.links.to_csv(index=False))


def make_cohort(
    mdata: md.MuData,
    labels_key: str | None = None,
    *,
    modalities: Sequence[str] | None = None,
    split_key: str | None = None,
    test_size: float = 0.0,
    seed: int = 0,
    batch_key: str | None = None,
    group_key: str | None = None,
    layer: ByModality = None,
    likelihood: ByModality = None,
    links: pd.DataFrame | None = None,
    unlabeled_category: str = "unknown",
) -> Cohort:
    """Choose what is used of the data, refusing what cannot work; see :func:`benchmark`.

    Without `split_key`, `test_size` of the labelled observations (of all, without labels) test.
    """
    check_mudata(mdata)
    names = resolve_modalities(mdata, modalities)
    check_names(mdata, names)
    layers = by_modality(layer, names, "--layer")
    given = by_modality(likelihood, names, "--likelihood")
    likelihoods = {k: "gaussian" if own is None else own for k, own in given.items()}
    check_likelihoods(likelihoods)
    # what is remarkable about them the model says when it gets them
    check_values(mdata, names, layers, likelihoods, warn=False)
    if links is not None:
        features = {name: mdata.mod[name].var_names.to_numpy() for name in names}
        align_links(links, features, [name for name in mdata.mod if name not in names])
    labels = collect_labels(mdata, names, labels_key, unlabeled_category)
    part = None
    if split_key is not None:
        part = stated_part(mdata, names, split_key)
    elif test_size:
        # without labels equally from every set of modalities
        everyone = {name: column.fillna("") for name, column in labels.items()}
        drawn = draw_test(labels if labels_key else everyone, test_size, seed)
        index = pd.Index(dict.fromkeys(n for own in labels.values() for n in own.index))
        part = pd.Series(np.where(index.isin(drawn), "test", "train"), index=index, dtype=object)
    batches = None if batch_key is None else collect_batches(mdata, names, batch_key)
    adatas = {name: _with_values(mdata.mod[name], layers[name]) for name in names}
    groups = None if group_key is None else stated_groups(mdata, group_key, part)
    decided = (adatas, likelihoods, layers, labels, part, batches, groups, links)
    return Cohort(*decided, labels_key, batch_key, unlabeled_category)


def profile_scale(cohort: Cohort, modality: str) -> Pipeline:
    """Units in which profiles are compared: standardised, counts as logarithms, no constants."""
    log = [FunctionTransformer(np.log1p)] if cohort.is_counts(modality) else []
    return make_pipeline(*log, VarianceThreshold(), StandardScaler())


def _with_values(adata: ad.AnnData, layer: str | None) -> ad.AnnData:
    x = adata.X if layer is None else adata.layers[layer]
    x = x.tocsr() if sparse.issparse(x) else np.asarray(x, dtype=np.float32)
    obs, var = pd.DataFrame(index=adata.obs_names), pd.DataFrame(index=adata.var_names)
    return ad.AnnData(x, obs=obs, var=var)


def label_table(labels: Mapping[str, pd.Series]) -> md.MuData:
    """Observations of the modalities with their class in the column ``"class"``, and no values."""
    obs = {name: column.astype(object).to_frame("class") for name, column in labels.items()}
    with without_pulling():
        return md.MuData({name: ad.AnnData(obs=own) for name, own in obs.items()})


def draw_test(
    labels: Mapping[str, pd.Series], test_size: float, seed: int, groups: pd.Series | None = None
) -> pd.Index:
    """Draw a share of the labelled observations, equally from every class and set of modalities.

    With `groups`, whole groups are drawn, so that the shares hold about.
    """
    known = {name: column.dropna().astype(str) for name, column in labels.items()}
    known = {name: column for name, column in known.items() if len(column)}
    if not known:
        return pd.Index([], dtype=object)
    if groups is None:
        return split(label_table(known), test_size, labels_key="class", seed=seed)[1].obs_names
    label = pd.concat(known.values())
    label = label[~label.index.duplicated()]
    folds = StratifiedGroupKFold(max(2, round(1 / test_size)), shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # a class with fewer members than folds is missing in some of them
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        _, test = next(folds.split(label, label, groups.reindex(label.index)))
    return label.index[test]
