"""What a model knows of its training data: classes, missing pairs, feature links."""

import pandas as pd

from .._constants import logger
from ..data import AlignedLinks, count_classes
from ._base import Model


def class_counts(self: Model) -> pd.DataFrame:
    """Count the observations of each modality and class.

    Returns
    -------
    DataFrame with a row per modality and the columns classes, ``"unlabeled"``, ``"total"`` and
    ``"features"``.
    """
    mdata, spec = self._data_or_own(None), self._spec
    labels = self._labels(mdata, spec.modalities)
    return count_classes(mdata, spec.modalities, labels, spec.classes)


def missing_pairs(self: Model) -> pd.DataFrame:
    """List the classes that a modality has no samples of.

    There, such a class is predicted only from pairs or feature links with other modalities, so
    trust these predictions less; without pairs and links it is not predicted at all.

    Returns
    -------
    DataFrame with a row per pair without a labelled observation: ``class``, ``modality`` and
    ``n_unlabeled``, the unlabelled observations of that modality, which may include some.
    """
    counts = class_counts(self)
    rows = [
        (name, modality, int(counts.loc[modality, "unlabeled"]))
        for name in self._spec.classes
        for modality in counts.index[counts[name] == 0]
    ]
    return pd.DataFrame(rows, columns=["class", "modality", "n_unlabeled"])


def link_summary(self: Model) -> pd.DataFrame | None:
    """Feature links that were given and that the data have, by pair of modalities.

    A row per pair: links ``given`` and ``used``, features ``missing_first`` and ``missing_second``
    that are not in the data, and those with links, ``linked_first`` and ``linked_second``.
    `None` without links.
    """
    return None if self._links is None else self._links.summary


def get_var_names(self: Model) -> dict:
    """Feature names by modality, in the order of the networks, also without data.

    Returns
    -------
    Array of names by modality.
    """
    return dict(self._spec.var_names)


def describe(model: Model) -> str:
    """Data, networks and state in a few lines."""
    spec, sizes = model._spec, model.module.architecture
    lines = [
        f"MODIS, {'trained' if model.is_trained_ else 'not trained'}: "
        f"{len(spec.modalities)} modalities, {len(spec.classes)} classes, "
        f"{sizes.n_latent} latent dimensions, preset {model.preset}"
    ]
    for name, features in spec.var_names.items():
        units = f"{sizes.hidden_units(len(features))} hidden units"
        units = units if sizes.n_layers else "linear encoder"
        lines.append(f"  {name}: {len(features)} features, {spec.likelihoods[name]}, {units}")
    lines.append(f"  classes: {', '.join(spec.classes) or 'none'}")
    return "\n".join(lines)


def announce_links(links: AlignedLinks) -> None:
    """Log how many links the data have."""
    for (first, second), row in links.summary.iterrows():
        logger.info(
            "Feature links between %s and %s: %d of %d used; not in the data: %d and %d features.",
            *(first, second, row["used"], row["given"]),
            *(row["missing_first"], row["missing_second"]),
        )
    if links.n_ignored:
        logger.info(
            "%d feature links of modalities that are not used were left out.", links.n_ignored
        )


def announce_missing_pairs(model: Model) -> None:
    """Log the classes that a modality has no samples of."""
    if not model.module.n_classes:
        return
    for name, modality, n_unlabeled in missing_pairs(model).itertuples(index=False):
        logger.info(
            "Class '%s' was never seen in modality '%s'%s; it is recognised there only by "
            "what pairs or feature links share with other modalities, or if many labelled samples "
            "tell what is far from all other classes.",
            *(name, modality),
            f" (unless among its {n_unlabeled} unlabelled observations)" if n_unlabeled else "",
        )
