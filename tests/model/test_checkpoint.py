import numpy as np
import pandas as pd
import pytest
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import CSVLogger
from scvi.train._logger import SimpleLogger

from modis.model._archive import INDEX

from .._make import make_mdata
from ._made import BRIEFLY, equal, weights
from .test_persistence import Bomb

pytestmark = pytest.mark.usefixtures("quick")

LONGER = BRIEFLY | {"max_epochs": 8}
KINDS = {
    "all train": ({}, {"train_size": 1.0}),
    "best weights": ({}, {"train_size": 0.8}),
    "linear, steps": ({"n_layers": 0, "adversarial": "relativistic"}, {"max_steps": 26}),
}


class Stop(Callback):
    """Stop in the middle of an epoch, in one of several ways."""

    def __init__(self, epoch, how):
        self.epoch, self.how = epoch, how

    def on_train_batch_end(self, trainer, *_):
        if trainer.current_epoch == self.epoch:
            raise self.how


def _same(first, second):
    assert equal(weights(first), weights(second))
    assert first.best_epoch_ == second.best_epoch_
    assert first.history.keys() == second.history.keys()
    for name, losses in first.history.items():
        pd.testing.assert_frame_equal(losses, second.history[name])


@pytest.mark.parametrize(("model", "train"), KINDS.values(), ids=KINDS)
def test_a_training_goes_on_as_if_nothing_had_happened(build, tmp_path, model, train):
    whole = build(make_mdata(), model=model)
    whole.train(**LONGER | train)
    for epoch, how in ((0, ZeroDivisionError), (3, KeyboardInterrupt), (4, ZeroDivisionError)):
        stopped, options = build(make_mdata(), model=model), {"callbacks": [Stop(epoch, how)]}
        with pytest.raises(how):
            stopped.train(**LONGER | train | options, checkpoint_dir=tmp_path / "c")
    # whatever state the generators are in
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002
    other = build(make_mdata(), model=model)
    other.train(**LONGER | train, checkpoint_dir=tmp_path / "c")
    _same(whole, other)


@pytest.mark.parametrize(
    ("first", "then", "n_epochs"), [("scvi", "own", 8), ("csv", "own", 5), ("own", "csv", None)]
)
def test_whichever_logger_goes_on(build, tmp_path, first, then, n_epochs):
    """With the epochs before the checkpoint, if its logger kept a history."""
    options = {
        "own": {},
        "csv": {"logger": CSVLogger(tmp_path)},
        "scvi": {"logger": SimpleLogger()},
    }
    options = {
        name: LONGER | own | {"checkpoint_dir": tmp_path / "c"} for name, own in options.items()
    }
    with pytest.raises(ZeroDivisionError):
        build(make_mdata()).train(**options[first], callbacks=[Stop(3, ZeroDivisionError)])
    model = build(make_mdata())
    model.train(**options[then])
    assert model.is_trained_
    assert n_epochs is None or len(model.history["loss_train"]) == n_epochs


def test_another_training_and_a_damaged_checkpoint_are_refused(build, tmp_path):
    folder = tmp_path / "checkpoint"
    build(make_mdata()).train(**LONGER, checkpoint_dir=folder)
    for changed, data, says in (
        ({"max_epochs": 9}, make_mdata(), "max_epochs"),
        ({"plan_kwargs": {"lr": 0.1}}, make_mdata(), "arguments"),
        ({}, make_mdata(pairing="paired"), "data"),
    ):
        with pytest.raises(ValueError, match=rf"of another training: \['{says}'\] differ"):
            build(data).train(**LONGER | changed, checkpoint_dir=folder)
    with pytest.raises(ValueError, match="of another training"):
        build(make_mdata(), model={"n_latent": 6}).train(**LONGER, checkpoint_dir=folder)
    torch.save(Bomb(tmp_path / "executed"), folder / INDEX)
    with pytest.raises(ValueError, match="is damaged"):
        build(make_mdata()).train(**LONGER, checkpoint_dir=folder)
    assert not (tmp_path / "executed").exists()
