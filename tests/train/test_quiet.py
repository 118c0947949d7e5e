import logging
import warnings

import pytest

from modis.train import quiet_libraries
from modis.train._quiet import _LOGGERS


@pytest.mark.parametrize("name", _LOGGERS)
def test_notes_are_silent_only_inside(caplog, monkeypatch, name):
    for each in (name, "modis"):
        # scvi's logger does not hand its records on
        monkeypatch.setattr(logging.getLogger(each), "handlers", [caplog.handler])
        monkeypatch.setattr(logging.getLogger(each), "propagate", False)
        caplog.set_level(logging.INFO, each)
    logger = logging.getLogger(name)
    logger.info("before")
    with quiet_libraries():
        logger.info("GPU available: False")
        logger.warning("careful")
        logging.getLogger("modis").info("mine")
    logger.info("after")
    heard = [record.getMessage() for record in caplog.get_records("call")]
    assert heard == ["before", "careful", "mine", "after"]


@pytest.mark.parametrize(
    "message",
    [
        "`isinstance(treespec, LeafSpec)` is deprecated, use `isinstance(treespec, TreeSpec)`",
        "The method mod_names is deprecated and will be removed",
    ],
)
def test_deprecations_of_the_libraries_are_silent_only_inside(message):
    # warnings are errors here
    with quiet_libraries():
        warnings.warn(message, FutureWarning, stacklevel=1)
    with pytest.warns(FutureWarning):
        warnings.warn(message, FutureWarning, stacklevel=1)
    with pytest.warns(FutureWarning, match="look out"), quiet_libraries():
        warnings.warn("look out", FutureWarning, stacklevel=1)


def test_levels_and_filters_come_back_after_an_error(monkeypatch):
    levels = (logging.DEBUG, logging.NOTSET, logging.ERROR)
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger, level in zip(loggers, levels, strict=True):
        monkeypatch.setattr(logger, "level", level)
    filters = list(warnings.filters)
    with pytest.raises(KeyError), quiet_libraries():
        raise KeyError
    assert tuple(logger.level for logger in loggers) == levels
    assert warnings.filters == filters
