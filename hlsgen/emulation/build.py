"""Compile a design to a Python extension, once: everything is cached by the digest of what went in.

The bindings are the same text for every design and compiled once. What may be used of the cache, and how it gets
there, is in :mod:`hlsgen.native.store`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

from hlsgen.backends.hls.texts import OWN_HEADERS, units
from hlsgen.native import store
from hlsgen.native.compilation import FLAGS, digest, explained, extension, keep, run_compiler, run_compilers
from hlsgen.native.diagnosis import Toolchain
from hlsgen.tools import Compiler, cache_dir, find_compiler, python_headers, templates_dir

_INCLUDE = re.compile(r'^\s*#\s*include\s*[<"](.+)[>"]', re.MULTILINE)


def build_extension(files: Mapping[str, str], flags: Sequence[str] = ()) -> ModuleType:
    """Return the imported extension of a design given as texts; compile it unless the cache has it.

    Raises ToolError if there is no compiler, if it fails, or if the system does not let it work.
    """
    compiler = find_compiler()
    all_flags = (*FLAGS, *flags)
    name = "hlsgen_" + digest(compiler, all_flags, {**_headers("emulation", "firmware"), **files})

    def make(target: Path) -> bytes:
        return _compile(compiler, all_flags, files, name, target)

    return extension("the emulator", name, compiler, all_flags, make)


@functools.cache
def _headers(*folders: str) -> dict[str, str]:
    """The texts of the headers and the bindings below folders of hls_templates, by path."""
    root = templates_dir()
    paths = [p for folder in folders for p in sorted((root / folder).rglob("*")) if p.suffix in (".h", ".cpp")]
    return {p.relative_to(root).as_posix(): p.read_text(encoding="utf-8") for p in paths}


def _bindings() -> dict[str, str]:
    """The texts of the bindings and of the headers they include, by path."""
    root = templates_dir() / "emulation"
    texts: dict[str, str] = {}
    todo = [root / "bindings.cpp"]
    while todo:
        path = todo.pop()
        name = path.relative_to(root).as_posix()
        if name not in texts:
            texts[name] = path.read_text(encoding="utf-8")
            places = [folder / word for word in _INCLUDE.findall(texts[name]) for folder in (path.parent, root)]
            todo += [place for place in places if place.is_file()]
    return texts


def _includes() -> list[str]:
    root = templates_dir()
    return [f"-I{root / 'emulation'}", f"-I{root / 'firmware'}"]


def bindings_object(compiler: Compiler, flags: Sequence[str]) -> Path:
    """Return the compiled bindings, compiling them if this machine never did. Raises ToolError."""
    import pybind11

    target = cache_dir() / f"bindings_{digest(compiler, flags, _bindings())}.o"
    store.mark_used(target)
    if store.read(target) is not None:
        return target
    includes = [*_includes(), f"-isystem{pybind11.get_include()}", f"-isystem{python_headers()}"]
    source = templates_dir() / "emulation" / "bindings.cpp"
    with store.building() as folder:
        command = [*compiler.command, *flags, *includes, "-c", str(source), "-o", str(folder / "b.o")]
        toolchain = Toolchain(compiler, flags, folder)
        toolchain.check()  # once for a machine: these come first
        with explained("the emulator's binding code", toolchain, target):
            run_compiler(command, folder, folder / "b.log")
        keep(command, folder / "b.o", target)
    return target


def _compile(compiler: Compiler, flags: Sequence[str], files: Mapping[str, str], name: str, target: Path) -> bytes:
    bindings = bindings_object(compiler, flags)
    with store.building() as folder:
        for file, text in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8")
        options = [*compiler.command, *flags]
        objects = [folder / f"{i}.o" for i, _ in enumerate(units(files))]
        output = folder / "design.so"
        link = [*options, "-shared", *map(str, objects), str(bindings), "-o", str(output), "-pthread"]
        own = [Path(file).name for file in files if file.startswith(f"{OWN_HEADERS}/")]
        with explained("the emulator", Toolchain(compiler, flags, folder, own), target):
            run_compilers(
                [
                    [*options, f"-DHLSGEN_MODULE={name}", *_includes(), f"-I{OWN_HEADERS}", "-c", unit, "-o", str(made)]
                    for unit, made in zip(units(files), objects, strict=True)
                ],
                folder,
            )
            run_compiler(link, folder, folder / "link.log")
        content = keep(link, output, target)
    store.bound()
    return content
