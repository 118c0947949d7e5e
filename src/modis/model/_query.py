"""What a trained model learns from new data without training again: classes, and batches."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from mudata import MuData
from scipy.special import expit

from ..data import DataSpec, check_mudata, collect_batches
from ..linear import Alarm
from ..train import quiet_libraries
from ._base import Model
from ._linear_maps import some_profiles
from ._persistence import load, public_attributes, restore
from ._values import Data


def add_class(self: Model, name: str, mdata: MuData) -> None:  # numpydoc ignore=PR01
    """Teach a class from a few samples, without training again.

    In each modality the class is Gaussian: their mean, and the covariance within known classes.
    Samples that are nearer to it than to any known class get the new one; several modalities weigh
    as in :meth:`novelty`. Probabilities of the known classes keep their proportions. Sets of
    classes, latent space and translations stay as they are. Another training forgets it.

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
    """Probabilities of all classes by log-odds of the added ones, NaN where these are unknown."""
    alone = expit(np.nan_to_num(odds, nan=-np.inf))
    taken = 1 - np.prod(1 - alone, axis=1, keepdims=True)
    total = np.maximum(alone.sum(axis=1, keepdims=True), 1e-12)
    known = np.exp(log_probability) * (1 - taken)
    return np.concatenate([known, taken * alone / total], axis=1)


_FIRST_LAYER = "decoders.{}.trunk.0.weight"


def load_query_data(  # numpydoc ignore=PR01
    cls: type[Model], mdata: MuData, reference: Model | str | Path, unfrozen: bool = False
) -> Model:
    """Add new batches to a trained model, by architectural surgery.

    The new model is the reference, with room for new batches, which start as the average of the
    known ones. ``train()`` then learns what is theirs alone: their weights in the decoders, and
    their effects on translations. All else stays, so that what the model says of any data is what
    the reference says. ``translate(..., transform_batch=...)`` decodes into a new batch.
    Lotfollahi et al. (2022).

    Parameters
    ----------
    mdata
        New data with all modalities and features of the reference, its ``batch_key``, and at least
        one new batch. Labels are not needed; those that there are must be known.
    reference
        Trained model, which stays as it is, or the folder of a saved one.
    unfrozen
        Let the training change everything, linear models included: the model forgets.

    Returns
    -------
    The model with the new data, which can predict at once.

    Raises
    ------
    ValueError
        If the reference has no batches, or the data no new one.
    """
    if not isinstance(reference, Model):
        reference = load(cls, reference, False)
    reference._check_trained()
    check_mudata(mdata)
    registry = deepcopy(reference.registry_)
    # its lists are those of the registry
    spec, known = DataSpec.from_registry(registry), reference._spec.batches
    present = [name for name in spec.modalities if name in mdata.mod]
    key = spec.batch_key
    columns = {} if key is None else collect_batches(mdata, present, key)
    found = set().union(*columns.values())
    if not (new := sorted(found.difference(known))):
        raise ValueError(
            f"There is no new batch to learn: the reference has batch_key={key!r} with batches "
            f"{known}, the data have {sorted(found)}. Give the data to the reference's methods."
        )
    spec.batches.extend(new)
    with quiet_libraries():
        cls.setup_mudata(mdata, source_registry=registry, **registry["setup_args"])
    model = cls(mdata, **reference.init_params_["non_kwargs"])
    attributes = deepcopy(public_attributes(reference))
    kept = {k: v for k, v in attributes.items() if not k.endswith(("registry_", "indices_"))}
    restore(model, kept, _with_room(reference, model))
    model.to_device(reference.device)
    for name, item in model._training_data().items():
        counts = np.bincount(item.batch[:, 0].astype(int), minlength=len(spec.batches))
        model.condition_counts_[name][0] += counts[len(known) :].tolist()
    model.new_batches_ = [] if unfrozen else new
    return model


def _with_room(reference: Model, model: Model) -> dict[str, torch.Tensor]:
    """Weights of the reference in the shapes of the model, whose batches are more."""
    networks, fresh = reference.module, model.module.state_dict()
    weights = {key: value.clone() for key, value in networks.state_dict().items()}
    n_latent, n_known = networks.architecture.n_latent, len(reference._spec.batches)
    n_new = len(model._spec.batches) - n_known
    for name, code in networks.modality_codes.items():
        counts = torch.tensor(reference.condition_counts_[name][0], device=reference.device)
        share = counts[:, None] / counts.sum()
        key = _FIRST_LAYER.format(name)
        # a single batch has no column
        sizes = [n_latent, n_known if n_known > 1 else 0]
        points, own, rest = weights[key].tensor_split(np.cumsum(sizes).tolist(), dim=1)
        own = own if n_known > 1 else torch.zeros_like(points[:, :1])
        weights[key] = torch.cat([points, own, (own @ share).expand(-1, n_new), rest], dim=1)
        if (key := f"linear.offset_{code}") in weights:
            own, rest = weights[key].tensor_split([n_known])
            weights[key] = torch.cat([own, (share.T @ own).expand(n_new, -1), rest])
    if "linear.first_condition" in weights:
        weights["linear.first_condition"][1:] += n_new
    for key in fresh:
        if key.startswith("discriminator.batch_head."):
            own = weights.get(key, fresh[key][:0])
            weights[key] = torch.cat([own, fresh[key][len(own) :].to(own.device)])
    return weights


@contextmanager
def only_new_batches(model: Model) -> Iterator[None]:
    """Within, gradients reach only the weights of batches that were added, if there are any."""
    networks, n_new = model.module, len(model.new_batches_)
    last = networks.architecture.n_latent + len(model._spec.batches)
    networks.requires_grad_(not n_new)
    hooks = []
    for key, weight in networks.named_parameters():
        if n_new and key in map(_FIRST_LAYER.format, networks.modality_codes):
            column = torch.arange(weight.shape[1])
            is_new = (column >= last - n_new) & (column < last)
            weight.requires_grad_()
            hooks.append(weight.register_hook(lambda grad, own=is_new: grad * own.to(grad.device)))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        networks.requires_grad_()


def fit_new_batches(model: Model, data: Data) -> None:
    """Effects on translations of batches that were added: what classes and the rest leave."""
    networks, linear = model.module, model.module.linear
    n_known = len(model._spec.batches) - len(model.new_batches_)
    for name, item in data.items():
        code = networks.modality_codes[name]
        if f"offset_{code}" not in linear:
            continue
        rows, profile = some_profiles(networks, item)
        known = linear.offset(code, torch.from_numpy(item.batch[rows]).to(networks.device))
        said = np.exp(model._encode_all(item, rows).log_probability)
        left = (profile - linear.array(f"location_{code}")) / linear.array(f"spread_{code}")
        left -= known.cpu().numpy() + said @ linear.array(f"mean_{code}")
        offset, batch = linear.array(f"offset_{code}").copy(), item.batch[rows, 0]
        for k in np.unique(batch[batch >= n_known]).astype(int):
            offset[k] += left[batch == k].mean(axis=0)
        linear[f"offset_{code}"] = offset
