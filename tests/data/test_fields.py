from __future__ import annotations

import numpy as np
import pytest

from modis.data._fields import VocabularyField

from .._make import fingerprint, make_mdata

NAMES = ["Crohn's", "healthy"]


@pytest.fixture
def vocabulary() -> VocabularyField:
    return VocabularyField("labels", NAMES)


def test_the_names_are_registered_and_nothing_is_written(vocabulary):
    mdata = make_mdata()
    before = fingerprint(mdata)
    vocabulary.validate_field(mdata)
    state = vocabulary.register_field(mdata)
    assert list(state) == ["names"]
    assert list(state["names"]) == NAMES
    assert isinstance(state["names"], np.ndarray)
    assert fingerprint(mdata) == before
    assert not mdata.uns


def test_a_transfer_keeps_the_names_of_the_training_data(vocabulary):
    source = VocabularyField("labels", ["a", "b", "c"]).register_field(make_mdata())
    assert list(vocabulary.transfer_field(source, make_mdata())["names"]) == ["a", "b", "c"]


@pytest.mark.parametrize("names", [NAMES, []])
def test_summary_and_table(names):
    vocabulary = VocabularyField("labels", names)
    state = vocabulary.register_field(make_mdata())
    assert not vocabulary.is_empty
    assert vocabulary.get_summary_stats(state) == {"n_labels": len(names)}
    table = vocabulary.view_state_registry(state)
    assert list(table.columns[0].cells) == [str(code) for code in range(len(names))]
    assert list(table.columns[1].cells) == names
