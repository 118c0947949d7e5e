from __future__ import annotations

import mudata as md
import numpy as np
import pandas as pd

from ._rebuild import check_mudata, observation_values, rebuild


def corrupt_labels(
    mdata: md.MuData,
    fraction: float,
    *,
    labels_key: str = "label",
    unlabeled_category: str = "unknown",
    seed: int = 0,
) -> md.MuData:
    """Replace a share of the labels by wrong ones, as mistaken diagnoses would.

    Parameters
    ----------
    mdata
        Data with labels, in the obs of the MuData or of its modalities. It is not changed.
    fraction
        Share of the labels to replace, 0 to 1: `round(fraction * n)` of the `n` labelled
        observations, drawn at random. Each gets one of the other classes, all equally likely.
    labels_key
        Column of classes.
    unlabeled_category
        Class name that means unlabelled. Such observations, and those without a value, stay as
        they are.
    seed
        Seed of the draw.

    Returns
    -------
    MuData
        Copy with the new labels in the obs of the MuData and of every modality.

    Raises
    ------
    KeyError
        If the column does not exist.
    ValueError
        If `fraction` is out of range, if there are labels to replace but fewer than two classes,
        or if modalities disagree on an observation's label.

    Examples
    --------
    >>> import modis
    >>> unpaired = modis.datasets.unpair(modis.datasets.intersim(60))
    >>> wrong = modis.datasets.corrupt_labels(unpaired, 0.1)
    >>> (wrong.obs["label"] != unpaired.obs["label"]).sum().item()
    6
    """
    check_mudata(mdata)
    if not 0 <= fraction <= 1:
        raise ValueError(f"fraction must lie between 0 and 1, found {fraction}.")
    labels = observation_values(mdata, labels_key)
    labelled = np.flatnonzero((labels.notna() & (labels != unlabeled_category)).to_numpy())
    classes = pd.unique(labels.iloc[labelled])
    n_wrong = round(fraction * len(labelled))
    if n_wrong and len(classes) < 2:
        raise ValueError(
            f"Column {labels_key!r} has the class {classes[0]!r} only; a wrong label needs a "
            "second one."
        )

    rng = np.random.default_rng(seed)
    chosen = rng.permutation(labelled)[:n_wrong]
    codes = pd.Index(classes).get_indexer(labels.iloc[chosen])
    # one to K - 1 classes further on: never the class itself, all others equally often
    shifts = rng.integers(1, max(len(classes), 2), size=n_wrong)
    corrupted = labels.copy()
    corrupted.iloc[chosen] = np.asarray(classes, dtype=object)[(codes + shifts) % len(classes)]
    rows = {name: np.ones(adata.n_obs, dtype=bool) for name, adata in mdata.mod.items()}
    return rebuild(mdata, rows, {labels_key: corrupted}, keep_categories=list(classes))
