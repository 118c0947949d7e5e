import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.metrics import balanced_accuracy_score, log_loss

from modis.metrics import modality_mixing
from modis.train._selection import validation_scores

SIZES = {"rna": 40, "protein": 25, "mirna": 10}
LOSSES = ("reconstruction", "kl")
LINKED = [("rna", "protein"), ("protein", "rna"), ("rna", "mirna")]


def cohort(sizes=None, n_classes=3, unlabeled=0.3):
    rng = np.random.default_rng(0)
    drawn = {}
    for name, n in (SIZES if sizes is None else sizes).items():
        labels = np.where(rng.random(n) < unlabeled, -1, rng.integers(0, n_classes, n))
        drawn[name] = {"z": rng.normal(size=(n, 2)), "logits": 2 * rng.normal(size=(n, n_classes))}
        losses = {key: n * rng.random(n) for key in LOSSES}
        drawn[name] |= {"labels": labels, **losses, "link": 2 * rng.random(n)}
    return drawn


def scores_of(drawn, classes=True, linked=()):
    """Scores of the rows; a modality that is linked with two others disagrees alike with both."""
    seen = {}
    for name, arrays in drawn.items():
        rows = {key: torch.from_numpy(values) for key, values in arrays.items()}
        link = rows.pop("link")[:, None]
        if n_linked := sum(source == name for source, _ in linked):
            rows["link"] = link.repeat(1, n_linked)
        if not classes:
            del rows["logits"]
        seen[name] = rows
    return validation_scores(seen)


def mean_log_loss(drawn):
    """Every class of every modality with the same weight."""
    per_group = []
    for arrays in drawn.values():
        probability = softmax(arrays["logits"], axis=1)
        for code in set(arrays["labels"]) - {-1}:
            own = arrays["labels"] == code
            labels = range(probability.shape[1])
            per_group.append(log_loss(arrays["labels"][own], probability[own], labels=labels))
    return np.mean(per_group)


def test_scores():
    drawn = cohort()
    joined = lambda key: np.concatenate([arrays[key] for arrays in drawn.values()])
    labels, logits, z = map(joined, ("labels", "logits", "z"))
    known = labels >= 0
    expected = {
        **{key: sum(own[key].mean() for own in drawn.values()) for key in LOSSES},
        "classification": mean_log_loss(drawn),
        "accuracy": balanced_accuracy_score(labels[known], logits[known].argmax(axis=1)),
        "mixing": modality_mixing(z, np.repeat(list(SIZES), list(SIZES.values()))),
    }
    total = expected["reconstruction"] / 3 + expected["classification"]
    expected["selection"] = total + 1 - expected["mixing"]
    assert scores_of(drawn) == pytest.approx(expected)
    # every pair of modalities counts alike, however many samples the source has
    link = np.mean([drawn[source]["link"].mean() for source, _ in LINKED])
    expected |= {"link": link, "selection": expected["selection"] + link}
    assert scores_of(drawn, linked=LINKED) == pytest.approx(expected)


def test_modalities_whose_names_end_in_digits():
    """Class 1 of modality "omics1" is not class 11 of modality "omics"."""
    drawn = cohort({"omics": 40, "omics1": 30}, n_classes=12, unlabeled=0)
    drawn["omics"]["labels"][:] = np.repeat([0, 11], 20)
    drawn["omics1"]["labels"][:] = 1
    assert scores_of(drawn)["classification"] == pytest.approx(mean_log_loss(drawn))


@pytest.mark.parametrize(
    ("sizes", "unlabeled", "classes", "missing"),
    [
        (SIZES, 1.0, True, {"classification", "accuracy"}),
        (SIZES, 0.0, False, {"classification", "accuracy"}),
        ({"rna": 20}, 0.0, True, {"mixing"}),
        ({"rna": 20}, 1.0, True, {"classification", "accuracy", "mixing"}),
        ({"rna": 1, "protein": 1}, 0.0, True, {"mixing"}),
    ],
)
def test_what_cannot_be_measured_is_left_out(sizes, unlabeled, classes, missing):
    scores = scores_of(cohort(sizes, unlabeled=unlabeled), classes=classes)
    everything = {"reconstruction", "kl", "classification", "accuracy", "mixing", "selection"}
    assert set(scores) == everything - missing
    parts = scores["reconstruction"] / len(sizes) + scores.get("classification", 0)
    parts += 1 - scores["mixing"] if "mixing" in scores else 0
    assert scores["selection"] == pytest.approx(parts)


@pytest.mark.parametrize(("distance", "mixing"), [(0, 1), (100, 0)])
def test_mixing_of_many_points(distance, mixing):
    drawn = cohort({"rna": 6000, "protein": 2000})
    drawn["protein"]["z"] += distance
    assert scores_of(drawn)["mixing"] == pytest.approx(mixing, abs=0.06)
