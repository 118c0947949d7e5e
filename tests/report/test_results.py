import pandas as pd

from modis.report._results import write_csv


def test_no_cell_is_a_formula(tmp_path):
    names = ["=HYPERLINK(1)", "@x", "+SUM(1)", "-1", "+", "CD4+", None]
    table = pd.DataFrame(
        {"name": pd.Categorical(names), "=v": range(7)}, index=[*"abcde", "=f", "g"]
    )
    write_csv(table, tmp_path / "table.csv")
    read = pd.read_csv(tmp_path / "table.csv", index_col=0, keep_default_na=False)
    quoted = ["'=HYPERLINK(1)", "'@x", "'+SUM(1)"]
    assert list(read["name"]) == [*quoted, *names[3:6], ""]
    assert list(read.columns) == ["name", "'=v"]
    assert list(read.index[-2:]) == ["'=f", "g"]
