"""Fill the templates: strict jinja2, and the few C++ literals that templates ask for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, partial

import jinja2

from hlsgen.backends.hls.adders import statements
from hlsgen.backends.hls.batch import SAMPLES, batch_of
from hlsgen.backends.hls.kernel import ConstantArray, Enumerator, Member, TypeOf, Word
from hlsgen.backends.hls.loading import Loading, loading_of
from hlsgen.backends.hls.ports import SAMPLES_OF_BENCH, WIDEST_UNASKED, WIDEST_WORD, PortForm
from hlsgen.backends.hls.program import LoopBody, NamedConstant, Plan, Port, Step, Wire
from hlsgen.ir.types import FixedType, Ints
from hlsgen.templates import environment
from hlsgen.tools import templates_dir

_LINE = 108
_INT_MAX = 2**31 - 1
_SAMPLES = f"const int {SAMPLES}"


@cache
def _environment() -> jinja2.Environment:
    return environment()


def render(template: str, plan: Plan, **context: object) -> str:
    """Render ``template`` (a path below hls_templates) for a plan."""
    loading = loading_of(plan) if plan.hardware else None
    named = {
        "plan": plan,
        "guard": plan.top.upper(),
        "samples_of_bench": SAMPLES_OF_BENCH,
        "ports": [wire.name for wire in plan.inputs + plan.outputs],
        "tensors": plan.inputs + plan.wires + plan.outputs + plan.arrays,
        "batch": partial(batch_of, plan),
        "sample_parameters": partial(sample_parameters, plan),
        "parameters": partial(parameters, plan),  # asked for by a text of the whole design, not by that of a constant
        "words_on": partial(words_on, plan),
        "widest": partial(widest, plan),
        "arguments": arguments,
        "call": partial(call, loading=loading),
        "loading": loading,
        "process_parameters": partial(process_parameters, plan),
        "process_arguments": process_arguments,
        "place": _place,
        "body_parameters": _body_parameters,
        "loop_parameters": partial(_loop_parameters, plan),
        "member": member,
        "word": word_type,
        "bound": bound_type,
        "words": words,
        "lanes": lanes,
        "added": statements,
    }
    return _environment().get_template(template).render(**named, **context)


def verbatim(template: str) -> str:
    """A text of the templates that depends on no plan."""
    return (templates_dir() / template).read_text(encoding="utf-8")


def parameters(plan: Plan) -> list[str]:
    """Declare the parameters of the top function."""
    if plan.hardware:
        ports = [_port_parameter(port, plan.interface.batch) for port in plan.ports]
        weights = [*map(_weights, plan.bram_ports), *_loaded(plan)]
        return [*ports, *weights, *([_SAMPLES] if plan.interface.batch else [])]
    return _wires(plan.inputs, plan.outputs, stream=plan.stream)


def _wires(inputs: Iterable[Wire], outputs: Iterable[Wire], *, stream: bool) -> list[str]:
    """Declare wires as parameters: streams, or arrays."""
    if stream:
        return [_stream(wire) for wire in (*inputs, *outputs)]
    return [f"const {_array(wire)}" for wire in inputs] + [_array(wire) for wire in outputs]


def _port_parameter(port: Port, batch: bool) -> str:
    wire, const = port.wire, "const " if port.is_input else ""
    if port.form.is_stream:
        return _stream(wire)
    if port.form is PortForm.MEMORY and batch:
        return f"{const}{wire.name}_word* {wire.name}"
    if port.form is PortForm.MEMORY:
        return f"{const}{wire.name}_word {wire.name}[{port.words}]"
    if port.form is PortForm.ROWS:
        return f"{const}{wire.name}_t {wire.name}[{port.words}][{port.elements}]"
    return f"{const}{_array(wire)}"


def sample_parameters(plan: Plan) -> list[str]:
    """Declare the parameters of the process that computes one sample of a call after the other."""
    parts = batch_of(plan)
    return [_stream(wire) for wire in (*parts.given, *parts.made)] + [_SAMPLES]


def _weights(constant: NamedConstant) -> str:
    """Weights or biases that come in at a port."""
    extents = "".join(f"[{extent}]" for extent in constant.array.extents)
    return f"const {word_type(constant.array)} {constant.name}{extents}"


def _loaded(plan: Plan) -> list[str]:
    """The memory that weights are loaded from, and whether a call does."""
    loading = loading_of(plan)
    return [] if loading is None else [f"const weights_word weights[{loading.words}]", "bool load_weights"]


def process_parameters(plan: Plan, step: Step) -> list[str]:
    """Declare inputs and outputs of a process of its own around a kernel call."""
    types = [(wire, "const ") for wire in step.inputs] + [(wire, "") for wire in step.outputs]
    names = process_arguments(step)
    if plan.stream:
        return [f"hls::stream<{wire.name}_word>& {name}" for (wire, _), name in zip(types, names, strict=True)]
    return [f"{const}{w.name}_t {name}[{w.size}]" for (w, const), name in zip(types, names, strict=True)]


def process_arguments(step: Step) -> list[str]:
    """The names of inputs and outputs within such a process: that of a product has one of each."""
    (_,), (_,) = step.inputs, step.outputs
    return ["x", "y"]


def _stream(wire: Wire) -> str:
    return f"hls::stream<{wire.name}_word>& {wire.name}"


def _array(wire: Wire) -> str:
    return f"{wire.name}_t {wire.name}[{wire.size}]"


def words_on(plan: Plan) -> dict[Wire, str]:
    """Spell the types of words: packs on streams, integers on ports that have them; arrays have none."""
    streams = plan.wires if plan.hardware else plan.inputs + plan.wires + plan.outputs
    found = {w: f"hlsgen::pack<{w.name}_t, {w.pack}>" for w in streams} if plan.stream else {}
    if plan.hardware:
        found |= {port.wire: _port_word(port) for port in plan.ports if port.form.has_word}
    return found


def widest(plan: Plan) -> int | None:
    """The widest integer that the vendor's headers have to take, if that has to be said."""
    words = [port.bits for port in plan.ports if port.form.has_word] if plan.hardware else []
    return WIDEST_WORD if any(bits > WIDEST_UNASKED for bits in words) else None


def _port_word(port: Port) -> str:
    return f"ap_axiu<{port.bits}, 0, 0, 0>" if port.form is PortForm.PACKETS else f"ap_uint<{port.bits}>"


def _body_parameters(body: LoopBody) -> list[str]:
    return _wires(body.plan.inputs, body.plan.outputs, stream=False)


def _loop_parameters(plan: Plan, step: Step) -> list[str]:
    return _wires(step.inputs, step.outputs, stream=plan.stream)


def _place(body: LoopBody, backwards: bool) -> str:
    """The number of a step in its sequence."""
    return f"{body.steps - 1} - step" if backwards else "step"


def arguments(step: Step) -> str:
    """List the arguments of a kernel call: inputs, outputs, constants, scalars."""
    return ", ".join([*(wire.name for wire in (*step.inputs, *step.outputs)), *(c.name for c in step.constants),
                      *step.scalars])  # fmt: skip


def call(step: Step, loading: Loading | None) -> str:
    """A kernel call; or that of a loop, or of the process that holds the weights which the kernel loads."""
    layer = None if loading is None else loading.of(step)
    if step.body is not None:
        return f"{step.name}({arguments(step)})"
    if layer is None:
        return f"hlsgen::{step.kernel.function}<{step.name}_config>({arguments(step)})"
    wires = [wire.name for wire in (*step.inputs, *step.outputs)]
    return f"{step.name}_loaded({', '.join([*wires, *layer.streams])})"


def member(name: str, value: Member, step: Step) -> str:
    """Declare one member of the config struct of ``step``."""
    if isinstance(value, TypeOf):
        (constant,) = (constant for constant in step.constants if constant.array.role == value.role)
        return f"typedef decltype({constant.name}) {name};"
    if isinstance(value, FixedType):
        return f"typedef {value.cpp} {name};"
    if isinstance(value, Word):
        return f"typedef {_mantissa(value.type.width, value.type.signed)} {name};"
    if isinstance(value, Enumerator):
        kind = f"hlsgen::{value.enumeration}"
        return f"static const {kind} {name} = {kind}::{value.value};"
    if isinstance(value, bool):
        return f"static const bool {name} = {'true' if value else 'false'};"
    kind = "int" if abs(value) <= _INT_MAX and not name.endswith("_mantissa") else "long long"
    return f"static const {kind} {name} = {value}{'LL' if kind == 'long long' else ''};"


def word_type(array: ConstantArray) -> str:
    """Spell the storage word of a constant array."""
    return _mantissa(array.width, array.signed)


def bound_type(array: ConstantArray) -> str:
    """Spell the type of a constant whose words are bound when the emulator is loaded."""
    return f"hlsgen::bound<{array.width}, {'true' if array.signed else 'false'}, {array.words.size}>"


def _mantissa(width: int, signed: bool) -> str:
    return f"hlsgen::mantissa<{width}, {'true' if signed else 'false'}>"


def words(array: ConstantArray) -> str:
    """The words as integer literals; beyond 64 bits as decimal strings, which ap_int reads."""
    return _lines([_literal(int(v), array) for v in array.words], array.row)


def lanes(array: ConstantArray) -> list[str]:
    """A statement for each lane: what it multiplies in each turn, and the sum it adds to."""
    parts = array.lanes
    assert parts is not None
    rows = enumerate(zip(parts.inputs, parts.words, parts.outputs, strict=True))
    return [_lane(number, parts.multiplied, *row, array) for number, row in rows]


def _lane(number: int, multiplied: int, inputs: Ints, words: Ints, output: int, array: ConstantArray) -> str:
    x = ", ".join(f"x[{int(i)}]" for i in inputs)
    w = ", ".join(_literal(int(v), array) for v in words)
    function = "multiply_lane" if number < multiplied else "shift_lane"
    return (
        f"const typename C::input_t x{number}[] = {{{x}}};\n"
        f"const typename C::weight_word w{number}[] = {{{w}}};\n"
        f"hlsgen::{function}<C>(turn, x{number}, w{number}, sum[{int(output)}]);"
    )


def _lines(texts: list[str], row: int | None) -> str:
    """Literals in lines, each ``row`` of them in braces."""
    if row is not None:
        texts = [*texts]
        texts[::row] = ["{" + text for text in texts[::row]]
        texts[row - 1 :: row] = [text + "}" for text in texts[row - 1 :: row]]
    lines, line = [], "   "
    for text in texts:
        if len(line) + len(text) + 2 > _LINE:
            lines.append(line)
            line = "   "
        line += f" {text},"
    lines.append(line.rstrip(","))
    return "\n".join(lines)


def _literal(value: int, array: ConstantArray) -> str:
    if array.width > 64:
        return f'{"ap_int" if array.signed else "ap_uint"}<{array.width}>("{value}", 10)'
    if value == -(2**63):  # the literal 9223372036854775808 fits no signed type
        return "-9223372036854775807LL - 1"
    suffix = "" if array.width < 32 else "LL" if array.signed else "ULL"
    return f"{value}{suffix}"
