"""``.pt2`` files: programs of ``torch.export``, looked through before PyTorch reads them.

``torch.export.load`` unpickles example inputs and some tensors, evaluates expressions of sizes as Python, and calls any
function of PyTorch that a file names. So it gets a copy that holds the program, the tensors as bytes and nothing else,
once every name and expression in it is one of those that are known here. Compiled code and pickles are left out.
"""

from __future__ import annotations

import ast
import json
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsgen.errors import ModelError, UnsupportedError, brief
from hlsgen.named_files import checked_file

if TYPE_CHECKING:
    import torch

_EXPECTED = "a .pt2 file that torch.export.save() wrote"
_MOST_BYTES = 1 << 32
_PLAIN = ("archive_format", "archive_version", "byteorder", ".data/version", ".data/serialization_id")
"""Files of a line."""
_CALLED = re.compile(
    r"torch\.ops\.aten\.(?!__|from_file)[a-z0-9_]+\.[A-Za-z][A-Za-z0-9_]*|torch\.sym_(?:max|min|not|ite|int|float)"
    r"|_operator\.(?:getitem|add|sub|mul|floordiv|truediv|mod|neg|eq|ne|lt|le|gt|ge|and_|or_|not_)"
    r"|math\.(?:trunc|ceil|floor)"
)
"""What a program may call."""
_ARGUMENTS = frozenset(
    "as_none as_tensor as_tensors as_int as_ints as_float as_floats as_bool as_bools as_string as_strings as_name "
    "as_expr as_sym_int as_sym_ints as_sym_float as_sym_floats as_sym_bool as_sym_bools as_scalar_type "
    "as_memory_format as_layout as_device as_optional_tensor as_optional_tensors as_int_lists "
    "as_string_to_argument".split()
)
"""Kinds of arguments; what is left out are graphs, operators and objects."""
_OF_SIZES = frozenset(
    "Symbol Integer Rational Add Mul Mod Max Min FloorDiv ModularIndexing Where PythonMod CleanDiv CeilToInt "
    "FloorToInt CeilDiv IntTrueDiv FloatTrueDiv TruncToInt TruncToFloat ToFloat Identity Eq Ne Equality Unequality "
    "GreaterThan LessThan StrictGreaterThan StrictLessThan And Or Not".split()
)
"""Functions in expressions of sizes; those whose results grow without bound are left out."""
_SYMBOL = re.compile(r"[a-z]{1,4}[0-9]{1,9}")
_STRUCTURES = (None, "builtins.tuple", "builtins.list", "builtins.dict")
"""Of inputs and outputs."""


def read_program(path: Path) -> torch.export.ExportedProgram:
    """The program in a file.

    Raises ModelError for a file that is none or is damaged, UnsupportedError for one that holds what is not read.
    """
    import torch

    copy = _checked_copy(checked_file(path, _EXPECTED, ModelError, _MOST_BYTES))
    try:
        return torch.export.load(copy)
    except Exception as error:  # of any kind, for what is not as it was written
        raise ModelError(
            f"{path}: torch.export.load cannot read it ({type(error).__name__}: {brief(str(error))}); expected "
            f"{_EXPECTED}, of PyTorch {torch.__version__} or one like it"
        ) from error


def _checked_copy(path: Path) -> BytesIO:
    """The part of a file that is data, once looked through."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _copied(path, archive)
    except (OSError, zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise ModelError(
            f"{path}: it is damaged or no zip archive ({brief(str(error))}); expected {_EXPECTED}"
        ) from error


def _copied(path: Path, archive: zipfile.ZipFile) -> BytesIO:
    files = {info.filename.partition("/")[2]: info for info in archive.infolist()}
    if any(info.compress_type != zipfile.ZIP_STORED for info in files.values()):
        raise ModelError(f"{path}: its files are compressed; expected {_EXPECTED}")
    models = [name for name in files if name.startswith("models/")]
    if len(models) != 1 or "archive_format" not in files:
        raise ModelError(f"{path}: it holds {len(models)} programs, expected one; expected {_EXPECTED}")
    (model,) = models
    name = model.removeprefix("models/").removesuffix(".json")
    kept = {plain: archive.read(files[plain]) for plain in _PLAIN if plain in files}
    kept[model] = json.dumps(_program(path, _json(path, archive.read(files[model])))).encode()
    kept[f"data/sample_inputs/{name}.pt"] = b""
    for folder, kind in (("data/weights", "weights"), ("data/constants", "constants")):
        index = f"{folder}/{name}_{kind}_config.json"
        if index not in files:
            raise ModelError(f"{path}: it has no {index}; expected {_EXPECTED}")
        described = _json(path, archive.read(files[index]))
        kept[index] = json.dumps(described).encode()
        for file in _tensors(path, described):
            if f"{folder}/{file}" not in files:
                raise ModelError(f"{path}: it has no {brief(folder + '/' + file)}, which {index} names")
            kept[f"{folder}/{file}"] = archive.read(files[f"{folder}/{file}"])
    copy = BytesIO()
    with zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as written:
        for file, content in kept.items():
            written.writestr(f"program/{file}", content)
    copy.seek(0)
    return copy


def _json(path: Path, text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: what describes its program is no JSON ({brief(str(error))})") from error


def _tensors(path: Path, described: Any) -> Iterator[str]:
    """The files of tensors that an index names."""
    entries = described.get("config") if isinstance(described, dict) else None
    if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
        raise ModelError(f"{path}: its list of tensors is damaged; expected {_EXPECTED}")
    for tensor, entry in entries.items():
        file = entry.get("path_name")
        if entry.get("use_pickle") is not False or not isinstance(file, str) or file.startswith("custom_obj"):
            raise UnsupportedError(
                f"{path}: {brief(tensor)} is kept as a pickle, which runs code when it is read; expected plain tensors"
            )
        yield file


# -- the program -------------------------------------------------------------------------------


def _program(path: Path, described: Any) -> Any:
    """A program without what is not needed. Raises UnsupportedError for what it may not hold."""
    if not isinstance(described, dict) or not isinstance(described.get("graph_module"), dict):
        raise ModelError(f"{path}: it describes no program; expected {_EXPECTED}")
    described["guards_code"] = []
    described["graph_module"]["treespec_namedtuple_fields"] = {}
    try:
        _look_through(path, described)
    except RecursionError as error:
        raise ModelError(f"{path}: what describes its program is nested too deeply") from error
    return described


def _look_through(path: Path, part: Any) -> None:
    """Refuse what is unknown, and shorten notes to the names of modules and functions."""
    for value in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        _look_through(path, value)
    if not isinstance(part, dict):
        return
    if "target" in part and not (isinstance(part["target"], str) and _CALLED.fullmatch(part["target"])):
        raise UnsupportedError(
            f"{path}: its program calls {brief(part['target'])}; only operators of PyTorch itself (aten) are read"
        )
    if isinstance(part.get("metadata"), dict):
        notes = part["metadata"]
        part["metadata"] = {
            key: notes[key] for key in ("nn_module_stack", "torch_fn") if isinstance(notes.get(key), str)
        }
    if "expr_str" in part and not _is_size(part["expr_str"]):
        raise UnsupportedError(f"{path}: {brief(part['expr_str'])} is no expression of sizes that is known here")
    for key in ("in_spec", "out_spec"):
        if isinstance(part.get(key), str) and part[key] and not _is_plain_structure(_json(path, part[key].encode())):
            raise UnsupportedError(f"{path}: inputs and outputs are supported in tuples, lists and dictionaries alone")
    unknown = [key for key in part if key.startswith("as_") and key not in _ARGUMENTS and part[key] is not None]
    if unknown:
        raise UnsupportedError(f"{path}: its program has arguments of an unknown kind, {brief(unknown[0])}")


def _is_plain_structure(described: Any) -> bool:
    """Whether a tree of inputs or outputs is of Python's own structures."""
    if isinstance(described, list):
        return all(_is_plain_structure(part) for part in described)
    if not isinstance(described, dict):
        return True
    children = described.get("children_spec", [])
    return described.get("type") in _STRUCTURES and isinstance(children, list) and _is_plain_structure(children)


def _is_size(expression: Any) -> bool:
    """Whether a text is arithmetic of sizes, which may be evaluated."""
    if not isinstance(expression, str) or len(expression) > 10_000:
        return False
    try:
        return _is_arithmetic(ast.parse(expression.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _is_arithmetic(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=bool()):
            return True
        case ast.Constant(value=int() | float() as number):
            return abs(number) < 2**63
        case ast.Constant(value=str() as name) | ast.Name(id=name):
            return _SYMBOL.fullmatch(name) is not None
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _is_arithmetic(operand)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.FloorDiv() | ast.Mod(), right=right):
            return _is_arithmetic(left) and _is_arithmetic(right)
        case ast.Call(func=ast.Name(id=called), args=arguments, keywords=keywords):
            plain = all(word.arg is not None and isinstance(word.value, ast.Constant) for word in keywords)
            return called in _OF_SIZES and plain and all(map(_is_arithmetic, arguments))
    return False
