"""The search, which is C++ (``hls_templates/adders``): compiled once on a machine, kept as emulators are."""

from __future__ import annotations

import functools
from pathlib import Path
from types import ModuleType

from hlsgen.native import store
from hlsgen.native.compilation import FLAGS, digest, explained, extension, keep, run_compiler
from hlsgen.native.diagnosis import Toolchain
from hlsgen.tools import Compiler, find_compiler, python_headers, templates_dir

_WHAT = "the search for shared adders"


@functools.cache
def search_module() -> ModuleType:
    """The imported extension. Raises ToolError if there is no compiler, or if it fails."""
    compiler = find_compiler()
    folder = templates_dir() / "adders"
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.is_file()}
    name = "adders_" + digest(compiler, FLAGS, texts)
    return extension(_WHAT, name, compiler, FLAGS, lambda target: _compile(compiler, name, target))


def _compile(compiler: Compiler, name: str, target: Path) -> bytes:
    import pybind11

    source = templates_dir() / "adders" / "bindings.cpp"
    includes = [f"-isystem{pybind11.get_include()}", f"-isystem{python_headers()}"]
    with store.building() as folder:
        made = folder / "adders.so"
        command = [
            *compiler.command,
            *FLAGS,
            f"-DHLSGEN_MODULE={name}",
            *includes,
            "-shared",
            str(source),
            "-o",
            str(made),
        ]
        toolchain = Toolchain(compiler, FLAGS, folder)
        toolchain.check()
        with explained(_WHAT, toolchain, target):
            run_compiler(command, folder, folder / "adders.log")
        content = keep(command, made, target)
    store.bound()
    return content
