import io
import os
import shlex
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from ..report import Screen

#: Results: their folders, which are no links, and their kinds of files.
_FOLDERS = (".draft", "checkpoint", "model", "runs", "scores")
_FILES = (".csv", ".h5mu", ".html", ".md", ".png")
#: What studies make beside each other, and what they write in the end.
_STUDY_FOLDERS = {"benchmark": ("runs", "scores"), "reproduce": ("runs",)}
_STUDY_FILES = ["results.csv", "table.csv", "table.md", "report.html", "forest.png"]
_STUDY_FILES += ["fig[234]*.png", "difficulty*.png", "corrupted*.png"]


class Commands(TyperGroup):
    """All commands; letters that the terminal cannot show do not stop a run."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command that was typed."""
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")
        return super().main(*args, **kwargs)


@contextmanager
def guarded(debug: bool) -> Iterator[None]:
    """Turn errors into one line and an exit status."""
    try:
        yield
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
        # a name in a file may hold commands for the terminal
        text = "".join(x if x.isprintable() else "?" for x in " ".join(text.split()))
        typer.secho("Error:", fg=typer.colors.RED, bold=True, err=True, nl=False)
        typer.echo(f" {text}", err=True)
        raise typer.Exit(1) from None


@contextmanager
def open_screen() -> "Iterator[Screen]":
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


def check_inputs(
    file: Path,
    links: Path | None = None,
    labels: Path | None = None,
    transpose: bool | None = None,
) -> None:
    """Refuse paths that do not exist or do not fit."""
    for path in (file, links, labels):
        if path is not None and not path.exists():
            raise FileNotFoundError(f"There is no file '{path}'.")
        if path is not None and path.is_dir() and path != file:
            raise IsADirectoryError(f"'{path}' is a folder; a table is needed.")
    if file.suffix == ".h5mu" and (labels is not None or transpose is not None):
        option = "--transpose" if labels is None else "--labels"
        raise ValueError(f"{option} is only for tables; '{file}' names its samples and classes.")


def check_columns(file: Path, options: dict[str, Any], labels: Path | None = None) -> None:
    """Refuse columns that a file, or a table of labels, lacks, before anything heavy is loaded."""
    columns = {k: own for k, own in options.items() if k.endswith(("_key", "covariate"))}
    try:
        if file.suffix == ".h5mu":
            import h5py

            with h5py.File(file, "r") as data:
                holders = [data, *data["mod"].values()]
                found = {name for holder in holders for name in holder["obs"]} - {"_index"}
        else:
            from ..datasets._read_tables import label_columns

            found = set(label_columns(file, labels)) - {""}
            columns["labels_key"] = columns["labels_key"] or "label"
    # another kind of file, or a damaged one: reading it says more
    except Exception:  # noqa: BLE001
        return
    for option, given in columns.items():
        for name in [given] if isinstance(given, str) else given or ():
            if name not in found:
                raise KeyError(
                    f"No column {name!r} ({option}) in the data. Columns found: {sorted(found)}."
                )


def check_folder(
    out: Path, force: bool = True, file: Path | None = None, study: str | None = None
) -> None:
    """Refuse a folder that cannot be written, or whose contents would be lost.

    A `study` keeps its runs in the folder and replaces only files that a study wrote.
    """
    if out.exists() and not out.is_dir():
        raise FileExistsError(f"--out '{out}' is a file; name a folder.")
    if file is not None and out.resolve() in (file.resolve(), file.resolve().parent):
        raise FileExistsError(f"'{file}' lies in --out '{out}'; name another folder.")
    found = sorted(out.iterdir()) if out.is_dir() else []
    if found and not force:
        raise FileExistsError(
            f"The folder '{out}' is not empty. Choose another --out, or add --force to replace "
            "the results in it, or --resume to continue a training that was stopped."
        )
    for path in found:
        is_folder, wanted = path.is_dir() and not path.is_symlink(), path.name in _FOLDERS
        if is_folder != wanted and (wanted or path.suffix in _FILES):
            raise FileExistsError(
                f"'{path}' is in the way: results have a {'folder' if wanted else 'file'} of this "
                "name. Remove it, or choose another --out."
            )
        is_result = any(path.match(name) for name in _STUDY_FILES)
        own = set(_STUDY_FOLDERS.get(study or "", ()))
        if study and is_result and own != {each.name for each in found} & {"runs", "scores"}:
            raise FileExistsError(
                f"'{path}' was not made by modis {study}, which would replace it. Move it, or "
                "choose another --out."
            )
    _check_place(out, 0 if file is None else file.stat().st_size)


def check_file(out: Path, force: bool, file: Path, model: Path, *kinds: str) -> None:
    """Refuse a file that cannot be written, would be lost, or is of another kind."""
    if out.is_dir():
        raise IsADirectoryError(f"--out '{out}' is a folder; name a file.")
    if out.resolve() == file.resolve():
        raise FileExistsError(f"--out would overwrite the input '{file}'. Choose another file.")
    if model.resolve() in out.resolve().parents:
        raise FileExistsError(f"--out '{out}' lies in the folder of the model; choose another.")
    if file.is_dir() and out.resolve().parent == file.resolve():
        raise FileExistsError(f"--out '{out}' lies among the tables; choose another folder.")
    if out.exists() and not force:
        raise FileExistsError(f"'{out}' exists. Choose another --out, or add --force.")
    if out.suffix not in kinds:
        raise ValueError(f"--out '{out}' must end with {' or '.join(kinds)}.")
    if not out.resolve().parent.is_dir():
        raise FileNotFoundError(f"There is no folder '{out.resolve().parent}' for --out.")
    _check_place(out, 0)


def _check_place(out: Path, n_bytes: int) -> None:
    """Refuse a disk with less free space than this many bytes, before the training."""
    place = next(path for path in (out, *out.resolve().parents) if path.is_dir())
    try:
        with tempfile.TemporaryFile(dir=place) as probe:
            probe.write(bytes(2**20))
        reason = "the disk is full" if shutil.disk_usage(place).free < n_bytes else None
    except OSError as error:
        reason = error.strerror
    if reason:
        raise OSError(
            f"Nothing can be written for --out '{out}' ({reason}). Choose another place."
        )


def find_model(folder: Path) -> Path:
    """Folder with the model among results."""
    for place in (folder, folder / "model"):
        if (place / "model.json").is_file():
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
