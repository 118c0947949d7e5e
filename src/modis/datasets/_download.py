"""Files that are kept on this machine: downloaded once, checked, and read from there."""

from __future__ import annotations

from pathlib import Path

import pooch

#: Environment variable that names another folder than the user's cache for what is downloaded.
CACHE_VARIABLE = "MODIS_DATA_DIR"


def fetch(name: str, sha256: str, *, url: str | None, folder: str, remedy: str) -> Path:
    """Path of the file `name`, in `folder` of the user's cache or in CACHE_VARIABLE's folder.

    A file that is not there is downloaded from `url`, its full address; `None`: it must be there.
    `remedy` ends every error: what the user can do when the file cannot be had.
    """
    shelf = pooch.create(
        path=pooch.os_cache("modis") / folder,
        base_url="",
        registry={name: f"sha256:{sha256}"},
        urls={name: url},
        env=CACHE_VARIABLE,
        retry_if_failed=2,
    )
    path = Path(shelf.abspath, name)
    if url is None:
        if not path.is_file():
            raise FileNotFoundError(f"{name} is not in {str(path.parent)!r}. {remedy}")
        if pooch.file_hash(str(path)) != sha256:
            raise ValueError(
                f"{path} is not the expected file (its SHA256 hash differs). Fetch it again. "
                f"{remedy}"
            )
        return path
    try:
        return Path(shelf.fetch(name))
    except ValueError as error:
        raise ValueError(
            f"{name}: what was downloaded is not the expected file (its SHA256 hash differs). "
            f"{remedy}"
        ) from error
    except OSError as error:
        raise ConnectionError(f"{name} could not be downloaded ({error}). {remedy}") from error
