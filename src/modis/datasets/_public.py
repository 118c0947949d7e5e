"""Public cohorts that the documentation uses: one row each."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from inspect import cleandoc

import mudata as md

from ._download import CACHE_VARIABLE, fetch

_URL_VARIABLE = "MODIS_DATA_URL"
_DOCSTRING = """{about}

Returns
-------
MuData
    With the columns named above in its obs and in that of each modality.

Raises
------
FileNotFoundError, ConnectionError, ValueError
    If the file is neither on this machine nor at a known address, if it cannot be downloaded, or
    if it is not the expected file.

Notes
-----
The file is kept in the user's cache folder, or in the one that the environment variable
MODIS_DATA_DIR names. Where it is not there, it is downloaded from the address that MODIS_DATA_URL
names, and checked.

Examples
--------
{example}
"""


def _cohort(name: str, sha256: str, about: str, example: str) -> Callable[[], md.MuData]:
    """The function that reads the cohort `name`."""
    file = f"{name}.h5mu"

    def read() -> md.MuData:
        address = os.environ.get(_URL_VARIABLE)
        path = fetch(
            file,
            sha256,
            url=f"{address.rstrip('/')}/{file}" if address else None,
            folder="public",
            remedy=(
                f"Copy {file} into the folder that the environment variable {CACHE_VARIABLE} "
                f"names, or name an address that serves it with {_URL_VARIABLE}."
            ),
        )
        with warnings.catch_warnings():
            # features of two modalities share names, as proteins and their genes do
            for said in ("Cannot join columns with the same name", "var_names are not unique"):
                warnings.filterwarnings("ignore", said, UserWarning)
            return md.read_h5mu(path)

    read.__name__ = read.__qualname__ = name
    read.__doc__ = _DOCSTRING.format(about=cleandoc(about), example=cleandoc(example))
    return read


brca_tcga = _cohort(
    "brca_tcga",
    "5f625d01f586d828674e436948b9dc136995a1e0403d690a9af9209de811c52e",
    """Breast tumours with four modalities each (paired), and their PAM50 subtype.

    343 tumours of The Cancer Genome Atlas (2012, Nature 490): expression of 645 genes (``mrna``),
    methylation of 574 CpGs (``meth``), 423 microRNAs (``mirna``) and 171 proteins (``rppa``), as
    the matrices of Lock and Dunson (2013, Bioinformatics 29). ``label``: LumA 170, Basal 66,
    LumB 63, Her2 35, Normal 9; ``split70_seed0``: ``"train"`` or ``"test"``.
    """,
    """
    >>> import modis
    >>> tumours = modis.datasets.brca_tcga()
    >>> {name: adata.shape for name, adata in tumours.mod.items()}
    {'mrna': (343, 645), 'meth': (343, 574), 'mirna': (343, 423), 'rppa': (343, 171)}
    """,
)
brca_tcga_partial = _cohort(
    "brca_tcga_partial",
    "808f2b56d2f162afc7b72fbca42196e2f2987ecb3d3a5eaf5d1772371f527592",
    """The breast tumours of a cohort as it comes (a mosaic): most lack some of the modalities.

    791 tumours: expression and microRNAs of 343, proteins of 398, methylation of 790. Features,
    ``label`` and ``split70_seed0`` are those of :func:`brca_tcga`.
    """,
    """
    >>> import modis
    >>> tumours = modis.datasets.brca_tcga_partial()
    >>> {name: adata.n_obs for name, adata in tumours.mod.items()}
    {'mrna': 343, 'meth': 790, 'mirna': 343, 'rppa': 398}
    """,
)
pbmc10k_cite = _cohort(
    "pbmc10k_cite",
    "ef464e98228475c400cef474d7b8eea78121bb5451a8669050df2a1108d53ffa",
    """Blood cells with RNA and surface proteins (CITE-seq, paired).

    5,994 cells of one healthy donor (10x Genomics): 4,000 genes (``rna``) and 14 antibodies
    (``protein``), named after the proteins. Log-normalised values in ``X``, counts in
    ``layers["counts"]``. ``label``: the cell type; ``split70_seed0``: ``"train"`` or ``"test"``.
    """,
    """
    >>> import modis
    >>> cells = modis.datasets.pbmc10k_cite()
    >>> cells["protein"].var_names[:3].tolist()
    ['CD127', 'CD14', 'CD15']
    """,
)
pbmc_mosaic = _cohort(
    "pbmc_mosaic",
    "684dafc5b90eb6c129e3d104733d7123c626f32af7718ff0ca03acb228579c88",
    """Blood cells of four donors: one with RNA, one with surface proteins, two with both.

    1,600 cells with counts of 500 genes (``rna``) and of 224 antibodies (``adt``), from the
    quickstart of MIDAS (He et al. 2024, Nature Biotechnology 42). ``label``: the cell type;
    ``batch``: the donor; ``split70_seed0``: ``"train"`` or ``"test"``.
    """,
    """
    >>> import modis
    >>> cells = modis.datasets.pbmc_mosaic()
    >>> sorted(cells.obs["batch"].unique())
    ['p1_0', 'p2_0', 'p3_0', 'p4_0']
    """,
)
bmmc_multiome = _cohort(
    "bmmc_multiome",
    "2d95a9b977a34ed205f9a5eb5216e417318e573a6dfbe3de035802183ba674e5",
    """Bone marrow cells of several donors with RNA and open chromatin (Multiome, paired).

    500 cells with counts of 1,134 genes (``rna``) and of 600 peaks (``atac``), from the starter
    data of the Open Problems competition (Luecken et al. 2021, NeurIPS Datasets and Benchmarks).
    ``label``: the lineage; ``cell_type``; ``batch``: the donor; ``split``: whole donors are
    ``"train"`` or ``"test"``.
    """,
    """
    >>> import modis
    >>> cells = modis.datasets.bmmc_multiome()
    >>> cells["atac"].var_names[0]
    'chr1-1677585-1678477'
    """,
)
