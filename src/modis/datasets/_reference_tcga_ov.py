from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ._download import fetch
from ._reference import Omics, OmicsNoise, mix

_BASE_URL = "https://github.com/cran/InterSIM/raw/master/data/"
# SHA256 by the file's name without ".rda", which is also that of the object in it.
_SHA256 = {
    "CpG.gene.map.for.DEG": "914f2d83e5240ceb998f9ae719caf4c4b2895e47094111fe367740eb03977135",
    "cov.M": "cef609bbc54a24c2c043d42edbf01f98d0473ecc184a241655b1b2f2cc1f9906",
    "cov.expr": "8965d49995be1733361866ec6fa4c7b9d9b5e9ed0ede90a5b842ee0231d54315",
    "cov.protein": "1b9dc9c481d63ce979c6a558265197c7092e6021ac9f08ffb6a77b65be7c6b59",
    "mean.M": "637e65d88298f9aa8da51e249fe3b2554489ad8b57733adf04832aeef301e7a6",
    "mean.expr": "7160e7df47b79cfe33d29762f1c1ee47f7ff108ca6f89dfa6f9bdd5fa60e8f62",
    "mean.protein": "574c533867ed45187b09fedeb845029da810a6358cf67c2b3b47888d54a380e0",
    "methyl.gene.level.mean": "8911d7fb5f1e83cdbdc7b14e18d15ffbcf79bb6ee634aeec3f5ec5b758e665a5",
    "protein.gene.map.for.DEP": "230057fdbdc90f66ab4d060c4eb9d14c22a08da140dfbbe29e62587ea7601747",
    "rho.expr.protein": "f63f5166d1b84c3bd061d63b8286864f00b9899ae12d8838f4af5bcbe4bf68c5",
    "rho.methyl.expr": "691e4eff93e653d84865edbaa224682e49a733fbaa4d3631d868f71891a3363b",
}


def tcga_ov_reference(path: str | PathLike[str] | None = None) -> dict[str, Omics]:
    """Parameters that the R package InterSIM estimated from TCGA ovarian cancer.

    They are read from the folder `path`, or downloaded once (about 1 MB).
    """
    files = _downloaded() if path is None else _found(Path(path))
    tables = {name: _read(file, name) for name, file in files.items()}
    own = ("M", "expr", "protein")
    cpgs, genes, proteins = (
        tables[f"mean.{name}"].coords["dim_0"].values.astype(str).tolist() for name in own
    )
    position = {gene: number for number, gene in enumerate(genes)}
    gene_of_cpg = tables["CpG.gene.map.for.DEG"].astype(str).set_index("tmp.cg")["tmp.gene"]
    # The map's own column spells proteins without punctuation; its row names are the proteins'.
    gene_of_protein = tables["protein.gene.map.for.DEP"]["gene"].astype(str)
    cpg_gene = np.array([position[gene] for gene in gene_of_cpg.loc[cpgs]])
    protein_gene = np.array([position[gene] for gene in gene_of_protein.loc[proteins]])

    value = {name: tables[name].to_numpy() for name in tables if "map" not in name}
    noise = {name: OmicsNoise.from_covariance(value[f"cov.{name}"]) for name in own}
    expression = mix(value["rho.methyl.expr"], value["methyl.gene.level.mean"], value["mean.expr"])
    protein = mix(
        value["rho.expr.protein"], value["mean.expr"][protein_gene], value["mean.protein"]
    )
    return {
        "methylation": Omics(cpgs, value["mean.M"], noise["M"], cpg_gene),
        "expression": Omics(genes, expression, noise["expr"], np.arange(len(genes))),
        "protein": Omics(proteins, protein, noise["protein"], protein_gene),
    }


def _found(folder: Path) -> dict[str, Path]:
    files = {name: folder / f"{name}.rda" for name in _SHA256}
    absent = [file.name for file in files.values() if not file.is_file()]
    if absent:
        raise FileNotFoundError(
            f"reference_path {str(folder)!r} lacks {len(absent)} of the {len(files)} files of the "
            f"R package's data folder, such as {absent[:3]}."
        )
    return files


def _downloaded() -> dict[str, Path]:
    remedy = (
        f"Check the connection, or copy the files of {_BASE_URL} into a folder "
        "and name it with reference_path."
    )
    return {
        name: fetch(
            f"{name}.rda", sha256, url=f"{_BASE_URL}{name}.rda", folder="intersim", remedy=remedy
        )
        for name, sha256 in _SHA256.items()
    }


def _read(file: Path, name: str) -> Any:
    try:
        import rdata
    except ImportError as error:
        raise ImportError(
            'reference="tcga-ov" needs the library rdata. Install it with: '
            'pip install "modis-omics[datasets]"'
        ) from error
    try:
        return rdata.read_rda(file)[name]
    except Exception as error:
        # Damaged files fail in any layer of the reader, from decompression to parsing.
        raise ValueError(
            f"{name!r} cannot be read from {file}, an .rda file of R ({error}). Fetch it again."
        ) from error
