from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from lightning.pytorch import LightningModule

from .._constants import LABELS_KEY, X_KEY
from ..module import weighted_sum
from ._selection import ValidationPass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lightning.pytorch.core.optimizer import LightningOptimizer

    from ..module import MODISModule

__all__ = ["LOSS_WEIGHTS", "MODISTrainingPlan"]

#: Weight of every loss term. ``kl`` is per observation: the paper's 5e-4 on a KL summed over a
#: batch of 32. ``clustering`` is the paper's term; at full weight it moves unlabelled samples
#: of one modality into a wrong class, where the adversary locks them, so it is off by default.
#: ``gradient_penalty`` (on the discriminator) and ``translation`` (on labelled samples) are not
#: in the paper.
LOSS_WEIGHTS: dict[str, float] = {
    "reconstruction": 1.0,
    "kl": 0.016,
    "adversarial": 1.0,
    "modality": 1.0,
    "classification": 1.0,
    "clustering": 0.0,
    "gradient_penalty": 1.0,
    "translation": 1.0,
}


class MODISTrainingPlan(LightningModule):
    """Two steps per minibatch: the discriminator learns, then the autoencoders.

    Step 1 updates the discriminator on latent points of the frozen encoders (equation 1 of the
    paper), step 2 updates the autoencoders against the frozen discriminator (equation 2). The
    encoders run once per minibatch and serve both steps.

    Parameters
    ----------
    module
        The networks.
    lr
        Learning rate of the autoencoders.
    lr_discriminator
        Learning rate of the discriminator, which has to follow the encoders.
    betas
        Adam's momentum terms, on both sides; the paper's.
    weight_decay
        Decoupled weight decay of the autoencoders.
    loss_weights
        Weights that differ from :data:`LOSS_WEIGHTS`, by term.
    labeled_share
        Share of the training samples that are labelled. It scales the weight of the translation
        term, which would otherwise teach the decoders a handful of labelled samples by heart.

    Raises
    ------
    ValueError
        If a loss weight names no term.
    """

    def __init__(
        self,
        module: MODISModule,
        *,
        lr: float = 5e-4,
        lr_discriminator: float = 1e-3,
        betas: tuple[float, float] = (0.5, 0.999),
        weight_decay: float = 0.0,
        loss_weights: Mapping[str, float] | None = None,
        labeled_share: float = 1.0,
    ) -> None:
        super().__init__()
        unknown = sorted(set(loss_weights or {}) - set(LOSS_WEIGHTS))
        if unknown:
            raise ValueError(
                f"loss_weights names {unknown}; the terms are {sorted(LOSS_WEIGHTS)}."
            )
        self.automatic_optimization = False
        self.module = module
        self.lr = lr
        self.lr_discriminator = lr_discriminator
        self.betas = betas
        self.weight_decay = weight_decay
        self.loss_weights = LOSS_WEIGHTS | dict(loss_weights or {})
        self.loss_weights["translation"] *= labeled_share
        self.validated_modalities: list[str] = []
        self._sums: dict[str, torch.Tensor] = {}
        self._n_steps = 0
        self._validation = ValidationPass()

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Adam for the autoencoders and for the discriminator."""
        autoencoders = [*self.module.encoders.parameters(), *self.module.decoders.parameters()]
        fused = self.device.type in ("cpu", "cuda")
        return [
            torch.optim.AdamW(
                autoencoders,
                lr=self.lr,
                betas=self.betas,
                weight_decay=self.weight_decay,
                fused=fused,
            ),
            torch.optim.Adam(
                self.module.discriminator.parameters(),
                lr=self.lr_discriminator,
                betas=self.betas,
                fused=fused,
            ),
        ]

    def training_step(self, batch: dict[str, dict[str, torch.Tensor]], batch_idx: int) -> None:
        """Both steps on one minibatch of every modality."""
        module, weights = self.module, self.loss_weights
        autoencoders, discriminator = cast("list[LightningOptimizer]", self.optimizers())
        encoded = module.inference(batch)
        labels = torch.cat([tensors[LABELS_KEY] for tensors in batch.values()])
        terms = module.discriminator_terms(encoded, labels, weights)
        if terms:
            discriminator.zero_grad()
            self.manual_backward(weighted_sum(terms, weights))
            discriminator.step()
        # frozen weights: no gradient is computed for them
        module.discriminator.requires_grad_(False)
        output = module.loss(batch, encoded, module.generative(batch, encoded), weights)
        autoencoders.zero_grad()
        self.manual_backward(output.loss)
        autoencoders.step()
        module.discriminator.requires_grad_(True)
        self._add({f"discriminator_{name}": term.detach() for name, term in terms.items()})
        self._add(output.extra_metrics | {"loss": output.loss.detach()})
        self._n_steps += 1

    def _add(self, terms: Mapping[str, torch.Tensor]) -> None:
        # summed here and logged once per epoch: logging every step costs more than the step
        for name, term in terms.items():
            self._sums[name] = self._sums[name] + term if name in self._sums else term

    def on_train_epoch_end(self) -> None:
        """Log every term, averaged over the epoch."""
        self._check_finite()
        means = {name: total / self._n_steps for name, total in self._sums.items()}
        self._sums, self._n_steps = {}, 0
        for name, mean in means.items():
            self.log(f"{name}_train", mean, prog_bar=name == "loss")

    def _check_finite(self) -> None:
        broken = [name for name, total in self._sums.items() if not torch.isfinite(total)]
        if broken:
            raise RuntimeError(
                f"Training diverged: {broken} are not finite in epoch {self.current_epoch + 1}. "
                "Lower the learning rate (plan_kwargs={'lr': ...}) or scale the features."
            )

    def on_validation_epoch_start(self) -> None:
        """Start a new pass."""
        # Lightning validates before it ends the training epoch
        self._check_finite()
        self._validation = ValidationPass()

    def validation_step(
        self, batch: dict[str, torch.Tensor], batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Collect what one minibatch of one modality shows."""
        name = self.validated_modalities[dataloader_idx]
        encoded = self.module.encode(name, batch[X_KEY])
        # the posterior mean, so that scores do not jitter
        encoded = encoded._replace(z=encoded.qz.mean)
        seen, single = self._validation, {name: encoded}
        terms = self.module.reconstruction_terms(
            {name: batch}, single, self.module.generative({name: batch}, single)
        )
        seen.z.append(encoded.z)
        seen.labels.append(batch[LABELS_KEY])
        seen.modality.append(name)
        for term in ("reconstruction", "kl"):
            getattr(seen, term).append(float(terms[term]) * len(encoded.z))
        if self.module.n_classes:
            seen.logits.append(self.module.discriminator.classify(encoded.z))

    def on_validation_epoch_end(self) -> None:
        """Log the scores of the pass."""
        for name, score in self._validation.scores().items():
            self.log(f"{name}_validation", score, prog_bar=name == "selection")
