import mudata as md
import pandas as pd

from ._table import check_modalities, column_of, link_table, some, text_keys


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
    mdata, source, target
        As in :func:`by_column`.
    ignore_case
        Whether names that differ only in case are the same, such as the antibody "cd19" and the
        gene "CD19". Off by default: "Cd19" is a gene of another organism.
    sign, weight
        As in :func:`by_column`.

    Returns
    -------
    DataFrame, one row per link, as from :func:`by_column`.

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

    Several features of either modality may have the same key; all of them are linked. A missing
    key links nothing.

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
        Whether keys that differ only in case are the same.
    sign, weight
        Of every link: -1 where one feature falls as the other rises, else 1; and a number above
        0, of which only ratios between links matter.

    Returns
    -------
    DataFrame, one row per link: `source_modality`, `source_feature`, `target_modality`,
    `target_feature`, `weight`, `sign`. Join tables with :func:`pandas.concat`.

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
    >>> modalities = {"meth": anndata.AnnData(var=cpgs), "rna": anndata.AnnData(var=genes)}
    >>> mdata = mudata.MuData(modalities)
    >>> links = modis.links.by_column(mdata, "meth", "rna", "gene", separator=";", sign=-1)
    >>> links[["source_feature", "target_feature", "sign"]].values.tolist()
    [['cg1', 'TP53', -1], ['cg1', 'WRAP53', -1]]
    """
    check_modalities(mdata, source, target)
    sides = {}
    for side, name, column in (
        ("source", source, source_column),
        ("target", target, target_column),
    ):
        own = column_of(mdata, name, column)
        keys = text_keys(own, separator=separator, ignore_case=ignore_case)
        sides[side] = pd.DataFrame({side: keys.index.astype(object), "key": keys.to_numpy()})
    pairs = sides["source"].merge(sides["target"], on="key")
    if pairs.empty:
        raise ValueError(
            f"No feature of {source!r} has the key of a feature of {target!r}: {source!r} has "
            f"{some(sides['source']['key'])}, {target!r} has {some(sides['target']['key'])}. "
            "Both need the same kind of key, such as gene symbols."
        )
    return link_table(pairs, source, target, sign=sign, weight=weight)
