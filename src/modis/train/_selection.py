from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import recall_score

from ..metrics import modality_mixing

# neighbours of more points than these tell nothing new and cost time every epoch
_MAX_MIXING_POINTS = 1500


@dataclass
class ValidationPass:
    """What one walk over the validation samples has seen, and its scores.

    Attributes
    ----------
    z, logits, labels
        Latent means ``(n, n_latent)``, class logits ``(n, n_classes)`` and class codes ``(n,)``
        of each minibatch.
    modality
        Modality of each minibatch.
    reconstruction, kl
        Sums of the terms over the minibatch.
    link
        Disagreement with the feature links ``(n,)`` of each minibatch, by source and target.
    """

    z: list[torch.Tensor] = field(default_factory=list)
    logits: list[torch.Tensor] = field(default_factory=list)
    labels: list[torch.Tensor] = field(default_factory=list)
    modality: list[str] = field(default_factory=list)
    reconstruction: list[float] = field(default_factory=list)
    kl: list[float] = field(default_factory=list)
    link: dict[tuple[str, str], list[torch.Tensor]] = field(default_factory=dict)

    def scores(self) -> dict[str, float]:
        """Scores of the pass, by name.

        Returns
        -------
        ``reconstruction`` and ``kl`` (summed over the modalities, as in training),
        ``classification`` (cross-entropy, every class of a modality with the same weight),
        ``accuracy`` (balanced), ``mixing`` (1 when the modalities cannot be told apart),
        ``link`` (disagreement with the feature links, mean over the pairs of modalities) and
        ``selection``, to be minimised: mean reconstruction per modality, plus classification,
        plus one minus mixing, plus link. What cannot be measured (no held-out label, one
        modality, no links) is left out; only classification needs labels.
        """
        modality = np.repeat(self.modality, [len(z) for z in self.z])
        names = list(dict.fromkeys(self.modality))
        of_batch = np.asarray(self.modality)
        scores = {}
        for term in ("reconstruction", "kl"):
            sums = np.asarray(getattr(self, term))
            scores[term] = float(
                sum(sums[of_batch == name].sum() / (modality == name).sum() for name in names)
            )
        selection = scores["reconstruction"] / len(names)
        if self.logits:
            selection += self._class_scores(scores, modality)
        if self.link:
            each = [float(torch.cat(losses).mean()) for losses in self.link.values()]
            scores["link"] = float(np.mean(each))
            selection += scores["link"]
        if len(names) > 1:
            z = torch.cat(self.z).cpu().numpy()
            # equally spaced: every modality keeps its share
            kept = np.unique(np.linspace(0, len(z) - 1, _MAX_MIXING_POINTS).astype(int))
            sizes = np.unique(modality[kept], return_counts=True)[1]
            if len(sizes) > 1 and sizes.max() > 1:
                scores["mixing"] = modality_mixing(z[kept], modality[kept])
                selection += 1 - scores["mixing"]
        return scores | {"selection": selection}

    def _class_scores(self, scores: dict[str, float], modality: np.ndarray) -> float:
        labels = torch.cat(self.labels).cpu().numpy()
        labeled = labels >= 0
        if not labeled.any():
            return 0.0
        log_probability = torch.cat(self.logits).log_softmax(dim=-1).cpu().numpy()
        own = -log_probability[np.flatnonzero(labeled), labels[labeled]]
        pairs = list(zip(modality[labeled], labels[labeled], strict=True))
        by_pair = pd.Series(own).groupby(pd.MultiIndex.from_tuples(pairs), sort=True)
        scores["classification"] = float(by_pair.mean().mean())
        true, predicted = labels[labeled], log_probability[labeled].argmax(axis=1)
        # balanced accuracy, without scikit-learn's warning of classes that are only predicted
        scores["accuracy"] = float(
            recall_score(true, predicted, labels=np.unique(true), average="macro")
        )
        return scores["classification"]
