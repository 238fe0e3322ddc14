"""The documentation as a site: the pages of the repository as they are, notebooks, and the API from its docstrings.

`make docs` builds it into build/site. Made by Sphinx: in 2026 MkDocs 1 has had no release for two years and its second
version drops plugins and themes, support of mkdocs-material ends, and its successor Zensical is at 0.1; Sphinx, MyST
and furo are released several times a year, check every reference, and need no network, neither to build nor to read.

Links in the pages are those of the repository (`emulation.md#the-cache`), so that they lead somewhere there as well.
The order of pages is that of the tables in docs/README.md: a page that is missing there fails tests/test_docs.py.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.ext.napoleon import GoogleDocstring

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from hlsgen.version import VERSION  # noqa: E402 - of this tree, wherever Sphinx is installed

project = "hlsgen"
version = release = VERSION
copyright = "hlsgen developers"

root_doc = "README"
include_patterns = [
    "*.md",
    "docs/*.md",
    "docs/notebooks/*.ipynb",
    "docs/site/api/*.md",
    "example-models/*.md",
    "example-models/*/*.md",
    "benchmarks/*.md",
    "tests/peer/README.md",
]
exclude_patterns = ["build", ".venv*", "**/.*", "hlsgen", "hls_templates"]

extensions = ["myst_nb", "sphinx.ext.autodoc"]
myst_heading_anchors = 4
nb_execution_mode = "off"  # notebooks hold what they gave; tests run them
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_type_aliases = {
    name: name for name in ("Array", "ArrayLike", "Inputs", "Granularity", "AfterStage", "OnFailure")
}
autodoc_mock_imports = ["keras", "tensorflow", "tf_keras"]
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"hlsgen {VERSION}"
html_extra_path = ["extra"]
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_last_updated_fmt = None
pygments_style = "tango"
pygments_dark_style = "monokai"

_ALIAS = re.compile(r"TypeAliasForwardRef\('(\w+)'\)")
_STAR = re.compile(r"(?<![`*\w])\*(?=[a-z][a-z ]*[,)])")
_ROW = re.compile(r"^\| \[.+?\]\(([\w/.-]+)\.(?:md|ipynb)\)", re.MULTILINE)
_API = ["conversion", "project", "results", "data", "types", "layers", "testing", "errors"]


def _navigation() -> str:
    """The tables of docs/README.md as trees of pages, with what has no page there."""
    text = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    parts = [part.partition("\n") for part in text.split("\n## ")[1:]]
    trees = [_tree(title, [f"/docs/{name}" for name in _ROW.findall(rows)]) for title, _, rows in parts]
    own = ["/CONTRIBUTING", "/CHANGELOG", "/SECURITY", "/example-models/README", "/benchmarks/RESULTS"]
    api = _tree("API", [f"/docs/site/api/{name}" for name in _API])
    return "\n".join(["", _tree("", ["Overview </docs/README>"]), *trees, api, _tree("Project", own)])


def _tree(caption: str, pages: list[str]) -> str:
    options = [":hidden:", *([f":caption: {caption}"] if caption else [])]
    return "\n".join(["```{toctree}", *options, "", *pages, "```", ""])


def _arrange(app: Sphinx, page: str, source: list[str]) -> None:
    """README is the first page of the site, and the root of its tree; READMEs of folders are found through others."""
    if page == root_doc:
        source[0] += _navigation()
    elif page.count("/") == 2 and page.endswith("/README"):
        source[0] = "---\norphan: true\n---\n" + source[0]


def _read_docstring(app: Sphinx, kind: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Sections as Google writes them (``Args:``), and ``*shape``, which is no emphasis.

    Of attributes, Sphinx's napoleon would take what stands before a colon for a type, so it is not asked.
    """
    text = [_STAR.sub(r"\*", line) for line in lines]
    lines[:] = (
        text if kind in ("attribute", "property", "data") else GoogleDocstring(text, what=kind, name=name).lines()
    )


def _read_signature(
    app: Sphinx, kind: str, name: str, obj: object, options: object, arguments: str | None, result: str | None
) -> tuple[str | None, str | None]:
    """Aliases of types under their names."""
    return tuple(text and _ALIAS.sub(r"\1", text) for text in (arguments, result))  # type: ignore[return-value]


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _arrange)
    app.connect("autodoc-process-docstring", _read_docstring)
    app.connect("autodoc-process-signature", _read_signature)
