from __future__ import annotations

import os
import shlex
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from ..report import Screen


@contextmanager
def guarded(debug: bool) -> Iterator[None]:
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
    # a traceback helps only those who asked for it
    except Exception as error:
        if debug:
            raise
        # str() of a KeyError puts its text in quotes
        text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
        if not isinstance(error, KeyError | ValueError | OSError | RuntimeError):
            text = f"{type(error).__name__}: {text} (unexpected; --debug shows where)"
        typer.secho("Error:", fg=typer.colors.RED, bold=True, err=True, nl=False)
        typer.echo(" " + " ".join(text.split()), err=True)
        raise typer.Exit(1) from None


@contextmanager
def open_screen() -> Iterator[Screen]:
    """Load the heavy libraries, and keep their messages off the screen."""
    # Threads that wait by spinning make small networks ten times slower where other programs run.
    # Read once, when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    typer.echo("Loading libraries (takes a few seconds) ...", err=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ..report import Screen
    screen = Screen()
    with screen.quiet():
        yield screen


def check_inputs(file: Path, links: Path | None = None, labels: Path | None = None) -> None:
    """Refuse paths that do not exist or do not fit."""
    for path in (file, links, labels):
        if path is not None and not path.exists():
            raise FileNotFoundError(f"There is no file '{path}'.")
        if path is not None and path.is_dir() and path != file:
            raise IsADirectoryError(f"'{path}' is a folder; a table is needed.")
    if labels is not None and file.suffix == ".h5mu":
        raise ValueError(f"--labels goes with tables; the classes of '{file}' are in its obs.")


def check_folder(out: Path, force: bool = True, file: Path | None = None) -> None:
    """Refuse a folder whose contents would be lost."""
    if out.exists() and not out.is_dir():
        raise FileExistsError(f"--out '{out}' is a file; name a folder.")
    if file is not None and out.resolve() in (file.resolve(), file.resolve().parent):
        raise FileExistsError(f"'{file}' lies in --out '{out}'; name another folder.")
    if out.is_dir() and any(out.iterdir()) and not force:
        raise FileExistsError(
            f"The folder '{out}' is not empty. Choose another --out, or add --force to replace "
            "the results in it."
        )


def check_file(out: Path, force: bool, file: Path) -> None:
    """Refuse a file that cannot be written, or would be lost."""
    if out.is_dir():
        raise IsADirectoryError(f"--out '{out}' is a folder; name a file.")
    if out.resolve() == file.resolve():
        raise FileExistsError(f"--out would overwrite the input '{file}'. Choose another file.")
    if file.is_dir() and out.resolve().parent == file.resolve():
        raise FileExistsError(f"--out '{out}' lies among the tables; choose another folder.")
    if out.exists() and not force:
        raise FileExistsError(f"'{out}' exists. Choose another --out, or add --force.")
    if not out.resolve().parent.is_dir():
        raise FileNotFoundError(f"There is no folder '{out.resolve().parent}' for --out.")


def find_model(folder: Path) -> Path:
    """Folder with the model among results."""
    for place in (folder, folder / "model"):
        if (place / "model.pt").is_file():
            return place
    what = "There is no model in the folder" if folder.is_dir() else "There is no folder"
    raise FileNotFoundError(
        f"{what} '{folder}'. Name the results of modis fit, or a folder that model.save() wrote."
    )


def options_in(parameters: dict[str, Any], *others: str) -> dict[str, Any]:
    """What a command got, without the named `others`: options that are handed on as they are."""
    return {name: value for name, value in parameters.items() if name not in others}


def typed_command() -> str:
    """What the user typed, for reports."""
    return shlex.join(["modis", *sys.argv[1:]])
