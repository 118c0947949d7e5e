"""Public files: named with their hashes in sources.csv, downloaded once and kept."""

from importlib.resources import files
from pathlib import Path

import pandas as pd
import pooch
from rich.console import Console
from rich.progress import track

#: Environment variable that names another folder than the user's cache for what is downloaded.
CACHE_VARIABLE = "MODIS_DATA_DIR"


def fetch_sources(dataset: str, remedy: str = "") -> dict[str, Path]:
    """Files of a data set by name, downloaded unless kept unchanged; `remedy` ends every error."""
    table = pd.read_csv(str(files("modis.datasets") / "sources.csv"))
    sources = table[table["dataset"] == dataset]
    sources = sources.set_index(sources["path"].str.rpartition("/")[2])
    url = "https://github.com/" + sources["repository"] + "/raw/" + sources["commit"]
    shelf = pooch.create(
        path=pooch.os_cache("modis"),
        base_url="",
        registry=("sha256:" + sources["sha256"]).to_dict(),
        urls=(url + "/" + sources["path"]).to_dict(),
        env=CACHE_VARIABLE,
        retry_if_failed=2,
    )
    kept = {name: Path(shelf.abspath, name) for name in shelf.registry}
    is_here = all(path.is_file() for path in kept.values())
    pooch.get_logger().setLevel("WARNING")  # the bar says it for all files
    screen = Console(stderr=True)
    for name in track(kept, f"Downloading {dataset}", console=screen, disable=is_here):
        try:
            shelf.fetch(name)
        except ValueError as error:
            raise ValueError(
                f"{name}: what was downloaded from {shelf.get_url(name)} is not the expected file "
                f"(its SHA256 hash differs). {remedy}"
            ) from error
        except OSError as error:
            # an answer of the server is short; what else went wrong fills three lines
            reason = "no connection" if getattr(error, "response", error) is None else error
            state = "damaged" if kept[name].is_file() else "missing"
            raise ConnectionError(
                f"{name} is {state} in the folder {str(shelf.path)!r} and could not be downloaded "
                f"({reason}). Check the connection, or copy the file into this folder. {remedy}"
            ) from error
    return kept
