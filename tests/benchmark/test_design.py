from __future__ import annotations

import pytest

from modis.benchmark import METHODS, Design, Job, plan
from modis.benchmark._design import check_design


def test_all_of_one_seed_come_first():
    jobs = plan(Design(("modis", "lr"), seeds=3, folds=2))
    assert len(set(jobs)) == len(jobs) == 12
    assert jobs[:2] == [Job("modis"), Job("lr")]
    assert [job.seed for job in jobs] == sorted(job.seed for job in jobs)
    assert {job.fold for job in plan(Design(("lr",)))} == {0}


@pytest.mark.parametrize(
    ("fields", "split_key", "said"),
    [
        ({"methods": ()}, None, "names no method"),
        ({"methods": ("svm",)}, None, r"no method 'svm' \(--methods\); there are modis, lr"),
        ({"methods": ("lr", "lr")}, None, "twice"),
        ({"seeds": 0}, None, "--seeds must be at least 1"),
        ({"folds": 1}, None, "--folds must be at least 2"),
        ({"labels_per_class": 0}, None, "--labels-per-class must be at least 1"),
        ({"folds": 3}, "part", "either --split-key or --folds"),
        ({"transfer": ("rna", "rna")}, None, "both 'rna'"),
        ({"transfer": ("rna", "adt"), "unpaired": True}, None, "leave --folds and --unpaired out"),
        ({"transfer": ("rna", "adt"), "folds": 2}, None, "leave --folds and --unpaired out"),
    ],
)
def test_what_cannot_be_compared_is_refused(fields, split_key, said):
    with pytest.raises(ValueError, match=said):
        check_design(Design(**{"methods": ("lr",), **fields}), METHODS, split_key)
