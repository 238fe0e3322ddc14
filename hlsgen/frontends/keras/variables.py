"""Which variables each layer class owns: role, expected shape, and where they sit in the layer.

One table serves live layers (attribute names), ``.keras`` files (position in a group) and legacy
HDF5 files (position in a list of names), so that a weight is never looked for by part of its name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.keras.config import MODEL_CLASSES, LayerEntry
from hlsgen.frontends.keras.options import EXTENT, POSITIVE, Kind, several, take
from hlsgen.frontends.keras.source import Array, Stored
from hlsgen.ir.shape_pattern import Dimension, Pattern, fits, spelled

CHANNELS = "channels"
"""The extent of the input's last axis, which files do not tell: :class:`hlsgen.frontends.keras.call.Call` knows it."""


@dataclass(frozen=True)
class Variable:
    """One variable; ``owner`` is the attribute path of the part that holds it ('cell', 'batchnorm', '').

    ``shape`` as far as the layer's configuration tells it; None: nothing is known of it. What is not ``read`` matters
    in training only, and may hold anything.
    """

    role: str
    shape: Pattern | None = None
    trainable: bool = True
    owner: str = ""
    attributes: tuple[str, ...] = ()
    stored_names: tuple[str, ...] = ()
    read: bool = True

    @property
    def attribute_names(self) -> tuple[str, ...]:
        return self.attributes or (self.role,)

    @property
    def leaf_names(self) -> tuple[str, ...]:
        """Last parts of the names that legacy HDF5 files give this variable."""
        return (self.role.rpartition("/")[2], *self.attributes, *self.stored_names)


_SIZES: dict[str, Kind[Any]] = {
    **dict.fromkeys(("units", "filters", "depth_multiplier", "input_dim", "output_dim"), POSITIVE),
    "kernel_size": several(EXTENT),
}
"""Options by which weights have their shapes."""
_WRAPPERS = ("TimeDistributed", "Bidirectional", "QBidirectional")
Config = Mapping[str, Any]
Table = Callable[[Config], list[Variable]]


def variables_of(entry: LayerEntry) -> tuple[Variable, ...] | None:
    """Return the variables of a layer in order of creation within each owner; None: unknown class.

    Those of the model that a wrapper holds are its layers'.
    """
    if entry.is_operation or entry.held is not None:
        return ()
    return _variables(entry.where, entry.class_name, entry.config)


def _variables(where: str, class_name: str, config: Config) -> tuple[Variable, ...] | None:
    if class_name in _WRAPPERS:
        return _wrapped(where, class_name, config)
    table = TABLES.get(class_name)
    if table is None:
        return None
    for key, kind in _SIZES.items():
        if config.get(key) is not None:
            take(config, where, key, kind)
    try:
        return tuple(table(config))
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise ModelError(
            f"{where}: its configuration is incomplete or damaged ({type(error).__name__}: {error})"
        ) from error


def shapes_of(class_name: str, config: Config) -> dict[str, Pattern]:
    """The shapes of a layer's weights by role, as far as its configuration tells them."""
    table = TABLES.get(class_name, _none)
    return {variable.role: variable.shape for variable in table(config) if variable.shape is not None}


def _wrapped(where: str, class_name: str, config: Config) -> tuple[Variable, ...] | None:
    """The variables of the layer in a wrapper; of a bidirectional one, those of either direction."""
    if class_name == "TimeDistributed":
        inner = _inner(where, config.get("layer"), ())
        return None if inner is None else _owned("layer", inner)
    forward = _inner(where, config.get("layer"), _WRAPPERS)
    other = config.get("backward_layer")
    backward = _inner(where, other, _WRAPPERS) if isinstance(other, dict) else forward
    if forward is None or backward is None:
        return None
    return _owned("forward_layer", forward) + _owned("backward_layer", backward)


def _inner(where: str, inner: Any, refused: Collection[str]) -> tuple[Variable, ...] | None:
    """The variables of a wrapped layer, which may be of none of these classes."""
    if not isinstance(inner, dict) or not isinstance(inner.get("config"), dict):
        raise ModelError(f"{where}: it wraps no layer; the file is damaged")
    inner_class = str(inner.get("class_name")).rpartition(">")[2]
    if str(inner.get("registered_name")).startswith("hgq>"):
        raise UnsupportedError(
            f"{where}: it wraps a layer of HGQ2, which is not supported; QDense and QEinsumDense take tensors of more "
            "axes themselves"
        )
    if inner_class in MODEL_CLASSES:
        raise UnsupportedError(f"{where}: a layer in it wraps a whole model; TimeDistributed does that itself only")
    if inner_class in refused:
        raise UnsupportedError(f"{where}: it wraps {inner_class}; expected a recurrent layer, as Keras does")
    return _variables(where, inner_class, inner["config"])


def _owned(owner: str, variables: Sequence[Variable]) -> tuple[Variable, ...]:
    """The same variables as those of a part called ``owner``."""
    return tuple(
        replace(v, role=f"{owner}/{v.role}", owner=f"{owner}/{v.owner}".rstrip("/"), attributes=v.attribute_names)
        for v in variables
    )


# -- the table ------------------------------------------------------------------------------


def _sizes(value: Any, rank: int) -> tuple[int, ...]:
    sizes = (int(value),) * rank if isinstance(value, int) else tuple(int(v) for v in value)
    if len(sizes) != rank:
        raise ValueError(f"kernel_size {value!r} is not of rank {rank}")
    return sizes


def _bias(config: Config, *shape: Dimension) -> list[Variable]:
    return [Variable("bias", shape)] if config.get("use_bias", True) else []


def _dense(config: Config) -> list[Variable]:
    units = int(config["units"])
    return [Variable("kernel", (CHANNELS, units)), *_bias(config, units)]


def _conv(rank: int) -> Table:
    def table(config: Config) -> list[Variable]:
        filters = int(config["filters"])
        inputs = CHANNELS if config.get("groups", 1) == 1 else None
        return [
            Variable("kernel", (*_sizes(config["kernel_size"], rank), inputs, filters)),
            *_bias(config, filters),
        ]

    return table


def _locally_connected(config: Config) -> list[Variable]:
    return [Variable("kernel"), *([Variable("bias")] if config.get("use_bias", True) else [])]


def _conv_transpose(rank: int) -> Table:
    def table(config: Config) -> list[Variable]:
        filters = int(config["filters"])
        return [
            Variable("kernel", (*_sizes(config["kernel_size"], rank), filters, CHANNELS)),
            *_bias(config, filters),
        ]

    return table


def _depthwise_kernel(config: Config, rank: int) -> Variable:
    sizes: list[Dimension] = [*_sizes(config["kernel_size"], rank)]
    shape = (*sizes, CHANNELS, int(config.get("depth_multiplier", 1)))
    # Keras 3 calls it plainly 'kernel' in DepthwiseConv, but not in SeparableConv.
    return Variable("depthwise_kernel", shape, attributes=("depthwise_kernel", "kernel"))


def _multiplied(config: Config) -> Dimension:
    """The channels behind a depthwise kernel."""
    return CHANNELS, int(config.get("depth_multiplier", 1))


def _depthwise(rank: int) -> Table:
    def table(config: Config) -> list[Variable]:
        return [_depthwise_kernel(config, rank), *_bias(config, _multiplied(config))]

    return table


def _separable(rank: int) -> Table:
    def table(config: Config) -> list[Variable]:
        filters = int(config["filters"])
        ones: list[Dimension] = [1] * rank
        pointwise = Variable("pointwise_kernel", (*ones, _multiplied(config), filters))
        return [_depthwise_kernel(config, rank), pointwise, *_bias(config, filters)]

    return table


def _batchnorm(config: Config, owner: str = "", channels: Dimension = CHANNELS) -> list[Variable]:
    """``channels`` are those of what is normalised, by its last axis."""
    shape = _normalised(config, channels)
    chosen = [role for role, option in (("gamma", "scale"), ("beta", "center")) if config.get(option, True)]
    trained = [Variable(role, shape, owner=owner) for role in chosen]
    kept = ["moving_mean", "moving_variance"]
    if config.get("renorm"):  # for training; inference does not read them
        kept += ["moving_stddev", "renorm_mean", "renorm_stddev"]
    return trained + [Variable(role, shape, trainable=False, owner=owner) for role in kept]


def _norm(config: Config) -> list[Variable]:
    shape = _normalised(config)
    chosen = [role for role, option in (("gamma", "scale"), ("beta", "center")) if config.get(option, True)]
    if config.get("rms_scaling"):  # Keras 3's LayerNormalization then has gamma alone
        chosen = ["gamma"]
    return [Variable(role, shape) for role in chosen]


def _rms_norm(config: Config) -> list[Variable]:
    return [Variable("scale", _normalised(config))]


def _normalised(config: Config, channels: Dimension = CHANNELS) -> Pattern | None:
    """The shape of a weight for each channel: of the last axis if that is said, else of another or of several."""
    axes = _axes(config)
    return None if len(axes) != 1 else (channels,) if axes[0] == -1 else ("normalised",)


def _axes(config: Config) -> Sequence[Any]:
    axis = config.get("axis", -1)
    return axis if isinstance(axis, list) else [axis]


def _with_batchnorm(table: Table, outputs: Callable[[Config], Dimension]) -> Table:
    def with_batchnorm(config: Config) -> list[Variable]:
        iteration = Variable("iteration", (), trainable=False, attributes=("_iteration",))
        return [*table(config), iteration, *_batchnorm(config, "batchnorm", outputs(config))]

    return with_batchnorm


def _recurrent(gates: int) -> Table:
    def table(config: Config) -> list[Variable]:
        units = int(config["units"])
        kernels = [
            Variable("kernel", (CHANNELS, gates * units)),
            Variable("recurrent_kernel", (units, gates * units)),
        ]
        two_biases = gates == 3 and config.get("reset_after", False)
        biases = _bias(config, *((2, gates * units) if two_biases else (gates * units,)))
        return [replace(v, owner="cell") for v in kernels + biases]

    return table


def _layer_scale(config: Config) -> list[Variable]:
    return [Variable("gamma", (int(config["projection_dim"]),), stored_names=("Variable",))]


def _conv_lstm(rank: int) -> Table:
    def table(config: Config) -> list[Variable]:
        filters, sizes = int(config["filters"]), _sizes(config["kernel_size"], rank)
        kernels = [
            Variable("kernel", (*sizes, CHANNELS, 4 * filters)),
            Variable("recurrent_kernel", (*sizes, filters, 4 * filters)),
        ]
        return [replace(v, owner="cell") for v in kernels + _bias(config, 4 * filters)]

    return table


def _normalization(config: Config) -> list[Variable]:
    if config.get("mean") is not None:
        return []
    shapes: dict[int, Pattern] = {0: (), 1: (CHANNELS,)}
    shape = shapes.get(0 if config.get("axis", -1) is None else len(_axes(config)))
    return [
        Variable("mean", shape, attributes=("adapt_mean",), trainable=False, stored_names=("mean",)),
        Variable("variance", shape, attributes=("adapt_variance",), trainable=False, stored_names=("variance",)),
        Variable("count", (), trainable=False),
    ]


def _embedding(config: Config) -> list[Variable]:
    return [Variable("embeddings", (int(config["input_dim"]), int(config["output_dim"])))]


def _einsum_dense(config: Config) -> list[Variable]:
    return [Variable("kernel"), *([Variable("bias")] if config.get("bias_axes") else [])]


def _attention(config: Config) -> list[Variable]:
    scale = [Variable("scale", ())] if config.get("use_scale") else []
    return scale + ([Variable("concat_score_weight", ())] if config.get("score_mode") == "concat" else [])


def _additive_attention(config: Config) -> list[Variable]:
    return [Variable("scale", (CHANNELS,))] if config.get("use_scale", True) else []


def _projections(config: Config) -> list[Variable]:
    """The Dense layers in an attention of several heads."""
    roles = ["query", "key", *(["gate"] if config.get("use_gate") else []), "value", "output"]
    parts = ["kernel", *(["bias"] if config.get("use_bias", True) else [])]
    return [Variable(f"{role}/{part}", owner=f"_{role}_dense", attributes=(part,)) for role in roles for part in parts]


def _adaptive(config: Config) -> list[Variable]:
    extents = (CHANNELS if config.get("per_channel") else 1,)
    return [
        Variable("step", (), attributes=("step",), stored_names=("Variable", "step")),
        Variable("ema_min", extents, trainable=False),
        Variable("ema_max", extents, trainable=False),
    ]


def _of_hgq(table: Table, *quantizers: str, behind: Table | None = None) -> Table:
    """A layer of HGQ2: that of Keras with quantisers, and what training keeps; ``behind``: what comes after that."""

    def with_quantizers(config: Config) -> list[Variable]:
        own = [*table(config), *_counted_bits(config), *([] if behind is None else behind(config))]
        confs = [(name, config.get(f"{name}_conf")) for name in quantizers]
        confs += [("iq", config.get("iq_conf")), ("oq", config.get("oq_conf"))]
        several = config.get("iq_confs") if config.get("enable_iq", True) else None
        for place, conf in enumerate(several if isinstance(several, list) else []):
            confs.append((f"iq/quantizers/quantizer{f'_{place}' * (place > 0)}", conf))
        return [*own, *(variable for owner, conf in confs for variable in _hgq_quantizer(owner, conf))]

    return with_quantizers


def _counted_bits(config: Config) -> list[Variable]:
    """What HGQ2 counts a layer's bits by."""
    if not config.get("enable_ebops", True):
        return []
    attributes = {"bits_weight": "_beta", "bits_count": "_ebops"}
    return [Variable(role, (), False, attributes=(name,), read=False) for role, name in attributes.items()]


def _hgq_quantizer(owner: str, conf: object) -> list[Variable]:
    """The trained bits of a quantiser of HGQ2: those without an owner are a quantiser that is a layer."""
    config = conf.get("config") if isinstance(conf, dict) else None
    if not isinstance(config, dict):
        return []
    names = {"kbi": "kbi", "kif": "kif", "float": ("m", "e", "e0")}.get(str(config.get("q_type")), "")
    wraps = str(config.get("overflow_mode")).upper() == "WRAP"
    part = f"{owner}/quantizer".lstrip("/")
    found = [
        Variable(f"{part}/{name}", None, name != "k" and (name != "i" or not wraps), part, (f"_{name}",))
        for name in names
    ]
    if wraps and names:
        found.append(Variable(f"{part}/i_decay_speed", (), False, part, ("_i_decay_speed",), read=False))
    return found


def _hgq_function(config: Config) -> list[Variable]:
    """What a function of a scaled and shifted argument has."""
    return [Variable("scale", (1,)), Variable("bias", (1,))]


def _hgq_softmax(config: Config) -> list[Variable]:
    """A table of exponentials and one of reciprocals, with quantisers and counted bits of their own."""
    counts = {"exp": config.get("stable", True), "inv": True}
    found = [*_of_hgq(_none)(config)]
    for name, counted in counts.items():
        owner = f"{name}_table"
        own = _counted_bits(config) if counted else []
        found += [replace(v, role=f"{owner}/{v.role}", owner=owner) for v in own]
        for place in ("iq", "oq"):
            found += _hgq_quantizer(f"{owner}/{place}", config.get(f"{name}_{place}_conf"))
    return found


def _hgq_layer(config: Config) -> list[Variable]:
    return _hgq_quantizer("", config.get("config"))


def _hgq_normalised_inputs(config: Config) -> list[Variable]:
    """Of QBatchNormDense, which normalises what it reads."""
    gamma = [Variable("bn_gamma", (CHANNELS,))] if config.get("scale", True) else []
    return [*gamma, *(Variable(role, (CHANNELS,), False) for role in ("moving_mean", "moving_variance"))]


def _hgq_normalised_einsum(config: Config) -> list[Variable]:
    gamma = [Variable("gamma", attributes=("bn_gamma",))] if config.get("scale", True) else []
    return [*gamma, *(Variable(role, None, False) for role in ("moving_mean", "moving_variance"))]


def _hgq_normalisation(config: Config) -> list[Variable]:
    names = {"gamma": "bn_gamma", "beta": "bn_beta"}
    return [replace(v, attributes=(names[v.role],)) if v.role in names else v for v in _batchnorm(config)]


def _hgq_tables() -> dict[str, Table]:
    plain = """
        Add Subtract Multiply Maximum Minimum Dot AveragePow2 Einsum Sum MeanPow2 UnaryFunctionLUT
        MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D
        GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D
        GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
    """
    of_class: dict[str, Table] = {name: _of_hgq(_none) for name in plain.split()}
    of_class |= {f"Conv{rank}D": _of_hgq(_conv(rank), "kq", "bq") for rank in (1, 2, 3)}
    of_class |= {
        "Dense": _of_hgq(_dense, "kq", "bq"),
        "BatchNormDense": _of_hgq(_dense, "kq", "bq", behind=_hgq_normalised_inputs),
        "EinsumDense": _of_hgq(_einsum_dense, "kq", "bq"),
        "EinsumDenseBatchnorm": _of_hgq(_einsum_dense, "kq", "bq", behind=_hgq_normalised_einsum),
        "BatchNormalization": _of_hgq(_hgq_normalisation, "kq", "bq"),
        "AffinedUnaryFunctionLUT": _of_hgq(_hgq_function),
        "Softmax": _hgq_softmax,
    }
    return {"hgq>Quantizer": _hgq_layer, **{f"hgq>Q{name}": table for name, table in of_class.items()}}


def _alpha(config: Config) -> list[Variable]:
    return [Variable("alpha")]


def _none(config: Config) -> list[Variable]:
    return []


_WITHOUT_VARIABLES = """
    Activation ActivityRegularization Add AlphaDropout Average Concatenate Dot Dropout ELU Flatten
    GaussianDropout GaussianNoise Identity LeakyReLU Maximum Minimum Multiply Permute QActivation ReLU
    RepeatVector Rescaling Reshape Softmax StochasticDepth Subtract ThresholdedReLU UnitNormalization
    TFOpLambda SlicingOpLambda
    AveragePooling1D AveragePooling2D AveragePooling3D MaxPooling1D MaxPooling2D MaxPooling3D
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
    GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D QAveragePooling2D QGlobalAveragePooling2D
    ZeroPadding1D ZeroPadding2D ZeroPadding3D Cropping1D Cropping2D Cropping3D
    AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D
    AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Resizing
    UpSampling1D UpSampling2D UpSampling3D SpatialDropout1D SpatialDropout2D SpatialDropout3D
"""


def _tables() -> dict[str, Table]:
    tables: dict[str, Table] = dict.fromkeys(_WITHOUT_VARIABLES.split(), _none)
    for prefix in ("", "Q"):
        tables |= {f"{prefix}Dense": _dense, f"{prefix}BatchNormalization": _batchnorm}
        tables |= {
            f"{prefix}LSTM": _recurrent(4),
            f"{prefix}GRU": _recurrent(3),
            f"{prefix}SimpleRNN": _recurrent(1),
        }
        for rank in (1, 2, 3):
            tables[f"{prefix}Conv{rank}D"] = _conv(rank)
            tables[f"{prefix}Conv{rank}DTranspose"] = _conv_transpose(rank)
            tables[f"{prefix}DepthwiseConv{rank}D"] = _depthwise(rank)
            tables[f"{prefix}SeparableConv{rank}D"] = _separable(rank)
    return tables | {
        "QDenseBatchnorm": _with_batchnorm(_dense, lambda config: int(config["units"])),
        "QConv2DBatchnorm": _with_batchnorm(_conv(2), lambda config: int(config["filters"])),
        "QDepthwiseConv2DBatchnorm": _with_batchnorm(_depthwise(2), _multiplied),
        "QAdaptiveActivation": _adaptive,
        "LayerNormalization": _norm,
        "GroupNormalization": _norm,
        "RMSNormalization": _rms_norm,
        "LayerScale": _layer_scale,
        "Normalization": _normalization,
        "Embedding": _embedding,
        "ConvLSTM1D": _conv_lstm(1),
        "ConvLSTM2D": _conv_lstm(2),
        "EinsumDense": _einsum_dense,
        "LocallyConnected1D": _locally_connected,
        "LocallyConnected2D": _locally_connected,
        "Attention": _attention,
        "AdditiveAttention": _additive_attention,
        "MultiHeadAttention": _projections,
        "GroupQueryAttention": _projections,
        "GroupedQueryAttention": _projections,
        "PReLU": _alpha,
        **_hgq_tables(),
    }


TABLES = _tables()


# -- checking -------------------------------------------------------------------------------


def checked_weights(where: str, variables: Sequence[Variable], arrays: Sequence[Stored]) -> dict[str, Array]:
    """Pair variables with arrays by position, checking every shape against the layer's configuration."""
    known: dict[str, int] = {}
    for variable, array in zip(variables, arrays, strict=True):
        if variable.shape is not None:
            check_shape(where, variable.role, array.shape, variable.shape, known, "the layer's configuration")
    return {v.role: frozen(where, v.role, a) for v, a in zip(variables, arrays, strict=True) if v.read}


def check_shape(
    where: str, role: str, shape: tuple[int, ...], expected: Pattern, known: dict[str, int], source: str
) -> None:
    """Raise ModelError for a weight that does not have the shape which ``source`` gives; see :func:`fits`."""
    if not fits(expected, shape, known):
        raise ModelError(
            f"{where}: weight '{role}' has shape {shape}, but {source} gives {spelled(expected, known)}; "
            "architecture and weights do not belong together"
        )


def frozen(where: str, role: str, stored: Stored) -> Array:
    """Return a read-only copy of what is stored as Keras holds it, in float32, whatever a file stores.

    NaN, Inf (also what gets infinite in float32) and what is not numeric are refused.
    """
    if stored.dtype.kind not in "fiu":
        raise ModelError(f"{where}: weight '{role}' holds {stored.dtype}, expected numbers")
    with np.errstate(over="ignore"):
        copy = np.array(np.asarray(stored), dtype=np.float32, order="C")
    bad = int(copy.size - np.isfinite(copy).sum())
    if bad:
        raise ModelError(
            f"{where}: weight '{role}' holds {bad} NaN or infinite value{'s' * (bad > 1)} of {copy.size}; "
            "the training diverged or the file is damaged"
        )
    copy.setflags(write=False)
    return copy
