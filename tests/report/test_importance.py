from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from modis.report._importance import N_FEATURES, explain, leading_features

if TYPE_CHECKING:
    from pathlib import Path

    from modis.report._results import Results


def test_table_in_the_folder_is_the_models(results: tuple[Results, Path]) -> None:
    found, out = results
    written = pd.read_csv(out / "feature_importance.csv")
    pd.testing.assert_frame_equal(written, found.importance)
    assert list(written["modality"].unique()) == list(found.cohort.modalities)
    expected = found.model.feature_importance("expression", "class_2")
    own = (written["modality"] == "expression") & (written["class"] == "class_2")
    pd.testing.assert_frame_equal(
        written[own].reset_index(drop=True), expected, check_exact=False, rtol=1e-4
    )


def test_leading_features_by_hand() -> None:
    rows = [
        ("rna", "b", 1, "g1", "up"),
        ("rna", "b", 2, "g2", "down"),
        ("dna", "a", 1, "c1", "up"),
    ]
    rows += [("rna", "b", N_FEATURES + 1, "late", "up")]
    columns = ["modality", "class", "rank", "feature", "direction"]
    found = leading_features(pd.DataFrame(rows, columns=columns))
    assert list(found) == ["rna", "dna"]
    space = "\N{NO-BREAK SPACE}"
    assert found.loc["a"].to_list() == [None, [f"c1{space}↑"]]
    assert found.loc["b"].to_list() == [[f"g1{space}↑", f"g2{space}↓"], None]


class Model:
    """Has one modality with several classes and one with a single class."""

    module = SimpleNamespace(n_classes=2)

    def get_var_names(self) -> dict[str, list[str]]:
        return {"rna": ["g"], "dna": ["c"]}

    def feature_importance(self, modality: str) -> pd.DataFrame:
        if modality == "dna":
            raise ValueError("one class only")
        return pd.DataFrame({"modality": [modality]})


@pytest.mark.parametrize(("n_classes", "expected"), [(0, None), (2, ["rna"])])
def test_what_cannot_be_explained_is_left_out(n_classes: int, expected: list[str] | None) -> None:
    model = Model()
    model.module = SimpleNamespace(n_classes=n_classes)
    found = explain(model)
    assert (None if found is None else list(found["modality"])) == expected
