"""Configuration of the documentation."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.metadata import metadata
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "extensions"))

# -- Project -------------------------------------------------------------------------------------

package = metadata("modis-omics")
project = "MODIS"
author = "MODIS developers"
copyright = author
release = version = package["Version"]

# -- Sources -------------------------------------------------------------------------------------

extensions = [
    "constants",
    "figure_texts",
    "measured",
    "myst_nb",
    "own_members",
    "prose_returns",
    "public_titles",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinxcontrib.bibtex",
]
exclude_patterns = ["_build", "**.ipynb_checkpoints"]
default_role = "literal"
templates_path = ["_templates"]
bibtex_bibfiles = ["references.bib"]
bibtex_reference_style = "author_year"

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
# The notebooks are committed with their outputs; scripts/run_tutorials.py runs them.
nb_execution_mode = "off"
nb_merge_streams = True
nb_output_stderr = "remove"

# Sphinx reads only what lies below its own folder.
for notebook in sorted((DOCS.parent / "tutorials").glob("*.ipynb")):
    shown = DOCS / "tutorials" / notebook.name
    if not shown.exists() or shown.read_bytes() != notebook.read_bytes():
        shutil.copyfile(notebook, shown)

# For `make linkcheck`. Some publishers refuse what is no browser.
linkcheck_timeout = 20
linkcheck_retries = 2
linkcheck_workers = 4
linkcheck_allow_unauthorized = True
linkcheck_anchors_ignore_for_url = [r"https://github\.com/.*"]
linkcheck_ignore = [r"https?://localhost.*"]

# -- API pages -----------------------------------------------------------------------------------

autosummary_generate = True
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_typehints_format = "short"
autodoc_type_aliases = {"ArrayLike": "ArrayLike"}  # not the twenty types that it stands for
napoleon_google_docstring = False
napoleon_use_ivar = True
python_maximum_signature_line_length = 72  # longer ones: an argument per line

# -- Links ---------------------------------------------------------------------------------------

nitpicky = True
# The inventories of other projects need a network; elsewhere their names are plain text.
if os.environ.get("READTHEDOCS") or os.environ.get("MODIS_DOCS_INTERSPHINX"):
    intersphinx_mapping = {
        "anndata": ("https://anndata.readthedocs.io/en/stable/", None),
        "matplotlib": ("https://matplotlib.org/stable/", None),
        "mudata": ("https://mudata.readthedocs.io/stable/", None),
        "muon": ("https://muon.readthedocs.io/en/latest/", None),
        "numpy": ("https://numpy.org/doc/stable/", None),
        "pandas": ("https://pandas.pydata.org/pandas-docs/stable/", None),
        "python": ("https://docs.python.org/3", None),
        "scanpy": ("https://scanpy.readthedocs.io/en/stable/", None),
        "scvi": ("https://docs.scvi-tools.org/en/stable/", None),
        "torch": ("https://docs.pytorch.org/docs/stable/", None),
    }
nitpick_ignore_regex = [
    # what is not ours, and the words of a docstring's types ("array of shape ...")
    (r"py:.*", r"(?!modis\.).*"),
    # our private modules: annotations name classes by where they are defined
    (r"py:.*", r"modis\.(.*\.)?_.*"),
]

# -- Site ----------------------------------------------------------------------------------------

html_theme = "sphinx_book_theme"
html_title = "MODIS"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_theme_options = {
    "home_page_in_toc": True,
    "navbar_persistent": [],  # the sidebar has the search
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
