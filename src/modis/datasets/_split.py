from __future__ import annotations

import mudata as md
import numpy as np
import pandas as pd

from ._allot import allot
from ._rebuild import check_mudata, membership, observation_values, rebuild


def split(
    mdata: md.MuData, test_size: float = 0.2, *, labels_key: str = "label", seed: int = 0
) -> tuple[md.MuData, md.MuData]:
    """Split observations into a training and a test part.

    Parameters
    ----------
    mdata
        Data with labels, in the obs of the MuData or of its modalities. It is not changed.
    test_size
        Share of the observations in the test part, between 0 and 1.
    labels_key
        Column of classes. Both parts have each class, and within it each set of modalities that
        observations have, in proportion. Observations without a label count as one more class.
    seed
        Seed of the draw.

    Returns
    -------
    tuple of MuData
        Training part and test part. All samples of an observation are in the same part, and every
        class has an observation in the training part. A modality without a sample in a part is
        left out of it.

    Raises
    ------
    KeyError
        If the column does not exist.
    ValueError
        If `test_size` is not between 0 and 1, if a part would be empty, or if modalities disagree
        on an observation's label.

    Examples
    --------
    >>> import modis
    >>> train, test = modis.datasets.split(modis.datasets.intersim(100))
    >>> train.n_obs, test.n_obs
    (80, 20)
    """
    names = check_mudata(mdata)
    if not 0 < test_size < 1:
        raise ValueError(f"test_size must lie between 0 and 1, found {test_size}.")
    labels = observation_values(mdata, labels_key)
    classes, _ = pd.factorize(labels, sort=True)
    patterns = membership(mdata, names).groupby(names).ngroup().to_numpy()

    # Missing labels have the code -1: shifted, they are one more class.
    sizes = np.bincount(classes + 1, minlength=1)
    in_test = np.zeros(len(labels), dtype=bool)
    rng = np.random.default_rng(seed)
    shares = allot(sizes, round(test_size * len(labels)))
    for code, share in enumerate(np.minimum(shares, np.maximum(sizes - 1, 0))):
        members = rng.permutation(np.flatnonzero(classes + 1 == code))
        found, counts = np.unique(patterns[members], return_counts=True)
        for pattern, n in zip(found, allot(counts, share), strict=True):
            in_test[members[patterns[members] == pattern][:n]] = True
    if not in_test.any() or in_test.all():
        raise ValueError(
            f"{len(labels)} observations cannot be split with test_size={test_size}: "
            "one part would be empty."
        )

    def part(chosen: np.ndarray) -> md.MuData:
        members = labels.index[chosen]
        rows = {name: adata.obs_names.isin(members) for name, adata in mdata.mod.items()}
        return rebuild(mdata, rows, {labels_key: labels})

    return part(~in_test), part(in_test)
