from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..runs import SilentStop, quiet
from ._data import LABELS_KEY
from ._evaluation import evaluate, sample_latent
from ._runner import fit
from ._settings import METHODS, SETTINGS, class_names
from ._store import BAYES

if TYPE_CHECKING:
    from ._store import Job, Store

__all__ = ["perform"]


def perform(job: Job, store: Store) -> str:
    """Do one run and keep it.

    Parameters
    ----------
    job
        The run.
    store
        Where to keep it, and what data it is about.

    Returns
    -------
    Why training failed; empty if it did not.
    """
    setting = SETTINGS[job.setting]
    with quiet():
        if job.method == BAYES:
            assert setting.delta is not None
            store.write(job, store.source.rate_bayes(setting.delta))
            return ""
        try:
            _train(job, store)
        # a loss became infinite, or the device failed: that run is lost, others are not
        except RuntimeError as error:
            return str(error)
    return ""


def _train(job: Job, store: Store) -> None:
    setting, method = SETTINGS[job.setting], METHODS[job.method]
    cohort = store.source.load(setting.delta)
    if method.links and cohort.links is None:
        raise ValueError(
            f"The method {job.method!r} needs linked features. Name a table with --links-file, "
            "put it into uns['feature_links'], or leave the method out with --methods."
        )
    limit = {} if store.max_epochs is None else {"max_epochs": store.max_epochs}
    model, rows = fit(
        cohort.train,
        setting=setting,
        method=method,
        seed=job.seed,
        labels_key=LABELS_KEY,
        feature_links=cohort.links,
        epochs_factor=job.epochs_factor,
        enable_progress_bar=False,
        callbacks=[SilentStop()],
        **limit,
    )
    rows += evaluate(model, cohort.test, cohort.truth, LABELS_KEY, confusion=job.is_shown)
    latent = None
    if job.is_shown:
        latent = sample_latent(model, cohort.test, LABELS_KEY)
        counts = model.class_counts().drop(columns=["total", "features"])
        counts = counts.rename_axis(index="source", columns="class")
        for (source, name), n in counts.stack().items():
            rows.append({"metric": "n_train", "source": source, "class": name, "value": int(n)})
    classes, modalities = class_names(cohort.train, LABELS_KEY), list(cohort.train.mod)
    pairs = setting.missing(classes, modalities, job.seed)
    chosen: dict[str, Any] = {
        "rare_class": setting.rare_class(classes, job.seed),
        "missing": "; ".join(f"{name} in {modality}" for name, modality in pairs) or None,
    }
    store.write(job, [chosen | row for row in rows], latent)
