"""Bits of a design: every word is counted once, under what it is."""

from __future__ import annotations

from hlsgen.design.bits import Bits, Words
from tests.passes.builders import Net, project_of


def test_words_add_up() -> None:
    some, more = Words(1, 12, 4, 48), Words(2, 8, 17, 60)
    assert some + more == Words(3, 20, 21, 108)
    assert ((some + more).by_tensor, (some + more).by_element, (some + more).larger) == (7.0, 5.4, 7.0)
    assert str(some + more) == "7.00 (5.40 by elements)"
    assert (Words().by_tensor, Words().by_element) == (0.0, 0.0) and some + Words() == some


def test_each_constant_and_each_value_is_counted_as_what_it_is() -> None:
    net = Net(1)
    x = net.call("Conv2D", "conv", net.input((4, 4, 1)), {"kernel": net.dyadic(3, 3, 1, 2), "bias": net.dyadic(2)},
                 filters=2, kernel_size=[3, 3])  # fmt: skip
    x = net.batchnorm("bn", net.call("LeakyReLU", "leaky", x, negative_slope=0.3), 2)
    x = net.dense("fc", net.call("Flatten", "flat", x), 8, 3, activation="sigmoid")
    design = project_of(net.source(x), skip_passes=["fuse_batchnorm", "fuse_exact_scales"], default_width=9).design
    ops = {op.name: op for op in design}
    found = Bits.of(design)

    def constants(*named: tuple[str, str]) -> Words:
        return Words.of_constants(ops[op].layer.constants()[name] for op, name in named)

    assert found.weights == constants(("conv", "weight"), ("fc_dense", "weight"))
    assert found.weights.elements == 18 + 24
    assert found.factors == constants(("bn", "weight")) and found.factors.elements == 2
    assert found.biases == constants(("conv", "bias"), ("bn", "bias"), ("fc_dense", "bias"))
    assert found.others == constants(("leaky", "slope")) and found.others.elements == 1
    assert found.constants.bits == sum(
        c.known_type.width * c.values.size for op in design for c in op.layer.constants().values()
    )
    assert found.parameters + found.others == found.constants
    assert found.inputs == Words.of(design.inputs) and found.inputs.elements == 16
    assert found.results == Words.of(t for t in design.tensors if t not in design.inputs)
    assert found.renamed == Words.of(ops["flat"].outputs) and found.renamed.elements == 8


def test_operations_add_up_to_their_design() -> None:
    net = Net(2)
    design = project_of(net.source(net.dense("fc2", net.dense("fc1", net.input((4,)), 4, 5), 5, 3))).design
    each = [Bits.of([op]) for op in design]
    for name in ("weights", "biases", "constants", "results", "inputs"):
        assert sum((getattr(bits, name) for bits in each), Words()) == getattr(Bits.of(design), name)
