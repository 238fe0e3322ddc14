"""QBatchNormalization for Keras 3."""

from __future__ import annotations

from typing import Any

import keras

from hlsgen.training.combined import Backend, Combined, Statistics, check_axis, check_options, make_quantizer

BACKEND = Backend(
    library="qkeras-v3",
    sqrt=keras.ops.sqrt,
    round=keras.ops.round,
    clip=keras.ops.clip,
    where=keras.ops.where,
    stop_gradient=keras.ops.stop_gradient,
    ones_like=keras.ops.ones_like,
)


@keras.saving.register_keras_serializable(package="hlsgen")
class QBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Batch normalisation whose combined scale and bias are quantised, in training and at inference.

    Args:
        scale_quantizer: for ``gamma / sqrt(variance + epsilon)``: a string such as "quantized_bits(8, 2)",
            a QKeras quantizer, or None.
        bias_quantizer: for ``beta - mean * scale``, likewise.
        options: those of ``keras.layers.BatchNormalization``; the axis is the last one.

    Raises ConfigError for options that have no meaning here, UnsupportedError for quantisers hlsgen refuses.
    """

    def __init__(self, scale_quantizer: Any = None, bias_quantizer: Any = None, **options: Any) -> None:
        check_options(options)
        super().__init__(**options)
        self.scale_quantizer, self.bias_quantizer = scale_quantizer, bias_quantizer
        self.combined = Combined(
            BACKEND,
            make_quantizer(BACKEND, scale_quantizer, "scale_quantizer"),
            make_quantizer(BACKEND, bias_quantizer, "bias_quantizer"),
        )

    def build(self, input_shape: Any) -> None:
        check_axis(self.name, self.axis, len(input_shape))
        super().build(input_shape)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Normalise (samples, ..., channels)."""
        statistics = Statistics(keras.ops.convert_to_tensor(self.moving_mean), self.moving_variance + 0.0)
        if training and self.trainable:
            statistics = Statistics(*keras.ops.moments(inputs, axes=list(range(len(inputs.shape) - 1))))
            self._update(statistics)
        gamma, beta = (self.gamma if self.scale else None), (self.beta if self.center else None)
        scale, bias = self.combined.scale_and_bias(statistics, gamma, beta, self.epsilon)
        return inputs * scale + bias

    def _update(self, batch: Statistics) -> None:
        keep = self.momentum
        self.moving_mean.assign(self.moving_mean * keep + batch.mean * (1.0 - keep))
        self.moving_variance.assign(self.moving_variance * keep + batch.variance * (1.0 - keep))

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().get_config()
        return config | {
            "scale_quantizer": _serialized(self.scale_quantizer),
            "bias_quantizer": _serialized(self.bias_quantizer),
        }


def _serialized(spec: Any) -> Any:
    return spec if spec is None or isinstance(spec, str | dict) else keras.saving.serialize_keras_object(spec)
