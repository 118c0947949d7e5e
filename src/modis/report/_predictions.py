import contextlib
import warnings

import pandas as pd
from mudata import MuData
from sklearn.decomposition import PCA
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from ..model import MODIS
from ..studies import COMBINED, Cohort, profile_scale, rate_classes
from ..studies._rivals import TunedLogistic, combine

#: Between the classes of a set, and between modalities.
JOINT = " | "
#: Level of an alarm.
ALARM = 0.05
#: Features shown on the page by class and modality; the table in the folder has all.
N_FEATURES = 5
# samples that a logistic regression is cross-validated on; with more than few, on components
_RIVAL_ROWS, _FEW_ROWS, _N_COMPONENTS = 1_500, 500, 50


def predict_all(model: MODIS, mdata: MuData, cohort: Cohort) -> pd.DataFrame:
    """Predict every observation from each of its modalities and from all, as ``source`` says."""
    about = {"part": cohort.part, "n_modalities": cohort.n_modalities, "label": cohort.label}
    observations = pd.DataFrame(about)
    frames = []
    for source in [*cohort.modalities, COMBINED]:
        modality = None if source == COMBINED else source
        told = predict_table(model, mdata, modality).dropna(subset="predicted")
        frames.append(observations.reindex(told.index).assign(source=source).join(told))
    return pd.concat(frames).rename_axis("observation").reset_index()


def predict_table(
    model: MODIS, mdata: MuData, modality: str | None = None, *, soft: bool = False
) -> pd.DataFrame:
    """Predicted class of every observation, with its uncertainty.

    ``set`` are the classes that are possible at a coverage of 90 %, ``p_value`` is of its novelty,
    ``modalities`` were used. `soft` adds a column per class.
    """
    probability = model.predict(mdata, modality=modality, soft=True)
    seen = probability.notna().all(axis=1)
    table = pd.DataFrame(index=probability.index.rename("observation"))
    table["predicted"] = probability[seen].idxmax(axis=1)
    table["probability"] = probability.max(axis=1)
    with warnings.catch_warnings():
        # given before
        warnings.simplefilter("ignore")
        p_values = model.novelty(mdata, modality)
        with contextlib.suppress(ValueError):
            sets = model.predict_set(mdata, modality)
            table["set"] = [JOINT.join(sets.columns[own]) for own in sets.to_numpy()]
    table["p_value"] = p_values.pop("all")
    held = {name: item.obs_names for name, item in mdata.mod.items() if name in p_values}
    used = [[name for name, names in held.items() if each in names] for each in table.index]
    table["modalities"] = [JOINT.join(each) for each in used]
    return table.join(probability.add_prefix("probability_")) if soft else table


def doubtful(predictions: pd.DataFrame) -> pd.DataFrame:
    """Test samples whose prediction is doubtful, with the reasons; the most doubtful first."""
    combined = predictions[predictions["source"] == COMBINED].set_index("observation")
    in_set = combined.get("set", pd.Series("one", combined.index)).str.get_dummies(JOINT)
    # a class in every set has too few samples to be left out, and says nothing of this one
    in_set = in_set.loc[:, ~in_set.all()]
    combined = combined[combined["part"] == "test"]
    single = predictions[predictions["source"] != COMBINED].groupby("observation")["predicted"]
    reasons = pd.DataFrame(
        {
            "unlike the training samples": combined["p_value"] <= ALARM,
            "several classes possible": in_set.sum(axis=1).loc[combined.index] > 1,
            "modalities disagree": single.nunique().reindex(combined.index, fill_value=1) > 1,
        }
    )
    count = reasons.sum(axis=1)
    why = [", ".join(reasons.columns[own]) for own in reasons.to_numpy()]
    table = combined.assign(reasons=why, n_reasons=count)[count > 0]
    table = table.sort_values(["n_reasons", "p_value"], ascending=[False, True])
    return table.drop(columns="n_reasons")


def rival_accuracy(cohort: Cohort) -> dict[str, float]:
    """Cross-validated balanced accuracy of logistic regression, by modality and as ``all``."""
    soft, folds = {}, StratifiedKFold(5, shuffle=True, random_state=0)
    for name, names in cohort.names("train").items():
        y = cohort.label.reindex(names).dropna().sample(frac=1, random_state=0)[:_RIVAL_ROWS]
        components = PCA(None if len(y) <= _FEW_ROWS else _N_COMPONENTS, random_state=0)
        with warnings.catch_warnings(), contextlib.suppress(ValueError):
            # of classes with fewer samples than folds; if all have, or no feature varies, no score
            warnings.simplefilter("ignore")
            model = make_pipeline(profile_scale(cohort, name), components, TunedLogistic())
            x = cohort.filled(name, y.index, y.index)
            said = cross_val_predict(model, x, y, cv=folds, method="predict_proba")
            soft[name] = pd.DataFrame(said, y.index, sorted(set(y)))
    soft |= {"all": combine(soft)} if len(soft) > 1 else {}
    said = {name: own.idxmax(axis=1) for name, own in soft.items() if len(own)}
    rated = {name: rate_classes(cohort.label[own.index], own)[0] for name, own in said.items()}
    return {name: float(own["balanced_accuracy"]) for name, own in rated.items()}


def scores(predictions: pd.DataFrame) -> pd.DataFrame:
    """Scores of labelled observations by part, source and class (empty if over all classes)."""
    known = predictions.dropna(subset="label")
    rows = []
    for key, own in known.groupby(["part", "source"], sort=False):
        true, predicted = own["label"].astype(str), own["predicted"].astype(str)
        whole, by_class = rate_classes(true, predicted)
        tables = {"": whole | {"n_samples": len(own)}, **by_class.to_dict("index")}
        for name, measured in tables.items():
            rows += [(*key, metric, name, float(value)) for metric, value in measured.items()]
    return pd.DataFrame(rows, columns=["split", "modality", "metric", "class", "value"])


def explain(model: MODIS) -> pd.DataFrame | None:
    """Rank the features of all modalities by importance; `None` without classes."""
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
