"""Configuration of the documentation."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tomllib
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
# The address of the repository is set in pyproject.toml, and nowhere else.
urls = tomllib.loads((DOCS.parent / "pyproject.toml").read_text("utf-8"))["project"]["urls"]

# -- Sources -------------------------------------------------------------------------------------

extensions = [
    "constants",
    "figure_texts",
    "measured",
    "myst_nb",
    "own_members",
    "prose_returns",
    "public_titles",
    "source_of_members",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx-mathjax-offline",  # after mathjax: the site serves it itself
    "sphinx_copybutton",
    "sphinxcontrib.bibtex",
]
exclude_patterns = ["_build", "**.ipynb_checkpoints"]
default_role = "literal"
templates_path = ["_templates"]
bibtex_bibfiles = ["references.bib"]
bibtex_reference_style = "author_year"

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath", "substitution"]
myst_heading_anchors = 3
myst_substitutions = {
    "source": f"[Source code]({urls['Source']})",
    "help": f"[help and bug reports]({urls['Help']})",
    "version": release,
}
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
linkcheck_ignore = [r"https?://localhost.*", re.escape(urls["Source"]) + ".*"]

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
html_title = f"MODIS {release}"
html_favicon = "_static/logo.svg"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_theme_options = {
    "home_page_in_toc": True,
    "logo": {
        "alt_text": "MODIS: home",
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo.svg",
        "text": html_title,
    },
    "navbar_persistent": [],  # the sidebar has the search
    "repository_provider": "github",  # how addresses of files and issues are made
    "repository_url": urls["Source"],
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "use_issues_button": True,
    "use_repository_button": True,
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
