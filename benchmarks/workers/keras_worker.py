"""Float Keras: ``model.predict`` with large batches, the fastest of a few sizes."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow as tf
from measure import Task, answer, peak_memory, throughput
from qkeras.utils import _add_supported_quantized_objects

BATCHES = (256, 4096)


def main() -> None:
    """Answer one task."""
    task = Task()
    task.pin()
    tf.config.threading.set_intra_op_parallelism_threads(len(task.cores))
    tf.config.threading.set_inter_op_parallelism_threads(1)
    objects: dict[str, Any] = {}
    _add_supported_quantized_objects(objects)
    model = tf.keras.models.load_model(task.model, custom_objects=objects, compile=False)
    speeds = [throughput(task, lambda x, b=b: model.predict(x, batch_size=b, verbose=0), multiple=b) for b in BATCHES]
    answer(speed=max(speeds), **peak_memory())


if __name__ == "__main__":
    main()
