from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mudata as md
import torch
from mudata import MuData
from scvi.model._utils import parse_device_args

from ..data import check_mudata, check_own_data
from ..train import quiet_libraries
from ._archive import read_archive, write_archive
from ._base import Model


def save(  # numpydoc ignore=PR01
    self: Model,
    dir_path: str | Path,
    prefix: str | None = None,
    overwrite: bool = False,
    save_anndata: bool = False,
    **anndata_write_kwargs: Any,
) -> None:
    """Save the model into a folder.

    The folder holds all that predictions on other data need, and the history. The data are kept
    only on request, the state of the optimisers is not. Whatever stops the program, the folder
    holds the model that it held before or the new one.

    Parameters
    ----------
    dir_path
        Folder to write; it is made.
    prefix
        Put before the names of the files, so that one folder can hold several models.
    overwrite
        Whether the folder may exist already.
    save_anndata
        Whether the training data are saved, too. :meth:`load` finds them there.
    **anndata_write_kwargs
        Arguments of ``mdata.write``.

    Raises
    ------
    ValueError
        If the folder exists and `overwrite` is false, or there are no data to save.
    """
    folder = Path(dir_path)
    if folder.exists() and not overwrite:
        raise ValueError(f"'{folder}' already exists. Choose another folder, or overwrite=True.")
    mdata = self._data_or_own(None) if save_anndata else None
    weights = dict(self.module.state_dict())
    content = {"weights": weights, "attributes": public_attributes(self)}
    folder.mkdir(parents=True, exist_ok=True)
    write_data = mdata and (lambda path: mdata.write(path, **anndata_write_kwargs))
    write_archive(folder, prefix or "", content, write_data)


def load(  # numpydoc ignore=PR01
    cls: type[Model],
    dir_path: str | Path,
    mdata: MuData | bool | None = None,
    accelerator: str = "auto",
    device: int | str = "auto",
    prefix: str | None = None,
) -> Model:
    """Load a saved model.

    The files are data: nothing in them is executed, and checksums detect damage.

    Parameters
    ----------
    dir_path
        Folder that :meth:`save` wrote.
    mdata
        Data with the same modalities and features, or `False` to load without data. By default
        the data that were saved with the model, if any.
    accelerator, device
        Where to put the model, as in scvi-tools.
    prefix
        Prefix of the saved files.

    Returns
    -------
    The model as it was saved.

    Raises
    ------
    ValueError
        If the folder holds no readable MODIS model, or the data do not fit it.
    """
    folder = Path(dir_path)
    _, _, place = parse_device_args(
        accelerator=accelerator, devices=device, return_device="torch", validate_single_device=True
    )
    saved, data_path = read_archive(folder, prefix)
    # without data first: a folder that is refused leaves no trace in them
    # whole files may be of another version, or of somebody who wrote them by hand
    try:
        model = _build(cls, saved, None)
    except Exception as error:
        raise ValueError(
            f"The model in '{folder}' cannot be built with this version of MODIS: {error}"
        ) from error
    if mdata is None and data_path is not None:
        check_own_data(data_path)
        with quiet_libraries():
            mdata = md.read_h5mu(data_path)
    if mdata is not None and mdata is not False:
        check_mudata(mdata)
        registry = model.registry_
        with quiet_libraries():
            cls.setup_mudata(mdata, source_registry=registry, **registry["setup_args"])
        model = _build(cls, saved, mdata)
    model.to_device(place)
    return model


def _build(cls: type[Model], saved: Mapping[str, Any], mdata: MuData | None) -> Model:
    attributes = dict(saved["attributes"])
    registry, arguments = attributes.pop("registry_"), attributes.pop("init_params_")
    model = cls(mdata, registry=None if mdata is not None else registry, **arguments["non_kwargs"])
    restore(model, attributes, saved["weights"])
    return model


def restore(
    model: Model, attributes: Mapping[str, Any], weights: Mapping[str, torch.Tensor]
) -> None:
    """Give a model what another one learnt."""
    for name, value in attributes.items():
        setattr(model, name, value)
    model.module.load_state_dict(weights)
    model.module.eval()


def public_attributes(model: Model) -> dict[str, Any]:
    """What is saved of a model next to its weights."""
    return {k: v for k, v in vars(model).items() if k.endswith("_") and not k.startswith("_")}


def saved_weights(dir_path: str, *_: Any, **__: Any) -> tuple[None, None, dict, None]:
    """Weights in a folder, where scvi-tools' callback for checkpoints looks for them."""
    weights: dict[str, torch.Tensor] = read_archive(Path(dir_path))[0]["weights"]
    return None, None, weights, None
