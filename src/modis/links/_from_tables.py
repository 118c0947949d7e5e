from __future__ import annotations

import pandas as pd

from ._table import links_by_key, text_keys


def from_tables(
    source_table: pd.Series | pd.DataFrame,
    target_table: pd.Series | pd.DataFrame | None = None,
    *,
    source: str,
    target: str,
    separator: str | None = None,
    sign: int = 1,
    weight: float = 1.0,
) -> pd.DataFrame:
    """Link features by tables that map them to a common key, such as CpGs to genes.

    Parameters
    ----------
    source_table
        Features of the source and their keys: a Series or a DataFrame of one column with the
        features as index, or a DataFrame with a column of features and one of keys. A feature may
        have several rows; a missing key links nothing.
    target_table
        The same for the target. `None` (default) if the keys are the target's features
        themselves.
    source, target
        Names of the two modalities.
    separator
        Text between several keys of one cell, such as ";" in "TP53;WRAP53". `None` (default)
        takes a cell as one key.
    sign, weight
        As in :func:`by_column`.

    Returns
    -------
    DataFrame, one row per link: `source_modality`, `source_feature`, `target_modality`,
    `target_feature`, `weight`, `sign`. Join tables with :func:`pandas.concat`.

    Raises
    ------
    TypeError
        If a table is neither a Series nor a DataFrame.
    ValueError
        If a DataFrame has more than two columns, no keys agree, or `sign` or `weight` has another
        value.

    Examples
    --------
    >>> import modis, pandas
    >>> gene_of_cpg = pandas.Series({"cg1": "TP53", "cg2": "TP53", "cg3": "MYC"})
    >>> gene_of_protein = pandas.Series({"p53": "TP53", "p53_pS15": "TP53"})
    >>> names = {"source": "methylation", "target": "protein"}
    >>> links = modis.links.from_tables(gene_of_cpg, gene_of_protein, **names)
    >>> links[["source_feature", "target_feature"]].values.tolist()
    [['cg1', 'p53'], ['cg1', 'p53_pS15'], ['cg2', 'p53'], ['cg2', 'p53_pS15']]
    """
    source_keys = text_keys(_as_series(source_table, "source_table"), separator=separator)
    if target_table is None:
        target_table = pd.Series(source_keys.unique(), index=source_keys.unique())
    target_keys = text_keys(_as_series(target_table, "target_table"), separator=separator)
    return links_by_key((source_keys, target_keys), source, target, sign=sign, weight=weight)


def _as_series(table: pd.Series | pd.DataFrame, name: str) -> pd.Series:
    """Keys by feature."""
    if isinstance(table, pd.Series):
        return table
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"{name} must be a Series or a DataFrame, found {type(table).__name__}.")
    if table.shape[1] not in (1, 2):
        raise ValueError(
            f"{name} has the columns {list(table.columns)}. Choose two, the feature first: "
            f"{name}[[feature_column, key_column]]."
        )
    if table.shape[1] == 2:
        table = table.set_index(table.columns[0])
    return table.iloc[:, 0]
