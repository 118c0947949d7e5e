from __future__ import annotations

from collections.abc import Sequence

import mudata as md
import numpy as np
import pandas as pd

from ._coordinates import find_coordinates, find_strand
from ._table import check_modalities, link_table, some


def by_position(
    mdata: md.MuData,
    source: str,
    target: str,
    *,
    upstream: int = 2000,
    downstream: int = 0,
    source_columns: Sequence[str] | str | None = None,
    target_columns: Sequence[str] | str | None = None,
    strand_column: str = "strand",
    sign: int = 1,
    weight: float = 1.0,
) -> pd.DataFrame:
    """Link peaks or CpGs to the genes that they overlap, or lie near to.

    Every source feature that overlaps the target's body or the window around it is linked. Needs
    the library bioframe: `pip install "modis-omics[genomics]"`.

    Parameters
    ----------
    mdata
        The data; only `.var` is read. Both modalities' coordinates must be of the same genome
        assembly.
    source
        The modality of peaks, CpGs or other places.
    target
        The modality of genes.
    upstream, downstream
        Base pairs added before the start and behind the end of a gene, as it is read. The
        defaults, 2000 and 0, are gene body and promoter, as in GLUE. A gene without a strand gets
        the larger of both on both sides.
    source_columns, target_columns
        Columns of `.var`: `("chrom", "start", "end")`, or `("chrom", "position")` where a feature
        is a single base, or one column of text such as "chr1:100-200". `None` (default) looks for
        "chrom" or "chr" with "start" and "end" or "position", then for "interval", and else reads
        the var_names ("chr1:100-200", "chr1-100-200"). Features without coordinates link nothing.
    strand_column
        Column of the target's `.var` that holds "+" or "-" (or 1 or -1), if it is there.
    sign
        1 (default) where linked features rise together, as open chromatin and expression; -1
        where one falls as the other rises.
    weight
        Weight of each link, above 0; only ratios between links matter.

    Returns
    -------
    DataFrame, one row per link: `source_modality`, `source_feature`, `target_modality`,
    `target_feature`, `weight`, `sign`. Join several tables with :func:`pandas.concat`.

    Raises
    ------
    ImportError
        If bioframe is not installed.
    KeyError
        If a modality or a column does not exist.
    ValueError
        If coordinates are not found or cannot be read, no feature overlaps, or an argument has
        another value.

    References
    ----------
    Cao and Gao (2022). Multi-omics single-cell data integration and regulatory inference with
    graph-linked embedding. Nature Biotechnology 40.

    Examples
    --------
    >>> import anndata, modis, mudata, pandas
    >>> genes = pandas.DataFrame(
    ...     {"chrom": "chr1", "start": [5000, 5000], "end": [6000, 6000], "strand": ["+", "-"]},
    ...     index=["forward", "reverse"],
    ... )
    >>> peaks = pandas.DataFrame(index=["chr1:3500-3900", "chr1:5500-5900", "chr1:9000-9400"])
    >>> mdata = mudata.MuData(
    ...     {"atac": anndata.AnnData(var=peaks), "rna": anndata.AnnData(var=genes)}
    ... )
    >>> links = modis.links.by_position(mdata, "atac", "rna")
    >>> links[["source_feature", "target_feature"]].values.tolist()
    [['chr1:3500-3900', 'forward'], ['chr1:5500-5900', 'forward'], ['chr1:5500-5900', 'reverse']]
    """
    # Imported here because only this function needs it.
    try:
        import bioframe
    except ImportError as error:
        raise ImportError(
            "Links by position need the library bioframe. Install it with: "
            'pip install "modis-omics[genomics]"'
        ) from error

    check_modalities(mdata, source, target)
    for name, distance in (("upstream", upstream), ("downstream", downstream)):
        if distance < 0:
            raise ValueError(f"{name} must be 0 base pairs or more, found {distance}.")
    places = find_coordinates(mdata.mod[source], source, source_columns)
    genes = find_coordinates(mdata.mod[target], target, target_columns)
    strand = find_strand(mdata.mod[target], target, strand_column)[genes.index]
    either = max(upstream, downstream)
    left = np.select([strand > 0, strand < 0], [upstream, downstream], either)
    right = np.select([strand > 0, strand < 0], [downstream, upstream], either)
    windows = genes.assign(start=genes["start"] - left, end=genes["end"] + right)

    found = bioframe.overlap(
        places, windows, how="inner", suffixes=("_source", "_target"), return_index=True
    )
    if len(found) == 0:
        raise ValueError(
            f"No feature of {source!r} lies near one of {target!r}. {source!r} has "
            f"{len(places)} places on {some(places['chrom'])}; {target!r} has {len(genes)} on "
            f"{some(genes['chrom'])}. Both need the same names of chromosomes and the same "
            "assembly; a larger upstream and downstream reaches further."
        )
    found = found.sort_values(["index_source", "index_target"])
    pairs = found[["feature_source", "feature_target"]].drop_duplicates()
    return link_table(
        source,
        pairs["feature_source"].to_numpy(dtype=object),
        target,
        pairs["feature_target"].to_numpy(dtype=object),
        sign=sign,
        weight=weight,
    )
