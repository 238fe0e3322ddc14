"""Keras model files: ``.keras``, full-model ``.h5``, and ``.json`` with an ``.h5`` of weights.

Nothing is extracted to disk, imported, unpickled or evaluated: JSON and numeric HDF5 datasets are all
that is read, each by its exact name.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import h5py

from hlsgen.errors import ModelError
from hlsgen.frontends.keras.config import ModelEntry, parse_model, plain
from hlsgen.frontends.keras.h5 import Group, legacy_weights, path_weights
from hlsgen.frontends.keras.source import SourceModel
from hlsgen.frontends.keras.topology import Weights, build_source

MAX_MEMBER = 4 << 30
MAX_JSON = 256 << 20
_ZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError
)  # fmt: skip
_SUFFIXES = ".keras, .h5, .hdf5 or .json"
_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"


def read_file(path: Path, weights: Path | None = None) -> SourceModel:
    """Read the model in ``path``; ``weights`` is the .h5 file that goes with a .json architecture."""
    _check_file(path, "model")
    suffix = path.suffix.lower()
    if weights is not None and suffix != ".json":
        raise ModelError(
            f"{path}: weights= goes with a .json architecture file; a '{suffix}' file holds its own weights"
        )
    try:
        if suffix == ".keras":
            return _read_keras_zip(path)
        if suffix in (".h5", ".hdf5"):
            return _read_h5_model(path)
        if suffix == ".json":
            return _read_json_model(path, weights)
    except RecursionError as error:
        raise ModelError(f"{path}: its configuration is nested absurdly deep; the file is damaged") from error
    raise ModelError(f"{path}: unknown kind of model file '{path.suffix}'; expected {_SUFFIXES}")


def _check_file(path: Path, role: str) -> None:
    if path.is_dir():
        raise ModelError(
            f"{path} is a directory (a SavedModel?); expected a {role} file: "
            "load it in Keras and save it with model.save('model.keras')"
        )
    if not path.is_file():
        raise ModelError(f"{role} file {path} does not exist")


# -- .keras ---------------------------------------------------------------------------------


def _read_keras_zip(path: Path) -> SourceModel:
    try:
        with zipfile.ZipFile(path) as archive:
            model = parse_model(plain(_json(f"{path}: {_CONFIG}", _member(path, archive, _CONFIG, MAX_JSON))))
            metadata = _json(f"{path}: {_METADATA}", _member(path, archive, _METADATA, MAX_JSON))
            data = _member(path, archive, _WEIGHTS, MAX_MEMBER)
    except _ZIP_ERRORS as error:
        raise ModelError(f"{path} is no readable .keras archive (truncated or damaged?): {error}") from error
    flavour = _flavour(metadata.get("keras_version") if isinstance(metadata, dict) else None, model)
    with _h5(path, io.BytesIO(data)) as root:
        weights = path_weights(str(path), root, model, flavour, same_save=True)
    return build_source(model, weights, flavour)


def _member(path: Path, archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    try:
        info = archive.getinfo(name)
    except KeyError:
        have = ", ".join(archive.namelist()[:8]) or "nothing"
        raise ModelError(
            f"{path}: no '{name}' in the archive (it holds: {have}); expected a file saved by model.save()"
        ) from None
    if info.file_size > limit:
        raise ModelError(f"{path}: member '{name}' declares {info.file_size} bytes, more than the {limit} allowed")
    with archive.open(info) as member:
        return member.read()


# -- .h5 and .json --------------------------------------------------------------------------


def _read_h5_model(path: Path) -> SourceModel:
    with _h5(path) as root:
        text = root.text_attribute("model_config")
        if text is None:
            raise ModelError(
                f"{path} holds no architecture (no 'model_config'), only weights; "
                "pass the architecture .json (model.to_json()) as the model and this file as weights="
            )
        model = parse_model(plain(_json(f"{path}: model_config", text)))
        stored = root.group("model_weights")
        if stored is None:
            raise ModelError(f"{path}: no 'model_weights' group; the file is damaged")
        flavour = _flavour(root.text_attribute("keras_version"), model)
        return build_source(model, legacy_weights(str(path), stored, model, flavour), flavour)


def _read_json_model(path: Path, weights: Path | None) -> SourceModel:
    if path.stat().st_size > MAX_JSON:
        raise ModelError(f"{path} is larger than {MAX_JSON} bytes; expected the text of model.to_json()")
    raw = _json(str(path), path.read_bytes())
    if not isinstance(raw, dict) or "config" not in raw:
        raise ModelError(f"{path} is no Keras architecture; expected the text of model.to_json()")
    model = parse_model(plain(raw))
    if weights is None:
        raise ModelError(f"{path} holds the architecture only; pass the file of model.save_weights(...) as weights=")
    flavour = _flavour(raw.get("keras_version"), model)
    return build_source(model, _weights_file(weights, model, flavour), flavour)


def _weights_file(path: Path, model: ModelEntry, flavour: str) -> Weights:
    _check_file(path, "weights")
    if path.suffix.lower() not in (".h5", ".hdf5"):
        raise ModelError(
            f"{path}: unknown kind of weights file '{path.suffix}'; expected .h5 from model.save_weights(...)"
        )
    with _h5(path) as root:
        where = str(path)
        if root.has_names("layer_names"):
            return legacy_weights(where, root, model, flavour)
        full = root.group("model_weights")
        if full is not None and full.has_names("layer_names"):
            return legacy_weights(where, full, model, flavour)
        if root.group("layers") is not None or root.group("_layer_checkpoint_dependencies") is not None:
            return path_weights(where, root, model, flavour, same_save=False)
    raise ModelError(f"{path}: no Keras weights in this file; expected one written by model.save_weights(...)")


# -- shared ---------------------------------------------------------------------------------


def _json(where: str, text: bytes | str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{where} is no valid JSON (truncated or damaged?): {error}") from error


@contextmanager
def _h5(path: Path, data: IO[bytes] | None = None) -> Iterator[Group]:
    """Open HDF5; whatever h5py raises on damaged files, here or later, becomes a ModelError."""
    try:
        with h5py.File(data if data is not None else path, "r") as file:
            yield Group(str(path), file)
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        raise ModelError(f"{path}: its HDF5 data cannot be read (truncated or damaged?): {error}") from error


def _flavour(version: object, model: ModelEntry) -> str:
    if isinstance(version, str) and version[:1].isdigit():
        return "keras3" if int(version.partition(".")[0]) >= 3 else "keras2"
    # to_json() of Keras 3 names no version, but it alone writes 'batch_shape' in inputs.
    inputs = [layer.config for layer in model.layers if layer.is_input]
    return "keras3" if any("batch_shape" in config for config in inputs) else "keras2"
