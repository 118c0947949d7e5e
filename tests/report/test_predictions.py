from dataclasses import replace
from unittest import mock

import pandas as pd

from modis.report import _predictions as predictions


def test_scores_by_hand():
    rows = [
        # observation, source, n_modalities, label, predicted
        ("s1", "rna", 2, "a", "a"),
        ("s2", "rna", 1, "a", "b"),
        ("s3", "rna", 1, "b", "b"),
        ("s4", "rna", 1, None, "b"),
        ("s1", predictions.COMBINED, 2, "a", "a"),
        ("s2", predictions.COMBINED, 1, "a", "b"),
    ]
    columns = ["observation", "source", "n_modalities", "label", "predicted"]
    table = pd.DataFrame(rows, columns=columns).assign(part="test")
    found = predictions.scores(table).set_index(["modality", "metric", "class"])["value"]
    assert found["rna", "accuracy", ""] == 2 / 3
    assert found["rna", "balanced_accuracy", ""] == 0.75
    assert found["rna", "recall", "a"] == 0.5
    assert found["rna", "n_samples", ""] == 3
    assert found[predictions.COMBINED, "n_samples", ""] == 2


def test_a_modality_that_cannot_be_explained_is_left_out():
    model = mock.Mock(**{"get_var_names.return_value": {"rna": ["g"], "dna": ["c"]}})
    model.module.n_classes = 2
    told = pd.DataFrame({"modality": ["rna"]})
    model.feature_importance.side_effect = [told, ValueError("one class only")]
    pd.testing.assert_frame_equal(predictions.explain(model), told)
    assert model.feature_importance.mock_calls == [mock.call("rna"), mock.call("dna")]


def test_doubtful_samples_and_why():
    rows = [
        # sample, source, predicted, set, p-value
        ("sure", predictions.COMBINED, "a", "a", 0.6),
        ("sure", "rna", "a", "a", 0.6),
        ("strange", predictions.COMBINED, "a", "a", 0.01),
        ("open", predictions.COMBINED, "b", "a | b", 0.5),
        ("split", predictions.COMBINED, "a", "a | b", 0.02),
        ("split", "rna", "a", "a", 0.5),
        ("split", "protein", "b", "b", 0.5),
    ]
    columns = ["observation", "source", "predicted", "set", "p_value"]
    table = pd.DataFrame(rows, columns=columns).assign(part="test", probability=0.9)
    # c has too few samples to be left out of any set
    known = table.assign(part="train", observation="known", set="b")
    found = predictions.doubtful(
        pd.concat([known, table]).assign(set=lambda own: own["set"] + " | c")
    )
    assert list(found.index) == ["split", "strange", "open"]
    split = "unlike the training samples, several classes possible, modalities disagree"
    others = ["unlike the training samples", "several classes possible"]
    assert found["reasons"].to_list() == [split, *others]


def test_rival_is_cross_validated_on_training_samples(results):
    cohort = results[0].cohort
    found = predictions.rival_accuracy(cohort)
    assert all(0.7 < found[name] <= 1 for name in ("methylation", "expression", "protein"))
    # nothing is foretold of labels at random
    labels = {
        name: pd.Series(own.sample(frac=1, random_state=1).to_numpy(), own.index)
        for name, own in cohort.labels.items()
    }
    alone = replace(cohort, labels={"methylation": labels["methylation"]})
    assert predictions.rival_accuracy(alone)["methylation"] < 0.5
