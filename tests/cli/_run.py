from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from modis.cli import app

from .._make import quick_reports

#: Of terminals that cannot show all letters, another one for each command.
CHARSETS = {"fit": "cp437", "predict": "gbk", "translate": "cp932", "benchmark": "ascii"}
CHARSETS |= {"demo": "latin-1", "reproduce": "cp437"}


def modis(*arguments: object, umap: bool = False, **how: Any) -> Any:
    with quick_reports(umap=umap):
        runner = CliRunner(CHARSETS.get(str(arguments[0]), "utf-8"))
        return runner.invoke(app, [str(argument) for argument in arguments], **how)


def done(*arguments: object, **how: Any) -> str:
    """What a command that succeeds prints."""
    result = modis(*arguments, **how)
    assert result.exit_code == 0, result.output
    return result.output


def error_line(*arguments: object) -> str:
    """The one line that a refused command prints on standard error."""
    result = modis(*arguments)
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    lines = [line for line in result.stderr.splitlines() if not line.startswith("Loading")]
    assert len(lines) == 1, lines
    assert lines[0].startswith("Error: ")
    return lines[0]


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
