"""Do the features that a simulation shifts come first?

    python benchmarks/importance.py --out benchmarks/results/importance.csv

InterSIM, delta 2, every sample in one omics only; the defaults of `model.train()`. Seeds 0 to 2
served to choose the method, the others to report it. Runs that are in the file already are not
made again; delete it when the package changes.

Every differential feature is shifted upwards in its classes. What a sample can tell of class k is
the difference to the other classes, so there are two questions:

- `shifted`: features that are differential in k, among those that are higher in k than elsewhere.
  `precision` counts the `n_true` of them that are not differential in all classes (those tell no
  class from another), `precision_all` all `n_all`.
- `different`: features whose true mean in k is not the mean of the other classes, higher or lower.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import scvi
import torch
from captum.attr import GradientShap, IntegratedGradients
from scipy.stats import ttest_ind

from modis import MODIS
from modis.datasets import intersim, unpair

CHOICE = (0, 1, 2)
REPORT = (3, 4, 5, 6, 7)


def scores(model: MODIS, modality: str, name: str) -> dict[str, pd.Series]:
    """Importance by feature, for every way to rank them."""
    found = {}
    for baseline in ("other_classes", "mean"):
        table = model.feature_importance(modality, name, baseline=baseline)
        found[baseline] = table.set_index("feature")["importance"]
    module, adata = model.module, model.adata.mod[modality]
    own = (adata.obs["label"] == name).to_numpy()
    code = model._spec.classes.index(name)
    with torch.no_grad():
        x = module.scale(modality, torch.as_tensor(adata.X))
    labels = adata.obs["label"].to_numpy(str)
    others = [x[labels == other].mean(dim=0) for other in model._spec.classes if other != name]
    reference = torch.stack(others).mean(dim=0)[None]

    def margin(rows: torch.Tensor) -> torch.Tensor:
        logits = module.discriminator.classify(module.encoders[modality](rows).mean)
        n_others = logits.shape[1] - 1
        return logits[:, code] - (logits.sum(dim=1) - logits[:, code]) / n_others

    absolute = IntegratedGradients(margin).attribute(x[own], baselines=reference, n_steps=20)
    torch.manual_seed(0)
    expected = GradientShap(margin).attribute(x[own], baselines=x[~own], n_samples=20)
    columns = {
        "absolute": absolute.abs().mean(dim=0).detach().numpy(),
        "expected_gradients": expected.mean(dim=0).abs().detach().numpy(),
        "t_statistic": np.abs(ttest_ind(adata.X[own], adata.X[~own], equal_var=False).statistic),
    }
    return found | {key: pd.Series(v, adata.var_names) for key, v in columns.items()}


def share(score: pd.Series, truth: pd.Series) -> float:
    """Share of true features among as many with the highest score."""
    best = score.sort_values(ascending=False, kind="stable").index[: int(truth.sum())]
    return float(truth[best].mean())


def run(seed: int, n_samples: int) -> list[dict]:
    scvi.settings.seed = seed
    mdata = unpair(intersim(n_samples, seed=seed), seed=seed)
    MODIS.setup_mudata(mdata, labels_key="label")
    model = MODIS(mdata)
    model.train(enable_progress_bar=False, accelerator="cpu")
    rows = []
    for modality, adata in mdata.mod.items():
        shifted = adata.varm["differential"].astype(float)
        labels = adata.obs["label"].to_numpy(str)
        for code, name in enumerate(adata.obs["label"].cat.categories):
            own = labels == name
            others = np.delete(shifted, code, axis=1).mean(axis=1)
            true = pd.Series(shifted[:, code] == 1, adata.var_names)
            told = true & (others < 1)
            different = pd.Series(shifted[:, code] != others, adata.var_names)
            higher = adata.X[own].mean(axis=0) > adata.X[~own].mean(axis=0)
            for method, score in scores(model, modality, name).items():
                score = score[adata.var_names]
                upwards = score.where(higher, -score)
                rows.append(
                    {
                        "part": "choice" if seed in CHOICE else "report",
                        "seed": seed,
                        "modality": modality,
                        "class": name,
                        "method": method,
                        "n_true": int(told.sum()),
                        "precision": share(upwards, told),
                        "n_all": int(true.sum()),
                        "precision_all": share(upwards, true),
                        "n_different": int(different.sum()),
                        "precision_different": share(score, different),
                    }
                )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=1500, help="a third in each omics")
    parser.add_argument("--seeds", type=int, nargs="*", default=[*CHOICE, *REPORT])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/importance.csv"))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    scvi.settings.verbosity = 40
    table = pd.read_csv(arguments.out) if arguments.out.exists() else pd.DataFrame()
    for seed in arguments.seeds:
        if len(table) and (table["seed"] == seed).any():
            continue
        table = pd.concat([table, pd.DataFrame(run(seed, arguments.samples))])
        table.round(4).to_csv(arguments.out, index=False)
        print(f"seed {seed} done", flush=True)
    columns = ["precision", "precision_all", "precision_different"]
    by = table.groupby(["part", "modality", "method"])[columns]
    print(by.agg(["mean", "min"]).round(3).to_string())


if __name__ == "__main__":
    main()
