from __future__ import annotations

import warnings

import mudata as md

from ._download import CACHE_VARIABLE, fetch

_FILE = "pbmc_mosaic.h5mu"
_SHA256 = "684dafc5b90eb6c129e3d104733d7123c626f32af7718ff0ca03acb228579c88"


def pbmc_mosaic() -> md.MuData:
    """Blood cells of four donors: one with RNA, one with surface proteins, two with both.

    1,600 cells with counts of 500 genes (``rna``) and of 224 antibodies (``adt``), from the
    quickstart of MIDAS (He et al. 2024, Nature Biotechnology 42).

    Returns
    -------
    MuData
        In its obs and in that of each modality: ``label``, the cell type; ``batch``, the donor;
        ``split70_seed0``, ``"train"`` or ``"test"``.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is not in the folder that the environment variable MODIS_DATA_DIR names (by
        default the user's cache), or is not the expected one.

    Examples
    --------
    >>> import modis
    >>> cells = modis.datasets.pbmc_mosaic()
    >>> sorted(cells.obs["batch"].unique())
    ['p1_0', 'p2_0', 'p3_0', 'p4_0']
    """
    remedy = f"Copy {_FILE} into the folder that the environment variable {CACHE_VARIABLE} names."
    path = fetch(_FILE, _SHA256, url=None, folder="public", remedy=remedy)
    with warnings.catch_warnings():
        # Proteins and their genes share names.
        warnings.filterwarnings("ignore", "var_names are not unique", UserWarning)
        warnings.filterwarnings("ignore", "Cannot join columns with the same name", UserWarning)
        return md.read_h5mu(path)
