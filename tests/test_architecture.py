"""Rules about the source as a whole: direction of imports, no frameworks, one place for outside programs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "hlsgen"

RANKS = {
    "version": 0,
    "errors": 0,
    "files": 0,
    "named_files": 1,
    "strict_yaml": 1,
    "tables": 1,
    "tools": 1,
    "progress": 1,
    "logs": 1,
    "helpers": 2,
    "ir": 1,
    "quantizers": 2,
    "linter": 2,
    "native": 2,
    "templates": 2,
    "pictures": 2,
    "plots": 2,
    "adders": 3,
    "names_of_hls4ml": 1,
    "config": 2,
    "layers": 3,
    "frontends": 4,
    "passes": 5,
    "precision": 6,
    "design": 7,
    "pipeline": 8,
    "backends": 9,
    "emulation": 10,
    "estimation": 10,
    "exports": 10,
    "simulation": 10,
    "synthesis": 10,
    "board": 11,
    "analysis": 11,
    "data": 11,
    "pages": 12,
    "summary": 12,
    "project": 12,
    "explore": 13,
    "training": 13,
    "extension": 13,
    "pytest_plugin": 13,
    "__init__": 13,
    "cli": 14,
    "__main__": 15,
}
"""Imports go to the same or a lower rank; a new part of the package needs a line here."""

LAZY_ONLY = {
    "tensorflow",
    "keras",
    "tf_keras",
    "qkeras",
    "torch",
    "hgq",
    "onnx",
    "onnx_ir",
    "onnxruntime",
    "onnxscript",
    "brevitas",
    "clang",
    "cloudpickle",
    "dask",
    "dask_jobqueue",
    "distributed",
    "optuna",
    "pandas",
    "polars",
    "pyarrow",
}


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def part(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imports(tree: ast.AST) -> Iterator[tuple[str, ast.stmt]]:
    """Every module named by an import statement (``from a import b`` may name the module a.b)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from ((f"{node.module}.{alias.name}", node) for alias in node.names)


def targets(tree: ast.AST) -> Iterator[str]:
    for name, _ in imports(tree):
        words = name.split(".")
        if words[0] == "hlsgen" and len(words) > 1:
            yield words[1] if words[1] in RANKS else "__init__"


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    mine = part(path)
    assert mine in RANKS, f"{mine}: give it a rank in tests/test_architecture.py"
    for target in set(targets(parse(path))):
        assert RANKS[target] <= RANKS[mine], f"hlsgen.{mine} may not import hlsgen.{target}"


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sources():
        words = ("hlsgen", *path.relative_to(PACKAGE).with_suffix("").parts)
        found[".".join(words[:-1] if words[-1] == "__init__" else words)] = path
    return found


def dependencies(name: str, path: Path, known: dict[str, Path]) -> set[str]:
    """The modules of the package that a module imports, wherever in its text; packages above it apart."""
    named = {full if full in known else full.rpartition(".")[0] for full, _ in imports(parse(path))}
    return {other for other in named if other in known and other != name and not name.startswith(f"{other}.")}


def test_no_file_imports_itself_through_others() -> None:
    """No circles, also inside a folder and also for annotations: what can be read from the bottom up can be tested so."""
    known = modules()
    graph = {name: dependencies(name, path, known) for name, path in known.items()}
    assert len(graph) > 100 and "hlsgen.ir.types" in graph["hlsgen.ir.layer"]
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_frameworks_are_imported_where_used(path: Path) -> None:
    if part(path) == "training":
        pytest.skip("training works with the frameworks")
    outside = [node for node in parse(path).body if isinstance(node, ast.Import | ast.ImportFrom)]
    for node in outside:
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        assert not LAZY_ONLY & {name.split(".")[0] for name in names}, f"{path}: import it inside the function"


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_programs_and_environment_belong_to_tools(path: Path) -> None:
    if part(path) == "tools":
        pytest.skip("this is tools")
    tree = parse(path)
    assert "subprocess" not in {name for name, _ in imports(tree)}, "programs are started by tools.run"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
            assert node.attr not in {"environ", "getenv", "system", "chdir", "popen"}, (
                f"os.{node.attr}: see hlsgen.tools"
            )


@pytest.mark.parametrize("path", sorted((PACKAGE / "quantizers").glob("*.py")), ids=lambda p: p.name)
def test_neutral_quantisers_know_no_library(path: Path) -> None:
    """A library's quantisers are a subpackage that imports the neutral files beside it, never the other way round."""
    libraries = [f"hlsgen.quantizers.{file.parent.name}." for file in (PACKAGE / "quantizers").glob("*/__init__.py")]
    assert libraries
    for name, _ in imports(parse(path)):
        assert not f"{name}.".startswith(tuple(libraries)), f"{path.name} imports {name}"


def test_what_is_indexed_can_be_searched() -> None:
    """With ``__getitem__`` alone, Python tries 0, 1, 2, ... for ``in`` and ``for``, and may never end."""
    classes = [node for path in sources() for node in ast.walk(parse(path)) if isinstance(node, ast.ClassDef)]
    indexed = 0
    for node in classes:
        methods = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
        bases = {ast.unparse(base).partition("[")[0] for base in node.bases}
        if "__getitem__" in methods:
            indexed += 1
            assert bases & {"Mapping", "Sequence"} or methods >= {"__iter__", "__contains__", "__len__"}, node.name
    assert indexed >= 2


def test_import_takes_no_framework() -> None:
    code = "import sys, hlsgen, hlsgen.pytest_plugin; print('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in run.stdout.split()}
    heavy = LAZY_ONLY | {"scipy", "matplotlib", "sklearn", "pandas", "rich", "typer", "hls4ml"}
    assert not loaded & heavy


def test_what_only_some_need_is_imported_when_it_is_asked_for() -> None:
    """Searches, data and the vendor's reports take a part of the time of ``import hlsgen``, and are names of it all the same."""
    code = (
        "import sys, hlsgen; print([name for name in sys.modules if name.startswith(('hlsgen.explore', 'hlsgen.data.'))]);"
        "print([name for name in (*hlsgen.__all__, 'data') if name not in dir(hlsgen) or not hasattr(hlsgen, name)]);"
        "print(hasattr(hlsgen, 'sweeps'))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["[]", "[]", "False"]


def test_every_folder_is_packaged() -> None:
    """The list in pyproject.toml is what is there; a folder that is missing in it would be missing in the wheel."""
    import tomllib

    listed = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders = {".".join(("hlsgen", *path.parent.relative_to(PACKAGE).parts)) for path in sources()}
    assert folders | {"hlsgen.hls_templates"} == set(listed["packages"])
