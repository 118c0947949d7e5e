from __future__ import annotations

import io
import logging
import warnings

from rich.console import Console

from modis.report import Screen


def test_own_warnings_become_notes_and_others_are_dropped() -> None:
    import modis.report._console as ours

    stream = io.StringIO()
    screen = Screen(Console(file=stream, width=80))
    with screen.quiet():
        for _ in range(2):
            warnings.warn_explicit("2 [bold] features", UserWarning, ours.__file__, 1)
        warnings.warn_explicit("old option", FutureWarning, ours.__file__, 1)
        warnings.warn("of a library", UserWarning, stacklevel=1)
        logging.getLogger("scvi").warning("chatter")
    assert stream.getvalue() == "Note: 2 [bold] features\n"
    assert screen.notes == ["2 [bold] features"]


def test_quiet_leaves_the_loggers_as_they_were() -> None:
    logger = logging.getLogger("lightning.pytorch")
    before = logger.level
    with Screen().quiet():
        assert logger.level == logging.ERROR
    assert logger.level == before
