"""What encoders see: features scaled, and projected, as the training samples tell."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from modis._constants import LIKELIHOOD_DOMAINS
from modis.nn import SCALINGS

from ._make import SIZES, make, minibatch


@pytest.mark.parametrize(
    ("architecture", "reference"), [("default", StandardScaler), ("paper", MinMaxScaler)]
)
def test_encoder_sees_scaled_features_and_decode_gives_units_back(architecture, reference):
    module = make(architecture=architecture, norm=None)
    x = (np.random.default_rng(0).normal(size=(60, 7)) * 30 + 100).astype(np.float32)
    module.fit_scaler("rna", [x[:20], x[20:]])
    scaler = reference().fit(x.astype(np.float64))

    encoded = module.encode("rna", torch.from_numpy(x))
    np.testing.assert_allclose(encoded.x_scaled, scaler.transform(x), atol=1e-4)
    assert encoded.library is None

    decoded = module.decode("rna", encoded.z).detach().numpy()
    in_scaled_units = module.decoders["rna"](encoded.z).mean.detach().numpy()
    np.testing.assert_allclose(decoded, scaler.inverse_transform(in_scaled_units), rtol=1e-4)


@pytest.mark.parametrize(
    "likelihood", [name for name, domain in LIKELIHOOD_DOMAINS.items() if domain == "counts"]
)
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
    normalised = np.log1p(x / library.clip(min=1) * median)
    np.testing.assert_allclose(
        encoded.x_scaled, StandardScaler().fit_transform(normalised), atol=1e-4
    )
    np.testing.assert_allclose(encoded.library, library.clip(min=1))

    deep = module.decode("rna", encoded.z, library=10 * encoded.library)
    shallow = module.decode("rna", encoded.z, library=encoded.library)
    torch.testing.assert_close(deep, 10 * shallow)
    typical = module.decode("rna", encoded.z).detach().numpy()
    np.testing.assert_allclose(
        typical, shallow.detach().numpy() / library.clip(min=1) * median, rtol=1e-4
    )


@pytest.mark.parametrize("scaling", SCALINGS)
def test_typical_depth_is_learned_whatever_the_scaling(scaling):
    module = make(likelihood="nb", scaling=scaling)
    module.fit_scaler("rna", [np.full((3, 7), 2, np.float32), np.full((2, 7), 5, np.float32)])
    assert module.decoders["rna"].typical_library.item() == 14


class _Pieces:
    """Training rows read piece by piece; counts how many pieces are kept at a time."""

    def __init__(self, x: np.ndarray, n_pieces: int) -> None:
        self.x, self.n_pieces = x, n_pieces
        self.most_alive = 0

    def __iter__(self):
        alive: list[weakref.ref] = []
        for piece in np.array_split(self.x, self.n_pieces):
            fresh = piece.copy()
            alive.append(weakref.ref(fresh))
            yield fresh
            del fresh
            self.most_alive = max(self.most_alive, sum(ref() is not None for ref in alive))


@pytest.mark.parametrize("likelihood", ["gaussian", "beta", "nb"])
def test_scaler_never_holds_the_whole_matrix(likelihood):
    pieces = _Pieces(np.random.default_rng(0).poisson(3, size=(60, 7)).astype(np.float32), 20)
    make(likelihood=likelihood).fit_scaler("rna", pieces)
    assert pieces.most_alive <= 2


def test_scaling_travels_with_the_weights():
    module, batch = make().eval(), minibatch()
    for name, tensors in batch.items():
        module.fit_scaler(name, [tensors["X"].numpy()])
    other = make().eval()
    other.load_state_dict(module.state_dict())
    for name, tensors in batch.items():
        torch.testing.assert_close(
            other.encode(name, tensors["X"]).qz.mean, module.encode(name, tensors["X"]).qz.mean
        )


# principal components


@pytest.mark.parametrize("likelihood", ["gaussian", "nb"])
def test_components_are_those_of_the_scaled_training_rows(likelihood):
    """Of counts, those of the logarithm at the typical depth."""
    module = make(likelihood=likelihood, n_layers=0, n_components=3).eval()
    rng = np.random.default_rng(0)
    x = rng.poisson(rng.gamma(2, 2, size=(50, 1)) * rng.gamma(2, 2, size=7)).astype(np.float32)
    module.fit_scaler("rna", [x[:20], x[20:]])
    module.fit_projection("rna", x)

    seen = x
    if likelihood == "nb":
        library = x.sum(axis=1, keepdims=True)
        seen = np.log1p(x / library.clip(min=1) * np.median(library))
    scaled = StandardScaler().fit_transform(seen)
    scaled -= scaled.mean(axis=1, keepdims=True)
    reference = PCA(3, svd_solver="full").fit(scaled)
    expected = reference.transform(scaled)
    expected /= np.sqrt(reference.explained_variance_.mean())
    found = module.encoders["rna"].projection(module.scale("rna", torch.from_numpy(x))).numpy()
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-3)


def test_a_modality_with_few_features_is_seen_as_it_is():
    module = make(n_components=5)
    assert {name: item.projection is None for name, item in module.encoders.items()} == {
        name: n_features <= 5 for name, n_features in SIZES.items()
    }
    before = {key: value.clone() for key, value in module.state_dict().items()}
    module.fit_projection("protein", np.ones((6, SIZES["protein"]), dtype=np.float32))
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


def test_components_travel_with_the_weights():
    module, other = (make(n_layers=0, n_components=3).eval() for _ in range(2))
    x = minibatch()["rna"]["X"]
    module.fit_scaler("rna", [x.numpy()])
    module.fit_projection("rna", x.numpy())
    assert not torch.allclose(other.encode("rna", x).qz.mean, module.encode("rna", x).qz.mean)
    other.load_state_dict(module.state_dict())
    assert torch.equal(other.encode("rna", x).qz.mean, module.encode("rna", x).qz.mean)


def test_components_do_not_learn():
    module, batch = make(n_layers=0, n_components=3), minibatch()
    for name, tensors in batch.items():
        module.fit_projection(name, tensors["X"].numpy())
    before = {key: value.clone() for key, value in module.named_buffers() if "projection" in key}
    assert len(before) == 2 * sum(n_features > 3 for n_features in SIZES.values())
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1, weight_decay=0.5)
    module(batch)[2].loss.backward()
    optimizer.step()
    after = dict(module.named_buffers())
    assert all(torch.equal(after[key], value) for key, value in before.items())
