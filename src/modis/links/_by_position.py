import mudata as md
import numpy as np
import pandas as pd

from ._by_column import check_modalities, column_of, link_table, some, text_keys

# Looked for in this order: genes and peaks, single positions, 10x Genomics' text.
KNOWN_COLUMNS: tuple[tuple[str, ...], ...] = (
    ("chrom", "start", "end"),
    ("chr", "start", "end"),
    ("chrom", "chromStart", "chromEnd"),
    ("chrom", "position"),
    ("chr", "position"),
    ("interval",),
)
PATTERN = r"^(?P<chrom>.+?)[:_-](?P<start>\d+)[_-](?P<end>\d+)$"


def by_position(
    mdata: md.MuData,
    source: str,
    target: str,
    *,
    upstream: int = 2000,
    downstream: int = 0,
    sign: int = 1,
) -> pd.DataFrame:
    """Link peaks or CpGs to genes that overlap them or are near.

    A source feature is linked to a gene if it overlaps the gene or the window around it. Needs
    the library bioframe: `pip install "modis-omics[genomics]"`.

    Parameters
    ----------
    mdata
        The data; only `.var` is read: "chrom" or "chr" with "start" and "end" or "position", or
        else "interval", or else var_names such as "chr1:100-200". Features without coordinates
        link nothing. Coordinates must be of the same genome assembly.
    source, target
        The modality of peaks, CpGs or other places, and the modality of genes.
    upstream, downstream
        Base pairs added before the start and after the end of a gene, in the direction of its
        strand: the column "strand", of "+" and "-" or 1 and -1. A gene without one gets the larger
        of both on both sides. The defaults are gene body and promoter, as in GLUE.
    sign
        As in :func:`by_column`.

    Returns
    -------
    DataFrame, one row per link: `source_modality`, `source_feature`, `target_modality`,
    `target_feature`, `sign`. Join tables with :func:`pandas.concat`.

    Raises
    ------
    ImportError
        If bioframe is not installed.
    KeyError
        If a modality does not exist.
    ValueError
        If coordinates are not found or cannot be read, no feature overlaps, or `sign` or a
        distance has another value.

    References
    ----------
    Cao and Gao (2022). Multi-omics single-cell data integration and regulatory inference with
    graph-linked embedding. Nature Biotechnology 40.

    Examples
    --------
    >>> import anndata, modis, mudata, pandas
    >>> genes = pandas.DataFrame({"strand": ["+", "-"]}, index=["forward", "reverse"])
    >>> genes = genes.assign(chrom="chr1", start=5000, end=6000)
    >>> peaks = pandas.DataFrame(index=["chr1:3500-3900", "chr1:9000-9400"])
    >>> modalities = {"atac": anndata.AnnData(var=peaks), "rna": anndata.AnnData(var=genes)}
    >>> mdata = mudata.MuData(modalities)
    >>> links = modis.links.by_position(mdata, "atac", "rna")
    >>> links[["source_feature", "target_feature"]].values.tolist()
    [['chr1:3500-3900', 'forward']]
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
    places = _find_coordinates(mdata, source)
    genes = _find_coordinates(mdata, target)
    strand = _find_strand(mdata, target)[genes.index]
    either = max(upstream, downstream)
    left = np.select([strand > 0, strand < 0], [upstream, downstream], either)
    right = np.select([strand > 0, strand < 0], [downstream, upstream], either)
    windows = genes.assign(start=genes["start"] - left, end=genes["end"] + right)

    found = bioframe.overlap(
        places, windows, how="inner", suffixes=("_source", "_target"), return_index=True
    )
    if found.empty:
        raise ValueError(
            f"No feature of {source!r} lies near one of {target!r}. {source!r} has "
            f"{len(places)} places on {some(places['chrom'])}; {target!r} has {len(genes)} on "
            f"{some(genes['chrom'])}. Both need the same names of chromosomes and the same "
            "assembly; a larger upstream and downstream reaches further."
        )
    found = found.sort_values(["index_source", "index_target"])
    pairs = found.rename(columns={"feature_source": "source", "feature_target": "target"})
    return link_table(pairs, source, target, sign)


def _find_coordinates(mdata: md.MuData, modality: str) -> pd.DataFrame:
    """Columns `chrom`, `start`, `end` and `feature`, by position; without coordinates left out."""
    var = mdata.mod[modality].var
    names = next((known for known in KNOWN_COLUMNS if set(known) <= set(var)), ())
    found = [var[name].reset_index(drop=True) for name in names]
    if len(names) < 2:
        table = _from_text(mdata, modality, *names)
    else:
        table = pd.DataFrame({"chrom": _text(found[0]), "start": _numbers(found[1], modality)})
        table["end"] = table["start"] + 1 if len(names) == 2 else _numbers(found[2], modality)
    table = table.assign(feature=np.asarray(var.index, dtype=object)).dropna()
    backwards = table["end"] < table["start"]
    if backwards.any():
        raise ValueError(
            f"Features of {modality!r} end before they start: {some(table['feature'][backwards])}."
        )
    return table.astype({"start": np.int64, "end": np.int64, "chrom": object})


def _find_strand(mdata: md.MuData, modality: str) -> np.ndarray:
    """1 or -1 per feature, 0 where unknown."""
    var = mdata.mod[modality].var
    if "strand" not in var:
        return np.zeros(len(var), dtype=np.int64)
    text = _text(var["strand"])
    strand = text.map({"+": 1, "1": 1, "-": -1, "-1": -1, ".": 0})
    bad = strand.isna() & text.notna()
    if bad.any():
        raise ValueError(
            f"mdata[{modality!r}].var['strand'] has {some(text[bad])}; a strand is '+', '-' or "
            "missing."
        )
    return strand.fillna(0).to_numpy(dtype=np.int64)


def _from_text(mdata: md.MuData, modality: str, column: str | None = None) -> pd.DataFrame:
    text = _text(column_of(mdata, modality, column))
    # What 10x Genomics writes where a gene has no interval.
    text = text.mask(text == "NA")
    table = text.str.extract(PATTERN)
    bad = table["chrom"].isna() & text.notna()
    if bad.any():
        where = f".var[{column!r}]" if column else ".var_names"
        raise ValueError(
            f"No coordinates of {modality!r}: mdata[{modality!r}]{where} should read like "
            f"'chr1:100-200', but {bad.sum()} of {len(bad)} do not, such as {some(text[bad])}. "
            f"Put them into mdata[{modality!r}].var as columns 'chrom', 'start' and 'end'; "
            "missing where a feature has none."
        )
    return table.astype({"start": float, "end": float})


def _text(values: pd.Series) -> pd.Series:
    """Text by position, missing where it is."""
    values = values.reset_index(drop=True)
    return text_keys(values).reindex(values.index)


def _numbers(values: pd.Series, modality: str) -> pd.Series:
    numbers = pd.to_numeric(values.astype(object), errors="coerce").astype(float)
    bad = numbers.isna() & values.notna()
    if bad.any():
        raise ValueError(f"mdata[{modality!r}].var has {some(values[bad])} instead of base pairs.")
    return numbers
