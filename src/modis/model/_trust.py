"""How far a prediction can be trusted: novelty of samples, and sets of classes."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from mudata import MuData
from scipy.special import logsumexp
from sklearn.metrics import pairwise_distances, roc_auc_score

from .._constants import X_KEY, logger
from ..data import Profile, number
from ..linear import Alarm, fit_alarm
from ..linear._translation import Arrays
from ._base import Model
from ._combine import all_names, combine_classes
from ._values import MOST_VALUES, Data, find_differences

# rows that an alarm learns from, at most
_MOST_ROWS = 5_000
# fewer tell nothing of the tail of a distribution
_LEAST_ROWS = 10
# samples with several modalities that combined alarms are compared with, at least
_LEAST_COMBINED = 50
# of what a modality weighs in them
_LEAST_WORTH = 0.02


def fit_trust(model: Model, data: Data, out_of_fold: Arrays, guests: Arrays) -> None:
    """Learn what new samples are compared with; `guests` are of modalities that lack a class."""
    networks = model.module
    linear, codes = networks.linear, networks.modality_codes
    judged = {name: np.any(~np.isnan(own), axis=1) for name, own in out_of_fold.items()}
    own_p_values: dict[str, pd.Series] = {}
    for name, item in data.items():
        has_map = f"class_weight_{codes[name]}" in linear
        rows = np.flatnonzero(judged[name] | (item.labels < 0) | (not has_map))
        n = min(_MOST_ROWS, max(_LEAST_ROWS, MOST_VALUES // item.matrix.shape[1]))
        rows = np.sort(np.random.default_rng(0).permutation(rows)[:n])
        if len(rows) < _LEAST_ROWS:
            continue
        scaled = np.empty((len(rows), item.matrix.shape[1]), dtype=np.float32)
        said = out_of_fold[name][rows] if has_map else np.zeros((len(rows), 1))
        for some, _, own in model._encode(item, rows, None):
            scaled[some] = own.x_scaled.cpu()
            found = linear.class_log_probability(codes[name], own.x_scaled, own.missing)
            if found is not None:
                # what the model says of rows without a label is out of fold, too
                known = judged[name][rows[some], None]
                said[some] = np.where(known, said[some], found.cpu().numpy())
        member = np.where(item.labels[rows] < 0, np.nanargmax(said, axis=1), item.labels[rows])
        likeliest = np.exp(np.nanmax(said, axis=1)) if has_map else None
        alarm, p_value = fit_alarm(scaled, member, likeliest)
        linear.store(f"alarm_{codes[name]}", alarm)
        linear[f"worth_{codes[name]}"] = _measure_worth(alarm, scaled, member)
        own_p_values[name] = pd.Series(p_value, item.obs_names[rows])
    several = pd.DataFrame(own_p_values).dropna(thresh=2)
    if len(several) >= _LEAST_COMBINED:
        linear["novelty"] = np.sort(_weighted_cauchy(model, dict(several)))
    if not any(own.any() for own in judged.values()):
        return
    names = all_names(item.obs_names[judged[name]] for name, item in data.items())
    place = {name: names.get_indexer(item.obs_names[judged[name]]) for name, item in data.items()}
    labels, count = np.zeros(len(names), dtype=int), np.zeros(len(names))
    each = {}
    for name, item in data.items():
        own = np.nan_to_num(out_of_fold[name][judged[name]], nan=-np.inf)
        known = item.labels[judged[name]]
        if name in guests:
            guest, seen = guests[name][judged[name]], linear.array(f"class_seen_{codes[name]}") > 0
            own = np.where(seen, own + logsumexp(guest[:, seen], axis=1, keepdims=True), guest)
        linear[f"calibration_{codes[name]}"] = _of_own_class(own, known)
        each[name], labels[place[name]] = own, known
        count[place[name]] += 1
    combined = combine_classes(each, place, len(names), linear.weighing(codes))
    several = count > 1
    linear["calibration"] = _of_own_class(combined[several], labels[several])


def check_query(self: Model, mdata: MuData) -> pd.DataFrame:  # numpydoc ignore=PR01
    """Compare new data with the training samples: values, transformation, features.

    Every method that takes new data warns of the same. At most 200 samples of each modality are
    looked at. A statistic is unusual outside the range of the training samples, widened by half.

    Parameters
    ----------
    mdata
        New data.

    Returns
    -------
    DataFrame with a row for each modality and statistic that is unusual in at least half of its
    samples: ``modality``, ``statistic``, ``found`` (mean), ``lowest`` and ``highest`` usual value,
    ``share`` of the samples that are outside, and as ``advice`` a transformation after which most
    would be usual, if one of the common ones does it. Empty if nothing is unusual.
    """
    return find_differences(self.module, self._read(mdata, None, warn=False))


def novelty(  # numpydoc ignore=PR01
    self: Model,
    mdata: MuData | None = None,
    modality: str | None = None,
    indices: Sequence[int] | None = None,
) -> pd.DataFrame:
    """Test whether observations resemble the training samples, in each modality.

    A small p-value means that few training samples are as far from all classes. At level 0.05,
    about 5 % of samples of known classes are flagged. The reason may be an unknown class, another
    tissue, or values in other units (see :meth:`check_query`).

    Parameters
    ----------
    mdata, modality, indices
        As in :meth:`get_latent_representation`.

    Returns
    -------
    DataFrame of p-values, ``(n_obs, n_modalities + 1)``, a column for each modality and ``all``,
    their Cauchy combination (Liu and Xie 2020): a modality weighs as it tells classes apart, and
    with 50 training samples that have several, combinations are compared with theirs.
    NaN without the modality, or with fewer than ten training samples to compare with.
    """
    names, found, _ = judge(self, mdata, modality, indices)
    return pd.DataFrame(found | {"all": together(self, found)}, index=names)


def cross_validated_accuracy(self: Model) -> pd.DataFrame:
    """Balanced accuracy of the linear models on labelled training samples out of fold.

    No sample was used to fit the model that classifies it, and no test sample is needed.

    Returns
    -------
    DataFrame with a row per modality with classes, and ``all`` for samples with several:
    ``balanced_accuracy``, ``lower`` and ``upper`` end of its 95 % interval (from the binomial
    variances of the recalls), ``chance`` and ``n_samples``.

    Raises
    ------
    ValueError
        If the model has no linear class map.
    """
    _check_calibrated(self)
    linear, rows = self.module.linear, {}
    for name, key in [*self.module.modality_codes.items(), ("all", None)]:
        stored = "calibration" if key is None else f"calibration_{key}"
        if stored not in linear or not linear[stored].shape[1]:
            continue
        _, labels, hit = linear.array(stored)
        found = pd.Series(hit).groupby(labels).agg(["mean", "size"])
        # one more hit and one more miss, so that a class of five is never certain
        smooth = (found["mean"] * found["size"] + 1) / (found["size"] + 2)
        error = 1.96 * np.sqrt((smooth * (1 - smooth) / found["size"]).sum()) / len(found)
        score = found["mean"].mean()
        interval = (max(0.0, score - error), min(1.0, score + error))
        rows[name] = (score, *interval, 1 / len(found), len(labels))
    columns = ["balanced_accuracy", "lower", "upper", "chance", "n_samples"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def predict_set(  # numpydoc ignore=PR01
    self: Model,
    mdata: MuData | None = None,
    modality: str | None = None,
    coverage: float = 0.9,
    per_class: bool = True,
    indices: Sequence[int] | None = None,
) -> pd.DataFrame:
    """Predict sets of classes that contain the true one with a given probability.

    Conformal sets (Vovk et al. 2005), calibrated on training samples out of fold: of new samples
    like these, the share `coverage` has its class in the set, however accurate the classifier is.
    Several classes in a set cannot be distinguished; an empty set means that no class fits.

    Parameters
    ----------
    mdata, modality
        As in :meth:`predict`. Of training samples, which the model knows, sets are too small.
    coverage
        Share of the observations whose class should be in their set, in (0, 1).
    per_class
        Whether the coverage holds for each class. With n calibration samples, a class can be left
        out at a coverage of at most ``n / (n + 1)``; above, it is in every set, with a message.
    indices
        As in :meth:`predict`.

    Returns
    -------
    DataFrame of bool, ``(n_obs, n_classes)``, by name of the observation: which classes are in the
    set. All are `True` for observations without a modality.

    Raises
    ------
    ValueError
        If `coverage` is out of range, or the model has no linear class map to calibrate.
    """
    coverage = number("coverage", coverage, lambda x: 0 < x < 1, "between 0 and 1")
    linear, codes = self.module.linear, self.module.modality_codes
    _check_calibrated(self)
    names, _, said = judge(self, mdata, modality, indices)
    classes = self._spec.classes
    known = {name: own for name, own in said.items() if f"calibration_{codes[name]}" in linear}
    rows, each = ({name: own[k] for name, own in known.items()} for k in range(2))
    total, count = np.zeros((len(names), len(classes))), np.zeros((len(names), 1))
    for name, own in each.items():
        calibration = linear.array(f"calibration_{codes[name]}")
        total[rows[name]] += _conformal(np.exp(own), calibration, per_class)
        count[rows[name]] += 1
    # twice the mean of p-values is one, whatever their dependence
    p_value = np.where(count > 1, 2, 1) * total / np.maximum(count, 1)
    several = np.flatnonzero(count[:, 0] > 1)
    calibration = linear.array("calibration")
    if len(several):
        combined = combine_classes(each, rows, len(names), linear.weighing(codes))
        found = _conformal(np.exp(combined[several]), calibration, per_class)
        # of classes with calibration samples of their own
        enough = np.bincount(calibration[1].astype(int), minlength=len(classes)) >= _LEAST_ROWS
        p_value[several] = np.where(enough | (not per_class), found, p_value[several])
    p_value[count[:, 0] == 0] = 1
    sets = pd.DataFrame(p_value > 1 - coverage, index=names, columns=pd.Index(classes))
    always = sets.columns[sets.all(axis=0)]
    if per_class and len(always) and len(sets):
        logger.info(
            "In every set, as too few samples tell at a coverage of %g: %s.",
            *(coverage, ", ".join(always)),
        )
    if self.added_classes_:
        logger.info(
            "Sets do not contain the added classes %s: a few samples cannot calibrate them.",
            self.added_classes_,
        )
    return sets


def _check_calibrated(model: Model) -> None:
    model._check_trained()
    if "calibration" not in model.module.linear:
        raise ValueError(
            "The model has no calibrated classes: it was trained without labels of two classes, "
            "or without linear models."
        )


def _of_own_class(log_probability: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Probability of the own class, the class, and whether it is the likeliest, ``(3, n)``."""
    probability = np.exp(log_probability)
    own = probability[np.arange(len(labels)), labels]
    return np.stack([own, labels, own >= probability.max(axis=1, initial=0.0)])


def _conformal(probability: np.ndarray, calibration: np.ndarray, per_class: bool) -> np.ndarray:
    """P-value of each class, ``(n, n_classes)``: calibration samples that were as unlikely."""
    known = calibration[1].astype(int)
    p_values = np.ones_like(probability)
    for k in range(probability.shape[1]):
        null = np.sort(calibration[0, known == k] if per_class else calibration[0])
        below = np.searchsorted(null, probability[:, k], side="right")
        p_values[:, k] = (1 + below) / (len(null) + 1)
    return p_values


def together(model: Model, p_values: Arrays) -> np.ndarray:
    """P-values from all modalities, ``(n,)``; of several, compared with training samples'."""
    combined = _weighted_cauchy(model, p_values)
    if "novelty" in model.module.linear:
        null = model.module.linear.array("novelty")
        several = np.sum([~np.isnan(own) for own in p_values.values()], axis=0) > 1
        below = np.searchsorted(null, combined[several].astype(np.float32), side="right")
        combined[several] = (1 + below) / (len(null) + 1)
    return combined


def _weighted_cauchy(model: Model, p_values: Arrays) -> np.ndarray:
    """Cauchy combination of those there are, by the worth of modalities."""
    stacked = np.clip(np.stack(list(p_values.values())), 1e-15, 1 - 1e-15)
    worth = np.array(list(model._worth(p_values).values()))
    weight = np.where(np.isnan(stacked), 0, worth[:, None])
    total = np.nansum(weight * np.tan((0.5 - stacked) * np.pi), axis=0)
    count = weight.sum(axis=0)
    return np.where(count > 0, 0.5 - np.arctan(total / np.maximum(count, 1e-9)) / np.pi, np.nan)


def _measure_worth(alarm: Alarm, x: np.ndarray, member: np.ndarray) -> np.ndarray:
    """How well distances tell classes that are left out: mean of 2 AUROC - 1, at least 0.02."""
    apart = pairwise_distances(alarm.place(x), alarm.means)
    classes, told = np.unique(member), []
    for k, name in enumerate(classes) if len(classes) > 2 else ():
        told.append(2 * roc_auc_score(member == name, np.delete(apart, k, 1).min(axis=1)) - 1)
    return np.array(max(_LEAST_WORTH, np.mean(told)) if told else 1.0)


@torch.inference_mode()
def judge(
    model: Model,
    mdata: MuData | None,
    modality: str | None,
    indices: Sequence[int] | None,
    *,
    warn: bool = True,
) -> tuple[pd.Index, dict[str, np.ndarray], dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Names of rows; by modality, p-values of alarms, and rows with their log-probabilities."""
    networks, alarms, said = model.module, {}, {}
    wanted = None if modality is None else [modality]
    data = model._read(mdata, wanted, indices, warn=warn)
    names = model._obs_names(mdata, modality, indices)
    for name, item in data.items():
        positions = item.obs_names.get_indexer(names)
        rows, code = np.flatnonzero(positions >= 0), networks.modality_codes[name]
        alarm = networks.linear.named_tuple(Alarm, f"alarm_{code}")
        profile = networks.training_values.named_tuple(Profile, f"profile_{code}")
        alarms[name], told = np.full(len(names), np.nan), []
        for some, tensors, encoded in model._encode(item, positions[rows], None):
            x, missing, likeliest = encoded.x_scaled, encoded.missing, None
            found = networks.linear.class_log_probability(code, x, missing)
            if found is not None:
                told.append(found.cpu().numpy())
                likeliest = np.exp(told[-1].max(axis=1))
            if alarm is not None:
                p_value = alarm(x.cpu().numpy(), likeliest)
                if profile is not None:
                    strange = profile.outside(tensors[X_KEY].cpu().numpy())[0].any(axis=1)
                    # as unusual as can be told
                    p_value[strange] = 1 / (len(alarm.least) + 1)
                alarms[name][rows[some]] = p_value
        if told:
            said[name] = rows, np.concatenate(told)
    return names, alarms, said
