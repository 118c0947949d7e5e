import numpy as np
import pytest

from .._make import CPG, RNA, make_mdata
from ._made import cohort

pytestmark = pytest.mark.usefixtures("quick")


def said(word, messages):
    return list(dict.fromkeys(text for text in messages if word in text))


def test_missing_pairs(fit, model, messages):
    assert list(model.missing_pairs().columns) == ["class", "modality", "n_unlabeled"]
    assert model.missing_pairs().empty
    data = make_mdata(("gaussian",) * 3, "unpaired", ["a", "b", "c"])
    for name, absent, becomes in ((RNA, "a", "b"), (CPG, "c", "unknown"), (CPG, "b", "a")):
        obs = data.mod[name].obs
        obs["label"] = np.where(obs["label"] == absent, becomes, obs["label"])
    assert not said("never seen", messages)
    fitted = fit(data)
    expected = [("a", RNA, 0), ("b", CPG, 7), ("c", CPG, 7)]
    assert list(fitted.missing_pairs().itertuples(index=False, name=None)) == expected
    for message, (label, modality, n) in zip(said("never seen", messages), expected, strict=True):
        assert f"Class '{label}' was never seen in modality '{modality}'" in message
        assert "share with other modalities" in message
        assert message.endswith("far from all other classes.")
        assert (f"its {n} unlabelled" in message) is bool(n)


def test_link_summary(build, model, messages):
    assert model.link_summary is None
    data, links = cohort()
    own = links["source_modality"] == "protein"
    links.loc[links.index[own][:5], "target_feature"] = [f"other {k}" for k in range(5)]
    links.loc[links.index[~own][0], "source_feature"] = "cpg_x"
    n_cpg, n_protein = int((~own).sum()), int(own.sum())
    summary = build(data, {"feature_links": links}).link_summary
    assert list(summary.index) == [("methylation", "expression"), ("expression", "protein")]
    counts = summary[["given", "used", "missing_first", "missing_second"]].to_numpy().tolist()
    assert counts == [[n_cpg, n_cpg - 1, 1, 0], [n_protein, n_protein - 5, 5, 0]]
    kept = links[own & ~links["target_feature"].str.startswith("other")]
    assert summary["linked_first"].tolist()[1] == kept["target_feature"].nunique()
    first, second = said("links between", messages)
    assert f"methylation and expression: {n_cpg - 1} of {n_cpg} used" in first
    assert f"{n_protein - 5} of {n_protein} used; not in the data: 5 and 0" in second
    # links of modalities that are not used
    fewer = build(data, {"feature_links": links}, modalities=["methylation", "expression"])
    assert list(fewer.link_summary.index) == [("methylation", "expression")]
    assert said(f"{n_protein} feature links of modalities", messages)
