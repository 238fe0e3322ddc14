"""What the documentation points at exists: files, headings, names of the program, layers, passes and kernels."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import hlsgen.layers
from hlsgen.backends.hls.ports import PortForm
from hlsgen.config import Config
from hlsgen.ir.layer import Layer
from hlsgen.pipeline import stages
from tests.test_architecture import RANKS, modules, part, sources

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path
    for path in (
        *ROOT.glob("*.md"),
        *(f for d in ("docs", "example-models", "benchmarks") for f in (ROOT / d).rglob("*.md")),
    )
)
NAMED = [path for path in PAGES if path.parent == ROOT / "docs" or path.name == "CONTRIBUTING.md"]

EXPECTED = {"add_a_layer.md", "add_a_pass.md", "add_a_frontend.md", "add_a_backend.md"}
"""Guides that are linked to before they are there; nothing else may be missing."""

LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")


def page_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(path: Path) -> str:
    """The text of a page without its blocks of code."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """The headings of a page, as GitHub makes anchors of them."""
    titles = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page: Path) -> None:
    wrong = []
    for link in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists():
            if target.parent != ROOT / "docs" or target.name not in EXPECTED:
                wrong.append(link)
        elif anchor and anchor not in anchors(target):
            wrong.append(link)
    assert not wrong, f"{page_id(page)}: links to nothing: {wrong}"


def resolves(name: str) -> bool:
    """Whether a dotted name is a module, or an attribute of one (of a class in it)."""
    known, words = modules(), name.split(".")
    if name in known:
        return True
    for count in range(len(words) - 1, 0, -1):
        if ".".join(words[:count]) not in known:
            continue
        found = importlib.import_module(".".join(words[:count]))
        if words[count:] == [w for w in getattr(found, "__all__", ()) if w == words[-1]]:
            return True  # may be lazy: asking for it would import a framework
        for word in words[count:]:
            fields = getattr(found, "__dataclass_fields__", {})
            if word not in fields and not hasattr(found, word):
                return False
            found = getattr(found, word, None)
        return True
    return False


def dotted(page: Path) -> Iterator[str]:
    for code in CODE.findall(prose(page)):
        yield from re.findall(r"(?<![\w./-])hlsgen(?:\.[A-Za-z_]\w*)+(?![\w/])", code)


@pytest.mark.parametrize("page", NAMED, ids=page_id)
def test_names_exist(page: Path) -> None:
    wrong = sorted({name for name in dotted(page) if not resolves(name) and not (ROOT / name).is_file()})
    assert not wrong, f"{page_id(page)}: no such module or attribute: {wrong}"


def test_names_that_do_not_exist_are_found() -> None:
    assert (
        resolves("hlsgen.ir.layer.Layer") and resolves("hlsgen.convert") and resolves("hlsgen.ir.typing.Typing.accum")
    )
    assert not resolves("hlsgen.codegen.plan") and not resolves("hlsgen.ir.layer.Layers")


@pytest.mark.parametrize("page", NAMED, ids=page_id)
def test_paths_exist(page: Path) -> None:
    """Paths of the repository in backticks: from its root, or below the package."""
    wrong = []
    for code in CODE.findall(prose(page)):
        if re.fullmatch(r"(?:hlsgen|hls_templates|tests|docs|configs|benchmarks)/[\w./-]*", code):
            found = (ROOT / code).exists() or (code.startswith("hlsgen/") and _is_header(code))
            if not found and Path(code).name not in EXPECTED:
                wrong.append(code)
    assert not wrong, f"{page_id(page)}: no such file: {wrong}"


def _is_header(code: str) -> bool:
    """Headers are included as ``hlsgen/dense.h``."""
    return any((ROOT / "hls_templates" / world / code).exists() for world in ("firmware", "emulation"))


def text(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_architecture_names_all_stages_and_parts() -> None:
    page = text("architecture.md")
    missing = [stage.pass_name() for stage in stages(Config()) if f"`{stage.pass_name()}`" not in page]
    assert not missing, f"stages that docs/architecture.md leaves out: {missing}"
    table = dict(re.findall(r"^\| (\d+) \| (.+?) \|", page, re.MULTILINE))
    ranked = {
        name: int(rank)
        for rank, names in re.findall(r"^\| (\d+) \| (.+?) \|", page, re.MULTILINE)
        for name in re.findall(r"`(\w+)(?:\.py|/)`", names)
    }
    assert table and ranked == {name: rank for name, rank in RANKS.items() if name in {part(p) for p in sources()}}


def test_every_declaration_is_described() -> None:
    """Names in the table of declarations are members of Layer."""
    section = text("architecture.md").partition("### What a layer declares")[2].partition("###")[0]
    names = re.findall(
        r"`(\w+)`", "\n".join(line.split("|")[1] for line in section.splitlines() if line.startswith("| `"))
    )
    assert len(names) > 15
    assert not [name for name in names if not hasattr(Layer, name) and name not in Layer.__annotations__]


def layers() -> set[str]:
    """The names of all layers that have a kind."""
    for name in modules():
        if name.startswith(f"{hlsgen.layers.__name__}."):
            importlib.import_module(name)

    def below(kind: type[Layer]) -> Iterator[type[Layer]]:
        for child in kind.__subclasses__():
            yield child
            yield from below(child)

    return {kind.__name__ for kind in below(Layer) if "kind" in vars(kind) and kind.__module__.startswith("hlsgen.")}


def test_kernels_names_all_layers_and_headers() -> None:
    page = text("kernels.md")
    named = set(CODE.findall(FENCE.sub("", page)))
    assert not layers() - named, "layers that docs/kernels.md leaves out"
    headers = {path.name for path in (ROOT / "hls_templates" / "firmware" / "hlsgen").glob("*.h")}
    assert not headers - {name.removeprefix("hlsgen/") for name in named}, "headers that docs/kernels.md leaves out"
    emulated = {path.name for path in (ROOT / "hls_templates" / "emulation" / "hlsgen").glob("*.h")}
    shadowing = {
        name.removeprefix("hlsgen/") for name in re.findall(r"^\| `(hlsgen/\w+\.h)` .*shadowed", page, re.MULTILINE)
    }
    assert shadowing == headers & emulated


def test_interface_names_the_pragmas_of_ports() -> None:
    """Its tables have the pragmas of the template, with a placeholder for the port."""
    template = (ROOT / "hls_templates" / "project" / "interface.j2").read_text(encoding="utf-8")
    pragmas = re.findall(r"^#pragma HLS (.+)$", template, re.MULTILINE)
    assert len(pragmas) >= len(set(PortForm) - {PortForm.PACKETS})
    page = text("interface.md")
    for pragma in pragmas:
        named = pragma.replace("{{ port.wire.name }}", "<port>").replace(
            '{{ "read" if port.is_input else "write" }}', "read"
        )
        assert f"`{re.sub(r'{{.+?}}', '<n>', named)}`" in page, pragma


def test_layers_that_round_inside() -> None:
    """Rule 10 of docs/numerics.md names them."""
    rule = text("numerics.md").partition("## Rule 10")[2].partition("## Rule 11")[0]
    layers()
    found = {kind.__name__ for kind in Layer.__subclasses__() if getattr(kind, "pure", True) is False}
    assert found == set(re.findall(r"^\| `(\w+)` \|", rule, re.MULTILINE))


def test_rules_that_are_cited_exist() -> None:
    """Docstrings cite ``docs/numerics.md, rule 3``."""
    rules = {int(number) for number in re.findall(r"^## Rule (\d+):", text("numerics.md"), re.MULTILINE)}
    assert rules == set(range(1, 13))
    for path in [*sources(), *(ROOT / "hls_templates").rglob("*.h")]:
        for folder, number in re.findall(r"(\S*)numerics\.md,\s+rule (\d+)", path.read_text(encoding="utf-8")):
            assert folder.endswith("docs/") and int(number) in rules, f"{path}: rule {number}"


def test_index_has_every_page() -> None:
    listed = set(LINK.findall(text("README.md")))
    assert {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"} <= listed
