"""The text that clang makes IR of computes the integers of the reference: else what is counted in it means nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hlsgen.backends.hls.program import Plan, Wire
from hlsgen.backends.hls.texts import firmware_files
from hlsgen.linter.dataflow import top_function
from hlsgen.linter.obey import Obedience, obeyed
from hlsgen.linter.source import Source, arguments
from tests.ladder.harness import ALL, Variant, convert, flat, grid_input
from tests.ladder.test_settings import every_kind
from tests.ladder.test_synthesizable import shapes_and_tables
from tests.linter.native import output_of

DRIVER = (Path(__file__).parent / "driver.h").read_text(encoding="utf-8")
SAMPLES = 12


@pytest.fixture(scope="module", params=[every_kind, shapes_and_tables], ids=["arithmetic", "shapes"])
def model(request: pytest.FixtureRequest) -> Any:
    return request.param()


@pytest.mark.parametrize("variant", ALL, ids=str)
def test_the_integers_are_the_references(model: Any, variant: Variant, tmp_path: Path) -> None:
    project = convert(model, variant, input_precision="fixed<9,4>")
    data = {t.name: grid_input(t.shape, seed=i, samples=SAMPLES) for i, t in enumerate(project.design.inputs)}
    inputs = [t.type.quantize(data[t.name]) for t in project.design.inputs]
    x = data if len(data) > 1 else next(iter(data.values()))
    found = project.evaluate(x, raw=True)
    keys = {value: key for key, value in project.trace_keys().items()}
    expected = np.concatenate([flat(found[keys[t]]) for t in project.design.outputs], axis=1)
    given = "\n".join(" ".join(str(int(v)) for a in inputs for v in np.ravel(a[s])) for s in range(SAMPLES))
    printed = output_of(tmp_path, files_of(project.plan), given)
    assert [[int(word) for word in line.split()] for line in printed] == expected.astype(object).tolist()


def files_of(plan: Plan) -> dict[str, str]:
    """The design with its pragmas obeyed, and a program that feeds it."""
    sources = {name: Source(name, text) for name, text in firmware_files(plan).items()}
    texts = obeyed(sources, Obedience(frozenset(), frozenset(), flat=False, opaque=False, whole=True))
    texts = {name: text.replace("(void)hlsgen_lint::registers", "// ") for name, text in texts.items()}
    main = sources[f"{plan.top}.cpp"]
    top = top_function(main)
    assert top is not None
    declared = [p.replace("&", "").removeprefix("const ") for p in arguments(top.parameters)]
    wires = [*plan.inputs, *plan.outputs]
    body = [f"{text};" for text in declared]
    body += [f"send({wire.name}, {wire.words}, {wire.pack}, {wire.type.width});" for wire in plan.inputs]
    body += [f"{plan.top}({', '.join(wire.name for wire in wires)});"]
    body += [receiving(wire) for wire in plan.outputs]
    body += ["if (oldest) abort();", 'printf("\\n");']  # every word was read
    lines = "\n        ".join(body)
    text = f'#include "{plan.top}.h"\n{DRIVER}\nint main() {{\n    for (int s = 0; s < {SAMPLES}; s++) {{\n        {lines}\n    }}\n}}\n'
    return {**texts, "run.cpp": text}


def receiving(wire: Wire) -> str:
    signed = "true" if wire.type.signed else "false"
    return f"receive({wire.name}, {wire.words}, {wire.pack}, {wire.type.width}, {signed});"
