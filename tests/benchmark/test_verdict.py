from __future__ import annotations

import pytest

from modis.benchmark import tabulate, to_markdown
from modis.benchmark._verdict import judge

from ._made import WORTH, made


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        (WORTH, ["above the better of logistic regression and random forest", "worth it here"]),
        ({**WORTH, "modis": {"rna": 0.4, "adt": 0.5}}, ["below the better", "better choice"]),
        ({**WORTH, "modis": {"rna": 0.6, "adt": 0.7}}, ["may be chance"]),
        ({"modis": {"rna": 0.9}, "lr": {"rna": 0.5}}, ["above logistic regression in rna"]),
        ({"modis": {"rna": 0.9}, "diagvi": {"rna": 0.5}}, ["above DIAGVI", "worth it"]),
        ({"modis": {"rna": 0.5}, "diagvi": {"rna": 0.9}}, ["below DIAGVI", "the other is"]),
    ],
)
def test_the_verdict_is_honest(shares, said):
    text = " ".join(judge(tabulate(*made(shares))))
    for words in said:
        assert words in text
    assert ("worth it" in text) == ("above" in text)


def test_no_verdict_without_a_rival():
    table = tabulate(*made({"modis": WORTH["modis"]}))
    assert judge(table) == []
    assert "last column" not in to_markdown(table)
