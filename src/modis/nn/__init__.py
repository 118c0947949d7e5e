"""Networks: encoder, one decoder per likelihood, discriminator, feature scaling."""

from ._blocks import NORMS, BlockStyle
from ._decoder import DECODERS, CountDecoder, Decoder
from ._discriminator import Discriminator, DiscriminatorOutput
from ._encoder import Encoder
from ._scaler import SCALINGS, FeatureScaler

# for the rooms above
from ._tensors import Tensors as Tensors

__all__ = [
    "DECODERS",
    "NORMS",
    "SCALINGS",
    "BlockStyle",
    "CountDecoder",
    "Decoder",
    "Discriminator",
    "DiscriminatorOutput",
    "Encoder",
    "FeatureScaler",
]
