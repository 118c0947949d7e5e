from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pooch

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CACHE_VARIABLE", "fetch"]

#: Environment variable that names another folder than the user's cache for what is downloaded.
CACHE_VARIABLE = "MODIS_DATA_DIR"


def fetch(
    digests: Mapping[str, str], *, base_url: str | None, folder: str, remedy: str
) -> dict[str, Path]:
    """Files that are kept on this machine: downloaded once, checked, and read from there.

    Parameters
    ----------
    digests
        SHA256 hash by file name.
    base_url
        Address that the files' names are appended to; `None` if they must be there already.
    folder
        Name of the folder within the user's cache folder. The environment variable
        MODIS_DATA_DIR names another one, for all files.
    remedy
        What the user can do when a file cannot be had.

    Returns
    -------
    Path by file name.

    Raises
    ------
    FileNotFoundError
        If a file is not there, and no address is given.
    ConnectionError
        If a file cannot be downloaded.
    ValueError
        If what is there, or was downloaded, is not the expected file.
    """
    shelf = pooch.create(
        path=pooch.os_cache("modis") / folder,
        # pooch appends the name as it is
        base_url=f"{(base_url or '').rstrip('/')}/",
        registry={name: f"sha256:{digest}" for name, digest in digests.items()},
        env=CACHE_VARIABLE,
        retry_if_failed=2,
    )
    if base_url is None:
        return {
            name: _kept(shelf.abspath / name, digest, remedy) for name, digest in digests.items()
        }
    files = {}
    for name in digests:
        try:
            files[name] = Path(shelf.fetch(name))
        except ValueError as error:
            raise ValueError(
                f"{name}: what was downloaded is not the expected file (its SHA256 hash differs). "
                f"{remedy}"
            ) from error
        except OSError as error:
            raise ConnectionError(f"{name} could not be downloaded ({error}). {remedy}") from error
    return files


def _kept(path: Path, digest: str, remedy: str) -> Path:
    if not path.is_file():
        raise FileNotFoundError(f"{path.name} is not in {str(path.parent)!r}. {remedy}")
    if pooch.file_hash(str(path)) != digest:
        raise ValueError(
            f"{path} is not the expected file (its SHA256 hash differs). Fetch it again. {remedy}"
        )
    return path
