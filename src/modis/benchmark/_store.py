from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pandas as pd

from ._methods import METHODS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ._cohort import Cohort
    from ._design import Design, Job
    from ._scores import Row

__all__ = ["COLUMNS", "Store"]

COLUMNS = ("method", "seed", "fold", "modality", "subset", "metric", "class", "value")

_COMMON = ("folds", "unpaired", "labels_per_class", "validation", "transfer")


@dataclass(frozen=True)
class Store:
    """Finished runs in a folder: the rows and the predictions of each in a file.

    A file's name ends with a digest of everything that decides it, from the data to the version
    of this package; so a run of other settings is never taken for this one.

    Parameters
    ----------
    folder
        Where ``runs`` and ``predictions`` lie.
    cohort, design
        What the runs are about.
    """

    folder: Path
    cohort: Cohort
    design: Design

    def parameters(self, job: Job) -> dict[str, Any]:
        """Everything that decides the rows of a run."""
        method, design = METHODS[job.method], asdict(self.design)
        return {
            "version": version("modis-omics"),
            "data": self.cohort.digest,
            "links": self.cohort.links_digest if method.uses_links else None,
            "design": {name: design[name] for name in (*_COMMON, *method.uses)},
            "job": asdict(job),
        }

    def paths(self, job: Job) -> tuple[Path, Path]:
        """Files of a run: its rows, and its predictions."""
        text = json.dumps(self.parameters(job), sort_keys=True, default=repr)
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        name = f"{job.method}_seed{job.seed}_fold{job.fold}_{digest}"
        return (
            self.folder / "runs" / f"{name}.json",
            self.folder / "predictions" / f"{name}.csv.gz",
        )

    def read(self, job: Job) -> list[Row] | None:
        """Rows of a finished run; `None` if there is none, or a file of it is broken."""
        path, predictions = self.paths(job)
        try:
            rows: list[Row] = json.loads(path.read_text(encoding="utf-8"))["rows"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return rows if predictions.is_file() else None

    def write(self, job: Job, rows: list[Row], predictions: pd.DataFrame) -> None:
        """Keep a finished run: entirely, or not at all."""
        path, predictions_path = self.paths(job)
        for place in (path, predictions_path):
            place.parent.mkdir(parents=True, exist_ok=True)
        draft = predictions_path.with_suffix(".draft")
        predictions.to_csv(draft, index=False, compression="gzip")
        os.replace(draft, predictions_path)
        content = {"parameters": self.parameters(job), "rows": rows}
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(content, indent=0, default=repr), encoding="utf-8")
        os.replace(draft, path)

    def collect(self, jobs: Sequence[Job]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Rows and predictions of those of the runs that are finished.

        Returns
        -------
        Tidy rows with :data:`COLUMNS`, and predictions with ``method``, ``seed`` and ``fold``.
        """
        rows, tables = [], []
        for job in jobs:
            found = self.read(job)
            if found is None:
                continue
            rows += [asdict(job) | row for row in found]
            # whatever observations and classes are called, they are names
            names = dict.fromkeys(("observation", "modality", "label", "predicted"), str)
            table = pd.read_csv(self.paths(job)[1], dtype=names, keep_default_na=False)
            tables.append(table.assign(**asdict(job)))
        results = pd.DataFrame(rows, columns=list(COLUMNS))
        return results, pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
