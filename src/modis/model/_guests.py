"""Class maps of modalities that lack a class, or all labels, from what others know."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import log_softmax, logsumexp, softmax
from sklearn.metrics import recall_score

from .._constants import logger
from ..linear import fit_class_map
from ..linear._translation import Arrays
from ._base import Model
from ._linear_maps import SHARE, set_map
from ._values import Data

#: By pair of modalities, maps from components of both to variables shared by pairs, by links.
Views = dict[tuple[str, str], list[tuple[np.ndarray, np.ndarray]]]
#: Rows of a fold by modality, and views that were found without them.
Trials = list[tuple[dict[str, np.ndarray], Views]]
#: By modality, codes of the classes and components of its rows.
Given = Mapping[str, tuple[np.ndarray, np.ndarray]]
# Share of labelled rows that may be predicted as a class without samples in their modality.
_TAKEN_FOR_UNSEEN = 0.01
# of training on what a class map says of unlabelled rows
_N_ROUNDS = 3


def fit_guests(
    model: Model, data: Data, scores: Arrays, views: Views, trials: Trials, out_of_fold: Arrays
) -> dict[str, np.ndarray]:
    """Class maps for modalities that lack a class, from others; log-probabilities by modality.

    The rows that most surely have a class pass it from one modality to the next.
    """
    networks, guests = model.module, dict[str, np.ndarray]()
    labels = {name: item.labels for name, item in data.items()}
    told = {name: np.zeros(networks.n_classes, dtype=bool) for name in data}
    for _ in data:
        known = dict(labels)
        for name, item in data.items():
            unseen = item.label_counts(networks.n_classes) == 0
            given = {
                donor: (codes, scores[donor])
                for donor, codes in known.items()
                if (donor, name) in views and unseen[codes[codes >= 0]].any()
            }
            codes = np.hstack([[], *(own for own, _ in given.values())])
            taught = unseen & np.isin(np.arange(networks.n_classes), codes)
            if (told[name] | ~taught).all():
                continue
            told[name] = taught
            found = _fit_guest(model, data, name, scores[name], given, views, trials, out_of_fold)
            if f"guest_weight_{networks.modality_codes[name]}" in networks.linear:
                guests[name] = found
            share = _TAKEN_FOR_UNSEEN if name in guests else 0.0
            labels[name] = _with_surest(item.labels, found, taught, share)
    return guests


def _fit_guest(
    model: Model,
    data: Data,
    name: str,
    scores: np.ndarray,
    given: Given,
    views: Views,
    trials: Trials,
    out_of_fold: Arrays,
) -> np.ndarray:
    """Class map of a modality from those given; log-probabilities of its rows.

    On shared variables that were found with a row, it would lie where its pair does: see `trials`.
    """
    linear, code = model.module.linear, model.module.modality_codes[name]
    n_classes, labels = model.module.n_classes, data[name].labels
    unseen, labeled = data[name].label_counts(n_classes) == 0, labels >= 0
    weight, bias, said = _learn(given, name, views, n_classes)
    logits = scores @ weight.T + bias
    for rows, others in trials:
        own_weight, own_bias, held_out = _learn(given, name, others, n_classes)
        logits[rows[name]] = scores[rows[name]] @ own_weight.T + own_bias
        for donor in given:
            said[donor][rows[donor]] = held_out[donor][rows[donor]]
    for donor in given:
        _announce(name, donor, said[donor], data[donor].labels)
    if (~unseen).sum() > 1:
        least = _threshold(logits[labeled], unseen, out_of_fold[name][labeled])
        bias, logits = bias - least * unseen, logits - least * unseen
        set_map(linear, "guest", code, weight, bias)
    else:
        weight, bias = _self_train(scores, weight, bias)
        logits = scores @ weight.T + bias
        linear[f"class_seen_{code}"] = np.ones(n_classes)
        linear[f"share_{code}"] = SHARE
        set_map(linear, "class", code, weight, bias)
    return log_softmax(logits, axis=1)


def _with_surest(
    labels: np.ndarray, log_probability: np.ndarray, taught: np.ndarray, share: float
) -> np.ndarray:
    """Codes of the classes, with the surest half of the rows of those that were taught.

    If they have more rows than the share that may be false, by two standard errors.
    """
    rows, found = np.flatnonzero(labels < 0), labels.copy()
    codes, false = log_probability[rows].argmax(axis=1), share * len(rows)
    passed = taught & (np.bincount(codes, minlength=len(taught)) > false + 2 * np.sqrt(false))
    chosen = passed[codes] & _is_surest(codes, log_probability[rows].max(axis=1))
    found[rows[chosen]] = codes[chosen]
    return found


def _is_surest(codes: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """Which rows are in the more certain half of those of their class."""
    return sure >= pd.Series(sure).groupby(codes).transform("median").to_numpy()


def fit_unseen(model: Model, data: Data, held_out: Arrays, out_of_fold: Arrays) -> None:
    """Thresholds for what networks say of a class that a modality lacks, without a guest map.

    From held-out rows, if these are enough to see one per cent of them.
    """
    networks = model.module
    linear = networks.linear
    for name, item in data.items():
        code = networks.modality_codes[name]
        seen = f"class_seen_{code}"
        unseen = linear.array(seen) == 0 if seen in linear else np.zeros(1, dtype=bool)
        rows = held_out[name][item.labels[held_out[name]] >= 0]
        is_told = f"guest_weight_{code}" in linear or f"worth_{code}" not in linear
        if is_told or not unseen.any() or len(rows) + 1 < 1 / _TAKEN_FOR_UNSEEN:
            continue
        logits = np.zeros((len(rows), networks.n_classes))
        for some, _, own in model._encode(item, rows, None):
            logits[some] = networks.discriminator.classify(own.qz.mean).cpu()
            apart = linear.distance(code, own.x_scaled).cpu().numpy()
            logits[some] += np.where(unseen, apart[:, None], 0)
        linear[f"unseen_bias_{code}"] = _threshold(logits, unseen, out_of_fold[name][rows])


def _threshold(logits: np.ndarray, unseen: np.ndarray, out_of_fold: np.ndarray) -> np.ndarray:
    """What logits of unseen classes lose so that they win 1 % of rows of the others, at most."""
    own, known = np.nanmax(out_of_fold, axis=1), logsumexp(logits[:, ~unseen], axis=1)
    margin = logits[:, unseen].max(axis=1) - own - known
    return np.maximum(0.0, np.quantile(margin, 1 - _TAKEN_FOR_UNSEEN))


def _learn(
    given: Given, name: str, views: Views, n_classes: int
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Mean of the maps of those given, by codes and components; what each says out of fold."""
    maps, said = [], {}
    for donor, (labels, scores) in given.items():
        rows = np.flatnonzero(labels >= 0)
        said[donor] = np.where(labels[:, None] >= 0, np.zeros(n_classes), np.nan)
        for ours, theirs in views[donor, name]:
            found = fit_class_map(scores[rows] @ ours, labels[rows], n_classes)
            maps.append((found.weight @ theirs.T, found.bias))
            said[donor][rows] += found.out_of_fold
    weight, bias = (np.mean(each, axis=0) for each in zip(*maps, strict=True))
    return weight, bias, said


def _announce(name: str, donor: str, out_of_fold: np.ndarray, labels: np.ndarray) -> None:
    """Say how sure one may be of classes that come from another modality."""
    judged = (labels >= 0) & ~np.isnan(out_of_fold).all(axis=1)
    if not judged.any():
        return
    said = np.nan_to_num(out_of_fold[judged], nan=-np.inf).argmax(axis=1)
    known = labels[judged]
    found = recall_score(known, said, labels=np.unique(known), average="macro", zero_division=0)
    logger.info(
        "Classes that '%s' has no label of come from '%s', by what both share. In '%s' itself "
        "that finds the classes with a balanced accuracy of %.2f (cross-validated); expect less "
        "in '%s'.",
        *(name, donor, donor, found, name),
    )


def _self_train(
    scores: np.ndarray, weight: np.ndarray, bias: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pool a map with one that the more certain half of the rows of each class trains."""
    start_weight, start_bias = weight, bias
    for _ in range(_N_ROUNDS):
        probability = softmax(scores @ weight.T + bias, axis=1)
        codes = probability.argmax(axis=1)
        chosen = _is_surest(codes, probability.max(axis=1))
        found = fit_class_map(scores[chosen], codes[chosen], len(bias))
        # a class that no row was given stays as it was
        own_weight = np.where(found.seen[:, None], found.weight, start_weight)
        own_bias = np.where(found.seen, found.bias, start_bias)
        weight, bias = (start_weight + own_weight) / 2, (start_bias + own_bias) / 2
    return weight, bias
