from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modis.report._cautions import cautions
from modis.report._page import write_page
from modis.report._results import Results


def altered(results: Results, **changes: Any) -> Results:
    """Results of which protein finds no class_2, and in which nothing else changes."""
    assert results.predictions is not None
    predictions = results.predictions.copy()
    own = (predictions["source"] == "protein") & (predictions["label"] == "class_2")
    predictions.loc[own & (predictions["part"] == "test"), "predicted"] = "class_4"
    return replace(results, predictions=predictions, **changes)


def test_found_in_the_numbers(results: tuple[Results, Path]) -> None:
    found = cautions(results[0])
    assert found["unseen"] == {"class_3": ["protein"]}
    # six test samples of each class in each modality: enough
    assert found["few"] == {}
    missed = cautions(altered(results[0]))["missed"]
    assert ("class_2", "protein", 0, 6, "class_4", 6) in missed


def test_overfitting_and_useless_translations(results: tuple[Results, Path]) -> None:
    overfitted, judged = altered(results[0]), results[0].translations
    assert judged is not None
    metrics = overfitted.metrics
    chosen = (metrics["metric"] == "balanced_accuracy") & (metrics["modality"] == "protein")
    metrics.loc[chosen, "value"] = metrics.loc[chosen, "split"].map({"train": 0.9, "test": 0.7})
    assert ("protein", 0.9, 0.7) in cautions(overfitted)["overfitted"]
    errors = 0 * judged.errors
    errors.loc["protein", "expression"] = error = 2 * judged.average["expression"]
    found = cautions(replace(results[0], translations=replace(judged, errors=errors)))
    assert found["uninformative"] == [("protein", "expression", error)]


@pytest.mark.parametrize(
    ("changes", "said", "unsaid"),
    [
        (
            {"mixing": 0.25},
            [
                "class_2 from protein (0 of 6 found, 6 predicted as class_4)",
                "class_3 has no training sample in protein. There, the model must",
                "do not mix within a class (mixing 0.25; 1 is perfect",
                "Note &amp; more",
            ],
            ["Too few", "No classes were learned", "No observation was held out"],
        ),
        ({"mixing": 0.75}, [], ["do not mix"]),
        (
            {"translations": None},
            ["Too few test samples were measured in two modalities"],
            ["These translations are not better"],
        ),
    ],
)
def test_sentences(
    changes: dict[str, Any],
    said: list[str],
    unsaid: list[str],
    results: tuple[Results, Path],
    tmp_path: Path,
) -> None:
    write_page(altered(results[0], **changes), tmp_path, figures=[], notes=["Note & more"])
    text = " ".join((tmp_path / "report.html").read_text(encoding="utf-8").split())
    assert [sentence for sentence in said if sentence not in text] == []
    assert [sentence for sentence in unsaid if sentence in text] == []
