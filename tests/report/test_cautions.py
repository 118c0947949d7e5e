from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from modis.report._cautions import cautions

if TYPE_CHECKING:
    from pathlib import Path

    from modis.report._fit import Results


def test_found_in_the_numbers(results: tuple[Results, Path]) -> None:
    found = results[0]
    texts = cautions(found)
    assert any("class_3 has no training sample in protein" in text for text in texts)
    # six test samples of each class in each modality: enough
    assert not any("Too few test samples to judge" in text for text in texts)


def test_few_samples_and_missed_classes(results: tuple[Results, Path]) -> None:
    found = results[0]
    assert found.predictions is not None
    predictions = found.predictions.copy()
    own = (predictions["source"] == "protein") & (predictions["label"] == "class_2")
    predictions.loc[own & (predictions["part"] == "test"), "predicted"] = "class_4"
    texts = cautions(replace(found, predictions=predictions))
    said = [text for text in texts if text.startswith("class_2 is often missed from protein")]
    assert said == [
        "class_2 is often missed from protein: 0 of 6 test samples were found; class_4 was said "
        "most often instead (6)."
    ]


def test_without_classes(results: tuple[Results, Path]) -> None:
    texts = cautions(replace(results[0], predictions=None))
    assert texts[0].startswith("No classes were learned")
