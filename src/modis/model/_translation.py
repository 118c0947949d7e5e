from collections.abc import Sequence

import numpy as np
import torch
from anndata import AnnData
from mudata import MuData

from .._constants import BATCH_KEY
from ..data import NotInDataError, whole
from ._base import Model, positions


@torch.inference_mode()
def translate(  # numpydoc ignore=PR01
    self: Model,
    source: str,
    target: str,
    mdata: MuData | None = None,
    indices: Sequence[int] | None = None,
    n_samples: int = 1,
    transform_batch: str | None = None,
) -> AnnData:
    """Predict one modality from another.

    Parameters
    ----------
    source, target
        Modalities to translate from and into.
    mdata
        Data to translate; the training data by default. They need not have the target.
    indices
        Positions of the rows wanted, among ``mdata.mod[source].obs_names``; all by default.
    n_samples
        With 1 the mean of the posterior is decoded, with more the average over so many draws from
        it. Linear models do not use it.
    transform_batch
        Batch of the target to decode into.

    Returns
    -------
    AnnData with the observations of the source, the features of the target and float32 values in
    its units. Counts have the target's typical depth; batch and categories are its largest ones.
    With ``source == target`` all of these are the observation's own.

    Raises
    ------
    KeyError
        If the target has no training sample of the batch.
    """
    self._check_modalities([target])
    n_samples = whole("n_samples", n_samples)
    data = self._read(mdata, [source], indices, decode=source == target)[source]
    batch_code = _batch_code(self, target, transform_batch)
    obs = self._data_or_own(mdata).mod[source].obs.iloc[positions(indices)].copy()
    # filled piece by piece: the largest array that a model makes is never there twice
    decoded = np.empty((len(obs), len(self._spec.var_names[target])), dtype=np.float32)
    networks, codes = self.module, self.module.modality_codes
    batches, *others = self.condition_counts_[target]
    # one that was added is never the typical one
    counts = [batches[: len(batches) - len(self.new_batches_)], *others]
    # the mean of numbers is 0
    typical = [*map(int, map(np.argmax, counts)), *[0] * len(self._spec.numbers)]
    for rows, tensors, encoded in self._encode(data, indices, None):
        batch, library = tensors[BATCH_KEY].clone(), encoded.library
        if source != target:
            batch, library = batch.new_tensor(typical).repeat(len(batch), 1), None
        if batch_code is not None:
            batch[:, 0] = batch_code
        if source != target and f"mean_{codes[target]}" in networks.linear:
            said = networks.class_log_probability(
                source, encoded.x_scaled, encoded.qz.mean, encoded.missing
            )
            both = codes[source], codes[target]
            profile = networks.linear.translate(*both, encoded.x_scaled, said, batch)
            decoded[rows] = networks.from_profile(target, profile).cpu()
            continue
        draws = encoded.qz.mean[None] if n_samples == 1 else encoded.qz.sample((n_samples,))
        values = [self.module.decode(target, z, batch, library) for z in draws]
        decoded[rows] = torch.stack(values).mean(dim=0).cpu()
    translated = AnnData(decoded, obs=obs, var=self._var(target))
    translated.uns["modis"] = {"source": source, "target": target}
    return translated


def _batch_code(model: Model, modality: str, name: str | None) -> int | None:
    if name is None:
        return None
    batches = model._spec.batches
    if not batches:
        raise NotInDataError(
            f"transform_batch={name!r}: the model has no batches. Set up the data with "
            "batch_key=... and train again."
        )
    counts = model.condition_counts_[modality][0]
    seen = [batch for batch, count in zip(batches, counts, strict=True) if count]
    if str(name) not in seen:
        raise NotInDataError(
            f"transform_batch={name!r}: no training sample of modality '{modality}' is of "
            f"this batch; its batches are {seen}."
        )
    return batches.index(str(name))


def reconstruct(  # numpydoc ignore=PR01
    self: Model, modality: str, mdata: MuData | None = None, transform_batch: str | None = None
) -> AnnData:
    """Encode and decode one modality.

    Parameters
    ----------
    modality, mdata, transform_batch
        As in :meth:`translate`.

    Returns
    -------
    AnnData as from :meth:`translate`, with the modality's own features.
    """
    return self.translate(modality, modality, mdata, transform_batch=transform_batch)


def impute(  # numpydoc ignore=PR01
    self: Model, modality: str, mdata: MuData | None = None
) -> AnnData:
    """Fill missing values of one modality from the values that a sample has.

    A low-rank Gaussian model of the training samples tells what to expect; values that are there
    stay as they are. What a modality lacks altogether comes from :meth:`translate`.

    Parameters
    ----------
    modality, mdata
        Name of the modality, and data with missing values, NaN; the training data by default.

    Returns
    -------
    AnnData of the observations and the features that the model knows; ``X`` is float32 without
    missing values, and the layer ``"missing"`` tells which were filled.
    """
    matrix = self._read(mdata, [modality])[modality].matrix
    x, missing = matrix.rows_and_missing(slice(0, matrix.shape[0]))
    missing = np.zeros(x.shape, dtype=bool) if missing is None else missing
    obs = self._data_or_own(mdata).mod[modality].obs.copy()
    return AnnData(x, obs=obs, var=self._var(modality), layers={"missing": missing})
