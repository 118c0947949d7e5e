"""Words in tables that are no names of modalities."""

from __future__ import annotations

__all__ = ["ALL", "AVERAGE", "COMBINED", "SEVERAL"]

#: Stand among the modalities: predicted from all that an observation has; the mean over them.
COMBINED = "combined"
AVERAGE = "average"

#: Test observations: all, or those that have several modalities.
ALL = "all"
SEVERAL = "several"
