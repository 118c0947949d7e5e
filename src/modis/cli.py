"""The command line: ``modis demo``, ``fit``, ``predict`` and ``translate``."""

from __future__ import annotations

import os
import shlex
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from .report import Screen

__all__ = ["app"]

# Nothing heavy up here: scvi-tools alone takes ten seconds, and --help should answer at once.

app = typer.Typer(
    name="modis",
    help="Integrate unpaired multi-omics data: one latent space, classes, translations.",
    epilog="Start with **modis demo**, then **modis fit cohort.h5mu --labels-key disease**.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Architecture(StrEnum):
    """Networks to choose from."""

    default = "default"
    paper = "paper"


Debug = Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error.")]
Force = Annotated[bool, typer.Option("--force", help="Replace results that are already there.")]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same data: same result.")]
MaxEpochs = Annotated[
    int | None,
    typer.Option(min=1, help="Passes over the largest omics.", show_default="about 1,000 steps"),
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


@contextmanager
def _run(debug: bool) -> Iterator[None]:
    """Turn errors into one line and an exit status."""
    try:
        yield
    except typer.Exit:
        raise
    except (KeyboardInterrupt, SystemExit) as stop:
        # Lightning turns Ctrl-C into an exit with status 1
        if isinstance(stop, SystemExit) and not isinstance(stop.__context__, KeyboardInterrupt):
            raise
        typer.echo("Stopped.", err=True)
        raise typer.Exit(130) from None
    # whatever went wrong, a traceback helps no one who did not ask for it
    except Exception as error:
        if debug:
            raise
        _say_error(error)
        raise typer.Exit(1) from None


@contextmanager
def _screen() -> Iterator[Screen]:
    """Load what is heavy, and keep the libraries' chatter off the screen."""
    # Threads that wait by spinning make small networks ten times slower where other programs run.
    # Read once, when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    typer.echo("Loading libraries (takes a few seconds) ...", err=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from .report import Screen
    screen = Screen()
    with screen.quiet():
        yield screen


def _check_input(path: Path) -> None:
    if not path.exists():
        raise FileNotFoundError(f"There is no file '{path}'.")
    if path.is_dir():
        raise IsADirectoryError(f"'{path}' is a folder; a .h5mu file is needed.")


def _check_folder(out: Path, force: bool, path: Path | None = None) -> None:
    if out.exists() and not out.is_dir():
        raise FileExistsError(f"--out '{out}' is a file; name a folder.")
    if path is not None and path.resolve().parent == out.resolve():
        raise FileExistsError(f"'{path}' lies in --out '{out}'; name another folder.")
    if out.is_dir() and any(out.iterdir()) and not force:
        raise FileExistsError(
            f"The folder '{out}' is not empty. Choose another --out, or add --force to replace "
            "the results in it."
        )


def _check_file(out: Path, force: bool, path: Path) -> None:
    if out.is_dir():
        raise IsADirectoryError(f"--out '{out}' is a folder; name a file.")
    if out.resolve() == path.resolve():
        raise FileExistsError(f"--out would overwrite the input '{path}'. Choose another file.")
    if out.exists() and not force:
        raise FileExistsError(f"'{out}' exists. Choose another --out, or add --force.")
    if not out.resolve().parent.is_dir():
        raise FileNotFoundError(f"There is no folder '{out.resolve().parent}' for --out.")


def _find_model(folder: Path) -> Path:
    for place in (folder, folder / "model"):
        if (place / "model.pt").is_file():
            return place
    what = "There is no model in the folder" if folder.is_dir() else "There is no folder"
    raise FileNotFoundError(
        f"{what} '{folder}'. Name the results of modis fit, or a folder that model.save() wrote."
    )


def _say_error(error: Exception) -> None:
    # str() of a KeyError puts its text in quotes
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    if not isinstance(error, KeyError | ValueError | OSError | RuntimeError):
        text = f"{type(error).__name__}: {text} (unexpected; --debug shows where)"
    typer.secho("Error:", fg=typer.colors.RED, bold=True, err=True, nl=False)
    typer.echo(" " + " ".join(text.split()), err=True)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"modis {version('modis-omics')}")
        raise typer.Exit


@app.callback()
def main(
    show: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Integrate unpaired multi-omics data: one latent space, classes, translations."""


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
    with _run(debug):
        _check_folder(out, force)
        with _screen() as screen:
            from .report import run_demo

            run_demo(
                out,
                screen,
                n_samples=samples,
                max_epochs=max_epochs,
                seed=seed,
                command=_command(),
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
    (obsm "X_modis") and predicted classes, **model/** the model for **modis
    predict** and **modis translate**.
    """
    with _run(debug):
        _check_input(file)
        _check_folder(out, force, file)
        with _screen() as screen:
            from .report import Settings, fit_file

            settings = Settings(
                labels_key=labels_key,
                modalities=_names(modalities),
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
            )
            fit_file(file, settings, out, screen, command=_command())


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
    with _run(debug):
        _check_input(file)
        _check_file(out, force, file)
        folder = _find_model(model_dir)
        with _screen() as screen:
            from .report import predict_file

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
    with _run(debug):
        _check_input(file)
        _check_file(out, force, file)
        folder = _find_model(model_dir)
        with _screen() as screen:
            from .report import translate_file

            translate_file(folder, file, source, target, out, screen)


def _names(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _command() -> str:
    return shlex.join(["modis", *sys.argv[1:]])


if __name__ == "__main__":
    app()
