"""What the linear models translate: class means, ridge regressions on pairs, and links."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch

from ..data import LinkPair, Modality
from ..linear import class_means, fit_ridge, link_correlation, link_views
from ..module import LinearModels, MODISModule
from ._base import Model

#: Values that components, class means and ridge regressions are found on, at most.
MOST_VALUES = 2**24
# rounds in which class means and effects of conditions are fitted alternately
_N_PASSES = 3
# linked features whose correlations are compared, at most
_MOST_LINKED = 500


class _Side(NamedTuple):
    """One modality, as a source and as a target of translations.

    ``basis`` of the components ``(n_components, n_features)``, components of all rows
    ``(n, n_components)`` and their class probabilities, out of fold where they can be,
    ``(n, n_classes)``; positions of ``chosen`` rows, their standardised profiles less
    the effects of conditions ``(n_chosen, n_features)``, and ``means`` of these by class.
    """

    basis: np.ndarray
    scores: np.ndarray
    members: np.ndarray
    chosen: np.ndarray
    profile: np.ndarray
    means: np.ndarray


def fit_translations(
    model: Model,
    data: Mapping[str, Modality],
    scores: Mapping[str, np.ndarray],
    said: Mapping[str, np.ndarray],
    out_of_fold: Mapping[str, np.ndarray],
    pairs: Mapping[tuple[str, str], tuple[np.ndarray, np.ndarray]],
) -> float:
    """Class means of every modality, and what pairs or links tell beyond them.

    By modality: principal components, class probabilities of the fitted model, `said`, and
    log-probabilities out of fold, NaN where there are none.
    Returns what shared axes are worth: 1 with pairs, or else the correlation of linked features.
    """
    linear, codes, sides = model.module.linear, model.module.modality_codes, {}
    for name, item in data.items():
        # a row that helped to learn the classes is told too well by them
        honest = np.where(np.isnan(out_of_fold[name]), said[name], np.exp(out_of_fold[name]))
        basis, means = linear.array(f"basis_{codes[name]}"), _fit_means(model, item, said[name])
        sides[name] = _Side(basis, scores[name], honest, *means)
    for (a, b), (ours, theirs) in pairs.items():
        there, back = f"{codes[a]}_{codes[b]}", f"{codes[b]}_{codes[a]}"
        _fit_pair_ridge(linear, there, sides[a], sides[b], ours, theirs)
        _fit_pair_ridge(linear, back, sides[b], sides[a], theirs, ours)
    links = {} if model._links is None else model._links.pairs
    correlations = []
    for (a, b), link in links.items():
        if (a, b) not in pairs:
            there, back = f"{codes[a]}_{codes[b]}", f"{codes[b]}_{codes[a]}"
            turned = LinkPair(link.second, link.first, link.weight)
            correlations.append(_fit_link_ridge(linear, there, sides[a], sides[b], link))
            correlations.append(_fit_link_ridge(linear, back, sides[b], sides[a], turned))
    return float(np.mean(correlations)) if correlations and not pairs else 1.0


def some_profiles(networks: MODISModule, item: Modality) -> tuple[np.ndarray, np.ndarray]:
    """Rows, all or as many as have not too many values, and their profiles."""
    n = max(1, MOST_VALUES // item.matrix.shape[1])
    rows = np.sort(np.random.default_rng(0).permutation(item.n_obs)[:n])
    x = torch.from_numpy(item.matrix.rows(rows))
    return rows, networks.profile(item.name, x).cpu().numpy()


def _fit_means(
    model: Model, item: Modality, said: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Class means of one modality and effects of its conditions, fitted alternately.

    Unlabelled rows count by the class probabilities `said`. Returns what a side has of them.
    """
    networks = model.module
    linear, code = networks.linear, networks.modality_codes[item.name]
    chosen, profile = some_profiles(networks, item)
    location, spread = profile.mean(axis=0), profile.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    linear[f"location_{code}"], linear[f"spread_{code}"] = location, spread
    profile = (profile - location) / spread
    labeled = (item.labels >= 0)[:, None]
    own = np.where(labeled, np.eye(networks.n_classes)[item.labels], said)[chosen]
    sizes = [max(1, n) for n in networks.n_categories]
    linear["first_condition"] = first = np.cumsum([0, *sizes[:-1]])
    codes, numbers = np.split(item.batch[chosen], [len(sizes)], axis=1)
    conditions = codes.astype(np.int64) + first
    offset = np.zeros((sum(sizes) + numbers.shape[1], profile.shape[1]))
    slopes = offset[sum(sizes) :]
    precision = numbers.T @ numbers + np.eye(numbers.shape[1])
    for _ in range(_N_PASSES):
        means = class_means(own, profile - offset[conditions].sum(axis=1) - numbers @ slopes)
        for column, (begin, size) in enumerate(zip(first, sizes, strict=True)):
            if size > 1:
                others = offset[np.delete(conditions, column, axis=1)].sum(axis=1)
                member = np.eye(size)[conditions[:, column] - begin]
                rest = profile - own @ means - others - numbers @ slopes
                offset[begin : begin + size] = class_means(member, rest)
        rest = profile - own @ means - offset[conditions].sum(axis=1)
        slopes[:] = np.linalg.solve(precision, numbers.T @ rest)
    linear[f"mean_{code}"], linear[f"offset_{code}"] = means, offset
    return chosen, profile - offset[conditions].sum(axis=1) - numbers @ slopes, means


def _fit_pair_ridge(
    linear: LinearModels, key: str, source: _Side, target: _Side, x: np.ndarray, y: np.ndarray
) -> None:
    """Ridge regressions on pairs, rows `x` of the source and `y` of the target.

    One predicts the profiles, one what class means leave of them. Each weighs as leaves the least
    squared error, every row predicted from the others.
    """
    known = np.isin(y, target.chosen)
    x, y = x[known], np.searchsorted(target.chosen, y[known])
    by_class = source.members[x] @ target.means
    plain, plain_intercept, plain_error = fit_ridge(source.scores[x], target.profile[y])
    added, added_intercept, added_error = fit_ridge(source.scores[x], target.profile[y] - by_class)
    apart = added_error - plain_error
    share = (added_error * apart).sum() / max(np.square(apart).sum(), 1e-12)
    share = float(np.clip(share, 0, 1))
    linear[f"ridge_{key}"] = share * plain + (1 - share) * added
    linear[f"intercept_{key}"] = share * plain_intercept + (1 - share) * added_intercept
    linear[f"by_class_{key}"] = np.array(1 - share)


def _fit_link_ridge(
    linear: LinearModels, key: str, source: _Side, target: _Side, links: LinkPair
) -> float:
    """Differences within the class that linked features predict; their correlation."""
    bases, scores = (source.basis, target.basis), (source.scores, target.scores)
    view = link_views(scores, bases, links.first, links.second, links.weight)[0]
    linked, row = np.unique(links.second, return_inverse=True)
    some = np.sort(np.random.default_rng(0).permutation(len(linked))[:_MOST_LINKED])
    there = target.profile - target.members[target.chosen] @ target.means
    here = source.scores @ view
    here = here - source.members @ class_means(source.members, here)
    uses = np.zeros((len(linked), source.basis.shape[1]), dtype=np.float32)
    uses[row, links.first] = 1
    apart = uses[some] @ uses[some].T == 0
    found = link_correlation(here[:, some], there[:, linked[some]], apart) if apart.any() else 0.0
    deviation = here.std(axis=0)
    # all that both share may be due to something else, as far as is known without pairs: this is
    # the expected correlation if any from 0 to the one found is as likely
    expected = found / 2
    slope = expected * there[:, linked].std(axis=0) / np.where(deviation > 0, deviation, np.inf)
    ridge = np.zeros((len(view), target.profile.shape[1]))
    ridge[:, linked] = view * slope
    linear[f"ridge_{key}"], linear[f"by_class_{key}"] = ridge, np.array(1.0)
    linear[f"intercept_{key}"] = np.zeros(ridge.shape[1])
    linear[f"class_ridge_{key}"] = class_means(source.members, source.scores) @ ridge
    return found
