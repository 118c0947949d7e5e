"""Everything that depends on the size of a cohort: one preset, saved with the model in full."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from math import ceil
from typing import Any, Literal, Self

from ..data import check_arguments, choice, number, whole
from ..nn import NORMS, SCALINGS, BlockStyle

#: Weight of every loss term by default; a term of weight 0 is not computed. ``kl`` is per
#: observation: the paper's 5e-4 on a KL summed over a minibatch of 32. ``clustering`` is the
#: paper's term; at full weight it moves unlabelled samples of one modality into a wrong class,
#: where the adversary locks them, so it is off by default. Set ``batch`` and
#: ``adversarial_batch``, 1.0 each, when the batches of a modality should not be distinguished.
LOSS_WEIGHTS: dict[str, float] = {
    "reconstruction": 1.0,
    "kl": 0.016,
    "adversarial": 1.0,
    "modality": 1.0,
    "classification": 1.0,
    "clustering": 0.0,
    "gradient_penalty": 1.0,
    "cycle": 1.0,
    "link": 1.0,
    "pairing": 0.03,
    "batch": 0.0,
    "adversarial_batch": 0.0,
}

# From so many observations of the longest modality on, training takes more steps: their number
# grows with the power 2/3 of the observations.
_MORE_STEPS_FROM = 500


PresetName = Literal["default", "paper"]


@dataclass(frozen=True)
class Architecture:
    """Sizes and layers of the networks.

    Parameters
    ----------
    n_latent
        Dimensions of the shared latent space.
    n_hidden
        Units per hidden layer of the autoencoders; `None` takes, per modality, the smallest
        power of two that is not below its number of features, at most 1,024, as in the paper.
    n_layers
        Hidden blocks of the encoder, 0 for a linear one. The decoder has as many, at least one.
    norm
        Normalisation in the autoencoders: ``"batch"``, ``"layer"`` or `None`.
    dropout, input_dropout
        Share of the hidden units of the autoencoders, and of the features, that are left out.
    linear_tail
        Linear layer without activation after the encoder's blocks, and one more block in the
        decoder, as in the paper.
    scaling
        Scaling of the features by training samples: ``"standard"``, ``"minmax"`` or ``"none"``.
    discriminator_hidden, discriminator_input
        Sizes of the discriminator's hidden layers, and what it judges: the ``"mean"`` of the
        posterior, or a ``"draw"`` from it, whose noise hides differences between modalities.
    linear_class_head
        Classes by a linear map of the latent space, not from the discriminator's hidden layer.
    linear_models
        Whether closed-form linear models (of classes, translations and shared axes) take part in
        what the model says.

    Examples
    --------
    >>> from modis.module import Architecture
    >>> Architecture(n_hidden=None).hidden_units(367)
    512
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
        known: dict[str, tuple] = {"norm": (*NORMS, None), "scaling": SCALINGS}
        known["discriminator_input"] = "mean", "draw"
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

    @property
    def style(self) -> BlockStyle:
        """Blocks of the autoencoders."""
        return BlockStyle(norm=self.norm, dropout=self.dropout)


@dataclass(frozen=True)
class Preset:
    """Networks, loss weights and training schedule that go together.

    Parameters
    ----------
    name
        Name of the preset.
    architecture
        Sizes and layers of the networks.
    loss_weights
        Weights of the loss terms by name, of :data:`LOSS_WEIGHTS`; those without one are off.
    train_size
        Share of the observations that train, in (0, 1]; the others are held out.
    n_steps, epoch_bounds
        Minibatches of the longest modality that training takes, within fewest and most epochs.
    batch_sizes
        Observations per modality and minibatch, each from so many observations of the longest
        modality on.
    balance_classes
        Whether minibatches hold equally many labelled samples of each class.
    lr, lr_discriminator, decay_lr
        Learning rates of the autoencoders and of the discriminator, and whether these fall to
        zero, in a line, over the last two thirds of the training.

    Raises
    ------
    ValueError
        If a loss weight names no term.

    Examples
    --------
    >>> from modis.module import PRESETS
    >>> preset = PRESETS["default"]
    >>> preset.architecture.n_layers, preset.train_size, preset.loss_weights["link"]
    (1, 0.9, 1.0)
    >>> preset.batch_size(300), preset.batch_size(20_000), preset.n_epochs(steps_per_epoch=4)
    (64, 128, 150)
    """

    name: str
    architecture: Architecture = field(default_factory=Architecture)
    loss_weights: Mapping[str, float] = field(default_factory=lambda: dict(LOSS_WEIGHTS))
    train_size: float = 0.9
    n_steps: int = 600
    epoch_bounds: tuple[int, int] = (10, 400)
    batch_sizes: tuple[tuple[int, int], ...] = ((0, 64), (2_001, 128), (20_001, 256))
    balance_classes: bool = True
    lr: float = 1e-3
    lr_discriminator: float = 1e-3
    decay_lr: bool = True

    def __post_init__(self) -> None:
        """Switch off the terms that are not named."""
        if unknown := sorted(set(self.loss_weights) - set(LOSS_WEIGHTS)):
            raise ValueError(
                f"loss_weights names {unknown}; the terms are {sorted(LOSS_WEIGHTS)}."
            )
        weights = dict.fromkeys(LOSS_WEIGHTS, 0.0)
        for name, weight in self.loss_weights.items():
            says = f"loss_weights[{name!r}]"
            weights[name] = number(says, weight, lambda x: x >= 0, "at least 0")
        object.__setattr__(self, "loss_weights", weights)

    @classmethod
    def find(cls, preset: "PresetName | Preset | Mapping[str, Any]") -> "Preset":
        """Find a preset by name, or build it from a dictionary of its fields."""
        if isinstance(preset, Preset):
            return preset
        if isinstance(preset, Mapping):
            return cls(**{**preset, "architecture": Architecture(**preset["architecture"])})
        choice("architecture", preset, list(PRESETS))
        return PRESETS[preset]

    def batch_size(self, n_obs: int) -> int:
        """Observations per modality and minibatch, if the largest modality has `n_obs`."""
        return [size for least, size in self.batch_sizes if n_obs >= least][-1]

    def n_epochs(self, steps_per_epoch: int, n_obs: int = 0) -> int:
        """Epochs, if the largest modality has `n_obs` in `steps_per_epoch` minibatches."""
        least, most = self.epoch_bounds
        n_steps = self.n_steps * max(1.0, (n_obs / _MORE_STEPS_FROM) ** (2 / 3))
        return min(max(ceil(n_steps / steps_per_epoch), least), most)

    def with_sizes(self, **sizes: Any) -> Self:
        """Preset with other fields of its architecture; `None` keeps a field."""
        check_arguments("MODIS", sizes, [each.name for each in fields(Architecture)])
        changed = {name: size for name, size in sizes.items() if size is not None}
        return replace(self, architecture=replace(self.architecture, **changed))

    def __str__(self) -> str:
        usual = PRESETS.get(self.name, self).architecture
        changed = [
            f"{each.name}={value}"
            for each in fields(Architecture)
            if (value := getattr(self.architecture, each.name)) != getattr(usual, each.name)
        ]
        return f"'{self.name}'" + (f" with {', '.join(changed)}" if changed else "")


#: Presets by name, ``"default"`` and ``"paper"`` (Lepe-Soltero et al., 2025, appendix A.1).
PRESETS: dict[str, Preset] = {
    "default": Preset("default"),
    "paper": Preset(
        "paper",
        Architecture(
            n_latent=64,
            n_hidden=None,
            n_layers=2,
            dropout=0.0,
            input_dropout=0.0,
            linear_tail=True,
            scaling="minmax",
            discriminator_hidden=(1024, 512, 256),
            discriminator_input="draw",
            linear_class_head=False,
            linear_models=False,
        ),
        dict.fromkeys(
            ("reconstruction", "adversarial", "modality", "classification", "clustering"), 1.0
        )
        | {"kl": 0.016},
        train_size=1.0,
        epoch_bounds=(20, 20),
        batch_sizes=((0, 32),),
        balance_classes=False,
        lr=1e-4,
        lr_discriminator=1e-4,
        decay_lr=False,
    ),
}
