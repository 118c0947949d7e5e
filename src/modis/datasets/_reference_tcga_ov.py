from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ._rda import read_rda
from ._reference import Omics, OmicsNoise, mix
from ._sources import fetch_sources

_NAMES = (
    *("CpG.gene.map.for.DEG", "protein.gene.map.for.DEP", "methyl.gene.level.mean"),
    *("cov.M", "cov.expr", "cov.protein", "mean.M", "mean.expr", "mean.protein"),
    *("rho.expr.protein", "rho.methyl.expr"),
)


def tcga_ov_reference(path: str | PathLike[str] | None = None) -> dict[str, Omics]:
    """Parameters that the R package InterSIM estimated from TCGA ovarian cancer.

    They are read from the folder `path`, or downloaded once (about 1 MB).
    """
    remedy = "Or copy the package's data folder, and name it with reference_path."
    files = fetch_sources("intersim", remedy) if path is None else _found(Path(path))
    tables = {name: _read(files[f"{name}.rda"], name) for name in _NAMES}
    own = ("M", "expr", "protein")
    cpgs, genes, proteins = (tables[f"mean.{name}"].index.tolist() for name in own)
    position = {gene: number for number, gene in enumerate(genes)}
    gene_of_cpg = tables["CpG.gene.map.for.DEG"].astype(str).set_index("tmp.cg")["tmp.gene"]
    # The map's own column spells proteins without punctuation; its row names are the proteins'.
    gene_of_protein = tables["protein.gene.map.for.DEP"]["gene"].astype(str)
    cpg_gene = np.array([position[gene] for gene in gene_of_cpg.loc[cpgs]])
    protein_gene = np.array([position[gene] for gene in gene_of_protein.loc[proteins]])

    value = {name: np.asarray(tables[name]) for name in tables if "map" not in name}
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
    files = {f"{name}.rda": folder / f"{name}.rda" for name in _NAMES}
    absent = [file.name for file in files.values() if not file.is_file()]
    if absent:
        raise FileNotFoundError(
            f"reference_path {str(folder)!r} lacks {len(absent)} of the {len(files)} files of the "
            f"R package's data folder, such as {absent[:3]}."
        )
    return files


def _read(file: Path, name: str) -> Any:
    try:
        return read_rda(file)[name]
    except Exception as error:
        # Damaged files fail in any layer of the reader, from decompression to parsing.
        raise ValueError(
            f"{name!r} cannot be read from {file}, an .rda file of R ({error}). Fetch it again."
        ) from error
