"""What a model tells of its data: classes, pairs never seen, feature links."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import pytest

from modis import MODIS
from modis.datasets import drop_pairs, hide_labels

from .._make import make_mdata
from ._linked import cohort

RNA, CPG, PROTEIN = "rna seq", "CpG-îlots", "a_protein"


@pytest.fixture
def said(caplog):
    """Messages of the package so far."""
    logger = logging.getLogger("scvi.modis")
    logger.addHandler(caplog.handler)
    with caplog.at_level(logging.INFO, logger="scvi.modis"):
        yield lambda: list(
            dict.fromkeys(
                record.getMessage() for record in caplog.records if record.name == "scvi.modis"
            )
        )
    logger.removeHandler(caplog.handler)


def test_class_counts(model):
    counts = model.class_counts()
    assert list(counts.index) == [RNA, CPG, PROTEIN]
    np.testing.assert_array_equal(
        counts,
        [[20, 20, 20, 0, 60, 12], [27, 26, 27, 0, 80, 9], [13, 14, 13, 0, 40, 7]],
    )


# pairs that were never seen --------------------------------------------------------------------


def test_nothing_is_missing(model):
    missing = model.missing_pairs()
    assert list(missing.columns) == ["class", "modality", "n_unlabeled"]
    assert missing.empty


def test_missing_pairs(fit, said):
    data = make_mdata(("gaussian",) * 3, "unpaired", ["a", "b", "c"])
    for name, absent, becomes in ((RNA, "a", "b"), (CPG, "c", "unknown"), (CPG, "b", "a")):
        obs = data.mod[name].obs
        obs["label"] = np.where(obs["label"] == absent, becomes, obs["label"])
    counts = {name: adata.obs["label"].value_counts() for name, adata in data.mod.items()}
    model = fit(data)
    expected = [("a", RNA, 0), ("b", CPG, counts[CPG]["unknown"]), ("c", CPG, 7)]
    assert list(model.missing_pairs().itertuples(index=False, name=None)) == expected
    messages = [message for message in said() if "never seen" in message]
    assert len(messages) == 3
    for message, (label, modality, n_unlabeled) in zip(messages, expected, strict=True):
        assert f"Class '{label}' was never seen in modality '{modality}'" in message
        assert message.endswith("translation only.")
        assert (f"its {n_unlabeled} unlabelled" in message) is bool(n_unlabeled)


def test_missing_pairs_follow_the_data(fit):
    data, _ = cohort()
    dropped = drop_pairs(data, [("class_2", "protein"), ("class_5", "methylation")])
    model = fit(dropped)
    pairs = set(model.missing_pairs()[["class", "modality"]].itertuples(index=False, name=None))
    assert pairs == {("class_2", "protein"), ("class_5", "methylation")}
    # a single labelled sample is enough
    few = hide_labels(data, n_per_class=1)
    assert fit(few).missing_pairs().empty


def test_nothing_is_said_when_nothing_is_missing(fit, said):
    fit(make_mdata())
    assert not [message for message in said() if "never seen" in message]


@pytest.mark.parametrize("labels_key", ["label", None])
def test_without_classes_nothing_is_recognised(fit, said, labels_key):
    """Neither without labels nor with a single class, which gives no class head."""
    data = make_mdata(classes=["healthy"])
    data.mod[CPG].obs["label"] = "unknown"
    model = fit(data, labels_key=labels_key)
    if labels_key is None:
        assert model.missing_pairs().empty
    assert not [message for message in said() if "recognised" in message]


# feature links ---------------------------------------------------------------------------------


def test_no_links(model):
    assert model.link_summary is None
    assert model.link_agreement_ == {}


def test_link_summary(fit, said):
    data, links = cohort()
    own = links["source_modality"] == "protein"
    links.loc[links.index[own][:5], "target_feature"] = [f"other {k}" for k in range(5)]
    links.loc[links.index[~own][0], "source_feature"] = "cpg_x"
    MODIS.setup_mudata(data, labels_key="label")
    model = MODIS(data, feature_links=links, n_latent=5, n_hidden=8)
    n_cpg, n_protein = int((~own).sum()), int(own.sum())
    summary = model.link_summary
    assert list(summary.index) == [("methylation", "expression"), ("expression", "protein")]
    assert summary["given"].tolist() == [n_cpg, n_protein]
    assert summary["used"].tolist() == [n_cpg - 1, n_protein - 5]
    assert summary["missing_first"].tolist() == [1, 5]
    assert summary["missing_second"].tolist() == [0, 0]
    kept = links[own & ~links["target_feature"].str.startswith("other")]
    assert summary["linked_first"].tolist()[1] == kept["target_feature"].nunique()
    assert summary["linked_second"].tolist()[1] == kept["source_feature"].nunique()

    messages = [message for message in said() if "links" in message]
    assert len(messages) == 2
    assert "methylation and expression" in messages[0]
    assert f"{n_cpg - 1} of {n_cpg} used" in messages[0]
    assert f"{n_protein - 5} of {n_protein} used; not in the data: 5 and 0" in messages[1]


def test_links_of_modalities_that_are_not_used(fit, said):
    data, links = cohort()
    model = fit(data, modalities=["methylation", "expression"], model={"feature_links": links})
    assert list(model.link_summary.index) == [("methylation", "expression")]
    n_ignored = int((links["source_modality"] == "protein").sum())
    assert any(f"{n_ignored} feature links of modalities" in message for message in said())
    pd.testing.assert_frame_equal(
        model.link_summary,
        fit(
            data,
            modalities=["methylation", "expression"],
            model={"feature_links": links[links["source_modality"] != "protein"]},
        ).link_summary,
    )
