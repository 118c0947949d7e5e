from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ._app import app
from ._guards import Debug, check_input, guarded, names_in, open_screen

__all__ = ["benchmark"]


@app.command(
    epilog="Example: **modis benchmark cohort.h5mu --labels-key disease --unpaired --seeds 3**"
)
def benchmark(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE.h5mu", help="A MuData; it is only read.", show_default=False),
    ],
    labels_key: Annotated[
        str,
        typer.Option(
            help="Column with the classes, in mdata.obs or in the omics' obs.", show_default=False
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for runs, tables and figure.")] = Path(
        "modis-benchmark"
    ),
    methods: Annotated[
        str | None,
        typer.Option(
            help="With commas: modis, lr (logistic regression), rf (random forest), paper (the "
            "paper's networks and training), diagvi (where installed).",
            show_default="modis,lr,rf",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, help="Draws and initialisations to average over.")
    ] = 5,
    split_key: Annotated[
        str | None,
        typer.Option(
            help="Column that says train or test for every observation.", show_default="folds"
        ),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Folds of the labelled observations, stratified by class.",
            show_default="5, without --split-key",
        ),
    ] = None,
    unpaired: Annotated[
        bool,
        typer.Option(
            "--unpaired", help="Randomly assign every training observation to one modality."
        ),
    ] = False,
    labels_per_class: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Labelled training samples per class and omics; the others train unlabelled.",
            show_default="all",
        ),
    ] = None,
    validation: Annotated[
        bool,
        typer.Option(
            "--validation", help="Judge 30 % of the training part; leave the test part alone."
        ),
    ] = False,
    transfer_from: Annotated[
        str | None,
        typer.Option(
            metavar="OMICS",
            help="Carry labels from this omics, half of the observations, ...",
            show_default=False,
        ),
    ] = None,
    transfer_to: Annotated[
        str | None,
        typer.Option(
            metavar="OMICS",
            help="... to this one, the other half, of which no label is seen.",
            show_default=False,
        ),
    ] = None,
    modalities: Annotated[
        str | None,
        typer.Option(help="Omics to use, with commas: rna,protein.", show_default="all"),
    ] = None,
    batch_key: Annotated[
        str | None,
        typer.Option(help="Column with batches; lr and rf ignore them.", show_default=False),
    ] = None,
    layer: Annotated[
        list[str] | None,
        typer.Option(
            help="Layer with the values: NAME, or OMICS=NAME for one omics; repeat it.",
            show_default="X",
        ),
    ] = None,
    likelihood: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME or OMICS=NAME, as in modis fit; repeat it.", show_default="gaussian"
        ),
    ] = None,
    links: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="Linked features of different omics, as in modis fit.",
            show_default=False,
        ),
    ] = None,
    links_by_name: Annotated[
        bool, typer.Option("--links-by-name", help="Link features of the same name.")
    ] = False,
    unlabeled_category: Annotated[
        str, typer.Option(help="Class name that means: not known.")
    ] = "unknown",
    max_epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Epochs of the networks.", show_default="their own"),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes, with one thread each.")] = 1,
    debug: Debug = False,
) -> None:
    """Is MODIS worth it on your data? It is run beside one classifier per omics.

    Every method learns from the same training samples, and predicts the same test samples from
    each omics by itself. **table.md** and **figure.png** show balanced accuracy with 95 %
    intervals, **results.csv** holds all that was measured, **predictions/** every prediction.

    Every finished run is kept in the folder: stop with Ctrl-C, and the same command goes on
    where it was.
    """
    with guarded(debug):
        check_input(file)
        if links is not None:
            check_input(links, "table")
        if out.exists() and not out.is_dir():
            raise FileExistsError(f"--out '{out}' is a file; name a folder.")
        if (transfer_from is None) != (transfer_to is None):
            raise ValueError("--transfer-from and --transfer-to belong together; give both.")
        transfer = (transfer_from, transfer_to) if transfer_from and transfer_to else None
        with open_screen() as screen:
            from ..studies import benchmark as compare

            screen.stage(f"Reading {file}")
            found = compare(
                file,
                labels_key,
                out,
                methods=names_in(methods),
                seeds=seeds,
                split_key=split_key,
                folds=folds,
                unpaired=unpaired,
                labels_per_class=labels_per_class,
                validation=validation,
                transfer=transfer,
                modalities=names_in(modalities),
                batch_key=batch_key,
                layer=layer,
                likelihood=likelihood,
                links=links,
                links_by_name=links_by_name,
                unlabeled_category=unlabeled_category,
                max_epochs=max_epochs,
                jobs=jobs,
                console=screen.console,
            )
            screen.say(found.markdown)
            screen.say(f"Done: {out / 'table.md'}, {out / 'results.csv'}, {out / 'figure.png'}")
