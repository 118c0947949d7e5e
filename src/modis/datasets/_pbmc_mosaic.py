import warnings

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from ._selection import assemble, without_pulling
from ._sources import fetch_sources


def pbmc_mosaic() -> md.MuData:
    """Blood cells of four donors: one with RNA, one with surface proteins, two with both.

    1,600 cells with counts of 500 genes (``rna``) and of 224 antibodies (``adt``), from the
    quickstart of MIDAS (He et al. 2024, Nature Biotechnology 42). 3 MB are downloaded once.

    Returns
    -------
    MuData
        In its obs and in that of each modality: ``label``, the cell type; ``batch``, the donor;
        ``split70_seed0``, ``"train"`` or ``"test"``. The layers ``counts`` hold the counts; X
        holds log(1 + counts per 10,000) of RNA (sparse), and of proteins log(1 + count over the
        cell's geometric mean).

    Raises
    ------
    ConnectionError, ValueError
        If the file cannot be downloaded, or is not the expected one.

    Examples
    --------
    >>> import modis
    >>> cells = modis.datasets.pbmc_mosaic()
    >>> sorted(cells.obs["batch"].unique())
    ['p1_0', 'p2_0', 'p3_0', 'p4_0']
    """
    (path,) = fetch_sources("pbmc_mosaic").values()
    with without_pulling(), warnings.catch_warnings():
        # proteins and their genes share names
        warnings.simplefilter("ignore")
        read = md.read_h5mu(path)
    obs = read.obs[["celltype", "batch"]].rename(columns={"celltype": "label"})
    modalities = {}
    for name, adata in read.mod.items():
        counts = adata.X
        if name == "rna":
            x = counts.multiply(1e4 / counts.sum(axis=1)).tocsr().log1p()
        else:
            counts = counts.toarray()
            x = np.log1p(counts / np.exp(np.log1p(counts).mean(axis=1, keepdims=True)))
        modalities[name] = ad.AnnData(
            x.astype(np.float32), pd.DataFrame(index=adata.obs_names), adata.var
        )
        modalities[name].layers["counts"] = counts
    return assemble(modalities, with_split(obs))


def with_split(obs: pd.DataFrame) -> pd.DataFrame:
    """The columns of ``obs``, and ``split70_seed0``: 70 % of each class to train, 30 % to test."""
    _, test = train_test_split(obs.index, test_size=0.3, random_state=0, stratify=obs["label"])
    part = np.where(obs.index.isin(test), "test", "train")
    return obs.assign(split70_seed0=part).astype("category")
