import base64
import platform
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from ..data import draft_of
from ..studies import TASKS, UNLABELED, Comparison, grids, summarise
from ._figures import DPI
from ._predictions import COMBINED
from ._results import Results

_PACKAGES = ("modis-omics", "scvi-tools", "torch", "lightning", "mudata", "anndata", "scanpy")
_CSS_PIXELS_PER_INCH = 96

#: With fewer test samples a recall is no more than an example.
FEW = 5
_APART = 0.5


def write_page(results: Results, out: Path, *, figures: list[str], notes: list[str]) -> None:
    """Write ``report.html``, one file that loads no others, with the `figures` in `out`."""
    page = _template("template.html.j2").render(
        results=results,
        cohort=results.cohort,
        settings=results.settings,
        modalities=list(results.cohort.modalities),
        sizes=_sizes(results),
        cautions=cautions(results),
        notes=notes,
        figures={name: _picture(out / name) for name in figures},
        **_made(),
        FEW=FEW,
        UNLABELED=UNLABELED,
        COMBINED=COMBINED,
    )
    (out / "report.html").write_text(page, encoding="utf-8")


def write_comparison_page(found: Comparison, out: Path, command: str) -> None:
    """Write ``report.html`` of a benchmark into its folder: verdicts, forest plot, tables."""
    figures = [name for name in ("forest.png",) if (out / name).is_file()]
    page = _template("comparison.html.j2").render(
        found=found,
        tasks=TASKS,
        grids=list(grids(found.table)),
        summary=summarise(found.verdicts),
        named=found.results.iloc[0],
        figures={name: _picture(out / name) for name in figures},
        command=command,
        **_made(),
    )
    with draft_of(out / "report.html") as draft:
        draft.write_text(page, encoding="utf-8")


def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader(__package__, ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"share": share, "number": "{:,}".format, "joined": joined}
    return environment.get_template(name)


def _made() -> dict[str, Any]:
    """When, and with what, a page was made."""
    versions = {name: version(name) for name in _PACKAGES}
    versions["Python"] = platform.python_version()
    return {"date": date.today().isoformat(), "versions": versions}


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
    """Numbers of observations, classes and epochs."""
    cohort, train = results.cohort, results.part.index[results.part == "train"]
    return {
        "all": len(results.part),
        "single": int((cohort.n_modalities == 1).sum()),
        "train": len(train),
        "labelled": int(train.isin(cohort.label.index).sum()),
        "test": len(results.part) - len(train),
        "classes": cohort.label.nunique(),
        "epochs": len(next(iter(results.model.history.values()))),
    }


def cautions(results: Results) -> dict[str, Any]:
    """Problems that a reader should know of, as numbers; the template has the sentences."""
    train, test = (results.counts[part].drop(columns=UNLABELED) for part in ("train", "test"))
    unseen = {name: list(n.index[n == 0]) for name, n in train.items()}
    few = {name: n[n < FEW].to_dict() for name, n in test.items()}
    mixing = results.mixing
    return {
        "unseen": {name: where for name, where in unseen.items() if where},
        "few": {name: n for name, n in few.items() if n and not results.recalls.empty},
        "mixing": mixing if mixing is not None and mixing < _APART else None,
        "uninformative": _uninformative(results),
    }


def _uninformative(results: Results) -> list[tuple[str, str, float]]:
    judged = results.translations
    if judged is None:
        return []
    return [
        (source, target, error)
        for target, errors in judged.errors.items()
        for source, error in errors.items()
        if source != target and error >= judged.average[target]
    ]
