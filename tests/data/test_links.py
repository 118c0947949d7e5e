import numpy as np
import pandas as pd
import pytest

from modis.data._links import align_links

VAR_NAMES = {
    "meth": np.array(["cg1", "cg2", "cg3"], dtype=object),
    "rna": np.array(["A", "B", "C", "D"], dtype=object),
    "protein": np.array(["pA", "pB"], dtype=object),
}


def make_links(*rows, **columns):
    names = ["source_modality", "source_feature", "target_modality", "target_feature"]
    return pd.DataFrame(rows, columns=names).assign(**columns)


GOOD = make_links(
    ("meth", "cg3", "rna", "A"),
    ("rna", "B", "meth", "cg1"),
    ("meth", "cg1", "rna", "Z"),
    ("rna", "B", "protein", "pB"),
    weight=[1.0, 0.5, 1.0, 2.0],
    sign=[-1, -1, -1, 1],
)


def _rows(pair):
    return [tuple(row) for row in zip(pair.first, pair.second, pair.weight, strict=True)]


def test_positions_weights_and_summary():
    table = pd.concat([GOOD, make_links(("protein", "pX", "meth", "cg1"), weight=1.0, sign=1)])
    # categories and any index; the table stays as it is
    table = table.astype({"source_modality": "category"}).set_index(pd.Index([7, 7, 8, 8, 9]))
    before = table.copy(deep=True)
    links = align_links(table, VAR_NAMES)
    pd.testing.assert_frame_equal(table, before)
    assert list(links.pairs) == [("meth", "rna"), ("rna", "protein")]
    pair = links.pairs["meth", "rna"]
    assert _rows(pair) == [(0, 1, -0.5), (2, 0, -1.0)]
    assert [each.dtype for each in vars(pair).values()] == [np.int64, np.int64, np.float32]
    assert _rows(links.pairs["rna", "protein"]) == [(1, 1, 2.0)]
    assert links.n_ignored == 0
    columns = ["given", "used", "missing_first", "missing_second", "linked_first", "linked_second"]
    assert list(links.summary.columns) == columns
    assert links.summary.index.names == ["first", "second"]
    assert links.summary.T.to_dict("list") == {
        ("meth", "rna"): [3, 2, 0, 1, 2, 2],
        ("meth", "protein"): [1, 0, 0, 1, 0, 0],
        ("rna", "protein"): [1, 1, 0, 0, 1, 1],
    }
    # the order of the modalities decides which is first
    links = align_links(table, dict(reversed(VAR_NAMES.items())))
    assert list(links.pairs) == [("protein", "rna"), ("rna", "meth")]
    assert _rows(links.pairs["rna", "meth"]) == [(0, 2, -1.0), (1, 0, -0.5)]


def test_a_link_counts_once():
    table = make_links(
        ("meth", "cg1", "rna", "A"),
        ("rna", "A", "meth", "cg1"),
        ("meth", "cg1", "rna", "A"),
        weight=[3.0, 1.0, 2.0],
    )
    links = align_links(table, VAR_NAMES)
    assert links.pairs["meth", "rna"].weight.tolist() == [3.0]
    assert links.summary.loc[("meth", "rna"), ["given", "used"]].tolist() == [3, 1]


def test_both_signs_are_refused():
    table = make_links(
        ("meth", "cg2", "rna", "A"),
        ("meth", "cg1", "rna", "B"),
        ("rna", "B", "meth", "cg1"),
        sign=[1, 1, -1],
    )
    with pytest.raises(ValueError, match="meth 'cg1' and rna 'B' with sign 1 and with sign -1"):
        align_links(table, VAR_NAMES)


def test_ignored_modalities_are_counted():
    table = pd.concat([GOOD, make_links(("atac", "x", "rna", "A"), weight=1.0, sign=1)])
    links = align_links(table, VAR_NAMES, ignored=["atac"])
    assert links.n_ignored == 1
    assert len(links.summary) == 2
    with pytest.raises(KeyError, match=r"do not have: 'atac'; they have 'meth', 'rna', 'protein'"):
        align_links(table, VAR_NAMES)
    with pytest.raises(ValueError, match="All 1 links .* it uses 'meth', 'rna', 'protein'"):
        align_links(table.tail(1), VAR_NAMES, ignored=["atac"])


def test_features_may_be_numbers():
    links = align_links(make_links(("a", 1, "b", 7157)), {"a": ["0", "1"], "b": ["7157"]})
    assert links.pairs["a", "b"].first.tolist() == [1]


def test_nothing_fits():
    table = make_links(("meth", "cg1", "rna", "ENSG1"), ("meth", "cg2", "rna", "ENSG2"))
    said = r"None of the 2 links.*'rna': linked are \['ENSG1', 'ENSG2'\], the data have \['A', 'B'"
    with pytest.raises(ValueError, match=said):
        align_links(table, VAR_NAMES)


@pytest.mark.parametrize(
    ("table", "error", "said"),
    [
        ([("cg1", "A")], TypeError, "must be a DataFrame .*found list.*modis.links"),
        (GOOD.drop(columns="target_feature"), KeyError, "no column 'target_feature'; it has"),
        (GOOD.head(0), ValueError, "feature_links is empty"),
        (GOOD.replace({"cg1": None}), ValueError, "2 rows without a .* first is row 1"),
        (GOOD.replace({"protein": "prot"}), KeyError, "do not have: 'prot'; they have 'meth'"),
        (GOOD.replace({"rna": "meth"}), ValueError, r"row 0: meth 'cg3' to meth 'A'"),
        (GOOD.assign(weight=[1, 0, 1, 1]), ValueError, "'weight'.* 1 rows .*row 1: .*0"),
        (GOOD.assign(weight=[1, 1, -2.0, 1]), ValueError, "row 2: .*-2.0"),
        (GOOD.assign(weight=[1, 1, 1, np.inf]), ValueError, "row 3: .*inf"),
        (GOOD.assign(weight=[1, 1, 1, "much"]), ValueError, "row 3: 'much'"),
        (GOOD.assign(sign=[1, None, 1, 1]), ValueError, r"'sign'.*row 1: .*fillna\(1\)"),
        (GOOD.assign(sign=[1, 1, 0, 1]), ValueError, "'sign' .* must hold 1 or -1.*row 2"),
    ],
)
def test_refuses(table, error, said):
    with pytest.raises(error, match=said):
        align_links(table, VAR_NAMES)
