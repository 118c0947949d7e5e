from __future__ import annotations

__all__ = ["NotInDataError"]


class NotInDataError(KeyError):
    """A modality, column or layer that the data, or the model, do not have."""

    def __str__(self) -> str:
        """Show the message as it is; a plain KeyError would escape its quotes."""
        return str(self.args[0]) if self.args else ""
