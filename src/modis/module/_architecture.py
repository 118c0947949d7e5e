from __future__ import annotations

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
    n_components
        The encoder sees so many leading principal components of the scaled features, where there
        are more features than that; `None` shows it the features themselves.
    norm
        Normalisation in the autoencoders: ``"batch"``, ``"layer"`` or `None`.
    dropout
        Dropout in the hidden layers of the autoencoders.
    input_dropout
        Share of features that the encoder does not see, drawn anew for every minibatch.
    component_dropout
        Likewise of principal components, in place of `input_dropout`, where the encoder sees
        those.
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

    Examples
    --------
    >>> from modis.module import Architecture
    >>> sizes = Architecture(n_layers=0, n_components=20)
    >>> sizes.describe_encoder(367)
    'linear encoder on 20 principal components'
    """

    n_latent: int = 32
    n_hidden: int | None = 128
    n_layers: int = 1
    n_components: int | None = None
    norm: str | None = "batch"
    dropout: float = 0.1
    input_dropout: float = 0.2
    component_dropout: float = 0.3
    linear_tail: bool = False
    scaling: str = "standard"
    discriminator_hidden: tuple[int, ...] = (256, 128)
    discriminator_input: str = "mean"
    linear_class_head: bool = True

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
        for name in ("n_latent", "n_layers", "n_hidden", "n_components"):
            size, least = getattr(self, name), 0 if name == "n_layers" else 1
            if size is not None and (not isinstance(size, Integral) or size < least):
                raise ValueError(f"{name}={size!r} must be at least {least}, and whole.")
        for name in ("dropout", "input_dropout", "component_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(
                    f"{name}={getattr(self, name)} must be at least 0 and less than 1."
                )

    def hidden_units(self, n_features: int) -> int:
        """Units per hidden layer for a modality of `n_features` features."""
        if self.n_hidden is not None:
            return self.n_hidden
        return min(1024, 2 ** (n_features - 1).bit_length())

    def components(self, n_features: int) -> int | None:
        """Principal components that the encoder of `n_features` features sees, if any."""
        return None if n_features <= (self.n_components or n_features) else self.n_components

    def describe_encoder(self, n_features: int) -> str:
        """Say in a few words what an encoder of `n_features` features is."""
        n_components = self.components(n_features)
        sees = "" if n_components is None else f" on {n_components} principal components"
        if not self.n_layers:
            return f"linear encoder{sees}"
        return f"{self.hidden_units(n_features)} hidden units{sees}"

    @property
    def style(self) -> BlockStyle:
        """Blocks of the autoencoders."""
        return BlockStyle(norm=self.norm, dropout=self.dropout)
