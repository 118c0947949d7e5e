import numpy as np
import pytest
import torch
from scipy import special, stats

from modis._constants import LIKELIHOOD_DOMAINS
from modis.nn import DECODERS, BlockStyle

PLAIN = BlockStyle(norm=None)
N, N_LATENT, N_OUTPUT = 12, 3, 5


def values(likelihood):
    """Data in the likelihood's domain, with zeros (and ones) among them."""
    rng = np.random.default_rng(1)
    domain = LIKELIHOOD_DOMAINS[likelihood]
    drawn = {
        "real": lambda: rng.normal(size=(N, N_OUTPUT)),
        "counts": lambda: rng.negative_binomial(1, 0.2, size=(N, N_OUTPUT)),
        "unit": lambda: rng.uniform(0.01, 0.99, size=(N, N_OUTPUT)),
        "binary": lambda: rng.integers(0, 2, size=(N, N_OUTPUT)),
    }[domain]()
    return torch.as_tensor(drawn, dtype=torch.float64)


def make(likelihood):
    decoder = DECODERS[likelihood](N_LATENT, N_OUTPUT, [6, 4], PLAIN).double()
    return decoder, torch.randn(N, N_LATENT, dtype=torch.float64)


def array(x):
    return x.detach().numpy()


def count_rate(decoder, raw, library):
    return array(library) * special.softmax(raw, axis=1)


def negative_binomial(decoder, raw, x, library):
    theta, mu = np.exp(array(decoder.log_theta)), count_rate(decoder, raw, library)
    return stats.nbinom.logpmf(x, theta, theta / (theta + mu))


def zero_inflated(decoder, raw, x, library, hidden):
    dropped = special.expit(array(decoder.dropout_logits(hidden)))
    pmf = (1 - dropped) * np.exp(negative_binomial(decoder, raw, x, library))
    return np.log(pmf + np.where(x == 0, dropped, 0))


def beta(decoder, raw, x):
    mean, total = special.expit(raw), np.exp(array(decoder.log_concentration))
    return stats.beta.logpdf(x, mean * total, (1 - mean) * total)


# decoder, raw head, data (scaled where the likelihood takes them so), library, last hidden layer
REFERENCE = {
    "gaussian": lambda d, raw, x, lib, h: stats.norm.logpdf(x, raw, 1),
    "gaussian_learned_variance": lambda d, raw, x, lib, h: stats.norm.logpdf(
        x, raw, np.exp(array(d.log_variance) / 2)
    ),
    "bernoulli": lambda d, raw, x, lib, h: stats.bernoulli.logpmf(x, special.expit(raw)),
    "beta": lambda d, raw, x, lib, h: beta(d, raw, x),
    "poisson": lambda d, raw, x, lib, h: stats.poisson.logpmf(x, count_rate(d, raw, lib)),
    "nb": lambda d, raw, x, lib, h: negative_binomial(d, raw, x, lib),
    "zinb": zero_inflated,
}


@pytest.mark.parametrize("likelihood", DECODERS)
def test_log_likelihood_and_loss(likelihood):
    decoder, z = make(likelihood)
    x, library = values(likelihood), torch.linspace(1, 40, N, dtype=torch.float64)[:, None]
    scaled, hidden = torch.randn_like(x), decoder.trunk(z)
    raw, px = array(decoder.mean(hidden)), decoder(z, library=library)

    log_prob = array(decoder.log_prob(px, x, scaled))
    seen = array(scaled if "gaussian" in likelihood else x)
    expected = REFERENCE[likelihood](decoder, raw, seen, library, hidden)
    assert log_prob.shape == (N, N_OUTPUT)
    np.testing.assert_allclose(log_prob, expected, rtol=1e-5, atol=1e-5)

    loss = -log_prob.mean(axis=1)
    if likelihood == "gaussian":
        loss = ((array(px.mean) - array(scaled)) ** 2).mean(axis=1)
    np.testing.assert_allclose(array(decoder.loss(px, x, scaled)), loss, rtol=1e-12)


def assert_finite(decoder, z, x):
    """Loss and gradients."""
    loss = decoder.loss(decoder(z), x, x)
    loss.sum().backward()
    assert torch.isfinite(loss).all()
    assert all(torch.isfinite(parameter.grad).all() for parameter in decoder.parameters())


@pytest.mark.parametrize(("value", "raw"), [(0.0, -1e6), (1e4, 1e6)])
def test_learned_variances_are_bounded(value, raw):
    decoder, z = make("gaussian_learned_variance")
    torch.nn.init.constant_(decoder.raw_log_variance, raw)
    assert decoder.log_variance.abs().tolist() == pytest.approx([7] * N_OUTPUT)
    assert_finite(decoder, z, torch.full((N, N_OUTPUT), value, dtype=torch.float64))


@pytest.mark.parametrize("logit", [0.0, 60.0, -60.0])
def test_beta_at_exact_zero_and_one(logit):
    decoder = DECODERS["beta"](N_LATENT, 2, [4], PLAIN)
    torch.nn.init.zeros_(decoder.mean.weight)
    torch.nn.init.constant_(decoder.mean.bias, logit)
    x = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]])
    assert_finite(decoder, torch.randn(3, N_LATENT), x)


@pytest.mark.parametrize("categories", [[3], [3, 1, 2]])
def test_decoder_sees_batch_and_covariates(categories):
    """One-hot codes stand side by side; what has one category only is left out."""
    n_batch, *others = categories
    decoder = DECODERS["gaussian"](N_LATENT, N_OUTPUT, [6, 4], PLAIN, n_batch, others).double()
    z, seen = torch.randn(N, N_LATENT, dtype=torch.float64), []
    codes = torch.stack([torch.arange(N) // (k + 1) % n for k, n in enumerate(categories)], dim=1)
    decoder.trunk[1].register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    decoder(z, codes if others else codes[:, 0])
    kept = [k for k, n in enumerate(categories) if n > 1]
    one_hot = [torch.eye(categories[k], dtype=z.dtype)[codes[:, k]] for k in kept]
    close = {"rtol": 0, "atol": 1e-14}
    expected = decoder.trunk[0](torch.cat([z, *one_hot], dim=1))
    torch.testing.assert_close(seen[0], expected, **close)
    with pytest.raises(ValueError, match="batches or covariates"):
        decoder(z)
    aged = DECODERS["gaussian"](N_LATENT, N_OUTPUT, [6], PLAIN, n_batch, others, 1).double()
    aged.trunk[1].register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    age = torch.randn(N, 1, dtype=torch.float64)
    aged(z, torch.cat([codes.double(), age], dim=1))
    expected = aged.trunk[0](torch.cat([z, *one_hot, age], dim=1))
    torch.testing.assert_close(seen[1], expected, **close)


def test_dispersions_start_at_one_and_learn_over_orders_of_magnitude():
    """In so few steps, at the networks' learning rate; ``zinb`` has the same ones."""
    decoder = DECODERS["nb"](N_LATENT, 2, [4], PLAIN)
    assert torch.equal(decoder.log_theta, torch.zeros(2))
    rng = np.random.default_rng(0)
    # of the same mean; the first far noisier than counts are by themselves, the second hardly
    mean, theta = 50, np.array([0.2, 50.0])
    x = rng.negative_binomial(theta, theta / (theta + mean), size=(500, 2)).astype(np.float32)
    x, z = torch.from_numpy(x), torch.zeros(500, N_LATENT)
    library = torch.full((500, 1), 2.0 * mean)
    optimizer = torch.optim.Adam(decoder.parameters(), lr=5e-3)
    for _step in range(500):
        optimizer.zero_grad()
        decoder.loss(decoder(z, library=library), x, x).mean().backward()
        optimizer.step()
    np.testing.assert_allclose(array(decoder.log_theta), np.log(theta), atol=0.5)
