from __future__ import annotations

import pytest

from modis import datasets


def _count(mdata, label="class_2"):
    return {name: (adata.obs["label"] == label).sum() for name, adata in mdata.mod.items()}


def test_one_number_for_all(unpaired, check_consistent):
    result = datasets.shrink_class(unpaired, "class_2", 3)
    check_consistent(result, unpaired)
    assert _count(result) == {"methylation": 3, "expression": 3, "protein": 3}
    for label in ("class_1", "class_3"):
        assert _count(result, label) == _count(unpaired, label)


def test_a_number_per_modality(unpaired):
    before = _count(unpaired)
    result = datasets.shrink_class(unpaired, "class_2", {"protein": 0, "expression": 2})
    assert _count(result) == {**before, "protein": 0, "expression": 2}


def test_modalities(unpaired):
    before = _count(unpaired)
    result = datasets.shrink_class(unpaired, "class_2", 1, modalities=["protein"])
    assert _count(result) == {**before, "protein": 1}


def test_paired_samples_stay_together(paired):
    result = datasets.shrink_class(paired, "class_2", 4)
    kept = [set(adata.obs_names) for adata in result.mod.values()]
    assert kept[0] == kept[1] == kept[2]
    assert _count(result) == {"methylation": 4, "expression": 4, "protein": 4}


def test_seed_decides(unpaired):
    first, again, other = (
        list(datasets.shrink_class(unpaired, "class_2", 2, seed=seed).obs_names)
        for seed in (0, 0, 3)
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize("n", [-1, 1000])
def test_more_than_there_are(unpaired, n):
    with pytest.raises(ValueError, match=f"'methylation' has 6 samples of.*of which {n} cannot"):
        datasets.shrink_class(unpaired, "class_2", n)


def test_unknown_names(unpaired):
    with pytest.raises(ValueError, match=r"'label' = 'class_9'"):
        datasets.shrink_class(unpaired, "class_9", 1)
    with pytest.raises(KeyError, match="'rna'"):
        datasets.shrink_class(unpaired, "class_2", {"rna": 1})
