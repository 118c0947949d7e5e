from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from pathlib import Path

    from ._console import Screen
    from ._fit import Results

__all__ = ["show_summary"]


def show_summary(results: Results, out: Path, screen: Screen) -> None:
    """Print the headline figures and where to look."""
    metrics = results.metrics
    overall = metrics[(metrics["split"] == "test") & (metrics["class"] == "")]
    overall = overall[overall["metric"].isin(["n_samples", "accuracy", "balanced_accuracy"])]
    if len(overall):
        table = Table(title="Test part: predicted classes", title_justify="left")
        table.add_column("from")
        for column in ("samples", "accuracy", "balanced accuracy"):
            table.add_column(column, justify="right")
        for source, own in overall.groupby("modality", sort=False):
            values = own.set_index("metric")["value"]
            table.add_row(
                str(source),
                f"{values['n_samples']:,.0f}",
                f"{values['accuracy']:.3f}",
                f"{values['balanced_accuracy']:.3f}",
            )
        screen.console.print(table)
    judged = results.translations
    if judged is not None and judged.across:
        unit = "limit in brackets" if judged.simulated else "1 is the average profile"
        table = Table(
            title=f"Test part: translation errors ({unit})",
            title_justify="left",
        )
        table.add_column("from \\ into")
        for target in judged.errors.columns:
            table.add_column(target, justify="right")
        for source in judged.errors.index:
            cells = []
            for target in judged.errors.columns:
                error = judged.errors.loc[source, target]
                text = "-" if error != error else f"{error:.3g}"
                if judged.simulated and judged.class_average is not None:
                    text += f" ({judged.class_average[target]:.3g})"
                cells.append(text)
            table.add_row(source, *cells)
        screen.console.print(table)
    screen.stage(f"Done. Open {out / 'report.html'} in a browser")
