"""Files that are written entirely or not at all, and read without what lies outside of them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from ._errors import name_some


@contextmanager
def draft_of(path: Path) -> Iterator[Path]:
    """A file to write that takes the place of `path` in the end, or leaves it as it was.

    A link is replaced, never followed.
    """
    draft = path.with_name(f".draft-{path.name}")
    draft.unlink(missing_ok=True)
    try:
        yield draft
        # to the disk before the name: a power cut must not leave an empty file
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def check_own_data(path: Path) -> None:
    """Refuse an HDF5 file that shows the content of other files as its own."""
    outside: list[str] = []

    def look(name: str, item: object) -> None:
        elsewhere = isinstance(item, h5py.ExternalLink)
        if elsewhere or (isinstance(item, h5py.Dataset) and (item.external or item.is_virtual)):
            outside.append(name)

    with h5py.File(path, "r") as file:
        file.visititems_links(look)
        file.visititems(look)
    if outside:
        raise PermissionError(
            f"'{path}' takes {name_some(outside)} from other files on this machine. Such a file "
            "could show anything that you can read. Write the data into one: mdata.write(path)."
        )
