import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from modis._constants import BATCH_KEY, LIKELIHOOD_DOMAINS, X_KEY
from modis.module import MODISModule
from modis.nn import SCALINGS

from ._make import LINKS, N_CLASSES, SIZES, SMALL, N, fitted, make, minibatch, terms_of

COUNTS = [name for name, domain in LIKELIHOOD_DOMAINS.items() if domain == "counts"]


def count(*modules):
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def test_parameters_of_the_paper():
    sizes = {"methylation": 367, "expression": 131, "protein": 160}
    module = MODISModule(sizes, 5, dict.fromkeys(sizes, "gaussian"), preset="paper")
    autoencoders = {name: count(module.encoders[name], module.decoders[name]) for name in sizes}
    assert autoencoders == {"methylation": 1_531_375, "expression": 382_723, "protein": 397_600}
    assert count(module.discriminator) == 724_744
    assert count(module) == 3_036_442


@pytest.mark.parametrize("n_layers", [0, 1, 2])
@pytest.mark.parametrize("linear_tail", [False, True])
def test_decoders_keep_a_hidden_block(n_layers, linear_tail):
    module = make(n_layers=n_layers, linear_tail=linear_tail)
    for name, n_features in SIZES.items():
        blocks = [item for item in module.decoders[name].trunk if hasattr(item, "out_features")]
        assert len(blocks) == max(1, n_layers) + linear_tail
        encoder = module.encoders[name]
        linear = [item for item in encoder.trunk if hasattr(item, "out_features")]
        assert len(linear) == n_layers + linear_tail
        assert (linear or [encoder.mean])[0].in_features == n_features


@pytest.mark.parametrize("n_classes", [0, 1])
def test_fewer_than_two_classes_build_no_head(n_classes):
    module = make(n_classes=n_classes)
    assert module.n_classes == 0
    with pytest.raises(RuntimeError, match="no class head"):
        module.class_log_probability("rna", torch.zeros(2, 7), torch.zeros(2, 3))


def test_class_probabilities_pool_networks_and_linear_model():
    """Only of a modality that has one."""
    module, x, z = make().eval(), torch.randn(N, 7), torch.randn(N, 3)
    networks = module.discriminator.classify(z).log_softmax(dim=1)
    torch.testing.assert_close(module.class_log_probability("rna", x, z), networks)
    code, weight = module.modality_codes["rna"], 0.1 * torch.randn(N_CLASSES, 7)
    own = {"weight": weight, "bias": np.zeros(N_CLASSES), "seen": np.ones(N_CLASSES)}
    for kind, value in own.items():
        module.linear[f"class_{kind}_{code}"] = value
    module.linear[f"share_{code}"] = np.array([0.6, 0.7])
    linear = (x @ weight.T).log_softmax(dim=1)
    expected = (0.6 * linear + 0.7 * networks).log_softmax(dim=1)
    torch.testing.assert_close(module.class_log_probability("rna", x, z), expected)
    protein = module.class_log_probability("protein", torch.randn(N, 4), z)
    torch.testing.assert_close(protein, networks)


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize(("likelihood", "domain"), LIKELIHOOD_DOMAINS.items())
def test_a_profile_returns_to_units_within_its_range(likelihood, domain, scaling):
    """Counts at the typical depth."""
    batch = minibatch(domain=domain)
    module, x = fitted(batch, likelihood=likelihood, scaling=scaling), batch["rna"][X_KEY]
    profile = module.profile("rna", x)
    expected = x / x.sum(dim=1, keepdim=True) * x.sum(dim=1).median() if domain == "counts" else x
    torch.testing.assert_close(module.from_profile("rna", profile), expected)
    low, high = (module.from_profile("rna", profile + shift) for shift in (-1e3, 1e3))
    if domain != "real":
        assert low.min() == 0
    if domain in ("unit", "binary"):
        assert high.max() == 1


@pytest.mark.parametrize(
    ("preset", "reference"), [("default", StandardScaler), ("paper", MinMaxScaler)]
)
def test_encoder_sees_scaled_features_and_decode_gives_units_back(preset, reference):
    module = make(preset=preset, norm=None).eval()
    x = (np.random.default_rng(0).normal(size=(60, 7)) * 30 + 100).astype(np.float32)
    module.fit_scaler("rna", [x[:20], x[20:]])
    scaler = reference().fit(x.astype(np.float64))
    encoded = module.encode("rna", torch.from_numpy(x))
    np.testing.assert_allclose(encoded.x_scaled, scaler.transform(x), atol=1e-4)
    assert encoded.library is None
    decoded = module.decode("rna", encoded.z).detach().numpy()
    in_scaled_units = module.decoders["rna"](encoded.z).mean.detach().numpy()
    np.testing.assert_allclose(decoded, scaler.inverse_transform(in_scaled_units), rtol=1e-4)


@pytest.mark.parametrize("likelihood", COUNTS)
def test_counts_are_normalised_and_decoded_at_their_depth(likelihood):
    module = make(likelihood=likelihood, norm=None)
    rng = np.random.default_rng(0)
    x = rng.poisson(rng.uniform(1, 9, size=(41, 1)), size=(41, 7)).astype(np.float32)
    x[3] = 0
    library = x.sum(axis=1, keepdims=True)
    module.fit_scaler("rna", [x[:13], x[13:]])
    median = np.median(library)
    assert module.decoders["rna"].typical_library.item() == median
    encoded = module.encode("rna", torch.from_numpy(x))
    normalised = StandardScaler().fit_transform(np.log1p(x / library.clip(min=1) * median))
    np.testing.assert_allclose(encoded.x_scaled, normalised, atol=1e-4)
    np.testing.assert_allclose(encoded.library, library.clip(min=1))
    own = module.decode("rna", encoded.z, library=encoded.library)
    typical = module.decode("rna", encoded.z)
    torch.testing.assert_close(typical, own / encoded.library * float(median))


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize(("likelihood", "domain"), LIKELIHOOD_DOMAINS.items())
def test_a_translation_is_seen_as_data_with_its_values_would_be(likelihood, domain, scaling):
    batch = minibatch(domain=domain)
    module = fitted(batch, likelihood=likelihood, scaling=scaling)
    z = module.encode("rna", batch["rna"][X_KEY]).z
    for name in SIZES:
        seen = module.encode(name, module.decode(name, z)).x_scaled
        found = module.scaled_mean(name, module.decoders[name](z))
        torch.testing.assert_close(found, seen, rtol=1e-4, atol=1e-5)


class InOnePlace:
    """All pieces stand in one place in memory, one after the other."""

    def __init__(self, x):
        self.x, self.piece = x, np.empty((3, 7), np.float32)

    def __iter__(self):
        for k in range(20):
            self.piece[:] = self.x[3 * k : 3 * k + 3]
            yield self.piece


def with_sparse(x):
    return [sparse.csr_matrix(x[:41]), x[41:50], sparse.csr_array(x[50:])]


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("likelihood", ["gaussian", "nb"])
@pytest.mark.parametrize("pieces", [with_sparse, InOnePlace])
def test_scaling_by_pieces_is_that_of_all_rows(likelihood, scaling, pieces):
    x = np.random.default_rng(0).poisson([0, 0.1, 0.5, 3, 3, 900, 900], size=(60, 7))
    x = x.astype(np.float32) * (1 if likelihood == "nb" else 0.3)
    x[:, 6] = 4
    one, other = (make(likelihood=likelihood, scaling=scaling) for _ in range(2))
    one.fit_scaler("rna", pieces(x))
    other.fit_scaler("rna", [x])
    for name, buffer in other.scalers["rna"].named_buffers():
        torch.testing.assert_close(dict(one.scalers["rna"].named_buffers())[name], buffer)
    if likelihood == "nb":
        assert one.decoders["rna"].typical_library == other.decoders["rna"].typical_library


def test_kl_of_counts_weighs_by_the_number_of_features():
    likelihood = {"rna": "nb", "protein": "poisson", "methylation": "gaussian"}
    module = MODISModule(SIZES, N_CLASSES, likelihood, **SMALL)
    scales = {name: 0.016 * module.kl_scale(name) for name in SIZES}
    assert scales == pytest.approx({"rna": 1 / 7, "protein": 1 / 4, "methylation": 0.016})


@pytest.mark.parametrize(("likelihood", "domain"), LIKELIHOOD_DOMAINS.items())
def test_every_parameter_learns_whatever_the_likelihood(likelihood, domain):
    batch = minibatch(domain=domain)
    for tensors in batch.values():
        tensors[BATCH_KEY][::2] = 1
    module = fitted(batch, likelihood=likelihood, links=LINKS, n_batch=2).train()
    for generator in (False, True):
        torch.stack(list(terms_of(module, batch, generator=generator).values())).sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        # a bias before batch normalisation has a gradient of zero
        assert parameter.ndim < 2 or parameter.grad.abs().sum() > 0, name
