"""Closed-form linear models of the training samples, fitted when the networks are trained."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from sklearn.decomposition import PCA

from ..data import Modality
from ..dataloaders import shared_rows
from ..linear import class_means, fit_class_map, fit_pool, fit_ridge, fit_shared
from ..module import LinearModels
from ._base import Model

# rows and components that decide on components, shared axes and the place in the latent space
_MOST_VALUES = 2**24
_MOST_COMPONENTS = 512
_ALL_COMPONENTS = 1_024
_SHARED_COMPONENTS = 100
_PLACED_ROWS = 2_000
_N_AXES = 20
# rounds in which class means and effects of conditions are found by turns
_N_PASSES = 3
# fewer pairs say nothing of a translation that lasts
_LEAST_PAIRS = 10
# Log-weights of linear model and networks before the held-out rows: two thirds and one third.
_SHARE = np.array([2 / 3, 1 / 3])
# of classes, shared axes and networks in the latent space
_SCALE = (1.0, 0.6, 0.05)


@torch.inference_mode()
def fit_linear_models(
    model: Model, data: Mapping[str, Modality], held_out: Mapping[str, np.ndarray]
) -> None:
    """Fit the linear models, and what they weigh beside the trained networks."""
    networks = model.module
    linear, codes = networks.linear, networks.modality_codes
    linear.clear()
    if not networks.architecture.linear_models:
        return
    networks.eval()
    rows = {}
    for name, item in data.items():
        _fit_components(networks.linear, codes[name], model, item)
        scores = _scores(model, item)
        out_of_fold = np.full((item.n_obs, networks.n_classes), np.nan)
        if networks.n_classes:
            labeled = np.flatnonzero(item.labels >= 0)
            if len(np.unique(item.labels[labeled])) > 1:
                out_of_fold[labeled] = _fit_classes(model, item, scores, labeled, held_out[name])
        rows[name] = (scores, out_of_fold)
    pairs = {
        pair: both
        for pair, both in shared_rows(data, {n: np.arange(i.n_obs) for n, i in data.items()}).items()
        if len(both[0]) >= _LEAST_PAIRS
    }
    if pairs:
        used = {name for pair in pairs for name in pair}
        scaled = {}
        for name in used:
            own = rows[name][0][:, :_SHARED_COMPONENTS]
            scaled[name] = own / np.sqrt(np.square(own).sum(axis=1).mean())
        axes = fit_shared(scaled, pairs, _N_AXES)
        for name, own in (axes or {}).items():
            full = np.zeros((rows[name][0].shape[1], own.shape[1]))
            full[: len(own)] = own / np.sqrt(
                np.square(rows[name][0][:, :_SHARED_COMPONENTS]).sum(axis=1).mean()
            )
            linear[f"axes_{codes[name]}"] = full
    linear["scale"] = np.array(_SCALE)
    _fit_place(model, data)
    if networks.n_classes:
        _fit_translations(model, data, rows, pairs)


def _scores(model: Model, item: Modality) -> np.ndarray:
    """Principal components of all rows, float32 ``(n_obs, n_components)``."""
    networks = model.module
    code = networks.modality_codes[item.name]
    parts = [
        networks.linear.components(code, networks.scale(item.name, torch.from_numpy(chunk)))
        for chunk in item.matrix.chunks()
    ]
    return torch.cat(parts).cpu().numpy()


def _fit_components(linear: LinearModels, code: int, model: Model, item: Modality) -> None:
    n_features = item.matrix.shape[1]
    n = min(item.n_obs, max(1, _MOST_VALUES // n_features))
    chosen = np.sort(np.random.default_rng(0).choice(item.n_obs, n, replace=False))
    x = model.module.scale(item.name, torch.from_numpy(item.matrix.rows(chosen))).cpu().numpy()
    most = n_features if n_features <= _ALL_COMPONENTS else _MOST_COMPONENTS
    found = PCA(min(n, most), random_state=0).fit(x)
    linear[f"basis_{code}"], linear[f"center_{code}"] = found.components_, found.mean_


def _fit_classes(
    model: Model, item: Modality, scores: np.ndarray, labeled: np.ndarray, held_out: np.ndarray
) -> np.ndarray:
    """Class map of one modality and its share; log-probabilities out of fold."""
    networks = model.module
    linear, code = networks.linear, networks.modality_codes[item.name]
    labels = item.labels[labeled]
    found = fit_class_map(scores[labeled], labels, networks.n_classes)
    basis, center = (linear[f"{each}_{code}"].cpu().numpy() for each in ("basis", "center"))
    weight = found.weight @ basis
    linear[f"class_weight_{code}"] = weight
    linear[f"class_bias_{code}"] = found.bias - weight @ center
    linear[f"class_seen_{code}"] = found.seen
    linear[f"share_{code}"] = _SHARE
    tested = np.isin(labeled, held_out) & ~np.isnan(found.out_of_fold).all(axis=1)
    logits = np.zeros((2, 0, networks.n_classes))
    if tested.any():
        encoded = model._encode_all(item, labeled[tested], None)
        ours = np.nan_to_num(found.out_of_fold[tested], nan=-14.0)
        theirs = networks.class_logits(torch.from_numpy(encoded.mean).to(networks.device))
        logits = np.stack([ours, theirs.log_softmax(dim=-1).cpu().numpy()])
    linear[f"share_{code}"] = fit_pool(logits, labels[tested], expected=_SHARE)
    return found.out_of_fold


def _fit_place(model: Model, data: Mapping[str, Modality]) -> None:
    """Principal axes of all coordinates, as many as the latent space has dimensions."""
    linear, parts = model.module.linear, []
    for item in data.values():
        rows = np.sort(np.random.default_rng(0).permutation(item.n_obs)[:_PLACED_ROWS])
        encoding = model._encode_all(item, rows, None)
        parts.append(model._coordinates(encoding))
    stacked = torch.cat(parts).cpu().numpy()
    n_latent = model.module.architecture.n_latent
    place = np.zeros((stacked.shape[1], n_latent))
    n = min(n_latent, *stacked.shape)
    place[:, :n] = PCA(n, random_state=0).fit(stacked).components_.T
    linear["place"] = place


def _fit_translations(
    model: Model,
    data: Mapping[str, Modality],
    rows: Mapping[str, tuple[np.ndarray, np.ndarray]],
    pairs: Mapping[tuple[str, str], tuple[np.ndarray, np.ndarray]],
) -> None:
    """Class means of every modality, and ridge regressions on pairs."""
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
            share = float(np.clip((added_error * apart).sum() / max(np.square(apart).sum(), 1e-12), 0, 1))
            pair = f"{codes[source]}_{codes[target]}"
            linear[f"ridge_{pair}"] = share * plain + (1 - share) * added
            linear[f"intercept_{pair}"] = share * plain_intercept + (1 - share) * added_intercept
            linear[f"by_class_{pair}"] = np.array(1 - share)
