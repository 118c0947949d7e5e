from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import torch
from lightning.pytorch import LightningModule

from .._constants import LABELS_KEY, PAIRS_KEY, X_KEY
from ..module import weighted_sum
from ._schedule import learning_rate_factor
from ._selection import ValidationPass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lightning.pytorch.core.optimizer import LightningOptimizer

    from ..module import MODISModule

__all__ = ["LINEAR_LOSS_WEIGHTS", "LOSS_WEIGHTS", "MODISTrainingPlan"]

#: Weight of every loss term. ``kl`` is per observation: the paper's 5e-4 on a KL summed over a
#: batch of 32. ``clustering`` is the paper's term; at full weight it moves unlabelled samples
#: of one modality into a wrong class, where the adversary locks them, so it is off by default.
#: ``gradient_penalty`` (on the discriminator), ``translation``, ``cycle`` and ``link`` (with
#: feature links only) are not in the paper. ``batch`` (the discriminator tells the batches of a
#: modality apart) and ``adversarial_batch`` (the encoders make that impossible) are not either;
#: set both, 1.0 each, when batches of a modality should not be told apart in the latent space.
#: ``ridge`` keeps the classes of linear encoders simple, ``temperature`` their probabilities true.
LOSS_WEIGHTS: dict[str, float] = {
    "reconstruction": 1.0,
    "kl": 0.016,
    "adversarial": 1.0,
    "modality": 1.0,
    "classification": 1.0,
    "clustering": 0.0,
    "gradient_penalty": 1.0,
    "translation": 1.0,
    "cycle": 1.0,
    "link": 1.0,
    "pairing": 0.03,
    "batch": 0.0,
    "adversarial_batch": 0.0,
    "ridge": 0.0,
    "temperature": 0.0,
}

#: Weights that differ with linear encoders, which let the details of a sample through that only
#: its own modality can know: decoders must learn more firmly to leave them out of translations.
#: Small cohorts have them, where a ridge penalty keeps classes from fitting the chance in few
#: labels; what it takes off the logits, a temperature gives back to the probabilities.
LINEAR_LOSS_WEIGHTS: dict[str, float] = {"translation": 5.0, "ridge": 120.0, "temperature": 1.0}

# A single number, which must get to its place within a few hundred steps
_LR_TEMPERATURE = 0.05

# The gradient penalty costs as much as the rest of step 1. Every fourth step, four times as
# strong, it does the same (lazy regularisation, Karras et al. 2020).
_PENALTY_INTERVAL = 4


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
    decay_lr
        Whether both learning rates fall to zero, in a line, over the last two thirds of the
        training, where the game of the two sides comes to rest.
    betas
        Adam's momentum terms, on both sides; the paper's.
    weight_decay
        Decoupled weight decay of the autoencoders.
    loss_weights
        Weights that differ from :data:`LOSS_WEIGHTS` (and, with linear encoders,
        :data:`LINEAR_LOSS_WEIGHTS`), by term.

    Raises
    ------
    ValueError
        If a loss weight names no term.

    Examples
    --------
    >>> from modis.module import MODISModule
    >>> from modis.train import MODISTrainingPlan
    >>> module = MODISModule({"rna": 20}, n_classes=2, likelihood={"rna": "gaussian"})
    >>> plan = MODISTrainingPlan(module, loss_weights={"clustering": 0.1})
    >>> plan.lr, plan.loss_weights["clustering"], plan.loss_weights["kl"]
    (0.001, 0.1, 0.016)
    """

    def __init__(
        self,
        module: MODISModule,
        *,
        lr: float = 1e-3,
        lr_discriminator: float = 1e-3,
        decay_lr: bool = True,
        betas: tuple[float, float] = (0.5, 0.999),
        weight_decay: float = 0.0,
        loss_weights: Mapping[str, float] | None = None,
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
        self.decay_lr = decay_lr
        self.betas = betas
        self.weight_decay = weight_decay
        usual = {} if module.architecture.n_layers else LINEAR_LOSS_WEIGHTS
        self.loss_weights = LOSS_WEIGHTS | usual | dict(loss_weights or {})
        self.validated_modalities: list[str] = []
        self._sums: dict[str, torch.Tensor] = {}
        self._counts: Counter[str] = Counter()
        self._validation = ValidationPass()

    def configure_optimizers(
        self,
    ) -> tuple[list[torch.optim.Optimizer], list[torch.optim.lr_scheduler.LambdaLR]]:
        """Adam for the autoencoders and for the discriminator, and their schedules."""
        autoencoders = [*self.module.encoders.parameters(), *self.module.decoders.parameters()]
        networks = dict(self.module.discriminator.named_parameters())
        temperature = networks.pop("log_temperature", None)
        judge: list[dict[str, Any]] = [{"params": list(networks.values())}]
        if temperature is not None:
            judge.append({"params": [temperature], "lr": _LR_TEMPERATURE})
        fused = self.device.type in ("cpu", "cuda")
        optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(
                autoencoders,
                lr=self.lr,
                betas=self.betas,
                weight_decay=self.weight_decay,
                fused=fused,
            ),
            torch.optim.Adam(
                judge,
                lr=self.lr_discriminator,
                betas=self.betas,
                fused=fused,
            ),
        ]
        n_steps = self.trainer.estimated_stepping_batches if self.decay_lr else float("inf")
        factor = partial(learning_rate_factor, n_steps=n_steps)
        schedules = [torch.optim.lr_scheduler.LambdaLR(each, factor) for each in optimizers]
        return optimizers, schedules

    def training_step(self, batch: dict[str, dict[str, torch.Tensor]], batch_idx: int) -> None:
        """Both steps on one minibatch of every modality."""
        module, weights = self.module, self.loss_weights
        paired: dict | None = batch.get(PAIRS_KEY)
        batch = {name: tensors for name, tensors in batch.items() if name != PAIRS_KEY}
        autoencoders, discriminator = cast("list[LightningOptimizer]", self.optimizers())
        encoded = module.inference(batch)
        labels = torch.cat([tensors[LABELS_KEY] for tensors in batch.values()])
        n_batches = int(self.trainer.num_training_batches)
        penalty = weights["gradient_penalty"] * n_batches / -(-n_batches // _PENALTY_INTERVAL)
        on_turn = batch_idx % _PENALTY_INTERVAL == 0
        weights_1 = weights | {"gradient_penalty": penalty if on_turn else 0.0}
        terms = module.discriminator_terms(encoded, labels, weights_1)
        if terms:
            discriminator.zero_grad()
            self.manual_backward(weighted_sum(terms, weights_1))
            discriminator.step()
        # frozen weights: no gradient is computed for them
        module.discriminator.requires_grad_(False)
        output = module.loss(batch, encoded, module.generative(batch, encoded), weights, paired)
        autoencoders.zero_grad()
        self.manual_backward(output.loss)
        autoencoders.step()
        module.discriminator.requires_grad_(True)
        schedules = cast("list[torch.optim.lr_scheduler.LambdaLR]", self.lr_schedulers())
        # without terms the discriminator made no step
        for schedule in schedules if terms else schedules[:1]:
            schedule.step()
        self._add({f"discriminator_{name}": term.detach() for name, term in terms.items()})
        self._add(output.extra_metrics | {"loss": output.loss.detach()})

    def _add(self, terms: Mapping[str, torch.Tensor]) -> None:
        # summed here and logged once per epoch: logging every step costs more than the step
        for name, term in terms.items():
            self._sums[name] = self._sums[name] + term if name in self._sums else term
            self._counts[name] += 1

    def on_train_epoch_end(self) -> None:
        """Log every term, averaged over the epoch."""
        self._check_finite()
        means = {name: total / self._counts[name] for name, total in self._sums.items()}
        self._sums, self._counts = {}, Counter()
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
        linked = self.module.link_maps if self.loss_weights["link"] else {}
        for source, target in linked:
            if source == name:
                decoder = self.module.decoder(target)
                # the first batch and categories: any will do for a score that ranks epochs
                shape = (len(encoded.z), len(decoder.n_categories))
                decoded = decoder(
                    encoded.z, torch.zeros(shape, dtype=torch.long).to(encoded.z.device)
                )
                translated = self.module.scaled_mean(target, decoded)
                loss = self.module.link_loss(source, target, encoded, translated)
                seen.link.setdefault((source, target), []).append(loss)
        if self.module.n_classes:
            seen.logits.append(self.module.class_logits(encoded.z))

    def on_validation_epoch_end(self) -> None:
        """Log the scores of the pass."""
        for name, score in self._validation.scores().items():
            self.log(f"{name}_validation", score, prog_bar=name == "selection")
