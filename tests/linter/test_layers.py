"""Every finding names the layer that it is about and says what to do."""

from __future__ import annotations

import re

import pytest

from hlsgen.linter.finding import NO_LAYER, RULES, WHOLE_DESIGN, Finding
from hlsgen.linter.lint import lint_texts
from tests.linter.test_defects import BESIDE, IN_A_LOOP, IN_THE_CIRCUIT, IN_THE_TEXT, KERNELS, TOP, found_in, with_loop
from tests.linter.tiny import FILES, changed

CURES = (
    "add call copy correct count compute divide give leave make move name order rename say split take use write".split()
)
"""What somebody is told to do."""
NO_TOP = changed(TOP, ("void tiny(", "void tinier("))


def planted(name: str) -> tuple[Finding, ...]:
    file, old, new, *_ = (IN_THE_CIRCUIT if name in IN_THE_CIRCUIT else IN_THE_TEXT)[name]
    files = changed(file, (old, new), *([BESIDE[name]] if name in BESIDE else []))
    return found_in(files, built=name in IN_THE_CIRCUIT)


def test_every_rule_names_layer_and_cure() -> None:
    findings = [finding for name in (*IN_THE_TEXT, *IN_THE_CIRCUIT) for finding in planted(name)]
    findings += [found for old, new, *_ in IN_A_LOOP.values() for found in found_in(with_loop(old, new), built=False)]
    findings += found_in(NO_TOP, built=False)
    assert {finding.rule for finding in findings} == set(RULES), (
        "a fault is planted for every rule, and none is unknown"
    )
    for finding in findings:
        assert finding.layers or finding.where in (WHOLE_DESIGN, NO_LAYER), finding
        assert set(finding.layers) <= {"the input, twice", "fc", "join", "twice"}, finding
        assert set(re.findall(r"\w+", finding.expected)) & set(CURES), f"no cure: {finding}"
        assert f"({finding.about}); {finding.expected} [" in str(finding)


LAYERS = {
    "no such directive": (["the input, twice"], ""),
    "no such option": (["fc"], ""),
    "option of another mode": (["the input, twice", "join"], ""),
    "words too wide": (["join"], ""),
    "port read twice": (["the input, twice", "join"], ""),
    "port not used": ([], WHOLE_DESIGN),
    "two producers": (["the input, twice", "fc"], ""),
    "bypass": (["the input, twice", "join"], ""),
    "outside": ([], WHOLE_DESIGN),
    "division by a constant": (["fc"], ""),
    "filled at start-up": ([], WHOLE_DESIGN),
    "UNROLL of no loop": (["fc"], ""),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_of_a_finding(name: str) -> None:
    rule = (IN_THE_CIRCUIT if name in IN_THE_CIRCUIT else IN_THE_TEXT)[name][3]
    found = {(*finding.layers, finding.where) for finding in planted(name) if finding.rule == rule}
    layers, where = LAYERS[name]
    assert (*layers, where) in found, found


def test_a_kernel_that_nothing_calls() -> None:
    spare = "template <class C> void spare() {\n#pragma HLS PIPLINE\n}\ntemplate <class C, class X> void twice"
    (finding,) = found_in(changed(KERNELS, ("template <class C, class X> void twice", spare)), built=False)
    assert (finding.layers, finding.where) == ((), NO_LAYER)
    assert "there is no directive 'PIPLINE' (no layer calls it); the tool" in str(finding)


def test_a_struct_belongs_to_its_layer() -> None:
    inside = "struct fc_config {\n#pragma HLS INLINE"
    (finding,) = found_in(changed("parameters.h", ("struct fc_config {", inside)), built=False)
    assert (finding.rule, finding.layers) == ("pragma-place", ("fc",))


def test_many_layers_are_counted() -> None:
    calls = "".join(
        f"    // layer 'n{i}' (Dense)\n    hlsgen::dense<n{i}_config>(a{i}, a{i + 1}, fc_w);\n" for i in range(5)
    )
    files = changed(TOP, ("    hlsgen::join<", f"{calls}    hlsgen::join<"))
    files[KERNELS] = FILES[KERNELS].replace("sum complete", "sum completely")
    (finding,) = [one for one in lint_texts(files, None).findings if "completely" in one.found]
    assert finding.layers == ("fc", "n0", "n1", "n2", "n3", "n4")
    assert finding.about == "layers 'fc', 'n0', 'n1' and 3 more"


@pytest.mark.parametrize("text", ["", "\f\x0b\u2028\n", "void tinier() {}"])
def test_a_file_without_a_top_function(text: str) -> None:
    (finding,) = lint_texts({**FILES, TOP: text}, None, syntax=False).findings
    assert (finding.rule, finding.layers, finding.where) == ("top", (), WHOLE_DESIGN)


def test_lines_are_those_of_the_file() -> None:
    """Letters that Python takes for the end of a line, and compilers do not."""
    files = changed(
        TOP, ("    // the input, twice", "    // the input, twice\u2028\x0c"), ("variable=fc depth=2", "depth=2")
    )
    (finding,) = found_in(files, built=False)
    assert (finding.line, finding.layers) == (19, ("fc",))
