"""``python -m modis.experiments DATA.h5mu --seeds 5 --out results.csv``."""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import mudata
import pandas as pd
import torch

from ._runner import run, split_paired, summarize
from ._settings import METHODS, SETTINGS


def main(arguments: list[str] | None = None) -> None:
    """Run methods in settings over seeds, and write one tidy CSV."""
    parser = argparse.ArgumentParser(description="Run the paper's settings on paired data.")
    parser.add_argument(
        "data", type=Path, help="paired .h5mu with label, split, observed_modality"
    )
    parser.add_argument("--out", type=Path, required=True, help="tidy CSV to write")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=["default"])
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--max-epochs", type=int, help="instead of the method's")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    with warnings.catch_warnings():
        # mudata 0.3 announces its next default at every reading
        warnings.simplefilter("ignore", FutureWarning)
        paired = mudata.read(options.data)
        train, test = split_paired(paired)
    extra = {"max_epochs": options.max_epochs} if options.max_epochs else {}
    rows = []
    for method in options.methods:
        for setting in options.settings:
            for seed in range(options.seeds):
                where = {"method": method, "setting": setting, "seed": seed}
                measured = run(
                    train,
                    test,
                    paired,
                    setting=SETTINGS[setting],
                    method=METHODS[method],
                    seed=seed,
                    enable_progress_bar=False,
                    **extra,
                )
                rows += [where | row for row in measured]
                # what is measured is kept, however the command ends
                pd.DataFrame(rows).to_csv(options.out, index=False)
    print(summarize(pd.DataFrame(rows)).to_string(float_format="%.4f"))


if __name__ == "__main__":
    main()
