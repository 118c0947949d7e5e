"""What the linear models translate: class means, ridge regressions on pairs, and links."""

from collections.abc import Mapping

import numpy as np
import torch

from ..data import Modality
from ..linear import class_means, fit_ridge, link_correlation, link_views
from ._base import Model

# rows times features that class means and ridge regressions are found on, at most
_MOST_VALUES = 2**24
# rounds in which class means and effects of conditions are found by turns
_N_PASSES = 3
# linked features whose correlations are compared, at most
_MOST_LINKED = 500


def fit_translations(
    model: Model,
    data: Mapping[str, Modality],
    rows: Mapping[str, tuple[np.ndarray, np.ndarray]],
    pairs: Mapping[tuple[str, str], tuple[np.ndarray, np.ndarray]],
) -> float:
    """Class means of every modality, and what pairs or links tell beyond them.

    Returns what shared axes are worth: 1 with pairs, or else the correlation of linked features.
    """
    networks = model.module
    linear, codes = networks.linear, networks.modality_codes
    sizes = [max(1, n) for n in networks.n_categories]
    first = np.cumsum([0, *sizes[:-1]])
    linear["first_condition"] = first
    profiles, members, means = {}, {}, {}
    for name, item in data.items():
        n = max(1, _MOST_VALUES // item.matrix.shape[1])
        chosen = np.sort(np.random.default_rng(0).permutation(item.n_obs)[:n])
        x = torch.from_numpy(item.matrix.rows(chosen))
        profile = networks.profile(name, x).cpu().numpy()
        linear[f"location_{codes[name]}"] = profile.mean(axis=0)
        spread = profile.std(axis=0)
        linear[f"spread_{codes[name]}"] = spread = np.where(spread > 0, spread, 1.0)
        profile = (profile - profile.mean(axis=0)) / spread
        probability = np.exp(model._encode_all(item, None, None).log_probability)
        labeled = (item.labels >= 0)[:, None]
        own = np.where(labeled, np.eye(networks.n_classes)[item.labels], probability)[chosen]
        conditions = item.batch[chosen]
        offset = np.zeros((sum(sizes), profile.shape[1]))
        for _ in range(_N_PASSES):
            added = offset[conditions + first].sum(axis=1)
            means[name] = class_means(own, profile - added)
            for column, (begin, size) in enumerate(zip(first, sizes, strict=True)):
                rest = profile - own @ means[name] - added + offset[conditions[:, column] + begin]
                member = np.eye(size)[conditions[:, column]]
                if size > 1:
                    offset[begin : begin + size] = class_means(member, rest)
        linear[f"mean_{codes[name]}"], linear[f"offset_{codes[name]}"] = means[name], offset
        profiles[name] = chosen, profile - offset[conditions + first].sum(axis=1)
        out_of_fold = rows[name][1]
        members[name] = np.where(np.isnan(out_of_fold), probability, np.exp(out_of_fold))
    correlations: list[float] = []
    by_links = {} if model._links is None else model._links.pairs
    for (first, second), pair in by_links.items():
        if (first, second) not in pairs:
            for source, target, x, y in (
                (first, second, pair.first, pair.second),
                (second, first, pair.second, pair.first),
            ):
                links = x, y, pair.weight
                found = _fit_link_ridge(
                    model, (source, target), links, rows, members, profiles, means
                )
                correlations.append(found)
    for (first, second), (ours, theirs) in pairs.items():
        for source, target, x, y in ((first, second, ours, theirs), (second, first, theirs, ours)):
            known = np.isin(y, profiles[target][0])
            x, y = x[known], np.searchsorted(profiles[target][0], y[known])
            scores, profile = rows[source][0][x], profiles[target][1][y]
            by_class = members[source][x] @ means[target]
            plain, plain_intercept, plain_error = fit_ridge(scores, profile)
            added, added_intercept, added_error = fit_ridge(scores, profile - by_class)
            # the share that leaves the least squared error, each row predicted from the others
            apart = added_error - plain_error
            share = float(
                np.clip((added_error * apart).sum() / max(np.square(apart).sum(), 1e-12), 0, 1)
            )
            pair = f"{codes[source]}_{codes[target]}"
            linear[f"ridge_{pair}"] = share * plain + (1 - share) * added
            linear[f"intercept_{pair}"] = share * plain_intercept + (1 - share) * added_intercept
            linear[f"by_class_{pair}"] = np.array(1 - share)
    return float(np.mean(correlations)) if correlations and not pairs else 1.0


def _fit_link_ridge(
    model: Model,
    pair: tuple[str, str],
    links: tuple[np.ndarray, np.ndarray, np.ndarray],
    rows: Mapping[str, tuple[np.ndarray, np.ndarray]],
    members: Mapping[str, np.ndarray],
    profiles: Mapping[str, tuple[np.ndarray, np.ndarray]],
    means: Mapping[str, np.ndarray],
) -> float:
    """What linked features of the source tell of a sample within its class; their correlation."""
    (source, target), linear = pair, model.module.linear
    codes = model.module.modality_codes
    scores = rows[source][0], rows[target][0]
    bases = tuple(linear[f"basis_{codes[name]}"].cpu().numpy() for name in pair)
    first, second, weight = links
    view = link_views(scores, bases, first, second, weight)[0]
    linked = np.unique(second)
    some = np.sort(np.random.default_rng(0).permutation(len(linked))[:_MOST_LINKED])
    chosen, profile = profiles[target]
    own = members[target][chosen]
    rest = profile[:, linked] - own @ means[target][:, linked]
    by_class = class_means(members[source], scores[0] @ view)
    there = scores[0] @ view - members[source] @ by_class
    uses = np.zeros((len(linked), bases[0].shape[1]), dtype=bool)
    uses[np.searchsorted(linked, second), first] = True
    apart = ~(uses[some].astype(np.float32) @ uses[some].T.astype(np.float32) > 0)
    deviation = there.std(axis=0)
    slope = rest.std(axis=0) / np.where(deviation > 0, deviation, np.inf)
    rho = link_correlation(there[:, some], rest[:, some], apart) if apart.any() else 0.0
    slope *= rho
    ridge = np.zeros((view.shape[0], profile.shape[1]))
    ridge[:, linked] = view * slope
    key = f"{codes[source]}_{codes[target]}"
    linear[f"ridge_{key}"], linear[f"by_class_{key}"] = ridge, np.array(1.0)
    linear[f"intercept_{key}"] = np.zeros(profile.shape[1])
    linear[f"class_ridge_{key}"] = class_means(members[source], scores[0]) @ ridge
    return rho
