"""A Keras model on disk, in any of its forms, whose weights and configuration can be exchanged one by one."""

from __future__ import annotations

import copy
import io
import json
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
FORMS = (".keras", ".h5", ".json")


class Stored:
    """A model saved as ``form``; ``write`` saves it again with other weights (by dataset) or another configuration."""

    def __init__(self, model: Any, form: str, folder: Path) -> None:
        self.form, self.path = form, folder / f"model{form}"
        self.weights = folder / "model.weights.h5" if form == ".json" else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if self.weights is None:
                model.save(self.path)
            else:
                self.path.write_text(model.to_json())
                model.save_weights(self.weights)
        self._members: dict[str, bytes] = {}
        if form == ".keras":
            with zipfile.ZipFile(self.path) as archive:
                self._members = {name: archive.read(name) for name in archive.namelist()}
        data = self._members.get("model.weights.h5") or (self.weights or self.path).read_bytes()
        self._data = data
        with h5py.File(io.BytesIO(data)) as file:
            self.arrays = {name: np.asarray(file[name][()]) for name in _datasets(file)}
            text = file.attrs.get("model_config")
        self.config: Any = json.loads(self._members.get("config.json") or text or self.path.read_text())

    def write(self, arrays: Mapping[str, Array] | None = None, config: Any = None) -> dict[str, Path]:
        """Write the model with these in place of its own; return what names its files: ``model`` and ``weights``."""
        buffer = io.BytesIO(self._data)
        with h5py.File(buffer, "r+") as file:
            for name, array in (arrays or {}).items():
                del file[name]
                file.create_dataset(name, data=array)
            if self.form == ".h5" and config is not None:
                file.attrs["model_config"] = json.dumps(config)
        changed = {"model.weights.h5": buffer.getvalue()}
        text = json.dumps(self.config if config is None else config)
        if self.form == ".keras":
            with zipfile.ZipFile(self.path, "w") as archive:
                for name, data in (self._members | changed | {"config.json": text.encode()}).items():
                    archive.writestr(name, data)
            return {"model": self.path}
        if self.weights is None:
            self.path.write_bytes(buffer.getvalue())
            return {"model": self.path}
        self.path.write_text(text)
        self.weights.write_bytes(buffer.getvalue())
        return {"model": self.path, "weights": self.weights}


def options(tree: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The way to every option in a configuration, and its value."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield (*way, key), value
        if isinstance(value, dict | list):
            yield from options(value, (*way, key))


def with_option(config: Any, way: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(config)
    spot = changed
    for key in way[:-1]:
        spot = spot[key]
    spot[way[-1]] = value
    return changed


def _datasets(file: h5py.File) -> list[str]:
    """The variables of layers by path: no state of random generators or of an optimizer."""
    found: list[str] = []
    file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return [name for name in found if "seed" not in name and "optimizer" not in name]
