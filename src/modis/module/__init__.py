"""The model's networks put together, and its loss terms."""

from ._architecture import Architecture
from ._module import MODISModule
from ._networks import ADVERSARIAL, Encoded
from ._presets import LOSS_WEIGHTS, PRESETS, Preset, choose_preset
from ._step import Step
from ._terms import TERMS, Term

__all__ = [
    "ADVERSARIAL",
    "LOSS_WEIGHTS",
    "PRESETS",
    "TERMS",
    "Architecture",
    "Encoded",
    "MODISModule",
    "Preset",
    "Step",
    "Term",
    "choose_preset",
]
