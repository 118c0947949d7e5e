from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import numpy as np
import pandas as pd
import scvi

from ._cohort import Cohort
from ._design import MATCHING, TRANSFER, Fold, linked_features
from ._rivals import Points, Rival
from ._scores import vote

_TRAIN_SIZE = 0.9


class Diagvi(Rival):
    """DIAGVI of scvi-tools, the nearest relative: two modalities, guided by linked features.

    It is trained with its defaults and sees no labels; every test observation takes the class of
    most of its nearest labelled training samples in the latent space, of both modalities. Test
    observations train too, without their label.
    """

    title = "DIAGVI and neighbours"
    tasks = (TRANSFER, MATCHING)
    links = needs_links = True
    uses = ("max_epochs",)
    package = "torch_geometric"

    @classmethod
    def obstacle(cls, cohort: Cohort) -> str:
        if not hasattr(scvi.external, "DIAGVI"):
            return f"scvi-tools {scvi.__version__} does not have it (1.5 does; then scviva-tools)"
        if len(cohort.modalities) != 2:
            return f"it takes two modalities, and there are {len(cohort.modalities)}"
        return super().obstacle(cohort)

    def __init__(self, fold: Fold) -> None:
        super().__init__(fold)
        from scvi.external import DIAGVI

        cohort, adatas, index = fold.cohort, {}, {}
        scvi.settings.seed = fold.seed
        rng = np.random.default_rng(fold.seed)
        for name, column in fold.train.items():
            others = fold.test.get(name, pd.Index([])).difference(column.index, sort=False)
            adatas[name] = cohort.mudata({name: column.index.append(others)}).mod[name]
            counts = cohort.is_counts(name)
            likelihood = "nb" if counts else "normal"
            DIAGVI.setup_anndata(
                adatas[name], cohort.batch_key, likelihood=likelihood, normalize_lib=counts
            )
            order = rng.permutation(len(column))
            n_train = max(1, round(_TRAIN_SIZE * len(column)))
            rest = len(column) + np.arange(len(others))
            index[name] = {"external_indexing": [order[:n_train], order[n_train:], rest]}
        first, second = adatas
        linked = linked_features(cohort, first, second)
        mapping = linked.rename(columns={"first": first, "second": second})[[first, second]]
        graph = DIAGVI.construct_custom_guidance_graph(adatas, mapping.drop_duplicates())
        model = DIAGVI(adatas, guidance_graph=graph)
        # its progress bar cannot be switched off
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            model.train(
                max_epochs=fold.design.max_epochs,
                train_size=_TRAIN_SIZE,
                datasplitter_kwargs=index,
            )
        self._latent = {
            name: pd.DataFrame(z, index=adatas[name].obs_names)
            for name, z in model.get_latent_representation().items()
        }

    def probabilities(self) -> dict[str, pd.DataFrame]:
        known = {name: self.fold.labeled(name) for name in self.fold.train}
        z = np.concatenate([self._latent[name].loc[own.index] for name, own in known.items()])
        voters = vote(z, np.concatenate(list(known.values())))
        return {
            name: pd.DataFrame(
                voters.predict_proba(self._latent[name].loc[names].to_numpy(dtype=np.float64)),
                index=names,
                columns=voters.classes_,
            )
            for name, names in self.fold.test.items()
        }

    def match(self, first: str, second: str, names: pd.Index) -> Points | None:
        return tuple(self._latent[name].loc[names].to_numpy() for name in (first, second))
