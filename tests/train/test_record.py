import pandas as pd
from scvi.train._logger import SimpleLogger

from modis.train import History


def test_history_is_that_of_scvi_tools():
    for logger in (loggers := (History(), SimpleLogger())):
        for epoch, loss in [(0, 2.0), (1, 1.5), (1, 1.0)]:
            logger.log_metrics({"loss": loss, "epoch": epoch}, step=7)
    ours, theirs = (logger.history["loss"] for logger in loggers)
    pd.testing.assert_frame_equal(ours, theirs.astype(float))
