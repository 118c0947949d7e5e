"""The weights of the best validation pass come back, not the last."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from modis.train import BestWeights

MONITOR = "selection_validation"


class FakeTraining:
    """A trainer and a plan whose only weight says when it was set."""

    def __init__(self, *scores: float | None) -> None:
        self.trainer = SimpleNamespace(callback_metrics={}, sanity_checking=False, current_epoch=0)
        self.plan = SimpleNamespace(module=torch.nn.BatchNorm1d(1))
        self.best = BestWeights(MONITOR)
        for epoch, score in enumerate(scores):
            self.validate(epoch, score)

    def validate(self, epoch: int, score: float | None) -> None:
        with torch.no_grad():
            for value in self.plan.module.state_dict().values():
                value.fill_(epoch)
        self.trainer.current_epoch = epoch
        self.trainer.callback_metrics = {} if score is None else {MONITOR: torch.tensor(score)}
        self.best.on_validation_end(self.trainer, self.plan)

    @property
    def weights(self) -> set[float]:
        """Values of parameters and buffers."""
        return {value.item() for value in self.plan.module.state_dict().values()}


@pytest.mark.parametrize(
    ("scores", "best_epoch"),
    [
        ([3.0, 1.0, 2.0, 5.0], 1),
        ([3.0, 2.0, 1.0], 2),
        ([-1.0, -3.0, -2.0], 1),
        ([2.0, 1.0, 1.0], 1),
        ([float("nan"), 4.0, float("nan")], 1),
        ([None, 2.0, None, 3.0], 1),
    ],
)
def test_the_best_pass_wins(scores, best_epoch):
    training = FakeTraining(*scores)
    training.best.on_train_end(training.trainer, training.plan)
    assert training.weights == {best_epoch}
    assert training.best.best_epoch == best_epoch
    assert training.best.best_score == scores[best_epoch]


@pytest.mark.parametrize("scores", [[None, None], [float("nan")] * 2])
def test_without_a_score_the_last_weights_stay(scores):
    training = FakeTraining(*scores)
    assert not training.best.restore(training.plan)
    assert training.weights == {1}
    assert training.best.best_epoch is None


def test_the_check_before_training_does_not_count_and_weights_are_restored_once():
    training = FakeTraining()
    training.trainer.sanity_checking = True
    training.validate(7, 0.0)
    training.trainer.sanity_checking = False
    training.validate(8, 5.0)
    training.validate(9, 6.0)
    assert training.best.restore(training.plan)
    assert training.weights == {8}
    assert not training.best.restore(training.plan)
