from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import recall_score

from ..metrics import modality_mixing

# neighbours of more points than these tell nothing new and cost time every epoch
_MAX_MIXING_POINTS = 1500


def validation_scores(seen: Mapping[str, Mapping[str, torch.Tensor]]) -> dict[str, float]:
    """Scores of validation samples by name, those that can be measured.

    `seen` holds by modality ``z`` ``(n, n_latent)``, ``labels``, ``reconstruction`` and ``kl``
    ``(n,)``, with classes ``logits`` ``(n, n_classes)``, with links ``link`` ``(n, n_linked)``.
    ``selection``, to be minimised, is reconstruction per modality + classification (classes have
    equal weights) + 1 - mixing (1 if modalities cannot be told apart) + link.
    """
    scores = {
        term: sum(float(rows[term].mean()) for rows in seen.values())
        for term in ("reconstruction", "kl")
    }
    selection = scores["reconstruction"] / len(seen)
    modality = np.repeat(list(seen), [len(rows["z"]) for rows in seen.values()])
    if all("logits" in rows for rows in seen.values()):
        scores |= _class_scores(
            modality,
            torch.cat([rows["labels"] for rows in seen.values()]).cpu().numpy(),
            torch.cat([rows["logits"] for rows in seen.values()]),
        )
        selection += scores.get("classification", 0.0)
    linked = [rows["link"].mean(dim=0) for rows in seen.values() if "link" in rows]
    if linked:
        scores["link"] = float(torch.cat(linked).mean())
        selection += scores["link"]
    if len(seen) > 1:
        z = torch.cat([rows["z"] for rows in seen.values()]).cpu().numpy()
        # equally spaced: every modality keeps its share
        kept = np.unique(np.linspace(0, len(z) - 1, _MAX_MIXING_POINTS).astype(int))
        sizes = np.unique(modality[kept], return_counts=True)[1]
        if len(sizes) > 1 and sizes.max() > 1:
            scores["mixing"] = modality_mixing(z[kept], modality[kept])
            selection += 1 - scores["mixing"]
    return scores | {"selection": selection}


def _class_scores(
    modality: np.ndarray, labels: np.ndarray, logits: torch.Tensor
) -> dict[str, float]:
    labeled = labels >= 0
    if not labeled.any():
        return {}
    log_probability = logits.log_softmax(dim=-1).cpu().numpy()[labeled]
    true, predicted = labels[labeled], log_probability.argmax(axis=1)
    own = pd.Series(-log_probability[np.arange(len(true)), true])
    return {
        "classification": float(own.groupby([modality[labeled], true]).mean().mean()),
        # balanced accuracy, without scikit-learn's warning of classes that are only predicted
        "accuracy": float(recall_score(true, predicted, labels=np.unique(true), average="macro")),
    }
