"""Networks: encoder, one decoder per likelihood, discriminator, feature scaling."""

from ._blocks import BlockStyle
from ._decoder import DECODERS, CountDecoder, Decoder
from ._discriminator import Discriminator, DiscriminatorOutput
from ._encoder import Encoder
from ._scaler import SCALINGS, FeatureScaler

__all__ = [
    "DECODERS",
    "SCALINGS",
    "BlockStyle",
    "CountDecoder",
    "Decoder",
    "Discriminator",
    "DiscriminatorOutput",
    "Encoder",
    "FeatureScaler",
]
