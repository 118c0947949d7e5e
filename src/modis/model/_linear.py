"""Closed-form linear models of the training samples, fitted when the networks are trained."""

from collections.abc import Mapping

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.preprocessing import normalize

from ..dataloaders import shared_rows
from ..linear import (
    N_FOLDS,
    align,
    class_means,
    fit_pool,
    fit_scale,
    fit_shared,
    link_views,
    linked_axes,
)
from ..linear._shared import Pairs
from ..linear._translation import Arrays
from ..module import Weighing
from ._base import Model
from ._combine import Encoding, all_names, common_prior, evidence
from ._guests import Trials, Views, fit_guests, fit_unseen
from ._linear_maps import fit_classes, fit_components, fit_translations
from ._query import fit_new_batches
from ._trust import fit_trust
from ._values import Data

# rows that the linear models learn from, and labelled rows of a class that all stay
_MOST_ROWS = 20_000
_RARE = 200
_LEADING = 100
_PLACED_ROWS = 2_000
_N_AXES = 20
# fewer pairs say nothing of a translation that lasts
_LEAST_PAIRS = 10
# Scale in the latent space of axes that links tell and of the networks' points, beside that of
# classes, 1.
_BY_AXES = 0.6
_BY_NETWORKS = 0.1


@torch.no_grad()
def fit_linear_models(model: Model, data: Data, held_out: Arrays) -> None:
    """Fit the linear models, and their weights relative to the trained networks."""
    if model.new_batches_:
        fit_new_batches(model, data)
        return
    networks = model.module
    linear = networks.linear
    linear.clear()
    model.added_classes_.clear()
    if not networks.architecture.linear_models:
        return
    networks.eval()
    data, held_out = _some(data, held_out)
    scores, out_of_fold = {}, {}
    for name, item in data.items():
        scores[name] = fit_components(model, item)
        out_of_fold[name] = np.full((item.n_obs, networks.n_classes), np.nan)
        labeled = np.flatnonzero(item.labels >= 0)
        if len(np.unique(item.labels[labeled])) > 1:
            found = fit_classes(model, item, scores[name], labeled, held_out[name])
            out_of_fold[name][labeled] = found
    pairs = shared_rows(data, _LEAST_PAIRS)
    views, trials, folds, shared = _fit_axes(model, data, scores, pairs)
    by_pairs, by_links = _BY_AXES, _BY_AXES
    guests = fit_guests(model, data, scores, views, trials, out_of_fold)
    if networks.n_classes:
        _fit_combination(model, data, out_of_fold)
    fit_trust(model, data, out_of_fold, guests)
    fit_unseen(model, data, held_out, out_of_fold)
    # means and classes as they stay, before they are aligned
    encodings = {name: model._encode_all(item, None) for name, item in data.items()}
    if networks.n_classes:
        said = {name: np.exp(own.log_probability) for name, own in encodings.items()}
        by_links *= fit_translations(model, data, scores, said, out_of_fold, pairs)
        places, linked = {}, {}
        for name, own in said.items():
            honest = np.exp(np.fmax(out_of_fold[name], linear.LEAST_LOG_PROBABILITY))
            judged = ~np.isnan(out_of_fold[name]).all(axis=1)
            places[name] = np.sqrt(np.where(judged[:, None], honest, own))
            linked[name] = np.zeros((len(own), linear.n_axes[1]))
            key = f"linked_{networks.modality_codes[name]}"
            if key in linear:
                along = scores[name] @ linear.array(key)
                mean = class_means(own, along)
                linear[key.replace("linked", "linked_mean")] = mean
                linked[name] = normalize(along - own @ mean)
        by_pairs, by_links = fit_scale(pairs, folds, shared, places, linked, by_links)
    linear["scale"] = np.array([1.0, by_pairs, by_links, _BY_NETWORKS])
    _fit_place(model, data, encodings)


def _some(data: Data, held_out: Arrays) -> tuple[Data, Arrays]:
    """At most 20,000 rows of each modality, the same observations; rows of rare classes stay."""
    names = all_names(item.obs_names for item in data.values())
    rank = np.random.default_rng(0).permutation(len(names))
    some, kept = dict(data), dict(held_out)
    for name, item in data.items():
        if item.n_obs <= _MOST_ROWS:
            continue
        labels, counts = np.unique(item.labels, return_counts=True)
        rare = np.isin(item.labels, labels[counts <= _RARE])
        order = np.where(rare, -1, rank[names.get_indexer(item.obs_names)])
        chosen = np.sort(np.argsort(order, kind="stable")[:_MOST_ROWS])
        some[name] = item.take(chosen)
        kept[name] = np.flatnonzero(np.isin(chosen, held_out[name]))
    return some, kept


def _fit_axes(
    model: Model, data: Data, scores: Arrays, pairs: Pairs
) -> tuple[Views, Trials, dict[str, np.ndarray], list[dict[str, np.ndarray]]]:
    """Axes by pairs and links: views, trials, folds of rows, and places on axes without each."""
    linear, codes = model.module.linear, model.module.modality_codes
    axes, folds = dict[str, np.ndarray](), dict[str, np.ndarray]()
    linked = dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]()
    by_fold = list[dict[str, np.ndarray]]()
    if pairs:
        # the same fold of an observation in all modalities
        names = all_names(item.obs_names for item in data.values())
        fold = np.random.default_rng(0).permutation(len(names)) % N_FOLDS
        folds = {name: fold[names.get_indexer(item.obs_names)] for name, item in data.items()}
        used = dict.fromkeys(name for pair in pairs for name in pair)
        some = {n: scores[n][:, :_LEADING] for n in used}
        # root mean squared distance from 0; 1 if nothing varies
        size = {n: np.sqrt(np.square(x).sum(axis=1).mean()) or 1.0 for n, x in some.items()}
        some = {n: x / size[n] for n, x in some.items()}
        axes, by_fold = fit_shared(some, pairs, _N_AXES, folds)
        rest = {n: ((0, scores[n].shape[1] - x.shape[1]), (0, 0)) for n, x in some.items()}
        axes, *by_fold = (
            {name: np.pad(own / size[name], rest[name]) for name, own in each.items()}
            for each in (axes, *by_fold)
        )
    links = {} if model._links is None else model._links.pairs
    for (a, b), pair in links.items():
        bases = (linear.array(f"basis_{codes[a]}"), linear.array(f"basis_{codes[b]}"))
        both = scores[a], scores[b]
        linked[a, b] = link_views(both, bases, pair.first, pair.second, pair.weight)
    for name, own in axes.items():
        linear[f"axes_{codes[name]}"] = own
    # without classes, modalities that have no link between them would be separate on such axes
    if linked and model.module.n_classes:
        parts: dict[str, list[np.ndarray]] = {n: [] for n in dict.fromkeys(sum(linked, ()))}
        for (a, b), (first, second) in linked.items():
            for name, part in parts.items():
                none = np.zeros((scores[name].shape[1], first.shape[1]))
                part.append({a: first, b: second}.get(name, none))
        for name, own in linked_axes(parts, dict(scores), _N_AXES).items():
            linear[f"linked_{codes[name]}"] = own
    trials = []
    for k, each in enumerate(by_fold):
        rows = {name: np.flatnonzero(own == k) for name, own in folds.items()}
        trials.append((rows, _views(pairs, each, linked)))
    shared = [{name: scores[name] @ own for name, own in each.items()} for each in by_fold]
    return _views(pairs, axes, linked), trials, folds, shared


def _views(pairs: Pairs, axes: Arrays, linked: Pairs) -> Views:
    """Views of every two modalities by pairs and by links, both ways."""
    views: Views = {}
    paired = {(a, b): (axes[a], axes[b]) for a, b in pairs if axes}
    for (a, b), (ours, theirs) in (*paired.items(), *linked.items()):
        views.setdefault((a, b), []).append((ours, theirs))
        views.setdefault((b, a), []).append((theirs, ours))
    return views


def _fit_combination(model: Model, data: Data, out_of_fold: Arrays) -> None:
    """What modalities weigh together, from labelled observations with several of them.

    The log-frequency of a class that a modality has no row of is its mean in the others, if it has
    a map of it from these; else NaN, and it may have half a sample of those expected there.
    """
    codes, linear = model.module.modality_codes, model.module.linear
    counts = np.stack([item.label_counts(model.module.n_classes) for item in data.values()])
    size, in_all = counts.sum(axis=1, keepdims=True), counts.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_prior = np.where(counts, np.log(counts / size), np.nan)
        elsewhere = np.nansum(log_prior, axis=0) / (counts > 0).sum(axis=0)
    log_rarity = -np.log(np.maximum(1.0, 2 * size * in_all / max(1, in_all.sum())))
    has_guests = np.array([f"guest_weight_{codes[name]}" in linear for name in data])
    told = has_guests[:, None] | (size == 0)
    log_prior = np.where(told & (counts == 0), elsewhere, log_prior)
    log_rarity[~np.isnan(log_prior)] = 0
    judged = {name: ~np.isnan(own).all(axis=1) for name, own in out_of_fold.items()}
    names = all_names(item.obs_names[judged[name]] for name, item in data.items())
    views = np.zeros((len(data), len(names), model.module.n_classes))
    count, labels = np.zeros(len(names)), np.zeros(len(names), dtype=int)
    positions = {}
    for view, (name, item), prior in zip(views, data.items(), log_prior, strict=True):
        known = np.flatnonzero(judged[name])
        rows = positions[name] = names.get_indexer(item.obs_names[known])
        view[rows] = evidence(out_of_fold[name][known], prior)
        count[rows] += 1
        labels[rows] = item.labels[known]
    expected, several = np.ones(len(data)), count > 1
    weighing = dict(zip(data, map(Weighing, expected, log_prior, log_rarity), strict=True))
    prior = common_prior(weighing, positions, len(names))[several]
    views = views[:, several] / np.sqrt(count[several])[:, None]
    linear["combination"] = fit_pool(views, labels[several], expected, prior)
    linear["log_prior"], linear["log_rarity"] = log_prior, log_rarity


def _fit_place(model: Model, data: Data, encodings: Mapping[str, Encoding]) -> None:
    """Alignment, and principal axes of all coordinates: as many as the latent space has."""
    networks = model.module
    linear, points, members = networks.linear, {}, {}
    chosen = {
        name: np.sort(np.random.default_rng(0).permutation(item.n_obs)[:_PLACED_ROWS])
        for name, item in data.items()
    }
    for name, rows in chosen.items():
        points[name] = encodings[name].mean[rows].astype(np.float64)
        probability = np.exp(encodings[name].log_probability[rows].astype(np.float64))
        members[name] = probability if networks.n_classes else np.ones((len(rows), 1))
    for name, (before, turn, after) in align(points, members).items():
        code = networks.modality_codes[name]
        linear[f"from_{code}"], linear[f"turn_{code}"], linear["onto"] = before, turn, after
    parts = [
        model._coordinates(model._encode_all(item, chosen[name])) for name, item in data.items()
    ]
    stacked = torch.cat(parts).cpu().numpy()
    place = np.zeros((stacked.shape[1], networks.architecture.n_latent))
    n = min(*place.shape, len(stacked))
    place[:, :n] = PCA(n, random_state=0).fit(stacked).components_.T
    linear["place"] = place
