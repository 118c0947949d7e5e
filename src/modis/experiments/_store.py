from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ._settings import METHODS, SETTINGS

if TYPE_CHECKING:
    from ._data import Source
    from ._evaluation import Row

__all__ = ["BAYES", "COLUMNS", "Job", "Store"]

#: Stands among the methods for the best possible classifier of simulated data.
BAYES = "bayes"

COLUMNS = (
    "figure",
    "setting",
    "method",
    "epochs_factor",
    "seed",
    "rare_class",
    "missing",
    "metric",
    "source",
    "target",
    "class",
    "predicted",
    "value",
)


@dataclass(frozen=True)
class Job:
    """One run: a setting, a method, and a seed."""

    setting: str
    method: str
    epochs_factor: int = 1
    seed: int = 0

    @property
    def is_shown(self) -> bool:
        """Whether figures show this very run, and not only what it has in common with others."""
        return self.seed == 0 and self.method != BAYES

    def __str__(self) -> str:
        factor = f" x{self.epochs_factor}" if self.epochs_factor != 1 else ""
        return f"{self.setting} {self.method}{factor} seed {self.seed}"


@dataclass(frozen=True)
class Store:
    """Finished runs in a folder, one small file each.

    A file's name ends with a digest of everything that decides its rows, from the data to the
    version of this package; so a run of other settings is never taken for this one.

    Parameters
    ----------
    folder
        Where the files lie.
    source
        Data of the runs.
    max_epochs
        Epochs of each run; the methods' own by default.
    """

    folder: Path
    source: Source
    max_epochs: int | None = None

    def parameters(self, job: Job) -> dict[str, Any]:
        """Everything that decides the rows of a run."""
        setting = SETTINGS[job.setting]
        method = METHODS.get(job.method)
        uses_links = method is not None and method.links
        return {
            "version": version("modis-omics"),
            "data": self.source.describe(setting.delta),
            "links": self.source.describe_links(setting.delta) if uses_links else None,
            "setting": asdict(setting),
            "method": None if method is None else asdict(method),
            "max_epochs": self.max_epochs,
            "job": asdict(job),
        }

    def path(self, job: Job) -> Path:
        """File of a run."""
        text = json.dumps(self.parameters(job), sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        name = f"{job.setting}_{job.method}_x{job.epochs_factor}_seed{job.seed}_{digest}"
        return self.folder / f"{name}.json"

    def read(self, job: Job) -> list[Row] | None:
        """Rows of a finished run; `None` if there is none, or its file is broken."""
        path = self.path(job)
        try:
            rows: list[Row] = json.loads(path.read_text(encoding="utf-8"))["rows"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if job.is_shown and self.read_latent(job) is None:
            return None
        return rows

    def read_latent(self, job: Job) -> pd.DataFrame | None:
        """Latent points of a finished run, if they were kept."""
        try:
            path = self.path(job).with_suffix(".npz")
            with path.open("rb") as file, np.load(file) as arrays:
                latent = pd.DataFrame(arrays["latent"]).add_prefix("latent_")
                latent.insert(0, "modality", arrays["modality"])
                latent.insert(1, "label", arrays["label"])
        # a broken archive fails in any layer of the reader
        except Exception:  # noqa: BLE001
            return None
        return latent

    def write(self, job: Job, rows: list[Row], latent: pd.DataFrame | None = None) -> None:
        """Keep a finished run: entirely, or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.path(job)
        if latent is not None:
            points = latent.filter(like="latent_").to_numpy(dtype=np.float32)
            words = {key: latent[key].to_numpy(dtype=str) for key in ("modality", "label")}
            draft = path.with_suffix(".draft.npz")
            np.savez_compressed(draft, latent=points, **words)
            os.replace(draft, path.with_suffix(".npz"))
        draft = path.with_suffix(".draft")
        content = {"parameters": self.parameters(job), "rows": rows}
        draft.write_text(json.dumps(content, indent=0), encoding="utf-8")
        os.replace(draft, path)

    def collect(self) -> pd.DataFrame:
        """Rows of all finished runs in the folder that belong to these data and settings.

        Returns
        -------
        DataFrame with :data:`COLUMNS`, in the order of settings, methods and seeds.
        """
        found = {}
        for path in self.folder.glob("*.json"):
            job = _job_of(path)
            if job is not None and self.path(job) == path:
                rows = self.read(job)
                if rows is not None:
                    found[job] = rows
        settings, methods = list(SETTINGS), [*METHODS, BAYES]
        in_order = sorted(
            found,
            key=lambda job: (
                settings.index(job.setting),
                methods.index(job.method),
                job.epochs_factor,
                job.seed,
            ),
        )
        rows = [
            {"figure": SETTINGS[job.setting].figure, **asdict(job), **row}
            for job in in_order
            for row in found[job]
        ]
        return pd.DataFrame(rows, columns=list(COLUMNS))


def _job_of(path: Path) -> Job | None:
    """The run that a file is named after, if it is one that can be made."""
    found = re.fullmatch(r"(.+)_([a-z]+)_x(\d+)_seed(\d+)_[0-9a-f]{10}", path.stem)
    if found is None or found[1] not in SETTINGS or found[2] not in (*METHODS, BAYES):
        return None
    return Job(found[1], found[2], int(found[3]), int(found[4]))
