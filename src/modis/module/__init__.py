"""Networks of the model, presets of their sizes and training, and the loss terms."""

from ._architecture import Architecture

# for the rooms above
from ._linear_models import LinearModels as LinearModels
from ._linear_models import Weighing as Weighing
from ._losses import kl_to_standard_normal as kl_to_standard_normal
from ._module import ADVERSARIAL as ADVERSARIAL
from ._module import Encoded as Encoded
from ._module import MODISModule as MODISModule
from ._presets import LOSS_WEIGHTS, PRESETS, Preset
from ._step import Step as Step
from ._terms import TERMS as TERMS
from ._terms import Term as Term
from ._terms import compute_terms as compute_terms
from ._terms import weighted_sum as weighted_sum

__all__ = ["LOSS_WEIGHTS", "PRESETS", "Architecture", "Preset"]
