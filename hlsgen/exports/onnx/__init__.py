"""Kind ``onnx``: the typed design as ONNX in QONNX's words, which ONNX Runtime executes to the emulator's bits."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.backends.base import Job
from hlsgen.backends.manifest import Content
from hlsgen.errors import ConfigError, brief
from hlsgen.exports.base import Export, Options


@dataclass(frozen=True, kw_only=True)
class OnnxOptions(Options):
    """``samples``: how many are computed at once; None leaves it open. FINN wants 1."""

    samples: int | None = None

    def __post_init__(self) -> None:
        """Raise ConfigError for what is no number of samples."""
        if self.samples is not None and (type(self.samples) is not int or self.samples < 1):
            raise ConfigError(
                f"export onnx: samples: found {brief(str(self.samples))}, expected a whole number above 0"
            )

    def facts(self) -> dict[str, object]:
        """As they were given."""
        return {"samples": self.samples}


def files(job: Job, options: OnnxOptions) -> dict[str, Content]:
    """``NAME.onnx``. Raises UnsupportedError, naming the layer, for what runtimes cannot compute exactly."""
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"to export as onnx, install the extra: pip install 'hlsgen[onnx]' ({error})") from error
    from hlsgen.exports.onnx.convert import model_of

    return {f"{job.name}.onnx": model_of(job, options.samples).SerializeToString(deterministic=True)}


EXPORT = Export("the typed design as QONNX, which ONNX Runtime executes to the bit", OnnxOptions, files)
