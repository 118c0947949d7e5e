"""The colours that a joint embedding brings along, and that scanpy takes them."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
import pytest
import scanpy as sc
from matplotlib.colors import to_hex

from modis.pl import latent, palette


def colors_of(ax):
    """Colours of all points, in drawing order; scanpy's legend is made of sets of no point."""
    drawn = [points for points in ax.collections if len(points.get_offsets())]
    return [to_hex(color) for points in drawn for color in points.get_facecolors()]


# scanpy 1.11 sets the colour of missing values the old way
@pytest.mark.filterwarnings("ignore:The set_bad function:PendingDeprecationWarning")
def test_scanpy_draws_in_our_colors_without_being_told(model):
    embedding = model.joint_embedding()
    kinds = {"modality": "modality", "label": "class", "predicted": "class"}
    embedding.obsm["X_umap"] = embedding.obsm["X_modis"][:, :2]
    own = latent(embedding, color=list(kinds))
    theirs = sc.pl.umap(embedding, color=list(kinds), show=False, sort_order=False)
    for (key, kind), by_modis, by_scanpy in zip(kinds.items(), own, theirs, strict=True):
        names = embedding.obs[key]
        expected = palette(names.cat.categories, kind)
        assert colors_of(by_scanpy) == [expected[name] for name in names]
        assert set(colors_of(by_modis)) == {expected[name] for name in set(names)}
    plt.close("all")


def test_a_part_keeps_the_colors_of_the_whole(model):
    embedding = model.joint_embedding()
    first, *others = embedding.obs["modality"].cat.categories
    whole = dict(zip([first, *others], embedding.uns["modality_colors"], strict=True))
    part = embedding[embedding.obs["modality"] != first].copy()
    assert list(part.obs["modality"].cat.categories) == others
    assert list(part.uns["modality_colors"]) == [whole[name] for name in others]


def test_unknown_classes_change_no_other_color(model, mdata):
    new = mdata.copy()
    for adata in new.mod.values():
        label = adata.obs["label"].astype(object).replace("b", "Aa")
        adata.obs["label"] = label.where(adata.obs_names != "s45", None)
    embedding = model.joint_embedding(new)
    categories = embedding.obs["label"].cat.categories
    given = dict(zip(categories, embedding.uns["label_colors"], strict=True))
    known = palette(["a", "b", "c"])
    grey = palette(["unknown"])["unknown"]
    fourth = list(palette(range(4)).values())[3]
    assert given == {"a": known["a"], "c": known["c"], "Aa": fourth, "unknown": grey}
    assert (
        dict(
            zip(
                embedding.obs["predicted"].cat.categories,
                embedding.uns["predicted_colors"],
                strict=True,
            )
        )
        == known
    )


def test_colors_outlive_a_file(model, tmp_path):
    embedding = model.joint_embedding()
    embedding.write_h5ad(tmp_path / "embedding.h5ad")
    read = sc.read_h5ad(tmp_path / "embedding.h5ad")
    assert list(read.uns["label_colors"]) == embedding.uns["label_colors"]
    assert isinstance(read.obs["label"].dtype, pd.CategoricalDtype)
