"""The documentation as a site: it builds without a warning, every link in it leads somewhere, and it needs no network."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import hlsgen
from tests.test_architecture import sources
from tests.test_docs import ROOT, resolves

ROLE = re.compile(r":(?:class|data|exc|func|meth|mod|attr):`~?(hlsgen[\w.]*)`")


class Page(HTMLParser):
    """What a page refers to, what can be referred to in it, and its texts."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attributes}
        self.anchors |= {given[key] for key in ("id", "name") if key in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and given.get("rel") not in ("canonical", "index", "search", "next", "prev", "author"):
            self.loaded.append(given["href"])
        elif "src" in given:
            self.loaded.append(given["src"])


@functools.cache
def page(path: Path) -> Page:
    return Page(path)


def dead_links(site: Path) -> list[str]:
    """Links inside of the site to nothing, and links out of it into the file system."""
    dead = []
    for path in sorted(site.rglob("*.html")):
        for link in [*page(path).links, *page(path).loaded]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            found = target.is_file() and target.is_relative_to(site)
            if not found or (anchor and target.suffix == ".html" and anchor not in page(target).anchors):
                dead.append(f"{path.relative_to(site)}: {link}")
    return dead


def loaded_from_elsewhere(site: Path) -> list[str]:
    """Scripts, styles, pictures and fonts that a browser would fetch from a network."""
    found = [link for path in site.rglob("*.html") for link in page(path).loaded if urlsplit(link).netloc]
    for style in site.rglob("*.css"):
        found += re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//[^)'\"]+", style.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sphinx", reason="Sphinx is not installed (pip install '.[docs]')")
    pytest.importorskip("furo", reason="furo is not installed (pip install '.[docs]')")
    pytest.importorskip("myst_nb", reason="MyST-NB is not installed (pip install '.[docs]')")
    place = tmp_path_factory.mktemp("site")
    made = (place / "html").resolve()
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "--quiet",
        "--fail-on-warning",
        "--keep-going",
        "--conf-dir",
        "docs/site",
    ]
    done = subprocess.run(
        [*command, "--doctree-dir", str(place / "trees"), ".", str(made)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return made


def test_the_site(site: Path) -> None:
    """One test, as the processes of a run share no site."""
    assert dead_links(site) == []
    assert loaded_from_elsewhere(site) == []
    check_navigation(site)
    check_api(site)
    check_search(site)
    assert (site / "index.html").is_file()
    assert "prefers-color-scheme: dark" in (site / "_static/styles/furo.css").read_text().replace(":dark", ": dark")


def check_navigation(site: Path) -> None:
    """Every page can be reached from the first one, and in the order of docs/README.md."""
    text = (site / "README.html").read_text(encoding="utf-8")
    tree = text[text.index('class="sidebar-tree"') : text.index('class="main"')]
    shown = re.findall(r'href="docs/((?:notebooks/)?\w+)\.html"', tree)
    listed = re.findall(
        r"^\| \[.+?\]\(([\w/]+)\.(?:md|ipynb)\)", (ROOT / "docs/README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert shown == ["README", *listed] and len(listed) > 20
    for name in ("example-models/README", "CONTRIBUTING", "CHANGELOG", "docs/site/api/project"):
        assert f'href="{name}.html"' in tree


def check_api(site: Path) -> None:
    """Public names have an entry each, with the texts of their docstrings."""
    described = set().union(*(page(path).anchors for path in (site / "docs/site/api").glob("*.html")))
    missing = [name for name in hlsgen.__all__ if f"hlsgen.{name}" not in described and not _elsewhere(name, described)]
    assert not missing
    methods = [name for name, member in vars(hlsgen.Project).items() if callable(member) and name[0] != "_"]
    assert len(methods) > 10 and not [name for name in methods if f"hlsgen.Project.{name}" not in described]
    text = (site / "docs/site/api/project.html").read_text(encoding="utf-8")
    assert "(samples, *shape)" in text and "TypeAliasForwardRef" not in text


def _elsewhere(name: str, described: set[str]) -> bool:
    """Errors are described where they are defined."""
    thing = getattr(hlsgen, name)
    return f"{thing.__module__}.{thing.__name__}" in described


def check_search(site: Path) -> None:
    text = (site / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text[text.index("(") + 1 : text.rindex(")")])
    assert {"docs/precision", "docs/site/api/project", "README"} <= set(index["docnames"])
    assert "calibr" in index["terms"]


def test_dead_links_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<p id="here"><a href="#here">x</a><a href="#gone">x</a><a href="b.html">x</a>')
    (tmp_path / "c.html").write_text(
        '<a href="a.html#here">x</a><a href="a.html#no">x</a><a href="../c.html">x</a><a href="https://a.b/c#d">x</a>'
        '<script src="https://a.b/c.js"></script><img src="none.png">'
    )
    assert dead_links(tmp_path) == [
        "a.html: #gone",
        "a.html: b.html",
        "c.html: a.html#no",
        "c.html: ../c.html",
        "c.html: none.png",
    ]
    assert loaded_from_elsewhere(tmp_path) == ["https://a.b/c.js"]


def test_references_in_docstrings_resolve() -> None:
    """Sphinx leaves those out in silence that it knows nothing of."""
    named = {name for path in sources() for name in ROLE.findall(path.read_text(encoding="utf-8"))}
    assert len(named) > 20
    assert sorted(name for name in named if not resolves(name)) == []
