"""From a module to an ONNX model in memory, by the exporters of PyTorch."""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, Any

from hlsgen.errors import ModelError, UnsupportedError, brief, said_by
from hlsgen.frontends.torch.names import name_by_modules
from hlsgen.frontends.torch.translations import translations

if TYPE_CHECKING:
    import torch
    from onnx import ModelProto

OPSET = 20
"""Of the ONNX models in between."""

_TRAINING = ("training", "train", "dropout_p")
"""Arguments of operators that are 0 or False at inference."""


def exported_module(module: torch.nn.Module, inputs: Any, where: str) -> torch.export.ExportedProgram:
    """The program of a module in inference mode, traced on example inputs.

    The samples are the first axis of every input. Raises ModelError for inputs that are none, UnsupportedError for a
    module that cannot be traced.
    """
    import torch

    tensors = _checked(inputs, where)
    shapes: Any = _as_passed(module, [{0: torch.export.Dim.AUTO} for _ in tensors])
    if may_begin_with_steps(module):
        shapes = None  # which axis is that of the samples is seen by who reads them
    elif all(tensor.shape[0] == 1 for tensor in tensors):
        tensors = tuple(
            torch.cat([tensor, tensor]) for tensor in tensors
        )  # an extent of 1 stays 1 in all that is traced
    try:
        with inference(module), _quiet():
            return torch.export.export(module, tensors, dynamic_shapes=shapes, strict=False)
    except Exception as error:  # it runs the module's own code, which may fail in any way
        raise UnsupportedError(
            f"{where}: torch.export cannot trace it on inputs of {_shapes_of(tensors)} ({_said(error)}); give inputs "
            "that it takes, and keep out of forward() what depends on their values"
        ) from error


def onnx_of(program: torch.export.ExportedProgram, where: str) -> ModelProto:
    """The ONNX model of a program, its operators named by modules. Raises UnsupportedError where there is none."""
    import onnx_ir
    import torch
    from onnxscript.optimizer import fold_constants

    _check_calls(program, where)
    try:
        with _quiet():
            made = torch.onnx.export(
                program,
                dynamo=True,
                opset_version=OPSET,
                optimize=False,
                verbose=False,
                custom_translation_table=translations(),
            )
            assert made is not None
            model = made.model
            fold_constants(model)
    except Exception as error:  # of any kind, by the operator
        raise UnsupportedError(
            f"{where}: torch.onnx.export cannot make an ONNX model of it ({_said(error)}); compute it by other "
            "operators"
        ) from error
    name_by_modules(model)
    return onnx_ir.to_proto(model)


def is_quantised(module: torch.nn.Module) -> bool:
    """Whether a part of it is of Brevitas."""
    return any(type(part).__module__.partition(".")[0] == "brevitas" for part in module.modules())


def quantised_model(module: torch.nn.Module, inputs: Any, where: str) -> ModelProto:
    """What Brevitas exports as QONNX, its operators named by modules.

    Raises ModelError for inputs that are none, UnsupportedError for a module that cannot be exported.
    """
    import onnx_ir
    from brevitas.export import export_qonnx

    first = tuple(tensor[:1] for tensor in _checked(inputs, where))
    try:
        with inference(module), _quiet(), redirect_stdout(StringIO()):
            model = onnx_ir.from_proto(export_qonnx(module, args=first))
    except Exception as error:  # of any kind, by the module
        raise UnsupportedError(
            f"{where}: brevitas.export.export_qonnx cannot make a QONNX model of it ({_said(error)})"
        ) from error
    name_by_modules(model)
    return onnx_ir.to_proto(model)


def _check_calls(program: torch.export.ExportedProgram, where: str) -> None:
    """Raise UnsupportedError for what the exporter would make something else of: training mode."""
    import torch

    for node in program.graph.nodes:
        if node.op != "call_function" or not isinstance(node.target, torch._ops.OpOverload):
            continue
        modules = list(node.meta.get("nn_module_stack", {}).values())
        layer = f"{where}: layer {'.'.join(filter(None, (modules[-1][0] if modules else '', node.name)))!r}"
        given = dict(zip((argument.name for argument in node.target._schema.arguments), node.args, strict=False))
        given |= node.kwargs
        found = next((name for name in _TRAINING if given.get(name)), None)
        if found is not None:
            raise UnsupportedError(
                f"{layer} is in training mode ({found}={given[found]}); export module.eval(), and "
                "give functions such as dropout training=self.training"
            )


def _checked(inputs: Any, where: str) -> tuple[torch.Tensor, ...]:
    """The example inputs as tensors."""
    import torch

    if inputs is None:
        raise ModelError(
            f"{where}: a module has no shapes; give example_inputs=(x,), tensors as its forward() takes them (or a "
            "torch.export.ExportedProgram)"
        )
    given = (inputs,) if isinstance(inputs, torch.Tensor) else inputs
    if not isinstance(given, tuple | list) or not given or not all(isinstance(x, torch.Tensor) for x in given):
        raise ModelError(f"{where}: example_inputs is {brief(inputs)}, expected a tuple of tensors, (x,)")
    for place, tensor in enumerate(given):
        if tensor.ndim < 2 or not tensor.numel():
            raise ModelError(
                f"{where}: example input {place} has shape {tuple(tensor.shape)}, expected (samples, ...) of at least "
                "one sample"
            )
    return tuple(given)


def _as_passed(module: torch.nn.Module, each: Sequence[Any]) -> tuple[Any, ...]:
    """What belongs to each input, as ``torch.export`` wants it: those of ``*args`` are one tuple."""
    kinds = [parameter.kind for parameter in inspect.signature(module.forward).parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL not in kinds:
        return tuple(each)
    named = kinds.index(inspect.Parameter.VAR_POSITIONAL)
    return (*each[:named], tuple(each[named:]))


def may_begin_with_steps(module: torch.nn.Module) -> bool:
    """Whether a recurrent module in it takes the steps in front of the samples."""
    import torch

    return any(isinstance(part, torch.nn.RNNBase) and not part.batch_first for part in module.modules())


@contextmanager
def inference(module: torch.nn.Module) -> Iterator[None]:
    """All of a module in inference mode, and as it was afterwards; attention as its plain operators."""
    import torch

    before = [(part, part.training) for part in module.modules()]
    fast = torch.backends.mha.get_fastpath_enabled()
    module.eval()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for part, training in before:
            part.training = training


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporters say about libraries that are not installed and about their own code."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.fx")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _shapes_of(tensors: tuple[torch.Tensor, ...]) -> str:
    return " and ".join(str(tuple(tensor.shape)) for tensor in tensors)


def _said(error: Exception) -> str:
    """The cause of an error, in a line."""
    while error.__cause__ is not None and isinstance(error.__cause__, Exception):
        error = error.__cause__
    return said_by(error).splitlines()[0][:300]
