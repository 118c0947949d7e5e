import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from modis.pl import feature_importance

from ._read import ticks, titles


def table(classes=("b", "a"), n=12, modality=None):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "class": np.repeat(classes, n),
            "feature": [f"g{k}" for k in range(n)] * len(classes),
            "attribution": rng.normal(size=n * len(classes)),
        }
    )
    rows["direction"] = np.where(rng.random(len(rows)) < 0.5, "up", "down")
    return rows if modality is None else rows.assign(modality=modality)


@pytest.mark.parametrize("n_features", [1, 5, 30])
def test_bars(n_features, drawn):
    importance = table()
    before = importance.copy()
    axes = feature_importance(importance, n_features)
    assert titles(axes) == ["a", "b"]
    for ax, name in zip(axes, ["a", "b"], strict=True):
        own = importance[importance["class"] == name]
        own = own.reindex(own["attribution"].abs().sort_values(ascending=False).index)
        own = own.head(n_features)
        assert ticks(ax.yaxis) == list(own["feature"])
        bars = ax.patches
        np.testing.assert_allclose([bar.get_width() for bar in bars], own["attribution"])
        expected = own["direction"].map({"up": "#d55e00", "down": "#0072b2"})
        assert [to_hex(bar.get_facecolor()) for bar in bars] == list(expected)
        # the first feature stands on top
        assert ax.yaxis_inverted()
    pd.testing.assert_frame_equal(importance, before)
    drawn(axes)


def test_panel_per_modality_and_class(drawn):
    both = pd.concat([table(["b", "a"], modality="rna"), table(["a"], modality="meth")])
    axes = feature_importance(both)
    assert titles(axes) == ["rna: a", "rna: b", "meth: a"]
    # one modality needs no name
    assert titles(feature_importance(both.iloc[:24])) == ["a", "b"]
    plt.close()
    drawn(axes)


def test_long_names_are_cut():
    importance = table(["a"], n=1).assign(feature="ENSG00000141510.18_a_very_long_name")
    assert ticks(feature_importance(importance)[0].yaxis) == ["ENSG000001…long_name"]
