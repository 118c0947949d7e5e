from __future__ import annotations

import pytest

from modis.data._text import name_some


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], ""),
        (["a"], "'a'"),
        ("abcde", "'a', 'b', 'c', 'd', 'e'"),
        ("abcdef", "'a', 'b', 'c', 'd', 'e' and 1 more"),
        (range(1000), "'0', '1', '2', '3', '4' and 995 more"),
    ],
)
def test_name_some(names, expected):
    assert name_some(iter(names)) == expected
