from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import torch
from scipy import sparse
from scvi.module.base import BaseModuleClass, auto_move_data
from torch import nn
from torch.distributions import Distribution, Normal
from torch.nn import functional

from .._constants import BATCH_KEY, MISSING_KEY, X_KEY
from ..data import LinkPair, choice
from ..nn import DECODERS, BlockStyle, CountDecoder, Discriminator, Encoder, FeatureScaler, Tensors
from ._linear_models import LinearModels
from ._presets import Preset, PresetName

Adversarial = Literal["cross_entropy", "relativistic"]
#: Forms of the adversarial term; the paper has the first.
ADVERSARIAL = get_args(Adversarial)

#: A minibatch of one modality.
Minibatch = dict[str, torch.Tensor]

# The paper's KL weight, 0.016 per observation, is that of an evidence lower bound per feature for
# so many features.
_KL_FEATURES = 62.5


class Encoded(NamedTuple):
    """One modality's minibatch after its encoder.

    ``x_scaled`` has shape ``(n, n_features)``, ``qz`` batch shape ``(n, n_latent)``, ``z`` is a
    draw from it, ``library`` (counts only) has shape ``(n, 1)``; ``missing`` tells which values
    were filled, `None` if all were there.
    """

    x_scaled: torch.Tensor
    qz: Normal
    z: torch.Tensor
    library: torch.Tensor | None
    missing: torch.Tensor | None


class LinkMap(nn.Module):
    """Linked features of a target as weighted means of those of a source; nothing is learned.

    `source` and `target` are positions, `weight` signed weights, all ``(n_links,)``.
    """

    linked: torch.Tensor
    entries: torch.Tensor
    shares: torch.Tensor

    def __init__(
        self, source: np.ndarray, target: np.ndarray, weight: np.ndarray, n_source: int
    ) -> None:
        super().__init__()
        # copies: arrays of pandas 3 are read-only
        linked, row = torch.unique(torch.tensor(target), return_inverse=True)
        signed = torch.tensor(weight, dtype=torch.float32)
        total = torch.zeros(len(linked)).index_add_(0, row, signed.abs())
        entries = torch.stack([row, torch.tensor(source)])
        self._shape = (len(linked), n_source)
        averages = torch.sparse_coo_tensor(
            entries, signed / total[row], self._shape, check_invariants=True
        ).coalesce()
        # made from the table of links, which is saved with the model
        self.register_buffer("linked", linked, persistent=False)
        self.register_buffer("entries", averages.indices(), persistent=False)
        self.register_buffer("shares", averages.values(), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Predict ``(n, n_linked)`` from standardised source features ``(n, n_source)``."""
        averages = torch.sparse_coo_tensor(
            self.entries, self.shares, self._shape, is_coalesced=True, check_invariants=False
        )
        return torch.sparse.mm(averages, x.T).T

    def loss(self, x: torch.Tensor, translated: torch.Tensor) -> torch.Tensor:
        """One minus the cosine of what links and networks make of standardised `x`, ``(n,)``."""
        # select: the gradient of an index in brackets takes many times longer
        linked = translated.index_select(1, self.linked)
        return 1 - functional.cosine_similarity(self(x), linked)


class MODISModule(BaseModuleClass):
    """One autoencoder per modality and one discriminator in their latent space.

    `n_input` holds the number of features and `likelihood` a key of ``DECODERS`` by modality;
    `links` guide translations both ways, and `sizes` are fields of the architecture that differ
    from the preset's. Fewer than two classes build no class head. Losses are in ``TERMS``.
    """

    def __init__(
        self,
        n_input: Mapping[str, int],
        n_classes: int,
        likelihood: Mapping[str, str],
        n_batch: int = 0,
        n_cats_per_cov: Sequence[int] = (),
        n_continuous_cov: int = 0,
        preset: PresetName | Preset = "default",
        adversarial: Adversarial = "cross_entropy",
        links: Mapping[tuple[str, str], LinkPair] | None = None,
        **sizes: Any,
    ) -> None:
        super().__init__()
        choice("adversarial", adversarial, ADVERSARIAL)
        self.preset = Preset.find(preset).with_sizes(**sizes)
        self.architecture = built = self.preset.architecture
        self.adversarial = adversarial
        self.n_classes = n_classes if n_classes > 1 else 0
        #: Their order is that of the discriminator's logits.
        self.modality_codes = {name: code for code, name in enumerate(n_input)}
        #: Categories of the batch and of each covariate.
        self.n_categories = [n_batch, *n_cats_per_cov]
        # by modality; what is taken from a ModuleDict is of no known type
        self.scalers: Any = nn.ModuleDict()
        self.encoders: Any = nn.ModuleDict()
        self.decoders: Any = nn.ModuleDict()
        for name, n_features in n_input.items():
            units = built.hidden_units(n_features)
            self.scalers[name] = FeatureScaler(n_features, built.scaling)
            self.encoders[name] = Encoder(
                n_features,
                built.n_latent,
                [units] * built.n_layers,
                built.style,
                linear_tail=built.linear_tail,
                input_dropout=built.input_dropout,
            )
            self.decoders[name] = DECODERS[likelihood[name]](
                built.n_latent,
                n_features,
                [units] * (max(1, built.n_layers) + built.linear_tail),
                built.style,
                n_batch,
                n_cats_per_cov,
                n_continuous_cov,
            )
        # by pair of names, which no ModuleDict takes; the list below moves them between devices
        self.link_maps: dict[tuple[str, str], LinkMap] = {}
        for (a, b), pair in (links or {}).items():
            self.link_maps[a, b] = LinkMap(pair.first, pair.second, pair.weight, n_input[a])
            self.link_maps[b, a] = LinkMap(pair.second, pair.first, pair.weight, n_input[b])
        self._link_maps = nn.ModuleList(self.link_maps.values())
        #: By modality code, what fills missing values, see :class:`modis.linear.Imputation`.
        self.training_values = Tensors()
        #: Closed-form linear models of the training samples; empty without a training, and for
        #: networks alone.
        self.linear = LinearModels()
        #: Of the training samples, by modality: labelled ones of each class, shape
        #: ``(n_classes,)``, and those of each batch, shape ``(n_batch,)``.
        self.label_counts: dict[str, torch.Tensor] = {}
        self.batch_counts = {name: torch.ones(n_batch) for name in n_input}
        self.discriminator = Discriminator(
            built.n_latent,
            len(n_input),
            self.n_classes,
            built.discriminator_hidden,
            BlockStyle(norm=None),
            linear_class_head=built.linear_class_head,
            n_batch=n_batch,
        )

    def kl_scale(self, modality: str) -> float:
        """Weight of a modality's KL: the paper's is for a squared error, counts have nats."""
        decoder = self.decoders[modality]
        is_counts = isinstance(decoder, CountDecoder)
        return _KL_FEATURES / decoder.mean.out_features if is_counts else 1.0

    def fit_scaler(self, modality: str, chunks: Iterable[Any]) -> None:
        """Learn the scaling, and the typical library size of counts, from training rows.

        The pieces ``(n, n_features)`` in the user's units, arrays or CSR, are walked over twice.
        """
        decoder = self.decoders[modality]
        if isinstance(decoder, CountDecoder):
            libraries = [np.asarray(chunk.sum(axis=1)).ravel() for chunk in chunks]
            decoder.typical_library.fill_(float(np.median(np.concatenate(libraries))))
        self.scalers[modality].fit(self._transform(modality, chunk) for chunk in chunks)

    def _transform(self, modality: str, chunk: Any) -> Any:
        """Rows as they are scaled, sparse ones as such."""
        if not sparse.issparse(chunk):
            return self._log_normalize(modality, torch.as_tensor(chunk))[0].numpy()
        totals = np.repeat(np.asarray(chunk.sum(axis=1)).ravel(), np.diff(chunk.indptr))
        values, library = (torch.from_numpy(each)[:, None] for each in (chunk.data, totals))
        transformed = self._log_normalize(modality, values, library)[0].numpy()[:, 0]
        return type(chunk)((transformed, chunk.indices, chunk.indptr), shape=chunk.shape)

    def _log_normalize(
        self, modality: str, x: torch.Tensor, library: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """``log1p`` of counts at the typical depth, and the library size; others unchanged."""
        decoder = self.decoders[modality]
        if not isinstance(decoder, CountDecoder):
            return x, None
        library = (x.sum(dim=1, keepdim=True) if library is None else library).clamp(min=1)
        return torch.log1p(x / library * decoder.typical_library.to(x.device)), library

    @auto_move_data
    def scale(self, modality: str, x: torch.Tensor) -> torch.Tensor:
        """Features ``(n, n_features)`` in the user's units as the encoder sees them."""
        return self.scalers[modality](self._log_normalize(modality, x)[0])

    def scaled_mean(self, modality: str, px: Distribution) -> torch.Tensor:
        """Expected features as the encoder would see them, shape ``(n, n_features)``."""
        if self.decoders[modality].scaled_output:
            return px.mean
        return self.scale(modality, px.mean)

    @auto_move_data
    def encode(
        self, modality: str, x: torch.Tensor, missing: torch.Tensor | None = None
    ) -> Encoded:
        """Encode features ``(n, n_features)`` in the user's units."""
        transformed, library = self._log_normalize(modality, x)
        x_scaled = self.scalers[modality](transformed)
        qz = self.encoders[modality](x_scaled)
        return Encoded(x_scaled, qz, qz.rsample(), library, missing)

    @auto_move_data
    def decode(
        self,
        modality: str,
        z: torch.Tensor,
        batch: torch.Tensor | None = None,
        library: torch.Tensor | None = None,
        *,
        draw: bool = False,
    ) -> torch.Tensor:
        """Expected features ``(n, n_features)`` in the user's units, or a `draw` of them.

        Of points ``(n, n_latent)``; `batch` holds codes of batch and covariates,
        ``(n, 1 + n_covariates)``, `library` total counts, ``(n, 1)``, by default typical ones.
        """
        decoder = self.decoders[modality]
        px = decoder(z, batch, library)
        values = px.sample() if draw else px.mean
        return self.scalers[modality].inverse(values) if decoder.scaled_output else values

    @auto_move_data
    def profile(self, modality: str, x: torch.Tensor) -> torch.Tensor:
        """Features ``(n, n_features)`` as linear models predict them, not yet standardised."""
        decoder = self.decoders[modality]
        if decoder.scaled_output:
            return self.scale(modality, x)
        if isinstance(decoder, CountDecoder):
            return x / x.sum(dim=1, keepdim=True).clamp(min=1) * decoder.typical_library
        return x

    def from_profile(self, modality: str, profile: torch.Tensor) -> torch.Tensor:
        """Features in the user's units and range, ``(n, n_features)``, counts of typical depth."""
        decoder = self.decoders[modality]
        if decoder.scaled_output:
            return self.scalers[modality].inverse(profile)
        if isinstance(decoder, CountDecoder):
            share = functional.normalize(profile.clamp(min=0), p=1, dim=1)
            return share * decoder.typical_library
        return profile.clamp(0, 1)

    @auto_move_data
    def class_log_probability(
        self,
        modality: str,
        x_scaled: torch.Tensor,
        z: torch.Tensor,
        missing: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Log-probabilities of the classes by linear model and networks, ``(n, n_classes)``."""
        networks, code = self.discriminator.classify(z), self.modality_codes[modality]
        networks = networks.log_softmax(dim=-1)
        linear = self.linear.class_log_probability(code, x_scaled, missing)
        if linear is None:
            return networks
        return self.linear.pool(code, x_scaled, linear, networks)

    def link_loss(
        self, source: str, target: str, encoded: Encoded, translated: torch.Tensor
    ) -> torch.Tensor:
        """Disagreement of a translation ``(n, n_target)``, scaled, with the links, ``(n,)``."""
        return self.link_maps[source, target].loss(
            self.scalers[source].standardize(encoded.x_scaled),
            self.scalers[target].standardize(translated),
        )

    def log_likelihood(
        self, modality: str, px: Distribution, tensors: Minibatch, encoded: Encoded
    ) -> torch.Tensor:
        """Log-likelihood of the values of a minibatch that were not filled, ``(n,)``."""
        found = self.decoders[modality].log_prob(px, tensors[X_KEY], encoded.x_scaled)
        if MISSING_KEY in tensors:
            found = found.masked_fill(tensors[MISSING_KEY], 0)
        return found.sum(dim=-1)

    def reconstruction_loss(
        self, modality: str, px: Distribution, tensors: Minibatch, encoded: Encoded
    ) -> torch.Tensor:
        """Reconstruction loss of a minibatch, ``(n,)``; values that were filled do not count."""
        x, missing = tensors[X_KEY], tensors.get(MISSING_KEY)
        return self.decoders[modality].loss(px, x, encoded.x_scaled, missing)

    def inference(self, tensors: Mapping[str, Minibatch]) -> dict[str, Encoded]:
        """Encode a minibatch of every modality."""
        return {
            name: self.encode(name, own[X_KEY], own.get(MISSING_KEY))
            for name, own in tensors.items()
        }

    def generative(
        self, tensors: Mapping[str, Minibatch], encoded: Mapping[str, Encoded]
    ) -> dict[str, Distribution]:
        """Decode every modality's latent points into that modality."""
        return {
            name: self.decoders[name](item.z, tensors[name].get(BATCH_KEY), item.library)
            for name, item in encoded.items()
        }
