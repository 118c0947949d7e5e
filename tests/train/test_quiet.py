import logging
import warnings

import pytest

from modis.train import quiet_libraries
from modis.train._quiet import _LOGGERS


@pytest.mark.parametrize("name", _LOGGERS)
def test_notes_are_silent_only_inside(caplog, monkeypatch, name):
    """Whatever happens there."""
    for each in (name, "modis"):
        # scvi's logger does not hand its records on
        monkeypatch.setattr(logging.getLogger(each), "handlers", [caplog.handler])
        monkeypatch.setattr(logging.getLogger(each), "propagate", False)
        caplog.set_level(logging.INFO, each)
    logger, filters = logging.getLogger(name), list(warnings.filters)
    with pytest.raises(KeyError), quiet_libraries():
        logger.info("GPU available: False")
        logger.warning("careful")
        logging.getLogger("modis").info("mine")
        # warnings are errors here
        warnings.warn("The method mod_names is deprecated now", FutureWarning, stacklevel=1)
        message = (
            "`isinstance(treespec, LeafSpec)` is deprecated, use `isinstance(treespec, Tree)`"
        )
        warnings.warn(message, FutureWarning, stacklevel=1)
        with pytest.raises(FutureWarning, match="look out"):
            warnings.warn("look out", FutureWarning, stacklevel=1)
        raise KeyError
    logger.info("after")
    heard = [record.getMessage() for record in caplog.get_records("call")]
    assert heard == ["careful", "mine", "after"]
    assert warnings.filters == filters
