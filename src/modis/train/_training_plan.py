from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Literal, cast

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import distributed
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from .._constants import LABELS_KEY, PAIRS_KEY, X_KEY
from ..data import number
from ..module import TERMS, MODISModule, Step, compute_terms, kl_to_standard_normal, weighted_sum
from ._selection import validation_scores

# The gradient penalty costs as much as the rest of step 1. Every fourth step, four times as
# strong, it does the same (lazy regularisation, Karras et al. 2020).
_PENALTY_INTERVAL = 4


class MODISTrainingPlan(LightningModule):
    """Two steps per minibatch: the discriminator learns, then the autoencoders.

    Step 1 updates the discriminator on latent points of the frozen encoders, step 2 the
    autoencoders against the frozen discriminator (equations 1 and 2 of the paper).

    Parameters
    ----------
    module
        The networks.
    lr, lr_discriminator, decay_lr
        As in :class:`~modis.module.Preset`, whose values are the defaults.
    betas, weight_decay
        Adam's momentum terms on both sides, and decoupled weight decay of the autoencoders.
    loss_weights
        Weights that differ from the preset's, by term.
    compile
        Whether :func:`torch.compile` makes encoders and decoders faster, after some minutes.
    gradient_clip_val, gradient_clip_algorithm
        Gradient clipping of both sides, as in :class:`lightning.pytorch.Trainer`.

    Raises
    ------
    ValueError
        If a loss weight has an unknown name, or the autoencoders have no term.

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
        lr: float | None = None,
        lr_discriminator: float | None = None,
        decay_lr: bool | None = None,
        betas: tuple[float, float] = (0.5, 0.999),
        weight_decay: float = 0.0,
        loss_weights: Mapping[str, float] | None = None,
        compile: bool = False,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: Literal["norm", "value"] | None = None,
    ) -> None:
        super().__init__()
        preset = module.preset
        weights = {**preset.loss_weights, **(loss_weights or {})}
        # a preset refuses names of no term
        self.loss_weights = dict(replace(preset, loss_weights=weights).loss_weights)
        theirs = [name for name, term in TERMS.items() if term.side != "discriminator"]
        if not any(self.loss_weights[name] for name in theirs):
            raise ValueError(
                f"The autoencoders have nothing to learn: give one of {theirs} a weight in "
                "loss_weights."
            )
        self.automatic_optimization = False
        self.module = module
        self.lr, self.lr_discriminator = (
            number(name, getattr(preset, name) if own is None else own, lambda x: x > 0, "above 0")
            for name, own in (("lr", lr), ("lr_discriminator", lr_discriminator))
        )
        self.decay_lr = preset.decay_lr if decay_lr is None else decay_lr
        self.betas = betas
        self.weight_decay = number("weight_decay", weight_decay, lambda x: x >= 0, "at least 0")
        self.clipping: dict[str, Any] = {
            "gradient_clip_val": gradient_clip_val,
            "gradient_clip_algorithm": gradient_clip_algorithm,
        }
        if compile:
            # not the discriminator: its gradient penalty needs second derivatives
            for network in (*module.encoders.values(), *module.decoders.values()):
                network.compile()
        self.validated_modalities: list[str] = []
        self._sums: dict[str, torch.Tensor] = {}
        self._counts: Counter[str] = Counter()
        self._seen: dict[str, list[dict[str, torch.Tensor]]] = defaultdict(list)

    def configure_optimizers(self) -> tuple[list[torch.optim.Optimizer], list[Any]]:
        """Adam for the autoencoders and for the discriminator, and their schedules."""
        autoencoders = [*self.module.encoders.parameters(), *self.module.decoders.parameters()]
        judge = list(self.module.discriminator.parameters())
        how: dict[str, Any] = {"betas": self.betas, "fused": self.device.type in ("cpu", "cuda")}
        optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(autoencoders, self.lr, weight_decay=self.weight_decay, **how),
            torch.optim.Adam(judge, self.lr_discriminator, **how),
        ]
        n_steps = self.trainer.estimated_stepping_batches if self.decay_lr else float("inf")
        # the full rate for a third of the steps, then down to 0 in a line
        factor = lambda step: max(0.0, min(1.0, (1 - step / n_steps) / (1 - 1 / 3)))
        schedules = [torch.optim.lr_scheduler.LambdaLR(each, factor) for each in optimizers]
        return optimizers, schedules

    def training_step(
        self, batch: dict[str, dict[str, torch.Tensor]], batch_idx: int
    ) -> dict[str, torch.Tensor]:
        """Both steps on one minibatch of every modality; the loss of the second, for callbacks."""
        module, weights = self.module, self.loss_weights
        paired: dict | None = batch.get(PAIRS_KEY)
        batch = {name: tensors for name, tensors in batch.items() if name != PAIRS_KEY}
        autoencoders, discriminator = cast("list[LightningOptimizer]", self.optimizers())
        # Lightning counts steps of all optimisers; a minibatch is one step
        discriminator._on_before_step = discriminator._on_after_step = lambda: None
        schedules = cast("list[Any]", self.lr_schedulers())
        encoded = module.inference(batch)
        n_minibatches = int(self.trainer.num_training_batches)
        penalty = weights["gradient_penalty"] * n_minibatches
        penalty /= -(-n_minibatches // _PENALTY_INTERVAL)
        on_turn = batch_idx % _PENALTY_INTERVAL == 0
        weights_1 = weights | {"gradient_penalty": penalty if on_turn else 0.0}
        terms_1 = compute_terms(Step(module, batch, encoded, weights_1, generator=False))
        self._update(discriminator, schedules[1], weighted_sum(terms_1, weights_1))
        # the discriminator is frozen, whatever happens within
        with self.toggled_optimizer(autoencoders):
            px = module.generative(batch, encoded)
            terms = compute_terms(Step(module, batch, encoded, weights, True, px, paired))
            loss = weighted_sum(terms, weights)
            self._update(autoencoders, schedules[0], loss)
        terms |= {"loss": loss, **{f"discriminator_{name}": own for name, own in terms_1.items()}}
        # summed here and logged once per epoch: logging every step costs more than the step
        for name, term in terms.items():
            self._sums[name] = self._sums.get(name, 0) + term.detach()
            self._counts[name] += 1
        return {"loss": loss.detach()}

    def _update(self, optimizer: LightningOptimizer, schedule: Any, loss: torch.Tensor) -> None:
        n_processes, strategy = self.trainer.world_size, cast(Any, self.trainer.strategy)
        if not loss.requires_grad and n_processes == 1:
            return  # the minibatch has nothing for any term
        optimizer.zero_grad()
        # Lightning would exchange the gradients of both sides
        with strategy.block_backward_sync() if n_processes > 1 else nullcontext():
            if loss.requires_grad:
                self.manual_backward(loss)
        if n_processes > 1:
            parameters = optimizer.param_groups[0]["params"]
            for own in parameters:
                # another process may have one
                own.grad = torch.zeros_like(own) if own.grad is None else own.grad
            total = parameters_to_vector(gradients := [own.grad for own in parameters])
            distributed.all_reduce(total)
            vector_to_parameters(total / n_processes, gradients)
        if self.clipping["gradient_clip_val"] is not None:
            self.clip_gradients(optimizer.optimizer, **self.clipping)
        optimizer.step()
        schedule.step()

    def on_train_epoch_end(self) -> None:
        """Log every term, averaged over the epoch."""
        self._check_finite()
        means = torch.stack([total / self._counts[name] for name, total in self._sums.items()])
        means = torch.as_tensor(self.trainer.strategy.reduce(means, reduce_op="mean"))
        values = dict(zip([f"{name}_train" for name in self._sums], means.tolist(), strict=True))
        self.log("loss_train", values.pop("loss_train"), prog_bar=True)
        # by the loggers themselves: with the steps of a small cohort, Lightning's log takes longer
        for logger in self.trainer.loggers:
            logger.log_metrics({**values, "epoch": self.current_epoch}, step=self.global_step)
        self._sums, self._counts = {}, Counter()

    def on_train_end(self) -> None:
        """Copy the weights of the first process to all, which differ in batch normalisation."""
        self.module.load_state_dict(self.trainer.strategy.broadcast(self.module.state_dict()))

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
        self._seen.clear()

    def validation_step(
        self, batch: dict[str, torch.Tensor], batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Keep the scores of one minibatch of one modality, a row for each sample."""
        module, name = self.module, self.validated_modalities[dataloader_idx]
        encoded = module.encode(name, batch[X_KEY])
        # the posterior mean, so that scores do not jitter
        encoded = encoded._replace(z=encoded.qz.mean)
        px = module.generative({name: batch}, {name: encoded})[name]
        rows = {
            "z": encoded.z,
            "reconstruction": module.reconstruction_loss(name, px, batch, encoded),
            "kl": module.kl_scale(name) * kl_to_standard_normal(encoded.qz),
        }
        if module.n_classes:
            rows["logits"] = module.discriminator.classify(encoded.z)
        links = []
        for source, target in module.link_maps if self.loss_weights["link"] else {}:
            if source == name:
                decoder = module.decoders[target]
                # the first batch and categories: any will do for a score that ranks epochs
                shape = (len(encoded.z), len(decoder.n_categories) + decoder.n_continuous)
                codes = torch.zeros(shape, dtype=torch.long, device=encoded.z.device)
                translated = module.scaled_mean(target, decoder(encoded.z, codes))
                links.append(module.link_loss(source, target, encoded, translated))
        if links:
            rows["link"] = torch.stack(links, dim=1)
        rows = {key: values.float() for key, values in rows.items()}
        self._seen[name].append(rows | {"labels": batch[LABELS_KEY]})

    def on_validation_epoch_end(self) -> None:
        """Log the scores of the pass."""
        seen = {
            name: {key: torch.cat([part[key] for part in parts]) for key in parts[0]}
            for name, parts in self._seen.items()
        }
        for name, score in validation_scores(seen).items():
            self.log(f"{name}_validation", score, prog_bar=name == "selection", sync_dist=True)
