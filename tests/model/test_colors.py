from modis.pl import palette


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
        for key in ("label", "predicted", "modality")
    }
    known = palette(["a", "b", "c"])
    grey = palette(["unknown"])["unknown"]
    fourth = list(palette(range(4)).values())[3]
    expected = {"a": known["a"], "c": known["c"], "Aa": fourth, "unknown": grey}
    modalities = palette(list(mdata.mod), "modality")
    assert given == {"label": expected, "predicted": known, "modality": modalities}
