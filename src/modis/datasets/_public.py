"""Public cohorts that the documentation uses, one function each."""

from __future__ import annotations

import os
import warnings

import mudata as md

from ._download import CACHE_VARIABLE, fetch

__all__ = ["bmmc_multiome", "brca_tcga", "brca_tcga_partial", "pbmc10k_cite", "pbmc_mosaic"]

_SHA256 = {
    "bmmc_multiome.h5mu": "2d95a9b977a34ed205f9a5eb5216e417318e573a6dfbe3de035802183ba674e5",
    "brca_tcga.h5mu": "5f625d01f586d828674e436948b9dc136995a1e0403d690a9af9209de811c52e",
    "brca_tcga_partial.h5mu": "808f2b56d2f162afc7b72fbca42196e2f2987ecb3d3a5eaf5d1772371f527592",
    "pbmc10k_cite.h5mu": "ef464e98228475c400cef474d7b8eea78121bb5451a8669050df2a1108d53ffa",
    "pbmc_mosaic.h5mu": "684dafc5b90eb6c129e3d104733d7123c626f32af7718ff0ca03acb228579c88",
}
_URL_VARIABLE = "MODIS_DATA_URL"


def brca_tcga() -> md.MuData:
    """Breast tumours with four omics each, and their PAM50 subtype.

    343 tumours of The Cancer Genome Atlas: expression of 645 genes (``mrna``), methylation of 574
    CpGs (``meth``), 423 microRNAs (``mirna``) and 171 proteins (``rppa``), as the matrices of Lock
    and Dunson. Classes: LumA 170, Basal 66, LumB 63, Her2 35, Normal 9.

    Returns
    -------
    Paired :class:`mudata.MuData`, with ``label`` and ``split70_seed0`` (``"train"`` or
    ``"test"``) in ``obs``, also of each modality.

    Raises
    ------
    FileNotFoundError
        If the file is not on this machine and no address to download it from is known.
    ConnectionError, ValueError
        If it cannot be downloaded, or is not the expected file.

    Notes
    -----
    The file is kept in the user's cache folder, or in the one that the environment variable
    MODIS_DATA_DIR names. Where it is not there, it is downloaded from the address that
    MODIS_DATA_URL names, and checked.

    References
    ----------
    The Cancer Genome Atlas Network (2012), *Comprehensive molecular portraits of human breast
    tumours*, Nature 490. Lock and Dunson (2013), *Bayesian consensus clustering*, Bioinformatics
    29.

    Examples
    --------
    >>> import modis
    >>> tumours = modis.datasets.brca_tcga()
    >>> {name: adata.shape for name, adata in tumours.mod.items()}
    {'mrna': (343, 645), 'meth': (343, 574), 'mirna': (343, 423), 'rppa': (343, 171)}
    """
    return _read("brca_tcga")


def brca_tcga_partial() -> md.MuData:
    """The breast tumours of a cohort as it comes: most samples lack some of the four omics.

    791 tumours: expression and microRNAs of 343, proteins of 398, methylation of 790. Features
    and classes are those of :func:`brca_tcga`.

    Returns
    -------
    :class:`mudata.MuData`, a mosaic, with ``label`` and ``split70_seed0`` in ``obs``.

    Raises
    ------
    FileNotFoundError, ConnectionError, ValueError
        As :func:`brca_tcga`, which also tells where the file is kept.

    Examples
    --------
    >>> import modis
    >>> tumours = modis.datasets.brca_tcga_partial()
    >>> {name: adata.n_obs for name, adata in tumours.mod.items()}
    {'mrna': 343, 'meth': 790, 'mirna': 343, 'rppa': 398}
    """
    return _read("brca_tcga_partial")


def pbmc10k_cite() -> md.MuData:
    """Blood cells with RNA and surface proteins (CITE-seq).

    5,994 cells of one healthy donor (10x Genomics): 4,000 genes and 14 antibodies, which are
    named after the proteins. Log-normalised values in ``X``, counts in ``layers["counts"]``.

    Returns
    -------
    Paired :class:`mudata.MuData` of ``rna`` and ``protein``, with the cell type in
    ``obs["label"]`` and ``split70_seed0`` beside it.

    Raises
    ------
    FileNotFoundError, ConnectionError, ValueError
        As :func:`brca_tcga`, which also tells where the file is kept.

    Examples
    --------
    >>> import modis
    >>> cells = modis.datasets.pbmc10k_cite()
    >>> cells["protein"].var_names[:3].tolist()
    ['CD127', 'CD14', 'CD15']
    """
    return _read("pbmc10k_cite")


def pbmc_mosaic() -> md.MuData:
    """Blood cells of four donors: one with RNA, one with surface proteins, two with both.

    1,600 cells with counts of 500 genes (``rna``) and of 224 antibodies (``adt``), from the
    quickstart of MIDAS.

    Returns
    -------
    :class:`mudata.MuData`, a mosaic, with ``label``, ``batch`` (the donor) and
    ``split70_seed0`` in ``obs``.

    Raises
    ------
    FileNotFoundError, ConnectionError, ValueError
        As :func:`brca_tcga`, which also tells where the file is kept.

    References
    ----------
    He et al. (2024), *Mosaic integration and knowledge transfer of single-cell multimodal data
    with MIDAS*, Nature Biotechnology 42.

    Examples
    --------
    >>> import modis
    >>> cells = modis.datasets.pbmc_mosaic()
    >>> sorted(cells.obs["batch"].unique())
    ['p1_0', 'p2_0', 'p3_0', 'p4_0']
    """
    return _read("pbmc_mosaic")


def bmmc_multiome() -> md.MuData:
    """Bone marrow cells of several donors with RNA and open chromatin (Multiome).

    500 cells with counts of 1,134 genes (``rna``) and of 600 peaks (``atac``), from the starter
    data of the Open Problems competition.

    Returns
    -------
    Paired :class:`mudata.MuData` with the lineage in ``obs["label"]``, ``cell_type``, ``batch``
    (the donor) and ``split``, which puts whole donors into ``"train"`` or ``"test"``.

    Raises
    ------
    FileNotFoundError, ConnectionError, ValueError
        As :func:`brca_tcga`, which also tells where the file is kept.

    References
    ----------
    Luecken et al. (2021), *A sandbox for prediction and integration of DNA, RNA, and proteins in
    single cells*, NeurIPS Datasets and Benchmarks.

    Examples
    --------
    >>> import modis
    >>> cells = modis.datasets.bmmc_multiome()
    >>> cells["atac"].var_names[0]
    'chr1-1677585-1678477'
    """
    return _read("bmmc_multiome")


def _read(name: str) -> md.MuData:
    file = f"{name}.h5mu"
    path = fetch(
        {file: _SHA256[file]},
        base_url=os.environ.get(_URL_VARIABLE) or None,
        folder="public",
        remedy=(
            f"Copy {file} into the folder that the environment variable {CACHE_VARIABLE} names, "
            f"or name an address that serves it with {_URL_VARIABLE}."
        ),
    )[file]
    with warnings.catch_warnings():
        # features of two omics share names, as proteins and their genes do
        for said in ("Cannot join columns with the same name", "var_names are not unique"):
            warnings.filterwarnings("ignore", said, UserWarning)
        return md.read_h5mu(path)
