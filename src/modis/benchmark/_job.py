from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..runs import quiet
from ._fold import make_fold
from ._methods import METHODS
from ._names import ALL
from ._scores import predictions_table, score

if TYPE_CHECKING:
    from ._design import Job
    from ._store import Store

__all__ = ["perform"]


def perform(job: Job, store: Store) -> str:
    """Do one run and keep it.

    Parameters
    ----------
    job
        The run.
    store
        Where to keep it, and what it is about.

    Returns
    -------
    Why it failed; empty if it did not.
    """
    with quiet():
        fold = make_fold(store.cohort, store.design, job.seed, job.fold)
        started = time.perf_counter()
        try:
            predicted = METHODS[job.method].predict(store.cohort, fold, store.design, job.seed)
        # that run is lost, others are not
        except (RuntimeError, ValueError) as error:
            return " ".join(str(error).split())
        seconds = time.perf_counter() - started
        if not predicted:
            return "It predicts no class in any modality."
        predictions = predictions_table(store.cohort, predicted)
        rows = score(predictions, fold)
        rows.append({"subset": ALL, "metric": "seconds", "value": seconds})
        store.write(job, rows, predictions)
    return ""
