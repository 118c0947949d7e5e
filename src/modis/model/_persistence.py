from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["check_saved_model"]

_PARTS = {"model_state_dict", "var_names", "attr_dict"}


def check_saved_model(dir_path: Path, prefix: str | None) -> None:
    """Refuse a folder that holds no readable MODIS model.

    Parameters
    ----------
    dir_path
        The folder.
    prefix
        Prefix of the saved files.

    Raises
    ------
    ValueError
        Saying what is wrong with the folder.
    """
    path = dir_path / f"{prefix or ''}model.pt"
    if not path.is_file():
        found = sorted(item.name for item in dir_path.iterdir()) if dir_path.is_dir() else None
        what = "is no folder" if found is None else f"has no {path.name}; it holds {found[:10]}"
        raise ValueError(f"'{dir_path}' {what}. Name the folder that model.save() wrote.")
    try:
        saved: Any = torch.load(path, map_location="cpu", weights_only=False)
    # a damaged file fails in many ways, and none of them tells a user what to do
    except Exception as error:
        raise ValueError(
            f"'{path}' is damaged or no saved model ({type(error).__name__}). Save it again."
        ) from error
    attributes = saved.get("attr_dict") if isinstance(saved, dict) else None
    if not isinstance(attributes, dict) or not _PARTS <= set(saved):
        raise ValueError(f"'{path}' is no model saved by scvi-tools or MODIS.")
    name = attributes.get("registry_", {}).get("model_name")
    if name != "MODIS":
        raise ValueError(f"'{path}' is a saved {name} model, not a MODIS one.")
