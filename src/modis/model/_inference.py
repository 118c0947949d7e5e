from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from anndata import AnnData
from mudata import MuData
from torch.distributions import Normal

from .._constants import BATCH_KEY, LATENT_KEY, UNKNOWN
from ..data import number, whole
from ..module import kl_to_standard_normal
from ..pl import palette
from ._base import Model, positions
from ._query import share_with_added
from ._trust import judge, together


def get_latent_representation(  # numpydoc ignore=PR01
    self: Model,
    mdata: MuData | None = None,
    modality: str | None = None,
    indices: Sequence[int] | None = None,
    give_mean: bool = True,
    batch_size: int | None = None,
) -> np.ndarray:
    """Coordinates of observations in the shared latent space.

    Parameters
    ----------
    mdata
        Data to encode; the training data by default.
    modality
        Encode the observations of this modality only. By default every observation is encoded
        from all modalities that it has, weighted by the precision of their posteriors.
    indices
        Positions of the rows wanted, among ``mdata.mod[modality].obs_names`` or
        ``mdata.obs_names``; all by default.
    give_mean
        Return the mean of the posterior, or else one draw from it.
    batch_size
        Rows encoded at a time, by default 512, or fewer with thousands of features.

    Returns
    -------
    float32 array of shape ``(n_obs, n_latent)``, NaN for observations without a modality.
    """
    encoding = self._encoding(mdata, modality, indices, batch_size)
    if not give_mean:
        noise = torch.randn(encoding.mean.shape).numpy()
        noise = (noise * encoding.scale).astype(np.float32)
        encoding = encoding._replace(mean=encoding.mean + noise)
    return self._latent(encoding)


def predict(  # numpydoc ignore=PR01
    self: Model,
    mdata: MuData | None = None,
    modality: str | None = None,
    soft: bool = False,
    indices: Sequence[int] | None = None,
    batch_size: int | None = None,
    reject: float | None = None,
) -> pd.Series | pd.DataFrame:
    """Predict the class of observations.

    Parameters
    ----------
    mdata
        Data to classify; the training data by default.
    modality
        Classify from this modality only. By default from all that an observation has: the mean
        of their log-probabilities, times the square root of the number of modalities.
    soft
        Return probabilities instead of class names.
    indices, batch_size
        As in :meth:`get_latent_representation`.
    reject
        Level in (0, 1) of :meth:`novelty` at or below which the class is called ``"unknown"``; by
        default every observation gets a class. At 0.05 one genuine sample in twenty is rejected.

    Returns
    -------
    Series of ``n_obs`` class names, or DataFrame of probabilities, ``(n_obs, n_classes)``, by
    name of the observation; missing for observations without a modality.

    Raises
    ------
    ValueError
        If the model has no classes, or `reject` is out of range or given with `soft`.
    """
    self._check_classes()
    if reject is not None:
        says = "between 0 and 1, and needs soft=False"
        reject = number("reject", reject, lambda x: 0 < x < 1 and not soft, says)
    encoding = self._encoding(mdata, modality, indices, batch_size)
    probability = share_with_added(encoding.log_probability, encoding.odds)
    classes = [*self._spec.classes, *self.added_classes_]
    index = self._obs_names(mdata, modality, indices)
    if soft:
        return pd.DataFrame(probability, index=index, columns=pd.Index(classes))
    seen = ~np.isnan(probability[:, 0])
    codes = np.where(seen, probability.argmax(axis=1), -1)
    names = pd.Categorical.from_codes(codes, categories=classes)
    if reject is not None:
        # without the warning, which was given before
        _, p_values, _ = judge(self, mdata, modality, indices, warn=False)
        novel = together(self, p_values) <= reject
        names = names.add_categories(pd.Index([UNKNOWN]).difference(names.categories))
        names[novel & seen] = UNKNOWN
    return pd.Series(names, index=index, name="predicted")


@torch.inference_mode()
def get_elbo(  # numpydoc ignore=PR01
    self: Model, mdata: MuData | None = None, batch_size: int | None = None
) -> pd.DataFrame:
    """Evidence lower bound and its parts, by modality.

    Parameters
    ----------
    mdata, batch_size
        As in :meth:`get_latent_representation`.

    Returns
    -------
    DataFrame with a row per modality, means over its observations: ``elbo`` (log-likelihood of all
    features minus KL, nats; a gaussian has scaled features, and variance 1 unless learned), ``kl``
    (nats) and ``reconstruction`` (the loss of the training, per feature).
    """
    rows = {}
    for name, data in self._read(mdata, None, decode=True).items():
        totals = np.zeros(3)
        for _, batch, encoded in self._encode(data, None, batch_size):
            px = self.module.generative({name: batch}, {name: encoded})[name]
            kl = kl_to_standard_normal(encoded.qz)
            elbo = self.module.log_likelihood(name, px, batch, encoded) - kl
            loss = self.module.reconstruction_loss(name, px, batch, encoded)
            totals += [float(each.sum()) for each in (elbo, kl, loss)]
        rows[name] = totals / data.n_obs
    columns = ["elbo", "kl", "reconstruction"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def get_reconstruction_error(  # numpydoc ignore=PR01
    self: Model, mdata: MuData | None = None, batch_size: int | None = None
) -> dict[str, float]:
    """Negative log-likelihood of the features given the latent points.

    Parameters
    ----------
    mdata, batch_size
        As in :meth:`get_latent_representation`.

    Returns
    -------
    By modality: the sum over all features in nats, mean over the observations.
    """
    bound = get_elbo(self, mdata, batch_size)
    return (-bound["elbo"] - bound["kl"]).to_dict()


@torch.inference_mode()
def get_marginal_ll(  # numpydoc ignore=PR01
    self: Model,
    mdata: MuData | None = None,
    n_mc_samples: int = 1000,
    batch_size: int | None = None,
) -> dict[str, float]:
    """Estimate the log-likelihood of the features by importance sampling.

    Parameters
    ----------
    mdata
        Data to judge; the training data by default.
    n_mc_samples
        Draws from the posterior of each observation; from few of them the estimate is too low.
    batch_size
        Rows encoded at a time.

    Returns
    -------
    By modality: of all features in nats, mean over the observations.
    """
    n_mc_samples, found = whole("n_mc_samples", n_mc_samples), {}
    for name, data in self._read(mdata, None, decode=True).items():
        total = 0.0
        for _, batch, encoded in self._encode(data, None, batch_size):
            weight = torch.full((len(encoded.z),), -torch.inf, device=encoded.z.device)
            for z in (encoded.qz.sample() for _ in range(n_mc_samples)):
                px = self.module.generative({name: batch}, {name: encoded._replace(z=z)})[name]
                prior = Normal(torch.zeros_like(z), 1.0).log_prob(z)
                joint = self.module.log_likelihood(name, px, batch, encoded)
                joint += (prior - encoded.qz.log_prob(z)).sum(dim=-1)
                weight = torch.logaddexp(weight, joint)
            total += float((weight - np.log(n_mc_samples)).sum())
        found[name] = total / data.n_obs
    return found


@torch.inference_mode()
def posterior_predictive_sample(  # numpydoc ignore=PR01
    self: Model,
    modality: str,
    mdata: MuData | None = None,
    indices: Sequence[int] | None = None,
    n_samples: int = 1,
    batch_size: int | None = None,
) -> np.ndarray:
    """Draw features from the likelihood of a modality, at draws from the posterior.

    Parameters
    ----------
    modality, mdata, indices
        As in :meth:`get_latent_representation`; the modality is needed.
    n_samples
        Draws per observation.
    batch_size
        As in :meth:`get_latent_representation`.

    Returns
    -------
    float32 array of shape ``(n_obs, n_features)``, or ``(n_obs, n_features, n_samples)`` with
    several draws, in the units of the data; a gaussian has variance 1 of scaled features unless it
    is learned.
    """
    n_samples = whole("n_samples", n_samples)
    data = self._read(mdata, [modality], indices, decode=True)[modality]
    shape = (len(data.obs_names[positions(indices)]), data.matrix.shape[1], n_samples)
    drawn = np.empty(shape, dtype=np.float32)
    for rows, batch, encoded in self._encode(data, indices, batch_size):
        for k in range(n_samples):
            how = (encoded.qz.sample(), batch[BATCH_KEY], encoded.library)
            drawn[rows, :, k] = self.module.decode(modality, *how, draw=True).cpu()
    return drawn[..., 0] if n_samples == 1 else drawn


def write_latent(
    self: Model, mdata: MuData | None = None, key_added: str = LATENT_KEY
) -> None:  # numpydoc ignore=PR01
    """Write the latent space into the data.

    Parameters
    ----------
    mdata
        Data to encode and to write into; the training data by default.
    key_added
        Key in ``.obsm`` of the MuData (observations from all their modalities) and of each one.
    """
    target = self._data_or_own(mdata)
    data = self._read(mdata, None)
    encodings = {name: self._encode_all(item, None, None) for name, item in data.items()}
    rows = {name: target.obs_names.get_indexer(item.obs_names) for name, item in data.items()}
    combined = self._latent(self._combine(encodings, rows, target.n_obs))
    for name, encoding in encodings.items():
        target.mod[name].obsm[key_added] = self._latent(encoding)
    target.obsm[key_added] = combined


def joint_embedding(self: Model, mdata: MuData | None = None) -> AnnData:  # numpydoc ignore=PR01
    """One row per observation and modality, for plots and neighbour graphs.

    Parameters
    ----------
    mdata
        Data to encode; the training data by default.

    Returns
    -------
    AnnData whose ``X`` and ``obsm["X_modis"]`` hold the latent space, float32 of shape
    ``(n_rows, n_latent)``, rows in the order of the modalities and then of their observations.
    ``obs`` has ``observation``, ``modality``, ``label`` (or the category for unlabelled),
    ``predicted`` with its ``probability`` (with classes), and other columns of the modalities'
    ``obs``. ``uns`` has colours for scanpy (``modality_colors``, ...): :func:`modis.pl.palette`.
    """
    spec, data = self._spec, self._read(mdata, None)
    encodings = [self._encode_all(item, None, None) for item in data.values()]
    latent = np.concatenate([self._latent(encoding) for encoding in encodings])
    sizes = [item.n_obs for item in data.values()]
    observation = np.concatenate([item.obs_names.to_numpy(str) for item in data.values()])
    modality = pd.Categorical(np.repeat(list(data), sizes), categories=spec.modalities)
    obs = pd.DataFrame({"observation": observation, "modality": modality})
    obs.index = obs["observation"].str.cat(obs["modality"].astype(str), sep=":").rename(None)
    by_modality = self._labels(self._data_or_own(mdata), list(data))
    labels = pd.concat(by_modality.values(), ignore_index=True).fillna(spec.unlabeled_category)
    known = [name for name in spec.classes if name in set(labels)]
    other = sorted(set(labels) - set(known))
    obs["label"] = pd.Categorical(labels, categories=[*known, *other])
    if self.module.n_classes:
        said = [share_with_added(own.log_probability, own.odds) for own in encodings]
        probability = np.concatenate(said)
        names = [*spec.classes, *self.added_classes_]
        obs["predicted"] = pd.Categorical.from_codes(probability.argmax(axis=1), categories=names)
        obs["probability"] = probability.max(axis=1)
    own = pd.concat([self._data_or_own(mdata).mod[name].obs for name in data])
    own = own.loc[:, ~own.columns.isin(obs.columns)]
    obs = obs.join(own.set_axis(obs.index))
    classes = {*spec.classes, *self.added_classes_, *labels}
    by_class = palette(classes, unlabeled_category=spec.unlabeled_category)
    by_key = {"label": by_class, "predicted": by_class}
    by_key["modality"] = palette(spec.modalities, "modality")
    uns = {
        f"{key}_colors": [colors[name] for name in obs[key].cat.categories]
        for key, colors in by_key.items()
        if key in obs
    }
    var = pd.DataFrame(index=[f"latent_{k}" for k in range(latent.shape[1])])
    return AnnData(latent, obs=obs, var=var, obsm={LATENT_KEY: latent.copy()}, uns=uns)
