"""Networks: encoder, one decoder per likelihood, discriminator, feature scaling."""

# for the rooms above
from ._blocks import NORMS, BlockStyle
from ._decoder import DECODERS, CountDecoder, Decoder
from ._discriminator import Discriminator, DiscriminatorOutput
from ._encoder import Encoder
from ._scaler import SCALINGS, FeatureScaler
from ._tensors import Tensors

__all__: list[str] = []
