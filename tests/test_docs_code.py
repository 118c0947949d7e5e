"""What the pages tell a reader to type does run, page by page, in the order of the page."""

import shlex
import shutil

import matplotlib.pyplot as plt
import mudata as md
import pytest
import typer

import modis
from modis.cli import app

from ._make import quick_linear_models
from ._pages import REPOSITORY, USER_GUIDE, blocks, run

INDEX = USER_GUIDE / "index.md"
GUIDE = sorted(USER_GUIDE.glob("*.md"))
#: Pages that speak of a cohort of rna and protein, of patients with a disease.
OTHERS = [
    REPOSITORY / "README.md",
    REPOSITORY / "docs" / "index.md",
    REPOSITORY / "docs" / "quickstart.md",
    REPOSITORY / "docs" / "is_it_for_me.md",
]
PAGES = [*GUIDE, *OTHERS, REPOSITORY / "docs" / "installation.md"]
# scanpy's, of how it asks matplotlib for a colour
pytestmark = pytest.mark.filterwarnings("ignore:The set_bad function:PendingDeprecationWarning")


@pytest.fixture(autouse=True)
def _as_a_reader(tmp_path, monkeypatch, quiet_tables):
    """An empty folder, two epochs, and neither tables on the screen nor windows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plt, "show", lambda: None)
    train = modis.MODIS.train

    def train_shortly(self, max_epochs=2, **kwargs):
        # weights, and so what links say of them, are of no interest after two epochs
        with quick_linear_models():
            train(self, min(max_epochs, 2), **kwargs)

    monkeypatch.setattr(modis.MODIS, "train", train_shortly)


@pytest.fixture(scope="module")
def cohort_of_the_guide(tmp_path_factory):
    """The files that the user guide's first page makes, and all others read."""
    folder = tmp_path_factory.mktemp("guide")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run(INDEX)
    assert {path.name for path in folder.iterdir()} == {"cohort.h5mu", "new_samples.h5mu"}
    return folder


@pytest.fixture(scope="module")
def cohort_of_patients(tmp_path_factory):
    """Genes in upper case, their proteins in lower, as the landing page's `cohort.h5mu`."""
    paired = modis.datasets.intersim(n_samples=150)
    links = paired.uns["feature_links"]
    links = links[links["source_modality"] == "protein"].drop_duplicates("target_feature")
    symbols = dict(zip(links["source_feature"], links["target_feature"], strict=True))
    rna, protein = paired["expression"].copy(), paired["protein"].copy()
    rna.var_names = rna.var_names.str.upper()
    protein.var_names = [symbols.get(name, name) for name in protein.var_names]
    for adata in (rna, protein):
        adata.obs = adata.obs.rename(columns={"label": "disease"})
        del adata.varm["differential"]
    cohort = md.MuData({"rna": rna[:75].copy(), "protein": protein[75:].copy()})
    cohort = modis.datasets.hide_labels(cohort, 0.5, labels_key="disease")
    folder = tmp_path_factory.mktemp("patients")
    cohort.write(folder / "cohort.h5mu")
    return folder


@pytest.mark.parametrize("page", GUIDE, ids=lambda page: page.stem)
def test_user_guide(page, cohort_of_the_guide, tmp_path):
    if page != INDEX:
        for file in cohort_of_the_guide.iterdir():
            shutil.copy(file, tmp_path)
    run(page)


@pytest.mark.parametrize("page", OTHERS, ids=lambda page: page.stem)
def test_first_pages(page, cohort_of_patients, tmp_path):
    shutil.copy(cohort_of_patients / "cohort.h5mu", tmp_path)
    run(page)


def test_cells_of_the_quickstart(cohort_of_patients, shared_data, tmp_path, monkeypatch):
    shutil.copy(cohort_of_patients / "cohort.h5mu", tmp_path)
    monkeypatch.setenv("MODIS_DATA_DIR", str(shared_data / "raw" / "pbmc_mosaic"))
    namespace = run(REPOSITORY / "docs" / "quickstart.md", public_data=True)
    assert namespace["emb"].shape[0] == 2400
    assert namespace["emb"].obsm["X_umap"].shape == (2400, 2)


def test_commands_and_options_exist():
    commands = typer.main.get_command(app).commands
    texts = [block.text for page in PAGES for block in blocks(page, "bash")]
    unknown = []
    for line in "\n".join(texts).replace("\\\n", " ").splitlines():
        words = shlex.split(line.rpartition("&& ")[2], comments=True)
        if words[:1] != ["modis"] or words[1:2] in ([], ["--help"], ["--version"]):
            continue
        known = {name for option in commands[words[1]].params for name in option.opts}
        asked = {word for word in words[2:] if word.startswith("-") and word != "--help"}
        unknown += [line] if asked - known else []
    assert unknown == []
