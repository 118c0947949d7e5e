"""The colours that a joint embedding brings along, and that scanpy takes them."""

import pytest
import scanpy as sc
from matplotlib.colors import to_hex

from modis.pl import palette


# scanpy 1.11 sets the colour of missing values the old way
@pytest.mark.filterwarnings("ignore:The set_bad function:PendingDeprecationWarning")
def test_scanpy_draws_in_our_colors_also_from_a_file(model, tmp_path):
    kinds = {"modality": "modality", "label": "class", "predicted": "class"}
    model.joint_embedding().write_h5ad(tmp_path / "embedding.h5ad")
    embedding = sc.read_h5ad(tmp_path / "embedding.h5ad")
    embedding.obsm["X_umap"] = embedding.obsm["X_modis"][:, :2]
    panels = sc.pl.umap(embedding, color=list(kinds), show=False, sort_order=False)
    for (key, kind), ax in zip(kinds.items(), panels, strict=True):
        expected = palette(embedding.obs[key].cat.categories, kind)
        # scanpy's legend is made of sets of no point
        drawn = [points for points in ax.collections if len(points.get_offsets())]
        colors = [to_hex(color) for points in drawn for color in points.get_facecolors()]
        assert colors == [expected[name] for name in embedding.obs[key]]


def test_unknown_classes_change_no_other_color(model, mdata):
    new = mdata.copy()
    for adata in new.mod.values():
        label = adata.obs["label"].astype(object).replace("b", "Aa")
        adata.obs["label"] = label.where(adata.obs_names != "s45", None)
    embedding = model.joint_embedding(new)
    given = {
        key: dict(
            zip(embedding.obs[key].cat.categories, embedding.uns[f"{key}_colors"], strict=True)
        )
        for key in ("label", "predicted")
    }
    known = palette(["a", "b", "c"])
    grey = palette(["unknown"])["unknown"]
    fourth = list(palette(range(4)).values())[3]
    expected = {"a": known["a"], "c": known["c"], "Aa": fourth, "unknown": grey}
    assert given == {"label": expected, "predicted": known}
