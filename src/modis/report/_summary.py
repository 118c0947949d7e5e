from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ._predictions import scores_on_test

if TYPE_CHECKING:
    from ._console import Screen
    from ._results import Results

__all__ = ["show_summary"]


def show_summary(results: Results, screen: Screen) -> None:
    """Print the scores of the test part and the errors of translations."""
    scores = scores_on_test(results.metrics)
    if len(scores):
        texts = pd.DataFrame(
            {
                "samples": scores["n_samples"].map("{:,.0f}".format),
                "accuracy": scores["accuracy"].map("{:.3f}".format),
                "balanced accuracy": scores["balanced_accuracy"].map("{:.3f}".format),
            }
        )
        screen.table("Test part: predicted classes", texts.rename_axis("from"))
    judged = results.translations
    if judged is not None and judged.across:
        texts, unit = judged.errors.map("{:.3g}".format), "1 is the average profile"
        if judged.simulated and judged.class_average is not None:
            unit = "best possible error in brackets"
            texts = texts + judged.class_average.map(" ({:.3g})".format)
        screen.table(f"Test part: translation errors ({unit})", texts.rename_axis("from \\ into"))
