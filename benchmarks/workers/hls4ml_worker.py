"""The peer, hls4ml: converts, writes and compiles its C++ (it has no cache), predicts.

Task: ``io_type``, ``strategy``, ``output`` (a folder), ``granularity``.
"""

from __future__ import annotations

import os
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import hls4ml
from measure import Task, answer, peak_memory, throughput
from qkeras.utils import _add_supported_quantized_objects
from tensorflow import keras


def configuration(task: Task, model: Any) -> dict[str, Any]:
    """The peer's own defaults (fixed<16,6>), with the strategy its users choose for large layers."""
    found: dict[str, Any] = hls4ml.utils.config_from_keras_model(
        model, granularity="name", backend="Vitis", default_precision="fixed<16,6>"
    )
    if task.settings["strategy"] == "resource":
        found["Model"]["Strategy"] = "Resource"
        for layer in found["LayerName"].values():
            layer["Strategy"] = "Resource"
    return found


def main() -> None:
    """Answer one task."""
    task = Task()
    task.pin()
    objects: dict[str, Any] = {}
    _add_supported_quantized_objects(objects)
    model = keras.models.load_model(task.model, custom_objects=objects, compile=False)
    start = time.perf_counter()
    project = hls4ml.converters.convert_from_keras_model(
        model,
        hls_config=configuration(task, model),
        output_dir=task.settings["output"],
        backend="Vitis",
        io_type=task.settings["io_type"],
    )
    converted = time.perf_counter()
    project.compile()
    compiled = time.perf_counter()
    speed = throughput(task, project.predict)
    answer(convert=converted - start, compile=compiled - converted, speed=speed, **peak_memory())


if __name__ == "__main__":
    main()
