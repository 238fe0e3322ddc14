"""The driver: order, skipping, verification after each pass, and messages that name the culprit."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, is_dataclass, replace

import numpy as np
import pytest

from hlsgen.config import Config
from hlsgen.errors import ConfigError, GraphError, UnsupportedError
from hlsgen.ir.graph import Graph
from hlsgen.layers.shape_ops import Reshape
from hlsgen.passes.base import Pass, run_passes
from hlsgen.pipeline import make_design, stages
from tests.passes.builders import Net, graph_of, grid, project_of


def small() -> Graph:
    net = Net()
    x = net.input((4,))
    x = net.dense("fc", x, 4, 3)
    net.call("ReLU", "relu", x)
    return graph_of(net.source("relu"))


def mixed() -> Net:
    """Something for every optional pass."""
    net = Net()
    x = net.input((5, 5, 2))
    x = net.call("Permute", "perm", x, dims=[1, 2, 3])
    x = net.call("ZeroPadding2D", "pad", x, padding=[[1, 1], [1, 1]])
    x = net.conv("conv", x, 2, 3)
    x = net.quantize("q", x, 6, 3)
    x = net.call("Flatten", "flat", x)
    net.dense("fc", x, 75, 3)
    return net


@dataclass(frozen=True)
class Swap(Pass):
    """Corrupts the graph."""

    exact = True

    def run(self, graph: Graph) -> bool:
        graph.nodes[1].layer = Reshape((2, 2))
        return True


@dataclass(frozen=True)
class Refuse(Pass):
    exact = True

    def run(self, graph: Graph) -> bool:
        graph.remove(graph.nodes[1])
        return True


@dataclass(frozen=True)
class Nothing(Pass):
    exact = True

    def run(self, graph: Graph) -> bool:
        return False


@dataclass(frozen=True)
class Unable(Pass):
    exact = True

    def run(self, graph: Graph) -> bool:
        raise UnsupportedError("layer 'fc': cannot")


def test_a_pass_that_breaks_the_graph_is_named():
    with pytest.raises(GraphError, match=r"pass swap \(after nothing, unable_not\)") as caught:
        run_passes(small(), [Nothing(), UnableNot(), Swap()])
    assert "Reshape fc" in str(caught.value) and "(2, 2)" in str(caught.value)


@dataclass(frozen=True)
class UnableNot(Nothing):
    pass


def test_a_pass_that_is_refused_is_named():
    with pytest.raises(GraphError, match=r"pass refuse \(after none\): Dense fc cannot be removed: read by Relu relu"):
        run_passes(small(), [Refuse()])


def test_errors_about_the_model_keep_their_class():
    with pytest.raises(UnsupportedError, match="layer 'fc': cannot"):
        run_passes(small(), [Nothing(), Unable()])


def test_unknown_name_to_skip():
    with pytest.raises(ConfigError, match=r"skip_passes: no pass 'fuse_batchnrm'.*did you mean 'fuse_batchnorm'\?"):
        project_of(mixed().source("fc"), skip_passes=["fuse_batchnrm"])


@pytest.mark.parametrize("name", ["infer_types", "apply_config", "expect_ranges", "place_inputs", "choose_hardware"])
def test_what_cannot_be_skipped(name):
    with pytest.raises(ConfigError, match=f"no pass '{name}' that can be skipped"):
        project_of(mixed().source("fc"), skip_passes=[name])


def test_passes_are_frozen_dataclasses_with_an_exactness_and_a_docstring():
    for step in stages(Config()):
        assert is_dataclass(step) and isinstance(type(step).exact, bool)
        assert (type(step).__doc__ or "").strip() and not (type(step).__doc__ or "").startswith(
            type(step).__name__ + "("
        )
        with pytest.raises(FrozenInstanceError):
            step.anything = 1  # type: ignore[attr-defined]
        assert replace(step) == step


def test_names_are_unique():
    names = [step.pass_name() for step in stages(Config())]
    assert len(set(names)) == len(names)
    assert "fuse_batchnorm" in names


def test_every_exact_optional_pass_changes_no_bit():
    x = grid((5, 5, 2))
    reference = project_of(mixed().source("fc", "q")).evaluate(x, raw=True)
    exact = [s.pass_name() for s in stages(Config()) if s.exact and s.optional]
    assert {"remove_identities", "fuse_padding", "fuse_quantizers"} <= set(exact)
    for skipped in [[name] for name in exact] + [exact]:
        project = project_of(mixed().source("fc", "q"), skip_passes=skipped)
        found = project.evaluate(x, raw=True)
        for key in ("fc", "q"):
            np.testing.assert_array_equal(found[key], reference[key], err_msg=f"{skipped}: {key}")
        got = project.predict(x, raw=True)
        np.testing.assert_array_equal(got[0], reference["fc"], err_msg=str(skipped))


def test_after_is_called_with_every_pass():
    graph, seen = small(), []
    make_design(graph, Config(), after=lambda name, left: seen.append((name, str(left))))
    names = [s.pass_name() for s in stages(Config())]
    assert [name for name, _ in seen] == names
    assert all(text for _, text in seen), "each leaves something that can be printed"


def test_the_graph_prints_every_type():
    project = project_of(mixed().source("fc"))
    text = str(project.design)
    for node in project.design:
        (line,) = [row for row in text.splitlines() if row.split()[0] == node.name]
        assert str(node.output.type) in line
        assert "x".join(map(str, node.output.shape)) in line
    assert text == str(project)


def test_wishes_that_nothing_can_have_are_named():
    net = Net()
    x = net.call("Permute", "turn", net.input((2, 3)), dims=[2, 1])
    net.call("ReLU", "relu", x)
    wishes = {"turn": {"precision": {"result": "fixed<6,3>"}}, "relu": {"precision": "fixed<6,3>"}}
    notes = project_of(net.source("relu"), layers=wishes).design.notes
    assert [note for note in notes if "no effect" in note] == [
        "warning: turn: its result type has no effect: Permute has none of its own"
    ]
