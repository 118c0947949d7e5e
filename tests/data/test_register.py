from __future__ import annotations

import logging

import mudata as md
import numpy as np
import pytest
import scvi

from modis import MODIS

from .._make import SCVI_KEYS, fingerprint, make_mdata

TINY = {"n_latent": 2, "n_hidden": 4}


@pytest.fixture
def messages():
    """What scvi-tools' logger was given, at its own verbosity."""
    records: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record.getMessage())

    handler, logger, verbosity = Keep(), logging.getLogger("scvi"), scvi.settings.verbosity
    logger.addHandler(handler)
    scvi.settings.verbosity = logging.INFO
    yield records
    logger.removeHandler(handler)
    scvi.settings.verbosity = verbosity


def test_nothing_is_written_but_identifiers():
    mdata = make_mdata(("gaussian", "nb", "beta"))
    mdata.uns["mine"] = {"a": [1, 2]}
    mdata.obs["age"] = np.arange(mdata.n_obs)
    before = fingerprint(mdata)
    MODIS.setup_mudata(
        mdata, labels_key="label", batch_key="label", likelihood={"CpG-îlots": "nb"}
    )
    assert fingerprint(mdata) == before
    assert set(mdata.uns) == {"mine", *SCVI_KEYS}
    assert not any(adata.uns for adata in mdata.mod.values())


def test_one_table_is_logged(messages):
    MODIS.setup_mudata(make_mdata(), labels_key="label")
    (table,) = messages
    scvi.settings.verbosity = logging.WARNING
    MODIS.setup_mudata(make_mdata(), labels_key="label")
    assert len(messages) == 1
    rows = {line.split()[0]: line.split()[1:] for line in table.splitlines()[3:]}
    assert rows == {
        "Crohn's": ["30", "40"],
        "healthy": ["30", "40"],
        "unlabeled": ["0", "0"],
        "total": ["60", "80"],
        "features": ["12", "9"],
    }


@pytest.mark.parametrize(
    ("setup", "says"),
    [
        ({}, "No labels"),
        ({"labels_key": "label", "unlabeled_category": "healthy"}, "Only one class .'Crohn's'"),
    ],
)
def test_too_few_classes_are_announced(messages, setup, says):
    MODIS.setup_mudata(make_mdata(), **setup)
    assert len(messages) == 2
    assert messages[1].startswith(says.replace(".'", "('"))
    assert "without a class head" in messages[1]


def test_registered_data_can_be_written_read_and_registered(tmp_path):
    mdata = make_mdata()
    MODIS.setup_mudata(mdata, labels_key="label")
    first = MODIS(mdata, **TINY)
    mdata.write(tmp_path / "cohort.h5mu")
    again = md.read(tmp_path / "cohort.h5mu")
    before = fingerprint(again)
    MODIS.setup_mudata(again, labels_key="label")
    assert fingerprint(again) == before
    assert MODIS(again, **TINY).class_counts().equals(first.class_counts())


def test_the_last_call_counts():
    mdata = make_mdata()
    MODIS.setup_mudata(mdata, labels_key="label")
    first = MODIS(mdata, **TINY)
    MODIS.setup_mudata(mdata, modalities=["rna seq"])
    second = MODIS(mdata, **TINY)
    assert second.module.modalities == ["rna seq"]
    assert first.module.modalities == ["rna seq", "CpG-îlots"]
    assert second.module.n_classes == 0
