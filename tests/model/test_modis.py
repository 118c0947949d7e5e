from dataclasses import asdict, replace

import numpy as np
import pytest

from modis import MODIS
from modis.module import PRESETS

from .._make import CPG, RNA, make_mdata
from ._made import BRIEFLY

pytestmark = pytest.mark.usefixtures("quick")

OWN = replace(PRESETS["default"], name="mine", train_size=0.5, lr=2e-3)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, PRESETS["default"]),
        ({"n_layers": 0}, PRESETS["default"].with_sizes(n_layers=0)),
        ({"architecture": "paper", "n_latent": 6}, PRESETS["paper"].with_sizes(n_latent=6)),
        ({"architecture": OWN}, OWN),
        ({"architecture": asdict(OWN)}, OWN),
    ],
)
def test_the_users_preset_and_sizes_go_first(options, expected):
    data = make_mdata()
    MODIS.setup_mudata(data, labels_key="label")
    model = MODIS(data, **options)
    assert model.preset == model.module.preset == expected


@pytest.mark.parametrize(("labels", "key"), [("healthy", "label"), ("unknown", None)])
def test_fewer_than_two_classes_train_without_a_class_head(fit, labels, key):
    data = make_mdata()
    for adata in data.mod.values():
        adata.obs["label"] = labels
    model = fit(data, labels_key=key)
    assert model.module.n_classes == 0
    assert not any("classification" in term for term in model.history)
    assert np.isfinite(model.get_latent_representation()).all()
    embedding = model.joint_embedding().obs
    assert list(embedding.columns) == ["observation", "modality", "label"]
    assert set(embedding["label"]) == {labels}
    assert f"classes: {'none' if key is None else labels}" in repr(model)
    for call in (model.predict, lambda: model.feature_importance(RNA)):
        with pytest.raises(ValueError, match="trained without classes.*labels_key"):
            call()


@pytest.mark.usefixtures("quiet_tables")
def test_nothing_is_printed_and_no_file_left(build, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = build(make_mdata())
    capfd.readouterr()
    model.train(**BRIEFLY)
    model.predict()
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_two_models_of_the_same_data(fit):
    data = make_mdata()
    first = fit(data)
    latent = first.get_latent_representation()
    second = fit(data, modalities=[RNA], model={"n_latent": 3})
    assert second.get_latent_representation(modality=RNA).shape == (60, 3)
    np.testing.assert_array_equal(first.get_latent_representation(), latent)
    assert list(first.module.modality_codes) == [RNA, CPG]


def test_repr(model, build):
    assert repr(model).splitlines() == [
        "MODIS, trained: 3 modalities, 3 classes, 5 latent dimensions, "
        "preset 'default' with n_latent=5, n_hidden=8",
        "  rna seq: 12 features, gaussian, 8 hidden units",
        "  CpG-îlots: 9 features, beta, 8 hidden units",
        "  a_protein: 7 features, nb, 8 hidden units",
        "  classes: a, b, c",
    ]
    untrained = repr(build(make_mdata(), {"n_layers": 0}, likelihood={CPG: "gaussian"}))
    assert untrained.startswith("MODIS, not trained")
    assert "12 features, gaussian, linear encoder\n" in untrained
    names = model.get_var_names()
    assert {name: list(each) for name, each in names.items()} == {
        name: list(adata.var_names) for name, adata in model.adata.mod.items()
    }
