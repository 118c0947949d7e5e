"""All tasks on real data, beside the simplest methods.

    python benchmarks/real.py --out RUNS --results benchmarks/results/real [--fast] [--test]

Reads the folder that MODIS_SHARED_DATA names, or shared/data beside the repository. Splits are
made of the training part of each data set; with --test, its test part is judged in their place.
Finished runs are kept in RUNS, a folder per row of the suite, so that the command can be stopped,
and only what is missing is done. The results of all rows are written together.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

import pandas as pd

from modis.studies import Comparison, benchmark
from modis.studies._figures import draw_forest
from modis.studies._verdict import SIDES, decide

REPOSITORY = Path(__file__).resolve().parents[1]
LINKS = REPOSITORY / "benchmarks" / "data"
ALONE = ("classes", "few", "unseen", "translation", "matching")
SPLIT = {"split_key": "split70_seed0"}

#: By name: the file, the number of splits, and the options.
SUITE = {
    "brca_tcga_unpaired": ("brca_tcga", 2, SPLIT | {"unpaired": True, "tasks": ALONE}),
    "brca_tcga_partial": ("brca_tcga_partial", 3, SPLIT | {"tasks": ALONE}),
    "tcga_rare": ("tcga_rare", 2, SPLIT | {"tasks": ALONE}),
    "tcga_rare_unpaired": ("tcga_rare", 2, SPLIT | {"unpaired": True, "tasks": ALONE}),
    "pbmc_mosaic": ("pbmc_mosaic", 2, SPLIT | {"tasks": ALONE}),
    "pbmc_mosaic_links": (
        "pbmc_mosaic",
        2,
        SPLIT | {"tasks": ALONE, "links": LINKS / "pbmc_mosaic_links.csv"},
    ),
    "pbmc10k_cite_unpaired": (
        "pbmc10k_cite",
        1,
        SPLIT | {"unpaired": True, "links": LINKS / "pbmc10k_cite_links.csv"},
    ),
    # its two parts are two donors, so that only the test part is another donor's
    "bmmc_multiome_unpaired": (
        "bmmc_multiome",
        3,
        {"split_key": "split", "unpaired": True, "batch_key": "batch", "tasks": ALONE},
    ),
    "tcga_pancancer": ("tcga_pancancer", 1, SPLIT | {"tasks": ALONE}),
    "tcga_pancancer_unpaired": ("tcga_pancancer", 1, SPLIT | {"unpaired": True, "tasks": ALONE}),
}
#: Rows for daily use, at most 15 minutes on two cores, with a split each.
FAST = ("brca_tcga_unpaired", "brca_tcga_partial", "tcga_rare", "pbmc_mosaic")


def data_folder() -> Path:
    """Where the data sets are."""
    named = os.environ.get("MODIS_SHARED_DATA")
    return Path(named) if named else REPOSITORY.parent / "shared" / "data"


def write_together(found: list[Comparison], out: Path) -> None:
    """All rows of the suite: results, tables, and what decides, with what is behind first."""
    out.mkdir(parents=True, exist_ok=True)
    table = pd.concat([own.table for own in found], ignore_index=True)
    verdicts = decide(table)
    results = pd.concat([own.results for own in found], ignore_index=True)
    verdicts = verdicts.sort_values("side", key=lambda own: own.map(SIDES.index), kind="stable")
    draw_forest(verdicts, out / "forest.png", "MODIS − best simple method, by task")
    for name, own in (("results", results), ("table", table), ("verdicts", verdicts)):
        own.to_csv(out / f"{name}.csv", index=False, float_format="%.4g")
    heads = [", ".join(own.table[["data", "setting"]].iloc[0]) for own in found]
    texts = [f"## {head}\n\n{own.markdown}" for head, own in zip(heads, found, strict=True)]
    (out / "table.md").write_text("\n".join(texts), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--test", action="store_true")
    parser.add_argument("--only", nargs="+", choices=SUITE, default=list(SUITE))
    parser.add_argument("--methods", nargs="+")
    parser.add_argument("--splits", type=int, help="in place of the suite's own numbers")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    found = []
    for name in FAST if options.fast else options.only:
        file, splits, how = SUITE[name]
        across_donors = how["split_key"] == "split"
        own = benchmark(
            data_folder() / f"{file}.h5mu",
            "label",
            options.out / name,
            methods=options.methods,
            splits=options.splits or (1 if options.fast else splits),
            validation=not (options.test or across_donors),
            jobs=options.jobs,
            **how,
        )
        # the same file with and without links
        data = {"data": name.removesuffix("_unpaired")}
        found.append(
            replace(own, table=own.table.assign(**data), results=own.results.assign(**data))
        )
        print(name, found[-1].markdown, sep="\n", flush=True)
        write_together(found, options.results or options.out)


if __name__ == "__main__":
    main()
