import anndata
import numpy as np
import pandas as pd
from matplotlib.colors import to_rgba
from sklearn.decomposition import PCA

from modis.pl import latent, palette
from modis.pl._palette import UNLABELED_COLOR

from ._read import legend, titles


def make(rng, n=60, n_classes=3, modalities=("rna", "adt"), n_latent=5):
    names = np.array([f"class {i}" for i in range(n_classes)], dtype=object)
    codes = np.arange(n) % n_classes
    obs = pd.DataFrame(
        {
            "modality": pd.Categorical(np.array(modalities)[np.arange(n) // 7 % len(modalities)]),
            "label": pd.Categorical(names[codes]),
            "predicted": names[rng.permutation(codes)],
        },
        index=[f"row {i}" for i in range(n)],
    )
    return anndata.AnnData(obs=obs, obsm={"X_modis": rng.normal(size=(n, n_latent))})


def points(ax):
    """Positions and colours in the order in which they are drawn."""
    offsets = np.concatenate([np.asarray(c.get_offsets()) for c in ax.collections])
    colors = [
        color
        for c in ax.collections
        for color in np.broadcast_to(c.get_facecolors(), (len(c.get_offsets()), 4)).tolist()
    ]
    return offsets, [tuple(color) for color in colors]


def test_points_stand_where_they_should_in_their_colors(rng, drawn):
    embedding = make(rng)
    embedding.obsm["X_umap"] = rng.normal(size=(60, 3))
    before = embedding.copy()
    axes = latent(embedding)
    pd.testing.assert_frame_equal(embedding.obs, before.obs)
    assert (list(embedding.obsm), len(embedding.uns)) == (["X_modis", "X_umap"], 0)
    assert titles(axes) == ["Modality", "Class"]
    assert legend(axes[0].get_legend()) == ["adt", "rna"]
    assert legend(axes[1].get_legend()) == ["class 0", "class 1", "class 2"]
    drawn(axes)

    for ax, key, kind in zip(axes, ["modality", "label"], ["modality", "class"], strict=True):
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("UMAP 1", "UMAP 2")
        assert list(ax.get_xticks()) == list(ax.get_yticks()) == []
        assert all(collection.get_rasterized() for collection in ax.collections)
        colors = palette(embedding.obs[key], kind)
        expected = {
            tuple(xy): to_rgba(colors[name])
            for xy, name in zip(embedding.obsm["X_umap"][:, :2], embedding.obs[key], strict=True)
        }
        offsets, found = points(ax)
        assert dict(zip(map(tuple, offsets), found, strict=True)) == expected


def test_pca_stands_in_for_a_missing_basis(rng, drawn):
    embedding = make(rng)
    axes = latent(embedding, color="modality")
    assert axes.shape == (1,)
    pca = PCA(2).fit(embedding.obsm["X_modis"])
    share = pca.explained_variance_ratio_
    assert axes[0].get_xlabel() == f"PC 1 ({share[0]:.0%})"
    assert axes[0].get_ylabel() == f"PC 2 ({share[1]:.0%})"
    found = points(axes[0])[0]
    expected = pca.transform(embedding.obsm["X_modis"])
    for found_axis, expected_axis in zip(found.T, expected.T, strict=True):
        np.testing.assert_allclose(np.sort(np.abs(found_axis)), np.sort(np.abs(expected_axis)))
    drawn(axes)


def test_unlabeled_samples_lie_underneath_in_grey(rng):
    embedding = make(rng)
    labels = embedding.obs["label"].astype(object)
    labels.iloc[:10], labels.iloc[10:15] = None, "unknown"
    embedding.obs["label"] = labels
    (ax,) = latent(embedding, color="label")
    grey = [color == to_rgba(UNLABELED_COLOR) for color in points(ax)[1]]
    assert grey == [True] * 15 + [False] * 45
    assert legend(ax.get_legend()) == ["class 0", "class 1", "class 2", "unlabeled"]
    (ax,) = latent(embedding, color="label", unlabeled_category=None)
    assert legend(ax.get_legend()) == ["class 0", "class 1", "class 2", "unknown", "unlabeled"]


def test_colors_that_scanpy_would_use_come_first(rng):
    embedding = make(rng)
    embedding.uns["label_colors"] = np.array(["#111111", "#222222", "#333333"])
    embedding.uns["modality_colors"] = ["#444444"]  # one too few: scanpy would not use it
    modality, label = latent(embedding)
    assert set(points(label)[1]) == {to_rgba(color) for color in ("#111111", "#222222", "#333333")}
    by_rule = palette(["rna", "adt"], "modality")
    assert set(points(modality)[1]) == {to_rgba(color) for color in by_rule.values()}
    embedding.obs["label"] = embedding.obs["label"].astype(object)
    assert to_rgba("#111111") not in points(latent(embedding, color="label")[0])[1]


def test_many_classes_are_numbered(rng, drawn):
    embedding = make(rng, n=300, n_classes=30)
    embedding.obsm["X_umap"] = rng.normal(size=(300, 2))
    (ax,) = latent(embedding, color="label")
    assert legend(ax.get_legend())[:2] == ["1  class 0", "2  class 1"]
    assert [text.get_text() for text in ax.texts] == [str(i + 1) for i in range(30)]
    own = embedding.obsm["X_umap"][embedding.obs["label"] == "class 0"].tolist()
    assert list(ax.texts[0].get_position()) in own
    drawn(ax)


def test_order_is_random_but_the_same_each_time(rng):
    embedding = make(rng)
    embedding.obsm["X_umap"] = np.column_stack([np.arange(60.0), np.zeros(60)])
    first, again = (points(latent(embedding)[0])[0][:, 0] for _ in range(2))
    assert first.tolist() == again.tolist()
    assert first.tolist() != sorted(first)
    assert sorted(first) == list(range(60))
