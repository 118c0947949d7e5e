"""Tables of linked features: which feature of one modality belongs to which of another."""

from ._by_column import by_column
from ._by_position import by_position

__all__ = ["by_column", "by_position"]
