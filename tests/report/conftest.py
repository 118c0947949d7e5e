import mudata as md
import pytest

from modis.report import Screen, Settings
from modis.report._fit import fit, simulate
from modis.studies import without_pulling

from .._make import quick_reports


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """A short run on simulated data with a class that protein never trains on."""
    out = tmp_path_factory.mktemp("results") / "out"
    simulated = simulate(120, seed=0)
    obs = simulated.obs.astype(str).replace({"label": {"class_1": r"A & <b>bold</b> $\foo{$"}})
    adata = simulated.mod["protein"]
    own = obs.loc[adata.obs_names]
    seen = (own["label"] != "class_3") | (own["split"] == "test")
    parts = {**simulated.mod, "protein": adata[seen.to_numpy()].copy()}
    for part in parts.values():
        part.obs = part.obs[[]]
    with without_pulling():
        mdata = md.MuData(parts)
    mdata.obs = obs.loc[mdata.obs_names]
    command = "modis fit cohort.h5mu"
    settings = Settings(labels_key="label", split_key="split", max_epochs=3, command=command)
    screen = Screen()
    with screen.quiet(), quick_reports():
        found = fit(mdata, settings, out, screen, source="cohort.h5mu")
    return found, out
