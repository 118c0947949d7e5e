from __future__ import annotations

import mudata as md
import pandas as pd

from ._keys import join_over_keys, text_keys
from ._table import check_modalities, link_table, some


def by_name(
    mdata: md.MuData,
    source: str,
    target: str,
    *,
    ignore_case: bool = False,
    sign: int = 1,
    weight: float = 1.0,
) -> pd.DataFrame:
    """Link features that have the same name in both modalities.

    Parameters
    ----------
    mdata
        The data; only the var_names are read.
    source, target
        The two modalities.
    ignore_case
        Whether names that differ in case only are the same, such as an antibody "cd19" and a gene
        "CD19". Off by default: "Cd19" is another organism's gene.
    sign
        1 (default) where linked features rise together, -1 where one falls as the other rises.
    weight
        Weight of each link, above 0; only ratios between links matter.

    Returns
    -------
    DataFrame, one row per link: `source_modality`, `source_feature`, `target_modality`,
    `target_feature`, `weight`, `sign`. Join several tables with :func:`pandas.concat`.

    Raises
    ------
    KeyError
        If a modality does not exist.
    ValueError
        If no names agree, or `sign` or `weight` has another value.

    Examples
    --------
    >>> import anndata, modis, mudata, pandas
    >>> rna = anndata.AnnData(var=pandas.DataFrame(index=["CD4", "CD19", "MS4A1"]))
    >>> adt = anndata.AnnData(var=pandas.DataFrame(index=["cd4", "cd19", "cd20"]))
    >>> mdata = mudata.MuData({"rna": rna, "adt": adt})
    >>> links = modis.links.by_name(mdata, "adt", "rna", ignore_case=True)
    >>> links[["source_feature", "target_feature"]].values.tolist()
    [['cd4', 'CD4'], ['cd19', 'CD19']]
    """
    return by_column(mdata, source, target, ignore_case=ignore_case, sign=sign, weight=weight)


def by_column(
    mdata: md.MuData,
    source: str,
    target: str,
    source_column: str | None = None,
    target_column: str | None = None,
    *,
    separator: str | None = None,
    ignore_case: bool = False,
    sign: int = 1,
    weight: float = 1.0,
) -> pd.DataFrame:
    """Link features that have the same key, such as a gene symbol, in a column of `.var`.

    A key may stand at several features on both sides; all of them are linked. A missing key links
    nothing.

    Parameters
    ----------
    mdata
        The data; only `.var` is read.
    source, target
        The two modalities.
    source_column, target_column
        Column of `.var` that holds the key. `None` (default) takes the var_names.
    separator
        Text between several keys of one cell, such as ";" in "TP53;WRAP53". `None` (default)
        takes a cell as one key.
    ignore_case
        Whether keys that differ in case only are the same.
    sign
        1 (default) where linked features rise together, -1 where one falls as the other rises;
        often so for methylation of promoters and expression.
    weight
        Weight of each link, above 0; only ratios between links matter.

    Returns
    -------
    DataFrame, one row per link: `source_modality`, `source_feature`, `target_modality`,
    `target_feature`, `weight`, `sign`. Join several tables with :func:`pandas.concat`.

    Raises
    ------
    KeyError
        If a modality or a column does not exist.
    ValueError
        If no keys agree, or `sign` or `weight` has another value.

    Examples
    --------
    >>> import anndata, modis, mudata, pandas
    >>> cpgs = pandas.DataFrame({"gene": ["TP53;WRAP53", None]}, index=["cg1", "cg2"])
    >>> genes = pandas.DataFrame(index=["TP53", "WRAP53"])
    >>> mdata = mudata.MuData(
    ...     {"meth": anndata.AnnData(var=cpgs), "rna": anndata.AnnData(var=genes)}
    ... )
    >>> links = modis.links.by_column(mdata, "meth", "rna", "gene", separator=";", sign=-1)
    >>> links[["source_feature", "target_feature", "sign"]].values.tolist()
    [['cg1', 'TP53', -1], ['cg1', 'WRAP53', -1]]
    """
    check_modalities(mdata, source, target)
    keys = [
        text_keys(_column(mdata, name, column), separator=separator, ignore_case=ignore_case)
        for name, column in ((source, source_column), (target, target_column))
    ]
    source_features, target_features = join_over_keys(*keys)
    if len(source_features) == 0:
        raise ValueError(
            f"No feature of {source!r} has the key of a feature of {target!r}: {source!r} has "
            f"{some(keys[0])}, {target!r} has {some(keys[1])}. Name the columns of .var that hold "
            "the same kind of key, such as gene symbols."
        )
    return link_table(source, source_features, target, target_features, sign=sign, weight=weight)


def _column(mdata: md.MuData, modality: str, column: str | None) -> pd.Series:
    """Keys of a modality's features, by feature."""
    var = mdata.mod[modality].var
    if column is None:
        return pd.Series(var.index, index=var.index, dtype=object)
    if column not in var:
        raise KeyError(
            f"mdata[{modality!r}].var has no column {column!r}; it has {list(var.columns)}."
        )
    return var[column]
