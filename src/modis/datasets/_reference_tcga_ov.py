from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ._download import fetch
from ._reference import OmicsNoise, Reference

_REGISTRY = {
    "CpG.gene.map.for.DEG.rda": "914f2d83e5240ceb998f9ae719caf4c4b2895e47094111fe367740eb03977135",
    "cov.M.rda": "cef609bbc54a24c2c043d42edbf01f98d0473ecc184a241655b1b2f2cc1f9906",
    "cov.expr.rda": "8965d49995be1733361866ec6fa4c7b9d9b5e9ed0ede90a5b842ee0231d54315",
    "cov.protein.rda": "1b9dc9c481d63ce979c6a558265197c7092e6021ac9f08ffb6a77b65be7c6b59",
    "mean.M.rda": "637e65d88298f9aa8da51e249fe3b2554489ad8b57733adf04832aeef301e7a6",
    "mean.expr.rda": "7160e7df47b79cfe33d29762f1c1ee47f7ff108ca6f89dfa6f9bdd5fa60e8f62",
    "mean.expr.with.mapped.protein.rda": (
        "17132b46d528b6f7953b87fd51f32f7fcd9c7efcf046eb01502992b34e15f333"
    ),
    "mean.protein.rda": "574c533867ed45187b09fedeb845029da810a6358cf67c2b3b47888d54a380e0",
    "methyl.gene.level.mean.rda": (
        "8911d7fb5f1e83cdbdc7b14e18d15ffbcf79bb6ee634aeec3f5ec5b758e665a5"
    ),
    "protein.gene.map.for.DEP.rda": (
        "230057fdbdc90f66ab4d060c4eb9d14c22a08da140dfbbe29e62587ea7601747"
    ),
    "rho.expr.protein.rda": "f63f5166d1b84c3bd061d63b8286864f00b9899ae12d8838f4af5bcbe4bf68c5",
    "rho.methyl.expr.rda": "691e4eff93e653d84865edbaa224682e49a733fbaa4d3631d868f71891a3363b",
}
_BASE_URL = "https://github.com/cran/InterSIM/raw/master/data/"


def tcga_ov_reference(path: str | PathLike[str] | None = None) -> Reference:
    """Parameters that the R package InterSIM estimated from TCGA ovarian cancer.

    They are read from the folder `path`, or downloaded once, checked, and kept in the user's cache
    folder (or in the one that the environment variable MODIS_DATA_DIR names).
    """
    files = _download() if path is None else _find(Path(path))
    tables = {name.removesuffix(".rda"): _read(file) for name, file in files.items()}

    mean_methylation = tables["mean.M"]
    mean_expression = tables["mean.expr"]
    mean_protein = tables["mean.protein"]
    cpgs, genes, proteins = (
        [str(name) for name in table.coords["dim_0"].values]
        for table in (mean_methylation, mean_expression, mean_protein)
    )
    gene_position = {gene: position for position, gene in enumerate(genes)}
    gene_of_cpg = tables["CpG.gene.map.for.DEG"].astype(str).set_index("tmp.cg")["tmp.gene"]
    # The map's own column spells proteins without punctuation; its row names are the proteins'.
    gene_of_protein = tables["protein.gene.map.for.DEP"]["gene"].astype(str)

    return Reference(
        cpgs=cpgs,
        genes=genes,
        proteins=proteins,
        cpg_gene=np.array([gene_position[gene] for gene in gene_of_cpg.loc[cpgs]]),
        protein_gene=np.array([gene_position[gene] for gene in gene_of_protein.loc[proteins]]),
        mean_methylation=mean_methylation.to_numpy(),
        mean_methylation_of_gene=tables["methyl.gene.level.mean"].to_numpy(),
        mean_expression=mean_expression.to_numpy(),
        mean_expression_of_protein=tables["mean.expr.with.mapped.protein"].to_numpy(),
        mean_protein=mean_protein.to_numpy(),
        rho_methylation_expression=tables["rho.methyl.expr"].to_numpy(),
        rho_expression_protein=tables["rho.expr.protein"].to_numpy(),
        noise_methylation=OmicsNoise.from_covariance(tables["cov.M"].to_numpy()),
        noise_expression=OmicsNoise.from_covariance(tables["cov.expr"].to_numpy()),
        noise_protein=OmicsNoise.from_covariance(tables["cov.protein"].to_numpy()),
    )


def _find(folder: Path) -> dict[str, Path]:
    files = {name: folder / name for name in _REGISTRY}
    absent = [name for name, file in files.items() if not file.is_file()]
    if absent:
        raise FileNotFoundError(
            f"reference_path {str(folder)!r} lacks {len(absent)} of the {len(files)} files of the "
            f"R package's data folder, such as {absent[:3]}."
        )
    return files


def _download() -> dict[str, Path]:
    return fetch(
        _REGISTRY,
        base_url=_BASE_URL,
        folder="intersim",
        remedy=(
            f"Check the connection, or copy the files of {_BASE_URL} into a folder "
            "and name it with reference_path."
        ),
    )


def _read(file: Path) -> Any:
    # Imported here because only this reference needs it.
    try:
        import rdata
    except ImportError as error:
        raise ImportError(
            "Files of R need the library rdata. Install it with: "
            'pip install "modis-omics[datasets]"'
        ) from error
    try:
        contents = rdata.read_rda(file)
    except Exception as error:
        # Damaged files fail in any layer of the reader, from decompression to parsing.
        raise ValueError(
            f"{file} cannot be read as an .rda file of R ({error}). Fetch it again."
        ) from error
    name = file.name.removesuffix(".rda")
    if name not in contents:
        raise ValueError(f"{file} does not hold {name!r} but {sorted(contents)}.")
    return contents[name]
