"""A model's state, and the steps that its public methods share."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import zip_longest
from typing import Any

import numpy as np
import pandas as pd
import rich.pretty  # noqa: F401 -- scvi-tools' view_anndata_setup uses it without importing it
import torch
from mudata import MuData
from scvi.data._constants import _SCVI_UUID_KEY
from scvi.model.base import BaseModelClass
from scvi.train import TrainRunner
from sklearn.utils import gen_batches

from .._constants import MISSING_KEY, X_KEY
from ..data import (
    AlignedLinks,
    DataSpec,
    Modality,
    NotInDataError,
    check_unchanged,
    check_values,
    find_labels,
    read_new,
    read_registered,
    registered_labels,
    shortened,
    whole,
)
from ..dataloaders import ModalitySplitter, sequential_loader
from ..linear import Alarm
from ..linear._translation import Arrays
from ..module import Encoded, MODISModule, Preset
from ..train import MODISTrainingPlan
from ._combine import Encoding, combine_classes, combine_coordinates, combine_posteriors
from ._values import fill_missing, warn_of_differences, warn_of_lost

# Rows that are combined and placed at once, which takes several times their memory.
_ROWS_AT_ONCE = 2**16
# Of scvi-tools' models, but not of this one: names that no completion should offer.
_NOT_HERE = {
    "convert_legacy_save",
    "differential_abundance",
    "get_normalized_expression",
    "get_normalized_function_name",
    "get_normalized_function_name_",
    "load_registry",
    "view_registry",
    "view_setup_args",
}


def _refuse(*_: Any, **__: Any) -> None:
    raise NotImplementedError("MODIS opens saved models with MODIS.load only.")


class Model(BaseModelClass):
    """What a model knows and how it reads and encodes data; the public methods are functions."""

    _module_cls = MODISModule
    _data_splitter_cls = ModalitySplitter
    _training_plan_cls = MODISTrainingPlan
    _train_runner_cls = TrainRunner

    module: MODISModule

    # the inherited ones would open pickles
    convert_legacy_save = load_registry = view_setup_args = staticmethod(partial(_refuse))
    view_registry = BaseModelClass.view_anndata_setup

    def __init__(self, mdata: MuData | None, registry: dict | None) -> None:
        if mdata is not None and _SCVI_UUID_KEY not in mdata.uns:
            raise ValueError(
                "The data are not set up: call MODIS.setup_mudata(mdata, labels_key=...) first."
            )
        super().__init__(mdata, registry)
        self.preset: Preset
        self._links: AlignedLinks | None = None
        #: Training samples of every batch, then of every category of each covariate, by modality.
        self.condition_counts_: dict[str, list[list[int]]] = {}
        #: Agreement of links and data by pair: z scores relative to random links.
        self.link_agreement_: dict[tuple[str, str], float] = {}
        self.best_epoch_: int | None = None
        #: Classes that :meth:`add_class` taught.
        self.added_classes_: list[str] = []
        #: Batches that :meth:`load_query_data` added; a training changes nothing else.
        self.new_batches_: list[str] = []
        self._sources: list[Any] = []
        self._read_data: dict[str, Modality] = {}

    def __dir__(self) -> list[str]:
        return sorted(set(super().__dir__()) - _NOT_HERE)

    @cached_property
    def _spec(self) -> DataSpec:
        """What the data that the model was set up for looked like."""
        return DataSpec.from_registry(self.registry_)

    def _check_trained(self) -> None:
        if not self.is_trained_:
            raise RuntimeError("The model is not trained yet: call model.train() first.")

    def _check_modalities(self, names: Iterable[str]) -> None:
        known = self._spec.modalities
        for name in names:
            if name not in known:
                raise NotInDataError(f"Unknown modality '{name}'; the model has {known}.")

    def _check_classes(self) -> None:
        if not self.module.n_classes:
            raise ValueError(
                "The model was trained without classes (fewer than two in the data), so it "
                "cannot predict any. Set up the data with labels_key=... and train again."
            )

    def _data_or_own(self, mdata: MuData | None) -> MuData:
        if mdata is None and self.adata is None:
            raise ValueError("The model was loaded without data: pass the MuData as mdata=...")
        return self.adata if mdata is None else mdata

    def _training_data(self) -> dict[str, Modality]:
        """Training data by modality, read once; labels are those of the set-up."""
        mdata = self._data_or_own(None)
        check_unchanged(mdata, self._spec)
        layers = [(mdata.mod[name], layer) for name, layer in self._spec.layers.items()]
        sources = [own.X if layer is None else own.layers[layer] for own, layer in layers]
        # a matrix that took the place of another is read anew
        if any(now is not then for now, then in zip_longest(sources, self._sources)):
            self._sources = sources
            self._read_data = read_registered(mdata, self._spec)
            fill_missing(self.module, self._read_data)
        return self._read_data

    def _check_values(self) -> None:
        """Refuse values that were put into the training data; of lost ones warn, once."""
        spec = self._spec
        which = (self.adata, spec.modalities, spec.layers, spec.likelihoods)
        for name, now in check_values(*which, features=spec.var_names, warn=False).items():
            warn_of_lost(name, now, spec.n_missing[name])
            spec.n_missing[name] = now

    def _read(
        self,
        mdata: MuData | None,
        modalities: list[str] | None = None,
        indices: Sequence[int] | None = None,
        *,
        decode: bool = False,
        warn: bool = True,
    ) -> dict[str, Modality]:
        """Data by modality; of those that are not the training data the wanted rows are checked.

        `indices` are among the rows of the one modality, or else among those of the MuData.
        """
        self._check_trained()
        self._check_modalities(modalities or [])
        data = self._data_or_own(mdata)
        if data is self.adata:
            own = self._training_data()
            return own if modalities is None else {name: own[name] for name in modalities}
        rows = None
        if indices is not None and isinstance(data, MuData):
            wanted = data if modalities is None else data.mod.get(modalities[0])
            if wanted is not None:
                names = wanted.obs_names[positions(indices)]
                found = {
                    name: own.obs_names.get_indexer(names)
                    for name, own in data.mod.items()
                    if own.obs_names.is_unique  # others are refused
                }
                rows = {name: own[own >= 0] for name, own in found.items()}
        read = read_new(data, self._spec, modalities, rows=rows, decode=decode)
        fill_missing(self.module, read)
        if warn:
            warn_of_differences(self.module, read)
        return read

    def _labels(self, mdata: MuData, modalities: list[str]) -> dict[str, pd.Series]:
        """Class names by modality; missing without labels."""
        spec = self._spec
        if mdata is self.adata:
            return registered_labels(mdata, spec)
        return find_labels(mdata, modalities, spec.labels_key, spec.unlabeled_category)

    def _var(self, modality: str) -> pd.DataFrame:
        """Annotation of the features that the model knows, in its order."""
        names = pd.Index(self._spec.var_names[modality])
        if self.adata is None or modality not in self.adata.mod:
            return pd.DataFrame(index=names)
        return self.adata.mod[modality].var.loc[names].copy()

    def _obs_names(
        self, mdata: MuData | None, modality: str | None, indices: Sequence[int] | None
    ) -> pd.Index:
        data = self._data_or_own(mdata)
        names = data.obs_names if modality is None else data.mod[modality].obs_names
        return names[positions(indices)]

    def _encode(
        self, data: Modality, indices: Sequence[int] | np.ndarray | None, batch_size: int | None
    ) -> Iterator[tuple[slice, dict[str, torch.Tensor], Encoded]]:
        """Walk over the rows of one modality; where they come in the result, and what they are."""
        self.module.eval()
        batch_size = None if batch_size is None else whole("batch_size", batch_size)
        index = np.arange(data.n_obs)[positions(indices)]
        start, n_missing = 0, np.zeros(len(index), dtype=np.int64)
        for on_cpu in sequential_loader(data, index, batch_size):
            tensors = {key: value.to(self.module.device) for key, value in on_cpu.items()}
            encoded = self.module.encode(data.name, tensors[X_KEY], tensors.get(MISSING_KEY))
            if not torch.isfinite(encoded.qz.mean).all():
                if self.adata is not None:
                    # values of other data were checked when these were read
                    self._check_values()
                raise ValueError(
                    f"Modality '{data.name}' has values that give no finite result: they are far "
                    "larger than those that the model was trained on. Correct them."
                )
            rows = slice(start, start + len(encoded.z))
            start = rows.stop
            if MISSING_KEY in on_cpu:
                n_missing[rows] = on_cpu[MISSING_KEY].sum(dim=1)
            yield rows, tensors, encoded
        if data is self._read_data.get(data.name):
            warn_of_lost(data.name, n_missing, self._spec.n_missing[data.name][index])

    @torch.inference_mode()
    def _encode_all(
        self,
        data: Modality,
        indices: Sequence[int] | np.ndarray | None,
        batch_size: int | None = None,
    ) -> Encoding:
        n_rows = len(data.obs_names[positions(indices)])
        networks, encoding = self.module, self._no_encoding(n_rows)
        code = networks.modality_codes[data.name]
        alarm = networks.linear.named_tuple(Alarm, f"alarm_{code}")
        # of the classes that were added, those that the modality can tell
        added = {k: f"added_{code}_{k}" for k in range(len(self.added_classes_))}
        added = {k: key for k, key in added.items() if key in networks.linear}
        encoding.odds[:] = np.nan
        for rows, _, encoded in self._encode(data, indices, batch_size):
            mean, said = encoded.qz.mean, encoded.z.new_empty((len(encoded.z), 0))
            if networks.n_classes:
                x, missing = encoded.x_scaled, encoded.missing
                said = networks.class_log_probability(data.name, x, mean, missing)
            if "onto" in networks.linear:
                mean = networks.linear.aligned(code, mean, said)
            shared = networks.linear.shared(code, encoded.x_scaled, said)
            found = (mean, encoded.qz.stddev, said, shared)
            for k, key in added.items():
                points = alarm.place(encoded.x_scaled.cpu().numpy())
                encoding.odds[rows, k] = alarm.odds(points, networks.linear.array(key))
            for array, values in zip(encoding[:4], found, strict=True):
                array[rows] = values.cpu()
        return encoding

    def _no_encoding(self, n_rows: int) -> Encoding:
        """Encoding to be filled in pieces; a list of these would keep large tensors' memory."""
        n_latent, n_added = self.module.architecture.n_latent, len(self.added_classes_)
        n_axes = sum(self.module.linear.n_axes)
        sizes = [n_latent, n_latent, self.module.n_classes, n_axes, n_added]
        return Encoding(*(np.empty((n_rows, size), dtype=np.float32) for size in sizes))

    def _worth(self, modalities: Iterable[str]) -> dict[str, float]:
        """How well distances tell classes that are left out, by modality."""
        linear, codes = self.module.linear, self.module.modality_codes
        keys = {name: f"worth_{codes[name]}" for name in modalities}
        return {k: float(linear[key]) if key in linear else 1.0 for k, key in keys.items()}

    def _encoding(
        self,
        mdata: MuData | None,
        modality: str | None,
        indices: Sequence[int] | None = None,
        batch_size: int | None = None,
    ) -> Encoding:
        """Encode rows from one modality, or from all that they have."""
        if modality is not None:
            item = self._read(mdata, [modality], indices)[modality]
            return self._encode_all(item, indices, batch_size)
        data, obs_names = self._read(mdata, None, indices), self._obs_names(mdata, None, indices)
        encoding = self._no_encoding(len(obs_names))
        for some in gen_batches(max(1, len(obs_names)), _ROWS_AT_ONCE):
            encodings, found = {}, {}
            for name, item in data.items():
                rows = item.obs_names.get_indexer(obs_names[some])
                found[name] = np.flatnonzero(rows >= 0)
                encodings[name] = self._encode_all(item, rows[found[name]], batch_size)
            combined = self._combine(encodings, found, len(obs_names[some]))
            for array, values in zip(encoding, combined, strict=True):
                array[some] = values
        return encoding

    def _combine(self, encodings: Mapping[str, Encoding], rows: Arrays, n_obs: int) -> Encoding:
        """Encodings of all modalities together; NaN for observations without any."""
        posteriors = {name: (own.mean, own.scale) for name, own in encodings.items()}
        said = {name: own.log_probability for name, own in encodings.items()}
        shared = {name: own.shared for name, own in encodings.items()}
        worth = self._worth(encodings)
        # a modality that does not tell, NaN, has no weight
        weights = {name: worth[name] + 0 * own.odds for name, own in encodings.items()}
        odds = {name: worth[name] * own.odds for name, own in encodings.items()}
        weighing = self.module.linear.weighing(self.module.modality_codes)
        return Encoding(
            *combine_posteriors(posteriors, rows, n_obs),
            combine_classes(said, rows, n_obs, weighing),
            combine_coordinates(shared, rows, n_obs),
            combine_coordinates(odds, rows, n_obs) / combine_coordinates(weights, rows, n_obs),
        )

    @torch.inference_mode()
    def _latent(self, encoding: Encoding) -> np.ndarray:
        """Points in the latent space, float32 ``(n, n_latent)``."""
        linear = self.module.linear
        if "place" not in linear:
            return encoding.mean
        points = np.empty_like(encoding.mean)
        for some in gen_batches(max(1, len(points)), _ROWS_AT_ONCE):
            piece = Encoding(*(part[some] for part in encoding))
            points[some] = (self._coordinates(piece) @ linear["place"]).cpu()
        return points

    def _coordinates(self, encoding: Encoding) -> torch.Tensor:
        """Classes, shared axes and networks' points side by side, ``(n, n_coordinates)``."""
        parts = (encoding.log_probability, encoding.shared, encoding.mean)
        said, shared, mean = (torch.from_numpy(part).to(self.module.device) for part in parts)
        # square roots of probabilities have distances that are those of Hellinger
        linear = self.module.linear
        coordinates = ((0.5 * said).exp(), *shared.split(linear.n_axes, dim=-1), mean)
        scaled = zip(linear["scale"], coordinates, strict=True)
        return torch.cat([scale * part for scale, part in scaled], dim=-1)


def positions(indices: Any) -> np.ndarray | slice:
    """Row positions, a mask or a slice as what can index, also when it is empty; `None` is all."""
    if indices is None or isinstance(indices, slice):
        return slice(None) if indices is None else indices
    array = np.atleast_1d(indices)
    array = array if array.size else array.astype(np.int64)
    if array.dtype.kind not in "iub" or array.ndim > 1:
        raise TypeError(
            f"indices={shortened(indices)} are not positions, a mask or a slice. For names, pass "
            "mdata.obs_names.get_indexer(names)."
        )
    return array
