"""The site: the Markdown pages beside this file, a gallery made from `examples/`, a reference made from the code.

`make docs` builds it into docs/_build. What is made on the way (docs/gallery, docs/reference) is not kept in the
repository. SCENEGRAD_GALLERY says what becomes of the examples, see site/gallery.py: stored, small or full.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "site"))

import gallery  # noqa: E402
import reference  # noqa: E402

import scenegrad  # noqa: E402

project = "scenegrad"
author = "The scenegrad developers"
copyright = f"2026, {author}"
version = release = scenegrad.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "plain"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "site", "pictures"]
suppress_warnings = [
    "ref.python",  # a name such as Langevin means a motion of atoms in one place and a sampler in another
]
myst_enable_extensions = ["colon_fence", "attrs_block"]
myst_heading_anchors = 3

autodoc_inherit_docstrings = False  # what torch says of `forward` says nothing here
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
python_maximum_signature_line_length = 100
toc_object_entries = False

html_theme = "furo"
html_title = f"scenegrad {release}"
html_static_path = ["site/style"]
html_css_files = ["site.css"]
html_copy_source = False

gallery.write(HERE / "gallery", gallery.form(os.environ))
reference.write(HERE / "reference")
