from collections import defaultdict
from typing import Any

import pandas as pd
from lightning.pytorch.utilities import rank_zero_only
from scvi.train._logger import SimpleLogger


class History(SimpleLogger):
    """As scvi-tools', whose frames grow by a row each time: these are made when asked for."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.logged: dict[str, dict[int, float]] = defaultdict(dict)

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        """Keep the values of an epoch."""
        for name, value in metrics.items():
            self.logged[name][int(metrics.get("epoch", step))] = float(value)
        self.logged.pop("epoch", None)

    @property
    def history(self) -> dict[str, pd.DataFrame]:
        """By name, a frame of one column, epochs in its index."""
        own = self.logged.items()
        return {name: pd.DataFrame({name: by}).rename_axis("epoch") for name, by in own}
