from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

# Nothing heavy in this room: scvi-tools alone takes ten seconds, and --help should answer at once.

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
