from __future__ import annotations

from collections.abc import Iterable

import mudata as md
import numpy as np

from ._rebuild import check_class, check_mudata, observation_values, rebuild


def drop_pairs(
    mdata: md.MuData, pairs: Iterable[tuple[str, str]], *, labels_key: str = "label"
) -> md.MuData:
    """Take a class away from a modality, as if it had never been measured there.

    Parameters
    ----------
    mdata
        Data with labels, in the obs of the MuData or of its modalities. It is not changed.
    pairs
        The pairs (class, modality) to take away.
    labels_key
        Column of classes.

    Returns
    -------
    MuData
        Copy without these samples. They stay in the other modalities that they are in. A modality
        left without samples is left out.

    Raises
    ------
    KeyError
        If the column or a modality does not exist.
    ValueError
        If no observation has the class, if no sample would be left, or if modalities disagree on
        an observation's label.

    Examples
    --------
    >>> import modis
    >>> unpaired = modis.datasets.unpair(modis.datasets.intersim(60))
    >>> dropped = modis.datasets.drop_pairs(unpaired, [("class_1", "protein")])
    >>> {name: adata.n_obs for name, adata in dropped.mod.items()}
    {'methylation': 20, 'expression': 20, 'protein': 16}
    """
    names = check_mudata(mdata)
    labels = observation_values(mdata, labels_key)
    own = {name: labels.reindex(mdata.mod[name].obs_names) for name in names}
    rows = {name: np.ones(mdata.mod[name].n_obs, dtype=bool) for name in names}
    for class_name, modality in pairs:
        check_mudata(mdata, [modality])
        check_class(labels, class_name, labels_key)
        rows[modality] &= (own[modality] != class_name).to_numpy(dtype=bool)
    return rebuild(mdata, rows, {labels_key: labels})
