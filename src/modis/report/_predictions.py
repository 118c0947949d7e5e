import pandas as pd
from mudata import MuData

from ..model import MODIS
from ..studies import COMBINED, Cohort, rate_classes

#: Stands for a modality in tables, as :data:`COMBINED` does: predictions from all modalities of
#: observations that have at least two.
SEVERAL = "combined, several modalities"
#: Features named on the page by class and modality; the table in the folder has all.
N_FEATURES = 5
_ARROWS = {"up": "\N{UPWARDS ARROW}", "down": "\N{DOWNWARDS ARROW}"}


def predict_all(model: MODIS, mdata: MuData, cohort: Cohort) -> pd.DataFrame:
    """Predict every observation from each of its modalities and from all of them.

    ``source`` is the modality or :data:`COMBINED`, ``probability`` that of the predicted class;
    ``label`` is missing where it is not known.
    """
    about = {"part": cohort.part, "n_modalities": cohort.n_modalities, "label": cohort.label}
    observations = pd.DataFrame(about)
    frames = []
    for source in [*cohort.modalities, COMBINED]:
        modality = None if source == COMBINED else source
        soft = model.predict(mdata, modality=modality, soft=True).dropna()
        frame = observations.reindex(soft.index).assign(source=source)
        frames.append(frame.assign(predicted=soft.idxmax(axis=1), probability=soft.max(axis=1)))
    return pd.concat(frames).rename_axis("observation").reset_index()


def scores(predictions: pd.DataFrame) -> pd.DataFrame:
    """Score the predictions of labelled observations, by part and source.

    A row per ``split``, ``modality``, ``metric`` and ``class`` (empty for metrics over all
    classes): accuracy, balanced accuracy, Jaccard index, sample numbers, and recall by class.
    """
    known = predictions.dropna(subset="label")
    combined = known[known["source"] == COMBINED]
    is_single = combined.groupby("part")["n_modalities"].transform("min") == 1
    several = combined[is_single & (combined["n_modalities"] > 1)].assign(source=SEVERAL)
    rows = []
    for key, own in pd.concat([known, several]).groupby(["part", "source"], sort=False):
        true, predicted = own["label"].astype(str), own["predicted"].astype(str)
        whole, by_class = rate_classes(true, predicted)
        tables = {"": whole | {"n_samples": len(own)}, **by_class.to_dict("index")}
        for name, measured in tables.items():
            rows += [(*key, metric, name, float(value)) for metric, value in measured.items()]
    return pd.DataFrame(rows, columns=["split", "modality", "metric", "class", "value"])


def explain(model: MODIS) -> pd.DataFrame | None:
    """Rank the features of all modalities by :meth:`modis.MODIS.feature_importance`.

    `None` without classes.
    """
    if not model.module.n_classes:
        return None
    tables = []
    for modality in model.get_var_names():
        try:
            tables.append(model.feature_importance(modality))
        except ValueError:
            # a modality with a single class distinguishes nothing
            continue
    return pd.concat(tables, ignore_index=True) if tables else None


def leading_features(importance: pd.DataFrame) -> pd.DataFrame:
    """Lists of the first features with their direction, classes in rows, modalities in columns."""
    first = importance[importance["rank"] <= N_FEATURES]
    marked = first["feature"] + "\N{NO-BREAK SPACE}" + first["direction"].map(_ARROWS)
    table = first.assign(marked=marked).pivot_table("marked", "class", "modality", aggfunc=list)
    # classes sorted, modalities in their order
    table = table[list(first["modality"].unique())]
    return table.where(table.notna(), None)
