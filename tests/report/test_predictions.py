from __future__ import annotations

import pandas as pd

from modis.report._predictions import COMBINED, SEVERAL, scores


def test_scores_by_hand() -> None:
    rows = [
        # observation, source, n_modalities, label, predicted
        ("s1", "rna", 2, "a", "a"),
        ("s2", "rna", 1, "a", "b"),
        ("s3", "rna", 1, "b", "b"),
        ("s4", "rna", 1, None, "b"),
        ("s1", COMBINED, 2, "a", "a"),
        ("s2", COMBINED, 1, "a", "b"),
    ]
    columns = ["observation", "source", "n_modalities", "label", "predicted"]
    table = pd.DataFrame(rows, columns=columns).assign(part="test")
    found = scores(table).set_index(["modality", "metric", "class"])["value"]
    assert found["rna", "accuracy", ""] == 2 / 3
    assert found["rna", "balanced_accuracy", ""] == 0.75
    assert found["rna", "recall", "a"] == 0.5
    assert found["rna", "n_samples", ""] == 3
    assert found[COMBINED, "n_samples", ""] == 2
    assert found[SEVERAL, "n_samples", ""] == 1
    assert found[SEVERAL, "accuracy", ""] == 1
