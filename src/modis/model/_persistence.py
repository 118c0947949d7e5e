from __future__ import annotations

from pathlib import Path
from typing import Any

import mudata as md
import torch
from mudata import MuData
from scvi.model._utils import parse_device_args
from scvi.model.base import BaseModelClass
from scvi.model.base._constants import SAVE_KEYS

from ..data import check_mudata
from ..train import quiet_libraries
from ._base import Model

_PARTS = {SAVE_KEYS.MODEL_STATE_DICT_KEY, SAVE_KEYS.VAR_NAMES_KEY, SAVE_KEYS.ATTR_DICT_KEY}


def save(  # numpydoc ignore=PR01
    self: Model,
    dir_path: str | Path,
    prefix: str | None = None,
    overwrite: bool = False,
    save_anndata: bool = False,
    save_kwargs: dict[str, Any] | None = None,
    **anndata_write_kwargs: Any,
) -> None:
    """Save the model into a folder.

    The folder holds all that predictions on other data need: weights, scaling, the preset in
    full, names of features and classes. The data are kept only on request, the history and the
    state of the optimisers are not.

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
    """
    BaseModelClass.save(
        self, str(dir_path), prefix, overwrite, save_anndata, save_kwargs, **anndata_write_kwargs
    )


def load(  # numpydoc ignore=PR01
    cls: type[Model],
    dir_path: str | Path,
    mdata: MuData | bool | None = None,
    accelerator: str = "auto",
    device: int | str = "auto",
    prefix: str | None = None,
) -> Model:
    """Load a saved model.

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
    The model, with the weights, the scaling, the preset and the classes of the saved one.

    Raises
    ------
    ValueError
        If the folder holds no readable MODIS model, or the data do not fit it.
    """
    folder, start = Path(dir_path), prefix or ""
    _, _, place = parse_device_args(
        accelerator=accelerator, devices=device, return_device="torch", validate_single_device=True
    )
    saved = _read(folder / f"{start}{SAVE_KEYS.MODEL_FNAME}", place)
    # without data first: a folder that is refused leaves no trace in them
    model = _build(cls, saved, None, folder)
    if mdata is None and (path := folder / f"{start}{SAVE_KEYS.MDATA_FNAME}").is_file():
        with quiet_libraries():
            mdata = md.read_h5mu(path)
    if mdata is not None and mdata is not False:
        check_mudata(mdata)
        registry = saved[SAVE_KEYS.ATTR_DICT_KEY]["registry_"]
        with quiet_libraries():
            cls.setup_mudata(mdata, source_registry=registry, **registry["setup_args"])
        model = _build(cls, saved, mdata, folder)
    model.to_device(place)
    return model


def _build(cls: type[Model], saved: dict[str, Any], mdata: MuData | None, folder: Path) -> Model:
    attributes = dict(saved[SAVE_KEYS.ATTR_DICT_KEY])
    registry, arguments = attributes.pop("registry_"), attributes.pop("init_params_")
    model = cls(mdata, registry=None if mdata is not None else registry, **arguments["non_kwargs"])
    for name, value in attributes.items():
        setattr(model, name, value)
    weights = dict(saved[SAVE_KEYS.MODEL_STATE_DICT_KEY])
    weights.pop("pyro_param_store", None)
    try:
        model.module.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"The model in '{folder}' is damaged: {error}") from error
    model.module.eval()
    return model


def _read(path: Path, place: torch.device) -> dict[str, Any]:
    """What a file holds, or why it is no saved MODIS model."""
    if not path.is_file():
        folder = path.parent
        found = sorted(item.name for item in folder.iterdir()) if folder.is_dir() else None
        what = "is no folder" if found is None else f"has no {path.name}; it holds {found[:10]}"
        raise ValueError(f"'{folder}' {what}. Name the folder that model.save() wrote.")
    try:
        saved: Any = torch.load(path, map_location=place, weights_only=False)
    # a damaged file fails in many ways, and none of them tells a user what to do
    except Exception as error:
        raise ValueError(
            f"'{path}' is damaged or no saved model ({type(error).__name__}). Save it again."
        ) from error
    attributes = saved.get(SAVE_KEYS.ATTR_DICT_KEY) if isinstance(saved, dict) else None
    if not isinstance(attributes, dict) or not _PARTS <= set(saved):
        raise ValueError(f"'{path}' is no model saved by scvi-tools or MODIS.")
    name = attributes.get("registry_", {}).get("model_name")
    if name != "MODIS":
        raise ValueError(f"'{path}' is a saved {name} model, not a MODIS one.")
    return saved
