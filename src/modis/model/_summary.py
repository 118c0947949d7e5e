from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pandas as pd

from ..data import count_classes
from ._access import DataAccess

if TYPE_CHECKING:
    from ..data import AlignedLinks

__all__ = ["SummaryMixin"]

# a child of scvi's logger: scvi.settings.verbosity and its handler hold for it
logger = logging.getLogger("scvi.modis")


class SummaryMixin(DataAccess):
    """What a model knows of its training data: classes, pairs without samples, feature links."""

    if TYPE_CHECKING:
        # the model's
        _links: AlignedLinks | None

    def class_counts(self) -> pd.DataFrame:
        """Count the observations of each modality and class.

        Returns
        -------
        DataFrame with a row per modality and the columns classes, ``"unlabeled"``, ``"total"``
        and ``"features"``.

        Raises
        ------
        ValueError
            If the model was loaded without data.

        Examples
        --------
        >>> from modis import MODIS
        >>> from modis.datasets import intersim, unpair
        >>> mdata = unpair(intersim(n_samples=60))
        >>> MODIS.setup_mudata(mdata, labels_key="label")
        >>> counts = MODIS(mdata).class_counts()
        >>> counts[["class_1", "class_2", "unlabeled", "total", "features"]].astype(int)
        class        class_1  class_2  unlabeled  total  features
        modality
        methylation        4        4          0     20       367
        expression         4        4          0     20       131
        protein            4        4          0     20       160
        """
        mdata, spec = self._mdata(None), self._spec
        labels = self._labels(mdata, spec.modalities)
        return count_classes(mdata, spec.modalities, labels, spec.classes)

    def missing_pairs(self) -> pd.DataFrame:
        """List the classes that a modality never saw.

        Such a class is recognised in that modality only through translations from the others,
        so predictions of it deserve less trust there.

        Returns
        -------
        DataFrame with a row per pair without a labelled observation: ``class``, ``modality`` and
        ``n_unlabeled``, the unlabelled observations of that modality, which may include some.
        Without any label it is empty.

        Raises
        ------
        ValueError
            If the model was loaded without data.

        Examples
        --------
        >>> from modis import MODIS
        >>> from modis.datasets import drop_pairs, intersim, unpair
        >>> mdata = drop_pairs(unpair(intersim(n_samples=60)), [("class_2", "protein")])
        >>> MODIS.setup_mudata(mdata, labels_key="label")
        >>> MODIS(mdata).missing_pairs()
             class modality  n_unlabeled
        0  class_2  protein            0
        """
        counts = self.class_counts()
        classes = self._spec.classes
        rows = [
            (name, modality, int(counts.loc[modality, "unlabeled"]))
            for name in classes
            for modality in counts.index
            if counts.loc[modality, name] == 0
        ]
        return pd.DataFrame(rows, columns=["class", "modality", "n_unlabeled"])

    @property
    def link_summary(self) -> pd.DataFrame | None:
        """Feature links that were given and that the data have, by pair of modalities.

        A row per pair of modalities: links ``given`` and ``used``, different features
        ``missing_first`` and ``missing_second`` that are not in the data, and features with
        links, ``linked_first`` and ``linked_second``. `None` without links.

        Examples
        --------
        >>> from modis import MODIS
        >>> from modis.datasets import intersim, unpair
        >>> mdata = unpair(intersim(n_samples=60))
        >>> MODIS.setup_mudata(mdata, labels_key="label")
        >>> model = MODIS(mdata, feature_links=mdata.uns["feature_links"])
        >>> model.link_summary[["given", "used", "linked_first", "linked_second"]].reset_index()
                 first      second  given  used  linked_first  linked_second
        0  methylation  expression    367   367           367            131
        1   expression     protein    160   160           131            160
        """
        return None if self._links is None else self._links.summary

    def _announce_links(self) -> None:
        links = self._links
        if links is None:
            return
        for (first, second), row in links.summary.iterrows():
            logger.info(
                "Feature links between %s and %s: %d of %d used; not in the data: %d and %d "
                "features.",
                *(first, second, row["used"], row["given"]),
                *(row["missing_first"], row["missing_second"]),
            )
        if links.n_ignored:
            logger.info(
                "%d feature links of modalities that are not used were left out.", links.n_ignored
            )

    def _announce_missing_pairs(self) -> None:
        if not self.module.n_classes:
            return
        for name, modality, n_unlabeled in self.missing_pairs().itertuples(index=False):
            logger.info(
                "Class '%s' was never seen in modality '%s'%s; it is recognised there through "
                "translation only.",
                *(name, modality),
                f" (unless among its {n_unlabeled} unlabelled observations)"
                if n_unlabeled
                else "",
            )
