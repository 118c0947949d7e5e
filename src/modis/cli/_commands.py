from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ._app import app
from ._guards import (
    Debug,
    check_file,
    check_folder,
    check_input,
    find_model,
    guarded,
    names_in,
    open_screen,
    typed_command,
)

__all__ = ["Architecture", "demo", "fit", "predict", "translate"]


class Architecture(StrEnum):
    """Networks to choose from."""

    default = "default"
    paper = "paper"


Force = Annotated[bool, typer.Option("--force", help="Replace results that are already there.")]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same data: same result.")]
MaxEpochs = Annotated[
    int | None,
    typer.Option(min=1, help="Passes over the largest omics.", show_default="about 600 steps"),
]
ModelDir = Annotated[
    Path,
    typer.Argument(
        help="Results of modis fit, or a folder saved with model.save().", show_default=False
    ),
]
InputFile = Annotated[
    Path,
    typer.Argument(metavar="FILE.h5mu", help="A MuData; it is only read.", show_default=False),
]


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("modis-demo"),
    samples: Annotated[int, typer.Option(min=100, help="Samples to simulate.")] = 2000,
    max_epochs: MaxEpochs = None,
    seed: Seed = 0,
    force: Force = False,
    debug: Debug = False,
) -> None:
    """Simulate a cohort, integrate it and report. Needs no data; takes about a minute.

    Methylation, expression and protein of five classes are simulated. Every training sample
    keeps only one of the three, as if each omics came from other people. The report tells how
    well classes and other omics are predicted for samples that the model never saw.
    """
    with guarded(debug):
        check_folder(out, force)
        with open_screen() as screen:
            from ..report import run_demo

            run_demo(
                out,
                screen,
                n_samples=samples,
                max_epochs=max_epochs,
                seed=seed,
                command=typed_command(),
            )


@app.command(
    epilog="Example: **modis fit cohort.h5mu --labels-key disease --batch-key hospital "
    "--layer rna=counts --likelihood rna=nb --out results**"
)
def fit(
    file: InputFile,
    labels_key: Annotated[
        str | None,
        typer.Option(
            help="Column with the classes, in mdata.obs or in the omics' obs. Empty values and "
            "--unlabeled-category mean: not known. Without it no classes are learned.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("modis-results"),
    modalities: Annotated[
        str | None,
        typer.Option(help="Omics to use, with commas: rna,protein.", show_default="all"),
    ] = None,
    batch_key: Annotated[
        str | None,
        typer.Option(help="Column with batches to correct for.", show_default=False),
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
            help="NAME or OMICS=NAME: gaussian (any values), nb, zinb, poisson (counts), "
            "bernoulli, beta (0 to 1); repeat it.",
            show_default="gaussian",
        ),
    ] = None,
    unlabeled_category: Annotated[
        str, typer.Option(help="Class name that means: not known.")
    ] = "unknown",
    links: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="Linked features of different omics (a protein and its gene), a row each: "
            "source_modality, source_feature, target_modality, target_feature. They align omics "
            "where labels are few or none.",
            show_default=False,
        ),
    ] = None,
    split_key: Annotated[
        str | None,
        typer.Option(
            help="Column that says train or test for every observation.",
            show_default="drawn, equally from every class",
        ),
    ] = None,
    test_size: Annotated[
        float,
        typer.Option(
            min=0.0, max=0.9, help="Share of labelled observations held out; 0 trains on all."
        ),
    ] = 0.2,
    max_epochs: MaxEpochs = None,
    seed: Seed = 0,
    architecture: Annotated[
        Architecture, typer.Option(help="Small networks, or those of the paper.")
    ] = Architecture.default,
    latent: Annotated[
        int | None,
        typer.Option(min=2, help="Dimensions of the latent space.", show_default="32, paper: 64"),
    ] = None,
    force: Force = False,
    debug: Debug = False,
) -> None:
    """Integrate your own data: from a .h5mu file to a report.

    Observations may be measured in one omics, in some or in all. A part of them is held out, the
    others train, and **report.html** tells how well the classes of the held-out part are
    found. **integrated.h5mu** holds all observations with their place in the latent space
    (obsm "X_modis") and predicted classes, **feature_importance.csv** the features that each
    class is predicted from, **model/** the model for **modis predict** and **modis translate**.
    """
    with guarded(debug):
        check_input(file)
        if links is not None:
            check_input(links, "table")
        check_folder(out, force, file)
        with open_screen() as screen:
            from ..report import Settings, fit_file

            settings = Settings(
                labels_key=labels_key,
                modalities=names_in(modalities),
                batch_key=batch_key,
                layer=tuple(layer or ()),
                likelihood=tuple(likelihood or ()),
                unlabeled_category=unlabeled_category,
                split_key=split_key,
                test_size=test_size,
                max_epochs=max_epochs,
                seed=seed,
                architecture=architecture.value,
                n_latent=latent,
                links=links,
            )
            fit_file(file, settings, out, screen, command=typed_command())


@app.command(epilog="Example: **modis predict results new.h5mu --out predictions.csv**")
def predict(
    model_dir: ModelDir,
    file: InputFile,
    out: Annotated[Path, typer.Option(help="Table to write.")] = Path("predictions.csv"),
    modality: Annotated[
        str | None,
        typer.Option(help="Predict from this omics only.", show_default="all that a sample has"),
    ] = None,
    soft: Annotated[
        bool, typer.Option("--soft", help="Write the probability of every class, too.")
    ] = False,
    force: Force = False,
    debug: Debug = False,
) -> None:
    """Predict the classes of new observations.

    The file needs at least one of the model's omics, with the same features; other features
    are left out, and labels are not needed.
    """
    with guarded(debug):
        check_input(file)
        check_file(out, force, file)
        folder = find_model(model_dir)
        with open_screen() as screen:
            from ..report import predict_file

            predict_file(folder, file, out, screen, modality=modality, soft=soft)


@app.command(
    epilog="Example: **modis translate results new.h5mu --source rna --target protein "
    "--out protein.h5ad**"
)
def translate(
    model_dir: ModelDir,
    file: InputFile,
    source: Annotated[str, typer.Option(help="Omics to start from.", show_default=False)],
    target: Annotated[str, typer.Option(help="Omics to predict.", show_default=False)],
    out: Annotated[Path, typer.Option(help="AnnData to write.")] = Path("translated.h5ad"),
    force: Force = False,
    debug: Debug = False,
) -> None:
    """Predict the profile of one omics from another.

    The result has the observations of the source and the features of the target, in the units
    that the target was trained in.
    """
    with guarded(debug):
        check_input(file)
        check_file(out, force, file)
        folder = find_model(model_dir)
        with open_screen() as screen:
            from ..report import translate_file

            translate_file(folder, file, source, target, out, screen)
