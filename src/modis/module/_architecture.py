from dataclasses import dataclass, fields
from typing import Any, Literal

from ..data import choice, number, whole
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
        Share of features that the encoder does not see, drawn for every minibatch.
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
        part in the results of the model, with the networks.

    Examples
    --------
    >>> from modis.module import Architecture
    >>> Architecture(n_layers=2).describe_encoder(367)
    '256 hidden units'
    """

    n_latent: int = 64
    n_hidden: int | None = 256
    n_layers: int = 1
    norm: Literal["batch", "layer"] | None = "batch"
    dropout: float = 0.1
    input_dropout: float = 0.2
    linear_tail: bool = False
    scaling: Literal["standard", "minmax", "none"] = "standard"
    discriminator_hidden: tuple[int, ...] = (256, 128)
    discriminator_input: Literal["mean", "draw"] = "mean"
    linear_class_head: bool = True
    linear_models: bool = True

    def __post_init__(self) -> None:
        """Refuse sizes that no network can have."""
        known: dict[str, tuple] = {
            "norm": (*NORMS, None),
            "scaling": SCALINGS,
            "discriminator_input": ("mean", "draw"),
        }
        known |= {each.name: (True, False) for each in fields(self) if each.type is bool}
        for name, choices in known.items():
            choice(name, getattr(self, name), choices)
        hidden = self.discriminator_hidden
        if not isinstance(hidden, tuple | list) or not hidden:
            raise ValueError(f"discriminator_hidden={hidden!r} must name sizes of at least 1.")
        sizes: dict[str, Any] = {
            "discriminator_hidden": tuple(whole("discriminator_hidden", size) for size in hidden),
            "n_latent": whole("n_latent", self.n_latent),
            "n_layers": whole("n_layers", self.n_layers, 0),
            "n_hidden": None if self.n_hidden is None else whole("n_hidden", self.n_hidden),
        }
        for name in ("dropout", "input_dropout"):
            share = getattr(self, name)
            sizes[name] = number(name, share, lambda x: 0 <= x < 1, "at least 0 and less than 1")
        for name, size in sizes.items():
            object.__setattr__(self, name, size)

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
