"""Files of R's save() ("R Internals"), in seconds: rdata takes minutes for tables of strings."""

import bz2
import gzip
import lzma
from pathlib import Path
from struct import unpack_from
from typing import Any

import numpy as np
import pandas as pd

_OPENERS = {b"\x1f\x8b": gzip.decompress, b"BZ": bz2.decompress, b"\xfd7": lzma.decompress}
_NUMBERS = {10: ">i4", 13: ">i4", 14: ">f8"}  # truth values, integers, reals


def read_rda(path: Path) -> dict[str, Any]:
    """Data frames, Series and arrays by name; errors of any kind mean a damaged file."""
    content = path.read_bytes()
    content = _OPENERS.get(content[:2], bytes)(content)
    if content[:7] not in (b"RDX2\nX\n", b"RDX3\nX\n"):
        raise ValueError("it is not an .rda file of R")
    reader = _Reader(content, at=19)
    if content[3:4] == b"3":
        reader.string()  # the encoding
    return reader.item()


class _Reader:
    """One item after the other."""

    def __init__(self, content: bytes, at: int) -> None:
        self._content, self._at = content, at
        self._symbols: list[str | None] = []

    def item(self) -> Any:
        """The item that begins here, with all that it is made of."""
        kind, flags = self._kind()
        if kind == 254:  # NULL
            return None
        if kind == 255:  # a symbol that was met before
            return self._symbols[(flags >> 8 or self._integer()) - 1]
        if kind == 1:  # a symbol
            self._at += 4
            self._symbols.append(self.string())
            return self._symbols[-1]
        if kind == 2:  # pairs of names and values
            pairs = {}
            while kind == 2:
                name = self.item()
                pairs[name] = self.item()
                kind, _ = self._kind()
            return pairs
        value: Any
        if kind == 16:
            value = self._strings()
        elif kind == 19:
            value = [self.item() for _ in range(self._integer())]
        elif kind in _NUMBERS:
            n = self._integer()
            value = np.frombuffer(self._content, _NUMBERS[kind], n, self._at)
            self._at += value.nbytes
            value = value.astype(value.dtype.newbyteorder("="))
        else:
            raise ValueError(f"it has an item of the unknown kind {kind}")
        return _described(value, self.item()) if flags & 0x200 else value

    def string(self) -> str | None:
        """The text that begins here; `None` is R's NA."""
        n = self._integer()
        self._at += max(n, 0)
        return None if n < 0 else str(self._content[self._at - n : self._at], "utf-8", "replace")

    def _strings(self) -> np.ndarray:
        # millions of them in a file: as few steps as can be
        content, at, found = self._content, self._at + 4, []
        for _ in range(self._integer()):
            (n,) = unpack_from(">i", content, at + 4)
            at += 8
            found.append(None if n < 0 else str(content[at : at + n], "utf-8", "replace"))
            at += max(n, 0)
        self._at = at
        return np.array(found, dtype=object)

    def _integer(self) -> int:
        self._at += 4
        return unpack_from(">i", self._content, self._at - 4)[0]

    def _kind(self) -> tuple[int, int]:
        flags = self._integer()
        return flags & 255, flags


def _described(value: Any, attributes: dict[str, Any]) -> Any:
    """What R makes of a value by its attributes."""
    if "levels" in attributes:
        # R counts from 1, and its NA is the lowest integer
        return pd.Categorical.from_codes(np.maximum(value - 1, -1), attributes["levels"])
    if "row.names" in attributes:
        names, rows = attributes["names"], attributes["row.names"]
        # numbered rows are kept as NA and their number
        index = None if rows.dtype != object else pd.Index(rows)
        return pd.DataFrame(dict(zip(names, value, strict=True)), index=index)
    if "dim" in attributes:
        return value.reshape(attributes["dim"], order="F")
    return pd.Series(value, attributes["names"]) if "names" in attributes else value
