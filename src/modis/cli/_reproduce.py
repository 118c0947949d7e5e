from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ._app import app
from ._guards import Debug, guarded, names_in, open_screen

__all__ = ["Figure", "reproduce"]


class Figure(StrEnum):
    """What can be reproduced."""

    fig2 = "fig2"
    fig3 = "fig3"
    fig4 = "fig4"
    difficulty = "difficulty"
    corrupted = "corrupted"
    all = "all"


@app.command(epilog="Example: **modis reproduce fig2 --seeds 3 --jobs 4 --out figures**")
def reproduce(
    figure: Annotated[
        Figure,
        typer.Argument(
            help="A figure of the paper; difficulty: smaller effects, beside the best possible "
            "classifier; corrupted: wrong labels.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for runs, tables and figures.")] = Path(
        "modis-reproduce"
    ),
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each setting and method.")] = 10,
    jobs: Annotated[int, typer.Option(min=1, help="Processes, with one thread each.")] = 1,
    data: Annotated[
        str,
        typer.Option(
            metavar="synthetic|intersim-r|FILE.h5mu",
            help="Simulate from the made-up reference, or from that of the R package InterSIM; or "
            "read paired omics with a column label.",
        ),
    ] = "synthetic",
    links_file: Annotated[
        Path | None,
        typer.Option(
            help="CSV with source_modality, source_feature, target_modality, target_feature.",
            show_default='uns["feature_links"]',
        ),
    ] = None,
    reference_path: Annotated[
        Path | None,
        typer.Option(
            help="Folder with the .rda files of InterSIM; with --data FILE the difficulty is "
            "simulated from them.",
            show_default="downloaded where needed",
        ),
    ] = None,
    methods: Annotated[
        str, typer.Option(help="With commas: default, links (told linked features), paper.")
    ] = "default,links",
    settings: Annotated[
        str | None,
        typer.Option(help="Only these settings of the figure, with commas.", show_default="all"),
    ] = None,
    epochs_factor: Annotated[
        int, typer.Option(min=1, help="Train so many times longer than usual.")
    ] = 1,
    samples: Annotated[int, typer.Option(min=100, help="Samples to simulate.")] = 11_500,
    max_epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Epochs of every run.", show_default="the method's own"),
    ] = None,
    debug: Debug = False,
) -> None:
    """Run the paper's experiments, and draw its figures and tables from them.

    Every finished run is kept in the folder: stop with Ctrl-C, and the same command goes on
    where it was. **results.csv** holds all that was measured, **table.md** stands beside the
    paper's own results.
    """
    with guarded(debug):
        if out.exists() and not out.is_dir():
            raise FileExistsError(f"--out '{out}' is a file; name a folder.")
        with open_screen() as screen:
            from ..studies import Source, reproduce
            from ..studies._paper_table import to_markdown

            source = Source(data, links_file, reference_path, samples)
            table = reproduce(
                figure.value,
                out,
                source,
                methods=names_in(methods) or (),
                seeds=seeds,
                jobs=jobs,
                epochs_factor=epochs_factor,
                max_epochs=max_epochs,
                only=names_in(settings),
                console=screen.console,
            )
            screen.say(to_markdown(table))
            screen.say(f"Done: {out / 'results.csv'}, {out / 'table.md'} and the figures.")
