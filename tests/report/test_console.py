import io
import logging
import warnings

from rich.console import Console

import modis.report._console as ours
from modis.report import Screen


def test_own_warnings_become_notes_and_others_are_dropped():
    stream, logger = io.StringIO(), logging.getLogger("scvi")
    screen, level = Screen(Console(file=stream, width=80)), logger.level
    with screen.quiet():
        for _ in range(2):
            warnings.warn_explicit("2 [bold]\x1b features", UserWarning, ours.__file__, 1)
        warnings.warn_explicit("old option", FutureWarning, ours.__file__, 1)
        warnings.warn("of a library", UserWarning, stacklevel=1)
        assert not logger.isEnabledFor(logging.WARNING)
    assert logger.level == level
    assert stream.getvalue() == "Note: 2 [bold]? features\n"
    assert screen.notes == ["2 [bold]\x1b features"]
    assert not screen.shows_progress
    assert Screen(Console(force_terminal=True)).shows_progress
