from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import pandas as pd
import torch
from mudata import MuData

from .._constants import X_KEY
from ..data import Modality, choice
from ..dataloaders import sequential_loader
from ..nn import CountDecoder
from ._base import Model, positions

Baseline = Literal["other_classes", "mean"]
_ROWS_AT_ONCE = 256
# observations of a class that are explained, at most, and points between each and the baseline
_MOST_OBS, _N_STEPS = 1_000, 20
# rows times integration steps that the networks hold at a time
_POINTS_AT_ONCE = 2048


def feature_importance(  # numpydoc ignore=PR01
    self: Model,
    modality: str,
    class_name: str | None = None,
    mdata: MuData | None = None,
    indices: Sequence[int] | None = None,
    baseline: Baseline = "other_classes",
) -> pd.DataFrame:
    """Rank the features of a modality by what they contribute to the predicted classes.

    Integrated gradients (Sundararajan et al. 2017) distribute the score of a class, its logit
    minus the mean logit of the others, over the features that the encoder sees: they sum to the
    score minus that of the baseline. Their mean over the observations of the class is given.
    Importance describes what this model uses, not what causes the class; of redundant features
    the model may use only some.

    Parameters
    ----------
    modality
        Modality whose features are ranked.
    class_name
        Class to explain; all, one after the other, by default.
    mdata
        Data to explain; the training data by default.
    indices
        Positions of the observations to explain, among ``mdata.mod[modality].obs_names``. By
        default up to 1,000 of the class: labelled so or, where not labelled, predicted so.
    baseline
        Profile that the observations are compared with: ``"other_classes"``, the mean of the
        other classes' mean profiles in these data (what distinguishes the class from the others),
        or ``"mean"``, the mean of the training samples.

    Returns
    -------
    DataFrame with a row per class and feature, in each class the most important first:

    - ``modality``, ``class``, ``rank`` (1 is the most important) and ``feature``;
    - ``attribution``: mean contribution to the class score, in logits; above 0 supports the class,
      below 0 is evidence against it; ``importance``: its absolute value;
    - ``mean_class``, ``mean_baseline``: mean of the feature in the observations explained and in
      the baseline, in the units of the data (counts: by ``log1p`` at the typical depth);
      ``direction``: which is higher, ``"up"`` or ``"down"``.

    Raises
    ------
    ValueError
        If the model has no classes, the class is not known or has no observation, or an argument
        is out of range.
    """
    self._check_classes()
    classes = self._spec.classes
    if class_name is not None and class_name not in classes:
        raise ValueError(f"Unknown class '{class_name}'; the model has {classes}.")
    choice("baseline", baseline, get_args(Baseline))
    data = self._read(mdata, [modality])[modality]
    codes, means = _profiles(self, data, self._data_or_own(mdata))
    n_obs = np.bincount(codes[codes >= 0], minlength=len(classes))
    chosen = None
    if indices is not None:
        chosen = np.arange(data.n_obs)[positions(indices)]
        if not len(chosen):
            raise ValueError("indices names no observation to explain.")
    blocks = []
    for code, name in enumerate(classes):
        rows = np.flatnonzero(codes == code) if chosen is None else chosen
        if class_name not in (None, name) or not len(rows):
            continue
        if chosen is None and len(rows) > _MOST_OBS:
            rows = np.sort(np.random.default_rng(0).choice(rows, _MOST_OBS, replace=False))
        start = self.module.scalers[modality].center
        if baseline == "other_classes":
            others = np.delete(means, code, axis=0)[np.delete(n_obs, code) > 0]
            if not len(others):
                raise ValueError(
                    f"Modality '{modality}' has observations of class '{name}' only, so there is "
                    "no other class to compare with: use baseline='mean'."
                )
            start = torch.as_tensor(others.mean(axis=0)).to(start)
        blocks.append(_block(self, data, rows, code, start[None]))
    if not blocks:
        whom = "any class" if class_name is None else f"class '{class_name}'"
        raise ValueError(
            f"Modality '{modality}' has no observation of {whom}, neither labelled nor (where not "
            f"labelled) predicted so; it has {dict(zip(classes, n_obs.tolist(), strict=True))}. "
            "Name the observations to explain with indices=..."
        )
    return pd.concat(blocks, ignore_index=True)


@torch.inference_mode()
def _profiles(model: Model, data: Modality, mdata: MuData) -> tuple[np.ndarray, np.ndarray]:
    """Class codes of one modality, -1 if unknown, and mean scaled profiles of the classes."""
    # a modality without labels of its own takes those of the others
    present = [name for name in model._spec.modalities if name in mdata.mod]
    labels = model._labels(mdata, present)[data.name]
    n_classes = model.module.n_classes
    known = pd.Index(model._spec.classes, dtype=object).get_indexer(labels.to_numpy(object))
    unlabeled = labels.isna().to_numpy()
    codes = np.where(unlabeled, -1, known)
    sums = np.zeros((n_classes, data.matrix.shape[1]))
    for rows, _, encoded in model._encode(data, None, None):
        said = model.module.class_log_probability(
            data.name, encoded.x_scaled, encoded.qz.mean, encoded.missing
        )
        predicted = said.argmax(dim=1).cpu().numpy()
        codes[rows] = np.where(unlabeled[rows], predicted, codes[rows])
        x = encoded.x_scaled.cpu().numpy()
        for code in np.unique(codes[rows][codes[rows] >= 0]):
            sums[code] += x[codes[rows] == code].sum(axis=0, dtype=np.float64)
    n_obs = np.bincount(codes[codes >= 0], minlength=n_classes)
    return codes, sums / np.maximum(n_obs, 1)[:, None]


def _block(
    model: Model, data: Modality, rows: np.ndarray, code: int, baseline: torch.Tensor
) -> pd.DataFrame:
    # imported only here: few sessions need it
    from captum.attr import IntegratedGradients

    module = model.module.eval()
    encoder = module.encoders[data.name]

    def margins(x: torch.Tensor) -> torch.Tensor:
        # logits are told only up to a constant; against the mean of the others it is gone
        logits = module.class_log_probability(data.name, x, encoder(x).mean)
        others = (logits.sum(dim=1, keepdim=True) - logits) / (logits.shape[1] - 1)
        return logits - others

    explain = IntegratedGradients(margins)
    contribution, mean = (np.zeros(data.matrix.shape[1]) for _ in range(2))
    for tensors in sequential_loader(data, rows, _ROWS_AT_ONCE):
        x = module.scale(data.name, tensors[X_KEY]).requires_grad_()
        found = explain.attribute(
            x,
            baselines=baseline,
            target=code,
            n_steps=_N_STEPS,
            internal_batch_size=_POINTS_AT_ONCE,
        )
        contribution += found.detach().sum(dim=0).cpu().double().numpy()
        mean += x.detach().sum(dim=0).cpu().double().numpy()
    contribution, mean = contribution / len(rows), mean / len(rows)
    start = baseline[0].cpu().double().numpy()
    table = pd.DataFrame(
        {
            "modality": data.name,
            "class": model._spec.classes[code],
            "feature": model._spec.var_names[data.name],
            "importance": np.abs(contribution),
            "attribution": contribution,
            "direction": np.where(mean > start, "up", "down"),
            "mean_class": _in_units(model, data.name, mean),
            "mean_baseline": _in_units(model, data.name, start),
        }
    )
    table = table.sort_values("importance", ascending=False, kind="stable", ignore_index=True)
    table.insert(2, "rank", np.arange(1, len(table) + 1))
    return table


def _in_units(model: Model, modality: str, scaled: np.ndarray) -> np.ndarray:
    scaler = model.module.scalers[modality]
    values = scaler.inverse(torch.as_tensor(scaled).to(scaler.location)).cpu().double().numpy()
    is_counts = isinstance(model.module.decoders[modality], CountDecoder)
    return np.expm1(values) if is_counts else values
