"""Export "test-vectors": integers of every value of a design for some samples, and what the source's framework says."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hlsgen.backends.base import Job
from hlsgen.backends.hls.naming import Identifiers
from hlsgen.backends.manifest import Content
from hlsgen.backends.vectors import stored_or_random
from hlsgen.design import arrays
from hlsgen.design.array_files import load_inputs
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.design.reference import evaluate, inner_steps
from hlsgen.errors import ConfigError, InputError, UnsupportedError, brief
from hlsgen.exports.base import Export
from hlsgen.exports.base import Options as BaseOptions
from hlsgen.exports.facts import tensor_facts, type_facts
from hlsgen.exports.memory import Cells
from hlsgen.exports.memory_files import hex_file
from hlsgen.exports.source_outputs import source_outputs
from hlsgen.frontends.values import NotRunError, SourceValues
from hlsgen.ir.types import FixedType, Ints
from hlsgen.ir.typing import Tensor

INDEX = "test_vectors.json"
_CELLS, _WORK = 1 << 24, 1 << 30
"""Values and multiplications that are computed at once."""
_MOST = 1 << 20
_NPY_BITS = 64


@dataclass(frozen=True, kw_only=True)
class VectorOptions(BaseOptions):
    """Which samples, and what of them."""

    x: Any = None
    """Samples as for ``Project.predict``, or the path of an ``.npy`` or ``.npz``; None: the first of the
    configuration's ``test_vectors``, else seeded random ones."""
    samples: int = 10
    """The most samples where ``x`` is not given; large designs have fewer."""
    inner: bool = False
    """Whether also what layers that round inside hold on the way (docs/numerics.md, rule 10)."""
    source: bool | None = None
    """Whether the source's framework computes its outputs, too; None: if it can."""

    def __post_init__(self) -> None:
        """Raise ConfigError for values that cannot be."""
        self._check_whole("samples", 1, _MOST)
        self._check_switch("inner")
        if not (self.source is None or isinstance(self.source, bool)):
            raise ConfigError(f"export: source is {brief(self.source)}, expected True, False or None (if it can be)")

    def facts(self) -> dict[str, object]:
        """What the manifest says of them: data are in files of their own."""
        return {**super().facts(), "x": None if self.x is None else "given"}


def files(job: Job, options: VectorOptions) -> dict[str, Content]:
    """The index, inputs, values and outputs of the source.

    Raises InputError for samples that do not fit, UnsupportedError if the source's outputs have to be there and cannot.
    """
    design = job.design
    given = _samples(job, options)
    steps = _values(design, arrays.mantissas(design.inputs, given), options.inner)
    names, found = Identifiers(), dict[str, Content]()
    inputs, values = [], []
    for tensor in design.inputs:
        path = f"inputs/{names.make(tensor.name)}.npy"
        found[path] = _npy(given[tensor.name])
        inputs.append({"name": tensor.name, "given": path, "given_shape": list(arrays.given_shape(tensor))})
    names = Identifiers()
    for about, fixed, mantissas in steps:
        stem = f"values/{names.make(str(about['name']))}"
        stored = _stored(mantissas, fixed)
        if stored is not None:
            found[f"{stem}.npy"] = _npy(stored)
        found[f"{stem}.hex"] = _hex(str(about["name"]), mantissas, fixed)
        values.append({**about, "npy": None if stored is None else f"{stem}.npy", "hex": f"{stem}.hex"})
    outputs = [{"name": n, "value": t.name} for n, t in zip(design.output_names, design.outputs, strict=True)]
    source, more = _source(job, options, given)
    facts = {
        "design": job.name,
        "samples": len(given[design.inputs[0].name]),
        "inputs": inputs,
        "outputs": outputs,
        "values": values,
        "source": source,
    }
    return {INDEX: json.dumps(facts, indent=2) + "\n", **found, **more}


def _samples(job: Job, options: VectorOptions) -> dict[str, Array]:
    """The inputs by name, as users give them. Raises InputError for what does not fit."""
    ports, x = job.design.inputs, options.x
    if isinstance(x, str | Path):
        x = load_inputs(Path(x), ports)
    if x is None:
        x = stored_or_random(job.design, job.config.test_vectors, options.samples)
    given = arrays.checked_inputs(ports, x)
    arrays.refuse_nan(given)
    if not len(given[ports[0].name]):
        raise InputError("export: x has no samples, expected one at least")
    return given


# -- values of the design --------------------------------------------------------------------------

About = dict[str, object]


def _values(design: Design, inputs: Mapping[str, Ints], inner: bool) -> Iterator[tuple[About, FixedType, Ints]]:
    """Every value by what it is, with its type and its mantissas: (samples, *shape), (samples, steps, *shape) in
    loops."""
    samples = len(inputs[design.inputs[0].name])
    step = design.samples_within(samples, _CELLS, _WORK)
    parts = [{n: x[at : at + step] for n, x in inputs.items()} for at in range(0, samples, step)]
    known = [evaluate(design, part) for part in parts]
    for tensor in design.tensors:
        yield _about(design, tensor), tensor.type, np.concatenate([part[tensor] for part in known])
    if inner:
        steps = [inner_steps(design, part) for part in known]
        for name, first in steps[0].items():
            about: About = {"name": name, "operation": name.rpartition(".")[0], **type_facts(first.type)}
            yield about, first.type, np.concatenate([part[name].mantissas for part in steps])


def _about(design: Design, tensor: Tensor) -> About:
    op = design.producer(tensor)
    inside = op.loop is not None and design.is_inside(tensor)
    layers = [name for name, carried in design.trace_keys.items() if carried is tensor]
    about: About = {"name": tensor.name, "operation": op.name, "kind": op.layer.kind, "layers": layers}
    loop = {"name": op.loop.name, "steps": op.loop.steps} if inside and op.loop is not None else None
    return {**about, **tensor_facts(tensor), "loop": loop}


# -- files ---------------------------------------------------------------------------------------


def _stored(mantissas: Ints, fixed: FixedType) -> Array | None:
    """Integers as NumPy's files hold them; None for those that none can."""
    if fixed.width > _NPY_BITS:
        return None
    return mantissas.astype(np.uint64 if fixed.width == _NPY_BITS and not fixed.signed else np.int64)


def _npy(array: Array) -> bytes:
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(array), allow_pickle=False)
    return file.getvalue()


def _hex(name: str, mantissas: Ints, fixed: FixedType) -> bytes:
    """For ``$readmemh``: an element a line, sample by sample, the last axis running fastest."""
    words = Cells(fixed.width, fixed.width, fixed.width, planes=False, first="low").packed(mantissas.reshape(-1))
    shape = " x ".join(map(str, mantissas.shape))
    return hex_file(words, fixed.width, [f"{name}: {shape} of {fixed}, samples first"])


# -- the source ------------------------------------------------------------------------------------


def _source(job: Job, options: VectorOptions, given: Mapping[str, Array]) -> tuple[About, dict[str, Content]]:
    """What the source's framework computes of the same samples, or why it does not."""
    if options.source is False:
        return {"framework": None, "reason": "not asked for"}, {}
    try:
        values = source_outputs(job.design, job.source, given, job.config.weights)
    except NotRunError as error:
        if options.source:
            raise UnsupportedError(f"export: source=True: {error.reason}; leave it out, or source=False") from error
        return {"framework": None, "reason": error.reason}, {}
    return _source_facts(job, values)


def _source_facts(job: Job, values: SourceValues) -> tuple[About, dict[str, Content]]:
    names, found, facts = Identifiers(), dict[str, Content](), []
    for name, result in zip(job.design.output_names, values.outputs, strict=True):
        path = f"source/{names.make(name)}.npy"
        found[path] = _npy(result)
        facts.append({"name": name, "npy": path})
    return {"framework": values.library, "outputs": facts}, found


EXPORT = Export(
    "inputs, integers of every operation, outputs of the source's framework; .npy and .hex", VectorOptions, files
)
