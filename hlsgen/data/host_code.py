"""A fitted pipeline as code for hosts: a header of C99 and a module of Python, which make the integers of NumPy.

What has to be equal to the bit is defined in :mod:`hlsgen.data.operations` (real numbers) and
:class:`hlsgen.ir.types.FixedType` (integers). Both texts take a number apart by its bits and round in integers.
"""

from __future__ import annotations

import re
from pathlib import Path

from hlsgen.data.c_header import c_text, identifier, integer_c_text
from hlsgen.data.ports import InputPort
from hlsgen.data.python_module import python_text
from hlsgen.data.recipe import Recipe
from hlsgen.errors import InputError, brief
from hlsgen.named_files import check_replaced, named_path, write_named

_C = re.compile(rb"/\*\n \* Raw [a-z]+ as the integers that input [^\n]*\n \* Written by hlsgen ")
_PYTHON = re.compile(rb'"""Raw [a-z]+ as the integers that an input [^\n]*\n\nWritten by hlsgen ')
"""How such files begin: what may be replaced by others."""


def write_c(
    recipe: Recipe, port: InputPort, path: str | Path, raw: str | None = None, *, overwrite: bool = False
) -> Path:
    """Write the header; returns its path. Raises as :meth:`hlsgen.data.pipeline.FittedPipeline.write_c`."""
    file = _path(path, ".h", "a header of C")
    check_replaced(file, "header of a pipeline", _C, overwrite=overwrite, caller="write_c()")
    name = identifier(file.stem)
    text = c_text(recipe, port, name) if raw is None else integer_c_text(recipe, port, name, raw)
    return write_named(file, text.encode(), "write_c()")


def write_python(recipe: Recipe, port: InputPort, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write the module; returns its path. Raises as :meth:`hlsgen.data.pipeline.FittedPipeline.write_python`."""
    file = _path(path, ".py", "a module of Python")
    check_replaced(file, "module of a pipeline", _PYTHON, overwrite=overwrite, caller="write_python()")
    return write_named(file, python_text(recipe, port).encode(), "write_python()")


def _path(path: str | Path, ending: str, what: str) -> Path:
    file = named_path(path, what, InputError)
    if file.suffix != ending:
        raise InputError(f"{brief(str(file))}: expected the path of {what}, which ends in {ending}")
    return file
