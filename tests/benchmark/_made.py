"""Results of methods whose accuracy is known."""

from __future__ import annotations

import numpy as np
import pandas as pd

CLASSES = ["a", "b", "c"]


def made(shares, *, seeds=2, n=60, combined=False):
    """Results and predictions of methods that are right in so many of 60, by modality."""
    label = np.repeat(CLASSES, n // 3)
    wrong = np.repeat(np.roll(CLASSES, 1), n // 3)
    rows, parts = [], []
    for method, by_modality in shares.items():
        for seed in range(seeds):
            run = {"method": method, "seed": seed, "fold": 0}
            for modality, share in by_modality.items():
                rng = np.random.default_rng([seed, len(method)])
                right = rng.permutation(n) < share * n
                part = pd.DataFrame({"observation": [f"s{k}" for k in range(n)], "label": label})
                part = part.assign(predicted=np.where(right, label, wrong), modality=modality)
                parts.append(part.assign(n_modalities=2 if combined else 1, **run))
                sizes = {} if modality == "combined" else {"n_train": 40, "n_labeled": 20}
                for metric, value in sizes.items():
                    where = {"modality": modality, "subset": "all"}
                    rows.append({**run, **where, "metric": metric, "value": value})
            rows.append({**run, "subset": "all", "metric": "seconds", "value": 2.0})
    return pd.DataFrame(rows), pd.concat(parts, ignore_index=True)


WORTH = {
    "modis": {"rna": 0.95, "adt": 0.9},
    "lr": {"rna": 0.6, "adt": 0.5},
    "rf": {"rna": 0.5, "adt": 0.7},
}
