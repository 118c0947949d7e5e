from __future__ import annotations

from collections.abc import Mapping, Sequence

import mudata as md
import numpy as np

from ._rebuild import check_class, check_mudata, observation_values, rebuild


def shrink_class(
    mdata: md.MuData,
    class_name: str,
    n_samples: int | Mapping[str, int],
    *,
    modalities: Sequence[str] | None = None,
    labels_key: str = "label",
    seed: int = 0,
) -> md.MuData:
    """Make a class rare: leave few samples of it per modality.

    Parameters
    ----------
    mdata
        Data with labels, in the obs of the MuData or of its modalities. It is not changed.
    class_name
        The class to make rare.
    n_samples
        Samples of the class to leave in each modality, or a dict by modality (others are left as
        they are).
    modalities
        Modalities to take samples from, by default all (or those of `n_samples`).
    labels_key
        Column of classes.
    seed
        Seed of the draw. Observations are drawn in one order for all modalities, so those measured
        together stay together.

    Returns
    -------
    MuData
        Copy without the samples taken away. A modality left without samples is left out.

    Raises
    ------
    KeyError
        If the column or a modality does not exist.
    ValueError
        If no observation has the class, if a modality has fewer samples of it than it shall keep,
        or if modalities disagree on an observation's label.

    Examples
    --------
    >>> import modis
    >>> unpaired = modis.datasets.unpair(modis.datasets.intersim(60))
    >>> rare = modis.datasets.shrink_class(unpaired, "class_2", 1)
    >>> {name: adata.n_obs for name, adata in rare.mod.items()}
    {'methylation': 17, 'expression': 17, 'protein': 17}
    """
    if isinstance(n_samples, Mapping):
        names = check_mudata(mdata, list(n_samples) if modalities is None else modalities)
        check_mudata(mdata, list(n_samples))
        wanted = {name: n_samples[name] for name in names if name in n_samples}
    else:
        wanted = dict.fromkeys(check_mudata(mdata, modalities), n_samples)

    labels = observation_values(mdata, labels_key)
    check_class(labels, class_name, labels_key)
    order = np.random.default_rng(seed).permutation(labels.index[labels == class_name])
    rows = {name: np.ones(adata.n_obs, dtype=bool) for name, adata in mdata.mod.items()}
    for name, n in wanted.items():
        members = order[np.isin(order, mdata.mod[name].obs_names)]
        if not 0 <= n <= len(members):
            raise ValueError(
                f"Modality {name!r} has {len(members)} samples of class {class_name!r}, "
                f"of which {n} cannot be left. Ask for 0 to {len(members)}, "
                "or name other modalities."
            )
        rows[name] = ~mdata.mod[name].obs_names.isin(members[n:])
    return rebuild(mdata, rows, {labels_key: labels})
