"""Other libraries' notes stay off the screen, warnings do not."""

from __future__ import annotations

import logging
import warnings

import pytest

from modis.train import quiet_libraries

NOTES = [
    "lightning.pytorch.utilities.rank_zero",
    "lightning.fabric.utilities.rank_zero",
    "scvi.data._download",
]
DEPRECATIONS = [
    "`isinstance(treespec, LeafSpec)` is deprecated, use `isinstance(treespec, TreeSpec)`",
    "The method mod_names is deprecated and will be removed",
]


@pytest.fixture
def heard(caplog, monkeypatch):
    """What a handler on these loggers is given; scvi's does not hand its records on."""
    for name in [*NOTES, "modis"]:
        monkeypatch.setattr(logging.getLogger(name), "handlers", [caplog.handler])
        monkeypatch.setattr(logging.getLogger(name), "propagate", False)
        caplog.set_level(logging.INFO, name)
    return lambda: [record.getMessage() for record in caplog.get_records("call")]


@pytest.mark.parametrize("name", NOTES)
def test_notes_are_silent_only_inside(heard, name):
    logger = logging.getLogger(name)
    logger.info("before")
    with quiet_libraries():
        logger.info("GPU available: False")
    logger.info("after")
    assert heard() == ["before", "after"]


@pytest.mark.parametrize("name", NOTES)
def test_warnings_and_other_loggers_are_heard(heard, name):
    with quiet_libraries():
        logging.getLogger(name).warning("careful")
        logging.getLogger("modis").info("mine")
    assert heard() == ["careful", "mine"]


@pytest.mark.parametrize("message", DEPRECATIONS)
def test_deprecations_of_the_libraries_are_silent_only_inside(message):
    def warn():
        warnings.warn(message, FutureWarning, stacklevel=2)

    # warnings are errors here
    with quiet_libraries():
        warn()
    with pytest.warns(FutureWarning):
        warn()


def test_other_warnings_are_heard():
    for kind in (FutureWarning, UserWarning):
        with pytest.warns(kind, match="look out"), quiet_libraries():
            warnings.warn("look out", kind, stacklevel=1)


def test_levels_and_filters_come_back_after_an_error(monkeypatch):
    loggers = [logging.getLogger(name) for name in NOTES]
    for logger, level in zip(loggers, (logging.DEBUG, logging.NOTSET, logging.ERROR), strict=True):
        monkeypatch.setattr(logger, "level", level)
    filters = list(warnings.filters)
    with pytest.raises(KeyError), quiet_libraries():
        raise KeyError
    assert [logger.level for logger in loggers] == [logging.DEBUG, logging.NOTSET, logging.ERROR]
    assert warnings.filters == filters
