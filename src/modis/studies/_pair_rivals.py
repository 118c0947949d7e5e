"""Simple translations and matchings: one class, and one row of the table of methods, each."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.cross_decomposition import PLSSVD
from sklearn.linear_model import RidgeCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler, normalize

from ._design import MATCHING, TRANSLATION, linked_features
from ._rivals import Points, Rival, linked_profiles

# fewer training pairs teach nothing
_FEWEST = 10
_N_NEIGHBORS = 10
_N_COMPONENTS = 20


class PairRegression(Rival):
    """A regression of the target's profile on the source's, learned from pairs."""

    tasks = (TRANSLATION,)

    def make(self, n_pairs: int) -> Any:
        """An untrained regression, with `fit` and `predict`."""
        raise NotImplementedError

    def translate(self, source: str, target: str, names: pd.Index) -> np.ndarray | None:
        pairs = self.fold.pairs(source, target)
        if len(pairs) < _FEWEST:
            return None
        model: Pipeline = make_pipeline(StandardScaler(), self.make(len(pairs)))
        model.fit(self.fold.features(source, pairs), self.fold.profiles(target, pairs))
        return model.predict(self.fold.features(source, names)).reshape(len(names), -1)


class Ridge(PairRegression):
    """Ridge regression on the training pairs, its penalty chosen by leave-one-out errors."""

    title = "ridge on pairs"

    def make(self, n_pairs: int) -> RidgeCV:
        return RidgeCV(np.logspace(0, 5, 11))


class Neighbors(PairRegression):
    """Mean profile of the nearest training pairs."""

    title = "nearest paired neighbours"

    def make(self, n_pairs: int) -> KNeighborsRegressor:
        return KNeighborsRegressor(min(_N_NEIGHBORS, n_pairs))


class Pls(Rival):
    """Partial least squares on the training pairs; scores are compared by their angle."""

    title = "PLS on pairs"
    tasks = (MATCHING,)

    def match(self, first: str, second: str, names: pd.Index) -> Points | None:
        pairs = self.fold.pairs(first, second)
        if len(pairs) < _FEWEST:
            return None
        x, y = (self.fold.profiles(name, pairs) for name in (first, second))
        n_components = min(_N_COMPONENTS, *x.shape, *y.shape)
        model = PLSSVD(n_components).fit(x, y)
        scale = [scores.std(axis=0) + 1e-12 for scores in model.transform(x, y)]
        tested = (self.fold.profiles(name, names) for name in (first, second))
        one, other = model.transform(*tested)
        return normalize(one / scale[0]), normalize(other / scale[1])


class LinkedCorrelation(Rival):
    """Canonical correlation of the samples of two modalities by their linked features.

    No pairs are needed: as in Seurat's integration, the canonical vectors are the singular vectors
    of the product of both tables of linked features, samples by samples.
    """

    title = "CCA of linked features"
    tasks = (MATCHING,)
    links = needs_links = True

    def match(self, first: str, second: str, names: pd.Index) -> Points | None:
        fold, linked = self.fold, linked_features(self.fold.cohort, first, second)
        if len(linked) < 2:
            return None
        sides = ((first, linked["first"]), (second, linked["second"]))
        sign = linked["sign"].to_numpy(dtype=float)
        x, y = (linked_profiles(fold, name, own, fold.train[name].index) for name, own in sides)
        # singular vectors of x @ y.T from small factors: x = q_x r_x
        (q_x, r_x), (q_y, r_y) = np.linalg.qr(x * sign), np.linalg.qr(y)
        u, s, v = np.linalg.svd(r_x @ r_y.T, full_matrices=False)
        n = min(_N_COMPONENTS, int((s > 1e-6 * s[0]).sum()))
        loadings = (y.T @ (q_y @ v[:n].T) / s[:n], (x * sign).T @ (q_x @ u[:, :n]) / s[:n])
        one, other = (linked_profiles(fold, name, own, names) for name, own in sides)
        return normalize(one * sign @ loadings[0]), normalize(other @ loadings[1])
