"""The model's networks put together, and its loss terms."""

from ._architecture import ARCHITECTURES, Architecture, build_architecture
from ._encoded import Encoded
from ._losses import weighted_sum
from ._module import ADVERSARIAL, MODISModule
from ._sizing import sizes_for

__all__ = [
    "ADVERSARIAL",
    "ARCHITECTURES",
    "Architecture",
    "Encoded",
    "MODISModule",
    "build_architecture",
    "sizes_for",
    "weighted_sum",
]
