from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scvi.model.base import BaseModelClass

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd
    import torch

__all__ = ["ScviModel"]


class ScviModel(BaseModelClass):
    """What scvi-tools does for every model, told for this one."""

    @property
    def history(self) -> dict[str, pd.DataFrame]:
        """Every loss term and validation score, by name.

        Each is a DataFrame of one column, with the epoch as index. Names end in ``_train`` or
        ``_validation``; those of the discriminator's step begin with ``discriminator_``. It is
        `None` before the training, and not saved with the model. :func:`modis.pl.history` draws
        it.

        Examples
        --------
        >>> from modis import MODIS
        >>> from modis.datasets import intersim, unpair
        >>> mdata = unpair(intersim(n_samples=60))
        >>> MODIS.setup_mudata(mdata, labels_key="label")
        >>> model = MODIS(mdata)
        >>> model.train(max_epochs=2)
        >>> [name for name in sorted(model.history) if "classification" in name]
        ['classification_train', 'discriminator_classification_train']
        >>> model.history["classification_train"].index.tolist()
        [0, 1]
        """
        return super().history

    @BaseModelClass.is_trained.getter
    def is_trained(self) -> bool:
        """Whether the model has been trained.

        Examples
        --------
        >>> from modis import MODIS
        >>> from modis.datasets import intersim, unpair
        >>> mdata = unpair(intersim(n_samples=60))
        >>> MODIS.setup_mudata(mdata, labels_key="label")
        >>> MODIS(mdata).is_trained
        False
        """
        return self.is_trained_

    @BaseModelClass.train_indices.getter
    def train_indices(self) -> dict[str, np.ndarray]:
        """Positions of the observations that trained, by modality.

        They count among ``mdata.mod[modality].obs_names``. Those that were held out are in
        ``validation_indices``. `None` before the training.

        Examples
        --------
        >>> from modis import MODIS
        >>> from modis.datasets import intersim, unpair
        >>> mdata = unpair(intersim(n_samples=60))
        >>> MODIS.setup_mudata(mdata, labels_key="label")
        >>> model = MODIS(mdata)
        >>> model.train(max_epochs=2, train_size=0.75)
        >>> {name: len(rows) for name, rows in model.train_indices.items()}
        {'methylation': 15, 'expression': 15, 'protein': 15}
        """
        return self.train_indices_

    @BaseModelClass.validation_indices.getter
    def validation_indices(self) -> dict[str, np.ndarray]:
        """Positions of the observations that were held out of the training, by modality.

        They count among ``mdata.mod[modality].obs_names``. They decide which weights stay and
        when training stops. `None` before the training.

        Examples
        --------
        >>> from modis import MODIS
        >>> from modis.datasets import intersim, unpair
        >>> mdata = unpair(intersim(n_samples=60))
        >>> MODIS.setup_mudata(mdata, labels_key="label")
        >>> model = MODIS(mdata)
        >>> model.train(max_epochs=2, train_size=0.75)
        >>> held_out = model.validation_indices["protein"]
        >>> mdata["protein"][held_out].obs["label"].nunique()
        5
        """
        return self.validation_indices_

    @property
    def device(self) -> torch.device:
        """Where the networks are.

        ``cpu``, or a graphics card such as ``cuda:0``.

        Examples
        --------
        >>> from modis import MODIS
        >>> from modis.datasets import intersim, unpair
        >>> mdata = unpair(intersim(n_samples=60))
        >>> MODIS.setup_mudata(mdata, labels_key="label")
        >>> MODIS(mdata).device
        device(type='cpu')
        """
        return super().device

    def to_device(self, device: str | int | torch.device) -> None:
        """Move the networks to a graphics card, or back.

        Parameters
        ----------
        device
            ``"cpu"``, ``"cuda:0"``, or the number of a graphics card.

        Examples
        --------
        >>> from modis import MODIS
        >>> from modis.datasets import intersim, unpair
        >>> mdata = unpair(intersim(n_samples=60))
        >>> MODIS.setup_mudata(mdata, labels_key="label")
        >>> model = MODIS(mdata)
        >>> model.to_device("cpu")
        >>> model.device
        device(type='cpu')
        """
        super().to_device(device)

    def save(
        self,
        dir_path: str | Path,
        prefix: str | None = None,
        overwrite: bool = False,
        save_anndata: bool = False,
        save_kwargs: dict[str, Any] | None = None,
        **anndata_write_kwargs: Any,
    ) -> None:
        """Save the model into a folder.

        The folder holds all that predictions on other data need: weights, scaling, names of
        features and classes, and the arguments that the model was made with. The data are kept
        only on request, the history and the state of the optimisers are not.

        Parameters
        ----------
        dir_path
            Folder to write; it is made.
        prefix
            Put before the names of the files, so that one folder can hold several models.
        overwrite
            Whether the folder may exist already.
        save_anndata
            Whether the training data are saved, too, as ``mdata.h5mu``. :meth:`load` finds them
            there.
        save_kwargs
            Arguments of :func:`torch.save`.
        **anndata_write_kwargs
            Arguments of ``mdata.write``.

        Raises
        ------
        ValueError
            If the folder exists and `overwrite` is false.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> from modis import MODIS
        >>> from modis.datasets import intersim, unpair
        >>> mdata = unpair(intersim(n_samples=60))
        >>> MODIS.setup_mudata(mdata, labels_key="label")
        >>> model = MODIS(mdata)
        >>> model.train(max_epochs=2)
        >>> folder = pathlib.Path(tempfile.mkdtemp()) / "model"
        >>> model.save(folder)
        >>> [file.name for file in folder.iterdir()]
        ['model.pt']
        """
        super().save(
            dir_path, prefix, overwrite, save_anndata, save_kwargs, **anndata_write_kwargs
        )
