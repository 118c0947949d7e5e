"""Commands as a user gives them."""

from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from modis.cli import app

from .._make import quick_linear_models


def modis(*arguments: object) -> Any:
    with quick_linear_models():
        return CliRunner().invoke(app, [str(argument) for argument in arguments])


def done(*arguments: object) -> str:
    """What a command that succeeds prints."""
    result = modis(*arguments)
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
