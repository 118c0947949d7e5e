from dataclasses import dataclass
from numbers import Integral

from ..nn import NORMS, SCALINGS, BlockStyle


@dataclass(frozen=True)
class Architecture:
    """Sizes and layers of the networks.

    Parameters
    ----------
    n_latent
        Dimensions of the shared latent space.
    n_hidden
        Units per hidden layer of the autoencoders; `None` takes, per modality, the smallest
        power of two that is not below its number of features, at most 1,024 (the paper's
        512, 256 and 256 for 367, 131 and 160 features).
    n_layers
        Hidden blocks of the encoder, 0 for a linear one. The decoder has as many, at least one.
    norm
        Normalisation in the autoencoders: ``"batch"``, ``"layer"`` or `None`.
    dropout
        Dropout in the hidden layers of the autoencoders.
    input_dropout
        Share of features that the encoder does not see, drawn anew for every minibatch.
    linear_tail
        Linear layer without activation after the encoder's blocks, and one more block in the
        decoder, as in the paper.
    scaling
        Scaling of the features, fitted on training samples: ``"standard"``, ``"minmax"`` or
        ``"none"``.
    discriminator_hidden
        Sizes of the discriminator's hidden layers.
    discriminator_input
        What the discriminator judges: the ``"mean"`` of the posterior, which is also what users
        get, or a ``"draw"`` from it, whose noise hides differences between modalities.
    linear_class_head
        Classes by one linear map of the latent space instead of from the discriminator's last
        hidden layer.
    linear_models
        Whether closed-form linear models of each modality (classes by logistic regression,
        translations by class means and ridge regression on pairs, shared axes of pairs) take
        part in what the model says, beside the networks.

    Examples
    --------
    >>> from modis.module import Architecture
    >>> Architecture(n_layers=2).describe_encoder(367)
    '256 hidden units'
    """

    n_latent: int = 64
    n_hidden: int | None = 256
    n_layers: int = 1
    norm: str | None = "batch"
    dropout: float = 0.1
    input_dropout: float = 0.2
    linear_tail: bool = False
    scaling: str = "standard"
    discriminator_hidden: tuple[int, ...] = (256, 128)
    discriminator_input: str = "mean"
    linear_class_head: bool = True
    linear_models: bool = True

    def __post_init__(self) -> None:
        """Refuse sizes that no network can have."""
        known = {
            "norm": (*NORMS, None),
            "scaling": SCALINGS,
            "discriminator_input": ("mean", "draw"),
        }
        for name, choices in known.items():
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} is not known; choose one of {choices}."
                )
        hidden = self.discriminator_hidden
        if not hidden or min(hidden) < 1:
            raise ValueError(f"discriminator_hidden={hidden} must name sizes of at least 1.")
        for name in ("n_latent", "n_layers", "n_hidden"):
            size, least = getattr(self, name), 0 if name == "n_layers" else 1
            if size is not None and (not isinstance(size, Integral) or size < least):
                raise ValueError(f"{name}={size!r} must be at least {least}, and whole.")
        for name in ("dropout", "input_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(
                    f"{name}={getattr(self, name)} must be at least 0 and less than 1."
                )

    def hidden_units(self, n_features: int) -> int:
        """Units per hidden layer for a modality of `n_features` features."""
        if self.n_hidden is not None:
            return self.n_hidden
        return min(1024, 2 ** (n_features - 1).bit_length())

    def describe_encoder(self, n_features: int) -> str:
        """Say in a few words what an encoder of `n_features` features is."""
        return (
            f"{self.hidden_units(n_features)} hidden units" if self.n_layers else "linear encoder"
        )

    @property
    def style(self) -> BlockStyle:
        """Blocks of the autoencoders."""
        return BlockStyle(norm=self.norm, dropout=self.dropout)
