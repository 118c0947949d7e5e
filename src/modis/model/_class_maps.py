"""Principal components and linear class maps of each modality."""

from collections.abc import Mapping

import numpy as np
import torch
from scipy.special import logsumexp, softmax
from sklearn.decomposition import PCA

from ..data import Modality
from ..linear import fit_class_map, fit_pool
from ..module import LinearModels
from ._base import Model
from ._linear_translations import MOST_VALUES
from ._values import scaled_pieces, scaled_rows

_MOST_COMPONENTS = 512
_ALL_COMPONENTS = 1_024
# Log-weights of linear model and networks before the held-out rows: two thirds and one third.
_SHARE = np.array([2 / 3, 1 / 3])
# Share of labelled rows that may be predicted as a class without samples in their modality.
_TAKEN_FOR_UNSEEN = 0.01
# of training on what a class map says of unlabelled rows
_N_ROUNDS = 3


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
    x = scaled_rows(networks, item, _some(labeled, item))
    varied = _principal(linear.deviations(code, x))
    pieces = (linear.deviations(code, x) for x in scaled_pieces(networks, item, labeled))
    deviated = [varied.transform(x.cpu().numpy()) for x in pieces]
    found = fit_class_map(scores[labeled], labels, networks.n_classes, np.concatenate(deviated))
    bias = found.bias
    if found.by_deviation is not None:
        weight = found.by_deviation @ varied.components_
        linear[f"deviation_weight_{code}"], bias = weight, bias - weight @ varied.mean_
    _set_map(linear, "class", code, found.weight, bias)
    linear[f"class_seen_{code}"] = found.seen
    linear[f"share_{code}"] = _SHARE
    tested = np.isin(labeled, held_out) & ~np.isnan(found.out_of_fold).all(axis=1)
    if tested.any():
        encoded = model._encode_all(item, labeled[tested])
        ours = np.nan_to_num(found.out_of_fold[tested], nan=linear.LEAST_LOG_PROBABILITY)
        mean = torch.from_numpy(encoded.mean).to(networks.device)
        theirs = networks.discriminator.classify(mean)
        logits = np.stack([ours, theirs.log_softmax(dim=-1).cpu().numpy()])
        linear[f"share_{code}"] = fit_pool(logits, labels[tested], expected=_SHARE)
    return found.out_of_fold


def fit_guests(
    model: Model,
    data: Mapping[str, Modality],
    scores: Mapping[str, np.ndarray],
    views: Mapping[tuple[str, str], tuple[np.ndarray, np.ndarray]],
) -> None:
    """Class maps for modalities that lack a class, from other modalities by shared variables."""
    networks = model.module
    linear, codes = networks.linear, networks.modality_codes
    counts = {name: item.label_counts(networks.n_classes) for name, item in data.items()}
    for name in data:
        unseen, maps = counts[name] == 0, []
        for donor, own in data.items():
            if (donor, name) not in views or not counts[donor][unseen].any():
                continue
            ours, theirs = views[donor, name]
            rows = np.flatnonzero(own.labels >= 0)
            found = fit_class_map(scores[donor][rows] @ ours, own.labels[rows], networks.n_classes)
            maps.append((found.weight @ theirs.T, found.bias))
        if not maps:
            continue
        weight, bias = (np.mean(each, axis=0) for each in zip(*maps, strict=True))
        labeled = (counts[name] > 0).sum() > 1
        if not labeled:
            weight, bias = _self_train(scores[name], weight, bias)
            linear[f"class_seen_{codes[name]}"] = np.ones(networks.n_classes)
            linear[f"share_{codes[name]}"] = _SHARE
        else:
            logits = scores[name][data[name].labels >= 0] @ weight.T + bias
            odds = logsumexp(logits[:, unseen], axis=1) - logsumexp(logits[:, ~unseen], axis=1)
            bias = np.where(unseen, bias - np.quantile(odds, 1 - _TAKEN_FOR_UNSEEN), bias)
        _set_map(linear, "guest" if labeled else "class", codes[name], weight, bias)


def _self_train(
    scores: np.ndarray, weight: np.ndarray, bias: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Class map of unlabelled rows that starts from what linked features say.

    The more certain half of the rows of each class trains a map on all components, which is
    pooled with the start.
    """
    start_weight, start_bias = weight, bias
    for _ in range(_N_ROUNDS):
        probability = softmax(scores @ weight.T + bias, axis=1)
        codes, sure = probability.argmax(axis=1), probability.max(axis=1)
        chosen = np.zeros(len(codes), dtype=bool)
        for code in np.unique(codes):
            chosen |= (codes == code) & (sure >= np.median(sure[codes == code]))
        found = fit_class_map(scores[chosen], codes[chosen], len(bias))
        # a class that no row was given stays as it was
        own_weight = np.where(found.seen[:, None], found.weight, start_weight)
        own_bias = np.where(found.seen, found.bias, start_bias)
        weight, bias = (start_weight + own_weight) / 2, (start_bias + own_bias) / 2
    return weight, bias


def _set_map(
    linear: LinearModels, kind: str, code: int, weight: np.ndarray, bias: np.ndarray
) -> None:
    """Store a map of components as one of scaled features."""
    weight = weight @ linear.array(f"basis_{code}")
    linear[f"{kind}_weight_{code}"] = weight
    linear[f"{kind}_bias_{code}"] = bias - weight @ linear.array(f"center_{code}")
