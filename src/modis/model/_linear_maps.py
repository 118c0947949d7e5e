"""Principal components, class maps and translations of modalities by linear models."""

from typing import NamedTuple

import numpy as np
import torch
from sklearn.decomposition import PCA

from ..data import LinkPair, Modality
from ..linear import (
    chosen_rows,
    class_means,
    fit_class_map,
    fit_pool,
    fit_ridge,
    link_correlation,
    link_views,
)
from ..linear._shared import Pairs
from ..linear._translation import Arrays
from ..module import LinearModels, MODISModule
from ._base import Model
from ._values import Data, scaled_pieces, scaled_rows

#: Values that components, class means and ridge regressions are found on, at most.
MOST_VALUES = 2**24
_MOST_COMPONENTS = 512
_ALL_COMPONENTS = 1_024
#: Log-weights of linear model and networks before the held-out rows: two thirds and one third.
SHARE = np.array([2 / 3, 1 / 3])
# rounds in which class means and effects of conditions are fitted alternately
_N_PASSES = 3
# linked features whose correlations are compared, at most
_MOST_LINKED = 500


def fit_components(model: Model, item: Modality) -> np.ndarray:
    """Principal components of all rows, float32 ``(n_obs, n_components)``."""
    networks = model.module
    linear, code = networks.linear, networks.modality_codes[item.name]
    found = _principal(scaled_rows(networks, item, _some(np.arange(item.n_obs), item)))
    linear[f"basis_{code}"], linear[f"center_{code}"] = found.components_, found.mean_
    pieces = [linear.components(code, x) for x in scaled_pieces(networks, item)]
    return torch.cat(pieces).cpu().numpy()


def _some(rows: np.ndarray, item: Modality) -> np.ndarray:
    """These rows, or as many of them as have not too many values."""
    n = min(len(rows), max(1, MOST_VALUES // item.matrix.shape[1]))
    return np.sort(np.random.default_rng(0).choice(rows, n, replace=False))


def _principal(x: torch.Tensor) -> PCA:
    """Principal components, of many features only the leading ones."""
    n, n_features = x.shape
    most = n_features if n_features <= _ALL_COMPONENTS else _MOST_COMPONENTS
    # of the variance of a single row, or of rows that are all alike
    with np.errstate(invalid="ignore", divide="ignore"):
        return PCA(min(n, most), random_state=0).fit(x.cpu().numpy())


def fit_classes(
    model: Model, item: Modality, scores: np.ndarray, labeled: np.ndarray, held_out: np.ndarray
) -> np.ndarray:
    """Class map of one modality and its share; log-probabilities out of fold."""
    networks = model.module
    linear, code = networks.linear, networks.modality_codes[item.name]
    labels = item.labels[labeled]
    filled, lost = item.matrix.rows_and_missing(_some(labeled, item))
    x = networks.scale(item.name, torch.from_numpy(filled))
    missing = None if lost is None else torch.from_numpy(lost).to(x.device)
    apart = linear.deviations(code, x)
    there = apart if missing is None else apart.masked_fill(missing, torch.nan)
    linear[f"usual_deviation_{code}"] = there.nanmean(dim=0).nan_to_num().cpu().numpy()
    varied = _principal(linear.deviations(code, x, missing))
    deviated = []
    for _, _, own in model._encode(item, labeled, None):
        apart = linear.deviations(code, own.x_scaled, own.missing)
        deviated.append(varied.transform(apart.cpu().numpy()))
    found = fit_class_map(scores[labeled], labels, networks.n_classes, np.concatenate(deviated))
    bias = found.bias
    if found.by_deviation is not None:
        weight = found.by_deviation @ varied.components_
        linear[f"deviation_weight_{code}"], bias = weight, bias - weight @ varied.mean_
    set_map(linear, "class", code, found.weight, bias)
    linear[f"class_seen_{code}"] = found.seen
    linear[f"share_{code}"] = SHARE
    tested = np.isin(labeled, held_out) & ~np.isnan(found.out_of_fold).all(axis=1)
    if tested.any():
        encoded = model._encode_all(item, labeled[tested])
        ours = np.nan_to_num(found.out_of_fold[tested], nan=linear.LEAST_LOG_PROBABILITY)
        mean = torch.from_numpy(encoded.mean).to(networks.device)
        theirs = networks.discriminator.classify(mean)
        logits = np.stack([ours, theirs.log_softmax(dim=-1).cpu().numpy()])
        linear[f"share_{code}"] = fit_pool(logits, labels[tested], expected=SHARE)
    return found.out_of_fold


def set_map(
    linear: LinearModels, kind: str, code: int, weight: np.ndarray, bias: np.ndarray
) -> None:
    """Store a map of components as one of scaled features."""
    weight = weight @ linear.array(f"basis_{code}")
    linear[f"{kind}_weight_{code}"] = weight
    linear[f"{kind}_bias_{code}"] = bias - weight @ linear.array(f"center_{code}")


class _Side(NamedTuple):
    """One modality, as a source and as a target of translations.

    Components of all rows and their class probabilities, out of fold where they can be; positions
    of ``chosen`` rows, their profiles less effects of conditions, and ``means`` of these by class.
    """

    basis: np.ndarray
    scores: np.ndarray
    members: np.ndarray
    chosen: np.ndarray
    profile: np.ndarray
    means: np.ndarray


def fit_translations(
    model: Model, data: Data, scores: Arrays, said: Arrays, out_of_fold: Arrays, pairs: Pairs
) -> float:
    """Class means of every modality, and what pairs or links tell beyond them.

    Returns the mean correlation of linked features; 1 without links.
    """
    linear, codes, sides = model.module.linear, model.module.modality_codes, {}
    for name, item in data.items():
        # a row that helped to learn the classes is told too well by them
        honest = np.where(np.isnan(out_of_fold[name]), said[name], np.exp(out_of_fold[name]))
        basis, means = linear.array(f"basis_{codes[name]}"), _fit_means(model, item, said[name])
        sides[name] = _Side(basis, scores[name], honest, *means)
    for (a, b), (ours, theirs) in pairs.items():
        for source, target, x, y in ((a, b, ours, theirs), (b, a, theirs, ours)):
            key = f"{codes[source]}_{codes[target]}"
            _fit_pair_ridge(linear, key, sides[source], sides[target], x, y)
    correlations = []
    for (a, b), link in (model._links.pairs if model._links else {}).items():
        turned = LinkPair(link.second, link.first, link.weight)
        for source, target, own in ((a, b, link), (b, a, turned)):
            path = None if (a, b) in pairs else f"{codes[source]}_{codes[target]}"
            correlations.append(_fit_link_ridge(linear, path, sides[source], sides[target], own))
    return float(np.mean(correlations)) if correlations else 1.0


def some_profiles(networks: MODISModule, item: Modality) -> tuple[np.ndarray, np.ndarray]:
    """Rows, all or as many as have not too many values, and their profiles."""
    rows = _some(np.arange(item.n_obs), item)
    x = torch.from_numpy(item.matrix.rows(rows))
    return rows, networks.profile(item.name, x).cpu().numpy()


def _fit_means(
    model: Model, item: Modality, said: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Class means and effects of conditions, fitted alternately; what a side has of them."""
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

    One predicts profiles, one what class means leave of them, weighted for the least squared
    error of rows predicted from the others. What they add counts as far as it is sure.
    """
    known = np.isin(y, target.chosen)
    x, y = x[known], np.searchsorted(target.chosen, y[known])
    by_class = source.members[x] @ target.means
    plain, plain_intercept, plain_error = fit_ridge(source.scores[x], target.profile[y])
    added, added_intercept, added_error = fit_ridge(source.scores[x], target.profile[y] - by_class)
    apart = added_error - plain_error
    share = (added_error * apart).sum() / max(np.square(apart).sum(), 1e-12)
    share = float(np.clip(share, 0, 1))
    left = (target.profile[y] - by_class)[chosen_rows(len(y))]
    slope = _sure_slope(left - added_error + share * apart, left)
    if slope <= 0:
        return
    linear[f"ridge_{key}"] = slope * (share * plain + (1 - share) * added)
    linear[f"intercept_{key}"] = slope * (share * plain_intercept + (1 - share) * added_intercept)
    linear[f"by_class_{key}"] = np.array(1 - slope * share)


def _sure_slope(x: np.ndarray, y: np.ndarray) -> float:
    """Slope of `y` on `x`, rows of equal shape, at most 1, less what chance may add to it.

    With its standard error s over rows, a slope b counts ``b^2 / (b^2 + s^2)`` of itself: the
    expectation if all that is known of such slopes before is their size.
    """
    product, square = (x * y).sum(axis=1), np.square(x).sum(axis=1)
    if not square.any():
        return 0.0
    slope = product.sum() / square.sum()
    error = np.linalg.norm(product - slope * square) / square.sum()
    return float(np.clip(slope**3 / (slope**2 + error**2), 0, 1))


def _fit_link_ridge(
    linear: LinearModels, key: str | None, source: _Side, target: _Side, links: LinkPair
) -> float:
    """Differences within the class that linked features predict; their correlation.

    Without a key, as pairs tell more, that alone.
    """
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
    if key is None:
        return found
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
