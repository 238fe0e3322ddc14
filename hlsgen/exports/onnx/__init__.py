"""Kind ``onnx``: the typed design as ONNX in QONNX's words, which ONNX Runtime executes to the emulator's bits."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.backends.base import Job
from hlsgen.backends.manifest import Content
from hlsgen.errors import ConfigError
from hlsgen.exports.base import Export, Options


@dataclass(frozen=True, kw_only=True)
class OnnxOptions(Options):
    """There are none: what a file says follows from the design."""


def files(job: Job, options: OnnxOptions) -> dict[str, Content]:
    """``NAME.onnx``. Raises UnsupportedError, naming the layer, for what runtimes cannot compute exactly."""
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"to export as onnx, install the extra: pip install 'hlsgen[onnx]' ({error})") from error
    from hlsgen.exports.onnx.convert import model_of

    return {f"{job.name}.onnx": model_of(job).SerializeToString(deterministic=True)}


EXPORT = Export("the typed design as QONNX, which ONNX Runtime executes to the bit", OnnxOptions, files)
