from __future__ import annotations

import base64
import platform
from datetime import date
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
from jinja2 import Environment, PackageLoader, StrictUndefined

from ..studies import UNLABELED
from ._cautions import FEW, cautions
from ._figures import DPI
from ._predictions import COMBINED, SEVERAL, leading_features, scores_on_test

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ._results import Results

__all__ = ["write_page"]

_PACKAGES = ("modis-omics", "scvi-tools", "torch", "lightning", "mudata", "anndata", "scanpy")
_CSS_PIXELS_PER_INCH = 96


def write_page(results: Results, out: Path, *, command: str, notes: list[str]) -> None:
    """Write ``report.html``: one file, without anything to load.

    Parameters
    ----------
    results
        What the run found; its figures are in `out`.
    out
        Folder of the results.
    command
        What the user typed.
    notes
        What the user was told on the screen.
    """
    environment = Environment(
        loader=PackageLoader(__package__, ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"share": share, "number": "{:,}".format, "joined": joined}
    importance = results.importance
    page = environment.get_template("template.html.j2").render(
        results=results,
        cohort=results.cohort,
        settings=results.settings,
        modalities=list(results.cohort.modalities),
        sizes=_sizes(results),
        scores=scores_on_test(results.metrics),
        recalls=_recalls(results),
        train=results.cohort.counts("train"),
        test=results.cohort.counts("test"),
        cautions=cautions(results),
        notes=notes,
        importance=None if importance is None else leading_features(importance),
        figures={name: _picture(out / name) for name in results.figures},
        command=command,
        date=date.today().isoformat(),
        versions={name: version(name) for name in _PACKAGES}
        | {"Python": platform.python_version()},
        FEW=FEW,
        UNLABELED=UNLABELED,
        COMBINED=COMBINED,
        SEVERAL=SEVERAL,
    )
    (out / "report.html").write_text(page, encoding="utf-8")


def share(value: float) -> str:
    """Percent, of which 0 and 100 are never the result of rounding."""
    number = f"{100 * value:.1f}"
    if number in ("100.0", "0.0"):
        number = {1.0: "100", 0.0: "0"}.get(value, "> 99.9" if value > 0.5 else "< 0.1")
    return f"{number}\N{NO-BREAK SPACE}%"


def joined(names: Sequence[str]) -> str:
    """Names with commas and an "and" between them."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _picture(path: Path) -> dict[str, Any]:
    """Content and the width on the page, in pixels, at which all figures' letters are equal."""
    width = plt.imread(path).shape[1] * _CSS_PIXELS_PER_INCH / DPI
    return {"image": base64.b64encode(path.read_bytes()).decode(), "width": round(width)}


def _sizes(results: Results) -> dict[str, int]:
    """Numbers of observations, and of classes."""
    cohort = results.cohort
    train = results.part.index[results.part == "train"]
    return {
        "all": len(cohort.n_modalities),
        "single": int((cohort.n_modalities == 1).sum()),
        "train": len(train),
        "labelled": int(train.isin(cohort.label.index).sum()),
        "test": int((results.part == "test").sum()),
        "classes": cohort.label.nunique(),
        "epochs": len(next(iter(results.model.history.values()))),
    }


def _recalls(results: Results) -> dict[str, list[dict[str, Any] | None]]:
    """By class and source: recall, test samples, and how many were found; `None` without any."""
    known = results.metrics[
        (results.metrics["split"] == "test") & (results.metrics["class"] != "")
    ]
    table = known.pivot(index=["class", "modality"], columns="metric", values="value")
    rows: dict[str, list[dict[str, Any] | None]] = {}
    for name in sorted(set(known["class"])):
        rows[name] = []
        for source in [*results.cohort.modalities, COMBINED]:
            if (name, source) not in table.index:
                rows[name].append(None)
                continue
            recall, n = table.loc[(name, source), ["recall", "n_samples"]]
            rows[name].append({"recall": recall, "n": int(n), "found": round(recall * n)})
    return rows
