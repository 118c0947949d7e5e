"""Classes that a trained model learns from a few samples, without training again."""

import numpy as np
from mudata import MuData
from scipy.special import expit

from ..linear import Alarm
from ._base import Model


def add_class(self: Model, name: str, mdata: MuData) -> None:  # numpydoc ignore=PR01
    """Teach a class from a few samples, without training again.

    In each modality the class gets their mean as a prototype, and the covariance that classes have
    within the training samples. Samples that are nearer to it than to any known class get the new
    one; where there are several modalities, each weighs as in :meth:`novelty`. Probabilities of
    the known classes keep their proportions. Sets of classes, latent space and translations stay
    as they are. Another training forgets it.

    Parameters
    ----------
    name
        Name of the class.
    mdata
        Samples of the class, with one modality or several; a handful is enough.

    Raises
    ------
    TypeError
        If the name is not text.
    ValueError
        If the model knows the class already, or has nothing to compare the samples with.
    """
    self._check_trained()
    if not isinstance(name, str):
        raise TypeError(f"name={name!r} must be text: the name of the class.")
    if not self.module.n_classes or name in (*self._spec.classes, *self.added_classes_):
        raise ValueError(
            f"The class '{name}' cannot be added: the model has it already, or was trained "
            f"without classes. Its classes are {[*self._spec.classes, *self.added_classes_]}."
        )
    found: dict[str, np.ndarray] = {}
    for modality, item in self._read(mdata, warn=False).items():
        code = self.module.modality_codes[modality]
        alarm = self.module.linear.named_tuple(Alarm, f"alarm_{code}")
        if alarm is None:
            continue
        x = [each.x_scaled.detach().cpu().numpy() for _, _, each in self._encode(item, None, None)]
        prototype = alarm.place(np.concatenate(x)).mean(axis=0)
        found[f"added_{code}_{len(self.added_classes_)}"] = prototype
    if not found:
        raise ValueError(
            f"The class '{name}' cannot be added: its samples have no modality with linear models "
            "to compare them with."
        )
    for key, value in found.items():
        self.module.linear[key] = value
    self.added_classes_.append(name)


def share_with_added(log_probability: np.ndarray, odds: np.ndarray) -> np.ndarray:
    """Probabilities of the classes and of those that were added, ``(n, n_classes + n_added)``.

    `odds` are log-odds of each added class, ``(n, n_added)``, NaN where no modality knows it.
    """
    alone = expit(np.nan_to_num(odds, nan=-np.inf))
    taken = 1 - np.prod(1 - alone, axis=1, keepdims=True)
    total = np.maximum(alone.sum(axis=1, keepdims=True), 1e-12)
    known = np.exp(log_probability) * (1 - taken)
    return np.concatenate([known, taken * alone / total], axis=1)
