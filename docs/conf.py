"""Sphinx: offline, warnings are errors, every notebook is executed (see docs/extending.md for the command)."""

import os
import sys
from pathlib import Path

from jupyter_client import AsyncKernelManager
from sphinx.ext import autosummary

import spnkit

os.environ["SPNKIT_QUIET"] = "1"
os.environ["MATPLOTLIBRC"] = str(Path(__file__).with_name("matplotlibrc"))  # for the kernels of the notebooks
if hasattr(AsyncKernelManager, "transport_encryption"):  # from 8.10 on; without it every kernel warns
    AsyncKernelManager.transport_encryption.default_value = "auto"
autosummary.WELL_KNOWN_ABBREVIATIONS += ("Eq.",)  # a summary does not end there

sys.path.append(str(Path(__file__).with_name("_ext")))

project = "spnkit"
author = "the spnkit authors"
project_copyright = "the spnkit authors, BSD-3-Clause"
release = spnkit.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",
    "sphinx_copybutton",
    "myst_nb",
    "downloads",
]
exclude_patterns = ["_build", "jupyter_execute"]
default_role = "py:obj"

autodoc_typehints = "none"  # the numpydoc sections say more: shapes
autosummary_generate = False
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"  # a cache would not notice that spnkit itself has changed
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_ipywidgets_js = {}  # these would come from a remote host
nb_merge_streams = True
nb_render_markdown_format = "myst"  # CommonMark has no tables

html_theme = "furo"
html_title = f"spnkit {release}"
html_static_path = ["_static"]
html_css_files = ["spnkit.css"]
html_js_files = ["tables.js"]
html_favicon = "_static/favicon.svg"
notebook_downloads = ["quickstart/*", "derivations/*", "errata"]  # those that need nothing but spnkit
html_copy_source = False
html_show_sourcelink = False
