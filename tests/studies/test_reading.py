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
        (["rna="], {"rna": "", "protein": None}),
    ],
)
def test_values_by_modality(given, expected):
    assert by_modality(given, ["rna", "protein"], "--layer") == expected
    with pytest.raises(KeyError, match="--layer names modalities .'dna'.; the data have"):
        by_modality(["dna=counts"], ["rna", "protein"], "--layer")
