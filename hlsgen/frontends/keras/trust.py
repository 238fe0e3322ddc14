"""Whether a file of Keras can hold code: it cannot if every object that its configuration names is in a list.

Keras makes objects of whatever a configuration names: classes and functions of any module, registered ones, the Python
code of a Lambda. Its ``safe_mode`` does not look at HDF5, and was got around more than once. So nothing is looked for
that is bad: what is not known is not run. Objects are known by their names and by the packages that they are of, at any
depth; texts that stand for objects (``"relu"``, ``"quantized_bits(4)"``) are, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import hlsgen.frontends.keras.readers  # noqa: F401  (registers them)
from hlsgen.errors import brief
from hlsgen.frontends.keras.call import ACTIVATIONS, OPERATIONS, READERS
from hlsgen.quantizers.qkeras.signatures import SIGNATURES

_STRUCTURE = """
    Functional Model Sequential InputLayer TFOpLambda SlicingOpLambda __keras_tensor__ __tuple__ __ellipsis__ __slice__
    TensorShape DTypePolicy FloatDTypePolicy Policy PolicyV1
"""
_INITIALIZERS = """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer LecunNormal LecunUniform Ones
    Orthogonal OrthogonalInitializer QInitializer RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros
    constant glorot_normal glorot_uniform he_normal he_uniform identity lecun_normal lecun_uniform ones orthogonal
    random_normal random_uniform truncated_normal variance_scaling zeros zero one uniform normal
"""
_REGULARIZERS = "L1 L1L2 L2 OrthogonalRegularizer MonoL1 l1 l1_l2 l2 orthogonal_regularizer"
_CONSTRAINTS = """
    MaxNorm MinMaxNorm NonNeg UnitNorm max_norm maxnorm min_max_norm non_neg nonneg unit_norm unitnorm
    Clip clip Min Max MinMax
"""
_OF_HGQ = "QuantizerConfig KBIConfig KIFConfig FloatConfig HardTanhConfig HardSigmoidConfig"
_OPTIMIZERS = """
    Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lamb Lion LossScaleOptimizer Nadam RMSprop SGD
    adadelta adafactor adagrad adam adamw adamax ftrl lamb lion nadam rmsprop sgd
    CosineDecay CosineDecayRestarts ExponentialDecay InverseTimeDecay PiecewiseConstantDecay PolynomialDecay
"""
_LOSSES = """
    BinaryCrossentropy BinaryFocalCrossentropy CategoricalCrossentropy CategoricalFocalCrossentropy CategoricalHinge
    CosineSimilarity Dice Hinge Huber KLDivergence LogCosh MeanAbsoluteError MeanAbsolutePercentageError
    MeanSquaredError MeanSquaredLogarithmicError Poisson SparseCategoricalCrossentropy SquaredHinge Tversky
    binary_crossentropy binary_focal_crossentropy categorical_crossentropy categorical_focal_crossentropy
    categorical_hinge cosine_similarity hinge huber kl_divergence log_cosh mean_absolute_error
    mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error poisson
    sparse_categorical_crossentropy squared_hinge mae mape mse msle MAE MAPE MSE MSLE
    auto sum_over_batch_size sum mean none
"""
_METRICS = """
    AUC Accuracy BinaryAccuracy BinaryIoU CategoricalAccuracy F1Score FBetaScore FalseNegatives FalsePositives IoU
    LogCoshError Mean MeanIoU MeanMetricWrapper OneHotIoU OneHotMeanIoU Precision PrecisionAtRecall R2Score Recall
    RecallAtPrecision RootMeanSquaredError SensitivityAtSpecificity SparseCategoricalAccuracy
    SparseTopKCategoricalAccuracy SpecificityAtSensitivity Sum TopKCategoricalAccuracy TrueNegatives TruePositives
    acc accuracy binary_accuracy categorical_accuracy sparse_categorical_accuracy sparse_top_k_categorical_accuracy
    top_k_categorical_accuracy
"""
_FUNCTIONS = frozenset(f"{_LOSSES} {_METRICS}".split())
_OBJECTS = frozenset(
    f"{_STRUCTURE} {_INITIALIZERS} {_REGULARIZERS} {_CONSTRAINTS} {_OF_HGQ} {_OPTIMIZERS} {_LOSSES} {_METRICS}".split()
)
"""Besides layers, operations, activations and quantisers, which are those that are read here."""
_PARTS = (
    "activations|applications|constraints|dtype_policies|engine|initializers|layers|losses|metrics|mixed_precision|"
    "models|ops|optimizers|quantizers|regularizers"
)
_MODULES = re.compile(
    rf"builtins|(tensorflow\.(python\.)?)?(tf_)?keras((\.src)?\.({_PARTS})(\.\w+)*)?|qkeras(\.(q\w+|quantizers))?|"
    r"hgq\.(constraints|layers|quantizer|regularizers)(\.\w+)*",
    re.ASCII,
)
_PACKAGES = ("", "keras", "qkeras", "Custom", "hgq")
"""Under which classes are registered. What is looked up there is there already: none is imported."""
_NAMES_OBJECTS = re.compile(
    r"(.*_)?(activation|initializer|regularizer|constraint|quantizer|cell|optimizer|loss|metrics|function)(_fn)?"
)
"""Keys of texts that stand for objects."""
_CALLED = re.compile(r"\s*(\w+)\s*(\(.*\))?\s*", re.ASCII | re.DOTALL)
_OPERATIONS = frozenset(OPERATIONS)


def stranger_in(configuration: Any) -> str | None:
    """The first object that a configuration (JSON, plain) names and that is in no list, in words; None without any."""
    return _stranger(configuration, "", named=False)


def _stranger(value: Any, where: str, named: bool) -> str | None:
    """The same of a part of it; ``named``: whether texts stand for objects here."""
    if isinstance(value, str):
        return None if not named or _known_text(value) else f"{brief(value)}{where}"
    if isinstance(value, list):
        parts = ((item, where, named) for item in value)
    elif isinstance(value, Mapping):
        name = value.get("name") or (value["config"].get("name") if isinstance(value.get("config"), dict) else None)
        inner = f" in '{name}'" if isinstance(name, str) and name else where
        if (found := _unknown(value)) is not None:
            return f"{found}{inner}"
        parts = ((item, inner, _stands_for_objects(value, key, named)) for key, item in value.items())
    else:
        return None
    return next((found for part in parts if (found := _stranger(*part)) is not None), None)


def _stands_for_objects(holder: Mapping[str, Any], key: str, named: bool) -> bool:
    """Whether texts under a key do: by the key, or by what the whole is (of an object, its own keys tell)."""
    return _NAMES_OBJECTS.fullmatch(key) is not None or (named and "class_name" not in holder)


def _unknown(value: Mapping[str, Any]) -> str | None:
    """The object that a mapping itself names, if it is not known; the first function of Keras 2's operations, too."""
    if "function" in value and value["function"] not in _OPERATIONS:
        return f"the function {brief(value['function'])}"
    if not {"class_name", "module", "registered_name", "spec_name"} & set(value):
        return None
    name, module, registered = (value.get(key) for key in ("class_name", "module", "registered_name"))
    shown = f"the object {brief(name)}" + (f" of {brief(module)}" if module else "")
    if not isinstance(name, str) or "spec_name" in value:
        return shown
    if module is not None and not (isinstance(module, str) and (not module or _MODULES.fullmatch(module))):
        return shown
    if name == "function":
        return None if _is_known_function(value) else f"the function {brief(value.get('config'))}"
    package, _, bare = name.rpartition(">")
    if module == "builtins" or package not in _PACKAGES or not _is_known(bare, str(module or package)):
        return shown
    return None if registered is None or _fits(registered, bare) else f"the registered object {brief(registered)}"


def _fits(registered: Any, name: str) -> bool:
    package, _, bare = registered.rpartition(">") if isinstance(registered, str) else ("?", "", "")
    return registered == "" or (package in _PACKAGES and bare == name)


def _is_known_function(value: Mapping[str, Any]) -> bool:
    config, registered = value.get("config"), value.get("registered_name")
    known = isinstance(config, str) and (config in ACTIVATIONS or config in _FUNCTIONS)
    return known and registered in (None, "", "function", config)


def _is_known(name: str, module: str) -> bool:
    """Whether a class is: by its bare name, and of HGQ2 by its package, too, whose classes have names of others'."""
    if name in _OBJECTS or name in SIGNATURES or name in _OPERATIONS:
        return True
    return (f"hgq>{name}" if module.partition(".")[0] == "hgq" else name) in READERS


def _known_text(text: str) -> bool:
    """Whether a text that stands for an object is one that is known, or a quantiser of QKeras with its options."""
    if not text or text in ACTIVATIONS or text in _OBJECTS or text in _OPERATIONS:
        return True
    called = _CALLED.fullmatch(text)
    names = re.findall(r"(\w+)\s*\(", text, re.ASCII)
    return called is not None and called[1] in SIGNATURES and all(name in SIGNATURES for name in names)
