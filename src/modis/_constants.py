"""Names shared by every room: registry keys, ``.obsm`` keys and the likelihoods' value domains."""

import logging
from typing import Final, Literal

#: A child of scvi-tools' logger: ``scvi.settings.verbosity`` and its handler hold for it.
logger: Final = logging.getLogger("scvi.modis")

#: Keys of the tensors in a minibatch of one modality.
X_KEY: Final = "X"
LABELS_KEY: Final = "labels"
BATCH_KEY: Final = "batch"
MISSING_KEY: Final = "missing"
ROW_WEIGHTS_KEY: Final = "row_weights"
#: Positions of the labelled rows of a minibatch.
LABELED_KEY: Final = "labeled"

#: Key of the observations that two modalities share, next to the modalities' names in a minibatch;
#: no modality has a dot in its name.
PAIRS_KEY: Final = "paired.observations"

#: Code of an observation whose class is not known; losses mask it.
UNLABELED_CODE: Final = -1

#: Words in columns of classes, in any case, that mean: the class is not known.
MISSING_WORDS: Final = frozenset(
    "na n/a #n/a <na> nan none null nil nat - -- . ? unknown unassigned unlabeled unlabelled "
    "undetermined unspecified missing".split()
) | {"not available", "not reported", "not applicable"}

#: Class of a sample that is rejected.
UNKNOWN: Final = "unknown"

#: Where the latent space is written by default.
LATENT_KEY: Final = "X_modis"

#: Names of the likelihoods.
Likelihood = Literal[
    "gaussian", "gaussian_learned_variance", "nb", "zinb", "poisson", "bernoulli", "beta"
]

#: Values that each likelihood can explain: ``"real"``, ``"counts"`` (integers >= 0),
#: ``"unit"`` ([0, 1]) or ``"binary"`` (probabilities of a Bernoulli, [0, 1]).
LIKELIHOOD_DOMAINS: Final[dict[str, str]] = {
    "gaussian": "real",
    "gaussian_learned_variance": "real",
    "nb": "counts",
    "zinb": "counts",
    "poisson": "counts",
    "bernoulli": "binary",
    "beta": "unit",
}
