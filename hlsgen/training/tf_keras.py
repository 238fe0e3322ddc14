"""QBatchNormalization for tf_keras (Keras 2)."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras

from hlsgen.training.combined import Backend, Combined, Statistics, check_axis, check_options, make_quantizer

BACKEND = Backend(
    library="qkeras",
    sqrt=tf.sqrt,
    round=tf.round,
    clip=tf.clip_by_value,
    where=tf.where,
    stop_gradient=tf.stop_gradient,
    ones_like=tf.ones_like,
)


@tf_keras.saving.register_keras_serializable(package="hlsgen")
class QBatchNormalization(tf_keras.layers.BatchNormalization):  # type: ignore[misc]
    """Batch normalisation whose combined scale and bias are quantised, in training and at inference.

    Args:
        scale_quantizer: for ``gamma / sqrt(variance + epsilon)``: a string such as "quantized_bits(8, 2)",
            a QKeras quantizer, or None.
        bias_quantizer: for ``beta - mean * scale``, likewise.
        options: those of ``tf_keras.layers.BatchNormalization``; the axis is the last one.

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

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Normalise (samples, ..., channels)."""
        training = self._get_training_value(training)
        moving = Statistics(tf.convert_to_tensor(self.moving_mean), tf.convert_to_tensor(self.moving_variance))
        statistics = tf.__internal__.smart_cond.smart_cond(
            tf.cast(training, tf.bool) if tf.is_tensor(training) else bool(training),
            lambda: self._batch(inputs),
            lambda: moving,
        )
        gamma, beta = (self.gamma if self.scale else None), (self.beta if self.center else None)
        scale, bias = self.combined.scale_and_bias(Statistics(*statistics), gamma, beta, self.epsilon)
        return inputs * scale + bias

    def _batch(self, inputs: Any) -> Statistics:
        """Statistics of the batch, which also move the averages."""
        mean, variance = tf.nn.moments(inputs, list(range(len(inputs.shape) - 1)))
        keep = self.momentum
        self.moving_mean.assign(self.moving_mean * keep + mean * (1.0 - keep))
        self.moving_variance.assign(self.moving_variance * keep + variance * (1.0 - keep))
        return Statistics(mean, variance)

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().get_config()
        return config | {
            "scale_quantizer": _serialized(self.scale_quantizer),
            "bias_quantizer": _serialized(self.bias_quantizer),
        }


def _serialized(spec: Any) -> Any:
    if spec is None or isinstance(spec, str | dict):
        return spec
    return tf_keras.saving.serialize_keras_object(spec)
