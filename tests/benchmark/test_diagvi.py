from __future__ import annotations

import anndata as ad
import pandas as pd
import pytest
import scvi

from modis.benchmark import Design
from modis.benchmark._cohort import Cohort
from modis.benchmark._diagvi import _mapping, diagvi, diagvi_obstacle
from modis.benchmark._fold import Fold


def cohort_of(features, links=None):
    adatas = {name: ad.AnnData(var=pd.DataFrame(index=own)) for name, own in features.items()}
    return Cohort(adatas, dict.fromkeys(features, "gaussian"), {}, links=links)


TWO = {"rna": ["CD4", "CD8A"], "adt": ["CD4", "CD8"]}


def test_links_in_either_direction():
    links = pd.DataFrame(
        [
            ("adt", "CD8", "rna", "CD8A"),
            ("rna", "CD4", "adt", "CD4"),
            ("rna", "CD8A", "adt", "CD8"),
            ("adt", "gone", "rna", "CD4"),
            ("adt", "CD4", "atac", "CD4"),
        ],
        columns=["source_modality", "source_feature", "target_modality", "target_feature"],
    )
    found = _mapping(cohort_of(TWO, links), ["rna", "adt"])
    assert sorted(found.itertuples(index=False, name=None)) == [("CD4", "CD4"), ("CD8A", "CD8")]
    # without links: the same names
    assert _mapping(cohort_of(TWO), ["rna", "adt"]).to_numpy().tolist() == [["CD4", "CD4"]]


def test_why_it_is_left_out(monkeypatch):
    design = Design(("diagvi",))
    monkeypatch.delattr(scvi.external, "DIAGVI", raising=False)
    assert "does not have it" in diagvi_obstacle(cohort_of(TWO), design)
    monkeypatch.setattr(scvi.external, "DIAGVI", object, raising=False)
    monkeypatch.setattr("modis.benchmark._diagvi.import_module", lambda name: None)
    assert diagvi_obstacle(cohort_of(TWO), design) == ""
    three = cohort_of({**TWO, "atac": ["CD4"]})
    assert "two modalities, and there are 3" in diagvi_obstacle(three, design)
    assert diagvi_obstacle(three, Design(("diagvi",), transfer=("rna", "atac"))) == ""
    apart = cohort_of({"rna": ["CD4"], "adt": ["Cd4"]})
    assert "no features of rna and adt are linked" in diagvi_obstacle(apart, design)

    def fail(name):
        raise ImportError(f"No module named '{name}'")

    monkeypatch.setattr("modis.benchmark._diagvi.import_module", fail)
    assert "needs the package torch-geometric" in diagvi_obstacle(cohort_of(TWO), design)


@pytest.mark.filterwarnings("ignore")
def test_it_predicts_every_test_observation(cohort):
    links = pd.DataFrame(
        {
            "source_modality": "protein",
            "source_feature": cohort.modalities["protein"].var_names[:5],
            "target_modality": "expression",
            "target_feature": cohort.modalities["expression"].var_names[:5],
        }
    )
    names = ("expression", "protein")
    two = Cohort(
        {name: cohort.modalities[name] for name in names},
        {name: cohort.likelihood[name] for name in names},
        {name: cohort.labels[name] for name in names},
        links=links,
    )
    design = Design(("diagvi",), max_epochs=1)
    reason = diagvi_obstacle(two, design)
    if reason:
        pytest.skip(reason)
    label = cohort.label
    train = {name: label.iloc[20 * k : 20 * k + 50] for k, name in enumerate(names)}
    fold = Fold(train, {"protein": label.index[60:90]})
    predicted = diagvi(two, fold, design, 0)
    assert list(predicted) == ["protein"]
    assert list(predicted["protein"].index) == list(label.index[60:90])
    assert set(predicted["protein"]) <= set(label)
