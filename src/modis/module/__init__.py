"""Networks of the model, presets of their sizes and training, and the loss terms."""

# those that are not in __all__ are for the rooms above
from ._linear_models import LinearModels, Weighing
from ._losses import kl_to_standard_normal
from ._module import ADVERSARIAL, Encoded, MODISModule
from ._presets import LOSS_WEIGHTS, PRESETS, Architecture, Preset
from ._terms import TERMS, Step, Term, compute_terms, weighted_sum

__all__ = ["LOSS_WEIGHTS", "PRESETS", "Architecture", "Preset"]
