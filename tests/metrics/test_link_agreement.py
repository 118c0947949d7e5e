from itertools import combinations

import numpy as np
import pytest
from scipy import sparse

from modis.metrics import link_agreement


def make_many_to_one(rng, n_genes=12, n_cpgs=3):
    """CpGs of every gene follow it with noise, half of them against it; samples are unpaired."""
    programmes = rng.normal(size=(3, n_genes))
    genes = rng.normal(size=(200, 3)) @ programmes + 0.3 * rng.normal(size=(200, n_genes))
    gene = np.repeat(np.arange(n_genes), n_cpgs)
    sign = rng.choice([-1, 1], len(gene))
    hidden = rng.normal(size=(150, 3)) @ programmes
    cpgs = sign * hidden[:, gene] + rng.normal(size=(150, len(gene)))
    return cpgs, genes, np.arange(len(gene)), gene, sign


def by_hand(x, y, links):
    """Links (column of x, column of y, weight); no column of y is shared by all."""
    zx, zy = ((v - v.mean(axis=0)) / v.std(axis=0) for v in (x, y))
    targets = sorted({b for _, b, _ in links})
    sources = {t: {a for a, b, _ in links if b == t} for t in targets}
    expected, found = [], []
    for s, t in combinations(targets, 2):
        if sources[s] & sources[t]:
            continue
        mean_s, mean_t = (sum(w * zx[:, a] for a, b, w in links if b == end) for end in (s, t))
        expected.append(np.corrcoef(mean_s, mean_t)[0, 1])
        found.append(np.corrcoef(zy[:, s], zy[:, t])[0, 1])
    return np.corrcoef(expected, found)[0, 1]


def test_agrees_with_the_statistic_by_hand(rng):
    x, y, first, second, sign = make_many_to_one(rng)
    weight = sign * rng.uniform(0.5, 2, len(sign))
    second[[0, 7]] = [5, 3]  # uneven numbers of links
    first[9] = first[20]  # a feature that two predictions share
    result = link_agreement(x, y, first, second, weight)
    expected = by_hand(x, y, list(zip(first, second, weight, strict=True)))
    assert result.agreement == pytest.approx(expected)


def test_the_order_of_modalities_links_and_units_do_not_matter(rng):
    x, y, first, second, sign = make_many_to_one(rng)
    result = link_agreement(x, y, first, second, sign)
    turned = link_agreement(y, x, second, first, sign)
    assert turned == pytest.approx(result)
    order = rng.permutation(len(first))
    again = link_agreement(5 + 3 * x, 1e-4 * y, first[order], second[order], -2 * sign[order])
    assert again == pytest.approx(result)
    assert link_agreement(sparse.csr_matrix(x), y, first, second, sign) == pytest.approx(result)


def test_true_links_stand_out_and_wrong_ones_do_not(rng):
    x, y, first, second, sign = make_many_to_one(rng)
    true = link_agreement(x, y, first, second, sign)
    assert true.agreement > 0.5
    assert true.z_score > 5
    assert true.p_value == 1 / 201
    assert link_agreement(x, y, first, second).z_score < true.z_score  # signs left out
    drawn = [rng.permutation(second) for _ in range(20)]
    wrong = [link_agreement(x, y, first, own, sign, seed=k) for k, own in enumerate(drawn)]
    assert max(result.z_score for result in wrong) < 4
    assert abs(np.mean([result.z_score for result in wrong])) < 1
    assert np.mean([result.p_value for result in wrong]) > 0.25


def test_constant_features_are_left_out(rng):
    x, y, first, second, sign = make_many_to_one(rng)
    kept = ~np.isin(second, [0, 1])
    expected = link_agreement(x, y, first[kept], second[kept], sign[kept])
    x, y = x.copy(), y.copy()
    x[:, second == 0] = 0.1  # its sum is not exact
    y[:, 1] = 7.3
    assert link_agreement(x, y, first, second, sign) == pytest.approx(expected)
    x[:, 3 * 2] = 0.0  # one of three CpGs of gene 2: the other two still predict it
    assert np.isfinite(link_agreement(x, y, first, second, sign)).all()
    y[:, 3:] = 1
    with pytest.raises(ValueError, match=r"Only 1 linked features vary .*\(of 12\)"):
        link_agreement(x, y, first, second, sign)


def test_all_alike_is_no_agreement():
    x = np.arange(10.0)[:, None] * np.ones(6)
    result = link_agreement(x, x, np.arange(6), np.arange(6))
    assert result == (0.0, 0.0, 1.0)


def test_seed_and_subsample(rng, monkeypatch):
    n = 60
    programmes = rng.normal(size=(4, n))
    x, y = (rng.normal(size=(100, 4)) @ programmes for _ in range(2))
    links = np.arange(n)
    everything = link_agreement(x, y, links, links)
    monkeypatch.setattr("modis.metrics._link_agreement.MAX_FEATURES", 20)
    few = link_agreement(x, y, links, links)
    assert few == link_agreement(x, y, links, links)
    assert few.agreement != link_agreement(x, y, links, links, seed=1).agreement
    assert few.z_score > 5
    assert few.agreement != everything.agreement


def test_columns_without_links_are_not_looked_at(rng):
    x, y, first, second, sign = make_many_to_one(rng)
    expected = link_agreement(x, y, first, second, sign)
    x = np.hstack([np.full((len(x), 1), np.nan), x])
    assert link_agreement(x, y, first + 1, second, sign) == pytest.approx(expected)
    with pytest.raises(ValueError, match="x_first contains NaN"):
        link_agreement(x, y, first, second, sign)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"first": [0, 1]}, r"inconsistent numbers of samples: \[2, 36, 36\]"),
        ({"first": np.zeros(36)}, "first must hold the column of x_first of each link"),
        ({"second": np.full(36, 12)}, "second must hold .* a whole number from 0 to 11"),
        ({"second": np.full(36, -1)}, "second must hold"),
        ({"weight": np.zeros(36)}, "weight must be finite and not 0"),
        ({"weight": [1.0]}, r"inconsistent numbers of samples: \[36, 36, 1\]"),
    ],
)
def test_refuses(rng, changes, said):
    x, y, first, second, sign = make_many_to_one(rng)
    arguments = {"x_first": x, "x_second": y, "first": first, "second": second, "weight": sign}
    with pytest.raises(ValueError, match=said):
        link_agreement(**{**arguments, **changes})
