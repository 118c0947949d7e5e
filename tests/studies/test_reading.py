from __future__ import annotations

import pytest

from modis.studies._reading import by_modality


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, {"rna": None, "protein": None}),
        ("counts", {"rna": "counts", "protein": "counts"}),
        ({"rna": "counts", "protein": None}, {"rna": "counts", "protein": None}),
        (["rna=counts"], {"rna": "counts", "protein": None}),
        (["rna=counts", "raw"], {"rna": "counts", "protein": "raw"}),
    ],
)
def test_values_by_modality(given, expected):
    assert by_modality(given, ["rna", "protein"], "--layer") == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["dna=counts"], "'dna', which is not used; there are rna, protein"),
        (["rna="], "names no value"),
        (["a", "b"], "twice for all modalities"),
        (["rna=a", "rna=b"], "twice for 'rna'"),
    ],
)
def test_refused(given, said):
    with pytest.raises(ValueError, match=said):
        by_modality(given, ["rna", "protein"], "--layer")
