"""What every test starts from: seeds, no display, no progress bars, and the shared data."""

import logging
import os
import random
import sys
from pathlib import Path

# Read once, when matplotlib, tqdm and rich are imported: so set before any test imports them.
os.environ["MPLBACKEND"] = "Agg"
os.environ["TQDM_DISABLE"] = "1"
os.environ["NO_COLOR"] = "1"
# Tests run in several processes, of which each has a core. Numba, by UMAP, would set torch's
# threads too, and two on one core take ten times as long as one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parents[1]

# The same examples in every run, and no deadline: a busy machine is not a failing property.
settings.register_profile("modis", max_examples=25, deadline=None, derandomize=True, database=None)
settings.load_profile("modis")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data sets; tests that need it are skipped where it is not."""
    named = os.environ.get("MODIS_SHARED_DATA")
    if named:
        if not Path(named).is_dir():
            pytest.fail(f"MODIS_SHARED_DATA names no folder: {named}", pytrace=False)
        return Path(named).resolve()
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no shared data: set MODIS_SHARED_DATA to run this test")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def messages() -> Iterator[list[str]]:
    """What scvi-tools' logger is given, at its own verbosity."""
    import scvi

    records: list[str] = []
    logger, handler = logging.getLogger("scvi"), logging.Handler()
    verbosity = scvi.settings.verbosity
    handler.emit = lambda record: records.append(record.getMessage())
    logger.addHandler(handler)
    scvi.settings.verbosity = logging.INFO
    yield records
    logger.removeHandler(handler)
    scvi.settings.verbosity = verbosity


@pytest.fixture
def quiet_tables() -> Iterator[None]:
    """The table that setup_mudata logs is for the user's screen."""
    import scvi  # which sets the level

    verbosity = scvi.settings.verbosity
    scvi.settings.verbosity = logging.WARNING
    yield
    scvi.settings.verbosity = verbosity


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Seed whatever is loaded, and load nothing: scvi alone takes ten seconds to import."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 -- scanpy and scikit-learn fall back on it
    if "scvi" in sys.modules:
        sys.modules["scvi"].settings.seed = 0
    elif "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(autouse=True)
def _closed_figures() -> Iterator[None]:
    """Close what a test drew."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
