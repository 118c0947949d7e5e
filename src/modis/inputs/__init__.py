"""What users give to the commands: files, columns, options by modality."""

from ._columns import check_column, draw_test, stated_part, used_modalities
from ._files import read_links, read_mudata, without_pulling
from ._options import by_modality

__all__ = [
    "by_modality",
    "check_column",
    "draw_test",
    "read_links",
    "read_mudata",
    "stated_part",
    "used_modalities",
    "without_pulling",
]
