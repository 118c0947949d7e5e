from __future__ import annotations

import pandas as pd

from ._keys import join_over_keys, text_keys
from ._table import link_table, some


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
    """Link features through tables that map them to a common key, such as CpGs to genes.

    Parameters
    ----------
    source_table
        Features of the source and their keys: a Series with the features as index, or a DataFrame
        whose first column is the feature and second the key (one column: features as index). A
        feature may stand in several rows; a missing key links nothing.
    target_table
        The same for the target. `None` (default) if the keys are the target's features
        themselves.
    source, target
        Names of the two modalities.
    separator
        Text between several keys of one cell, such as ";" in "TP53;WRAP53". `None` (default)
        takes a cell as one key.
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
    TypeError
        If a table is no Series or DataFrame.
    ValueError
        If a DataFrame has more than two columns, no keys agree, or `sign` or `weight` has another
        value.

    Examples
    --------
    >>> import modis, pandas
    >>> gene_of_cpg = pandas.Series({"cg1": "TP53", "cg2": "TP53", "cg3": "MYC"})
    >>> gene_of_protein = pandas.Series({"p53": "TP53", "p53_pS15": "TP53"})
    >>> links = modis.links.from_tables(
    ...     gene_of_cpg, gene_of_protein, source="methylation", target="protein"
    ... )
    >>> links[["source_feature", "target_feature"]].values.tolist()
    [['cg1', 'p53'], ['cg1', 'p53_pS15'], ['cg2', 'p53'], ['cg2', 'p53_pS15']]
    """
    source_keys = text_keys(_as_series(source_table, "source_table"), separator=separator)
    if target_table is None:
        target_keys = pd.Series(source_keys.unique(), index=source_keys.unique(), dtype=object)
    else:
        target_keys = text_keys(_as_series(target_table, "target_table"), separator=separator)
    source_features, target_features = join_over_keys(source_keys, target_keys)
    if len(source_features) == 0:
        raise ValueError(
            f"No key stands in both tables: source_table has {some(source_keys)}, target_table "
            f"has {some(target_keys)}. Both must name the same kind of key, such as gene symbols."
        )
    return link_table(source, source_features, target, target_features, sign=sign, weight=weight)


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
        return pd.Series(table.iloc[:, 1].array, index=pd.Index(table.iloc[:, 0]))
    return table.iloc[:, 0]
