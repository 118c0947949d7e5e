import logging

import mudata as md
import scvi

from modis import MODIS

from .._make import SCVI_KEYS, TINY, fingerprint, make_mdata


def test_nothing_is_written_but_identifiers(tmp_path):
    mdata = make_mdata(("gaussian", "nb", "beta"))
    mdata.uns["mine"] = {"a": [1, 2]}
    how = {"labels_key": "label", "batch_key": "label", "likelihood": {"CpG-îlots": "nb"}}
    before = fingerprint(mdata)
    MODIS.setup_mudata(mdata, **how)
    assert fingerprint(mdata) == before
    assert set(mdata.uns) == {"mine", *SCVI_KEYS}
    assert not any(adata.uns for adata in mdata.mod.values())
    # nor do they stand in the way later
    counts = MODIS(mdata, **TINY).class_counts()
    mdata.write(tmp_path / "cohort.h5mu")
    again = md.read(tmp_path / "cohort.h5mu")
    before = fingerprint(again)
    MODIS.setup_mudata(again, **how)
    assert fingerprint(again) == before
    assert MODIS(again, **TINY).class_counts().equals(counts)


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


def test_too_few_classes_are_announced(messages):
    MODIS.setup_mudata(make_mdata())
    MODIS.setup_mudata(make_mdata(), labels_key="label", unlabeled_category="healthy")
    _, without, _, with_one = messages
    assert without.startswith("No labels: the model is trained without a class head")
    assert with_one.startswith("Only one class ('Crohn's'): the model is trained without")
