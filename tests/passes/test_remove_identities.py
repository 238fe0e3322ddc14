"""RemoveIdentities: the graph before and after, and not one bit of difference."""

from __future__ import annotations

import numpy as np

from hlsgen.passes.remove_identities import RemoveIdentities
from tests.passes.builders import Net, expected_text, graph_of, grid, outline, project_of


def idle_net() -> Net:
    net = Net()
    x = net.input((4, 4, 2))
    x = net.call("ZeroPadding2D", "pad", x, padding=[[0, 0], [0, 0]])
    x = net.call("UpSampling2D", "up", x, size=[1, 1])
    x = net.call("Permute", "perm", x, dims=[1, 2, 3])
    x = net.call("Reshape", "same", x, target_shape=[4, 4, 2])
    x = net.call("Cropping2D", "crop", x, cropping=[[0, 0], [0, 0]])
    x = net.call("MaxPooling2D", "max", x, pool_size=[1, 1], strides=1)
    x = net.call("AveragePooling2D", "mean", x, pool_size=[1, 1], padding="same")
    x = net.call("Dropout", "drop", x, rate=0.5)
    net.conv("conv", x, 2, 3)
    return net


def test_before_and_after():
    graph = graph_of(idle_net().source("conv"))
    assert outline(graph) == expected_text("""
        x = Input()
        pad = ZeroPadding(x)
        up = UpSampling(pad)
        perm = Permute(up)
        same = Reshape(perm)
        crop = Cropping(same)
        max = MaxPooling2D(crop)
        mean = AveragePooling2D(max)
        conv = Conv2D(mean)
        -> conv
    """)
    assert RemoveIdentities().run(graph)
    graph.verify()
    assert outline(graph) == expected_text("""
        x = Input()
        conv = Conv2D(x)
        -> conv
    """)
    assert {graph.aliases[name].name for name in ("pad", "up", "perm", "same", "crop", "max", "mean", "drop")} == {"x"}
    assert not RemoveIdentities().run(graph), "a second run finds nothing"


def test_exact():
    x = grid((4, 4, 2))
    before = project_of(idle_net().source("conv"), skip_passes=["remove_identities"])
    after = project_of(idle_net().source("conv"))
    assert len(before.design) > len(after.design)
    first, second = before.evaluate(x, raw=True), after.evaluate(x, raw=True)
    for key in first:
        np.testing.assert_array_equal(first[key], second[key], err_msg=key)


def test_what_moves_something_stays():
    net = Net()
    x = net.input((2, 3, 2))
    x = net.call("ZeroPadding2D", "pad", x, padding=[[0, 1], [0, 0]])
    x = net.call("UpSampling2D", "up", x, size=[1, 2])
    x = net.call("Permute", "perm", x, dims=[2, 1, 3])
    x = net.call("MaxPooling2D", "skip", x, pool_size=[1, 1], strides=2)
    x = net.call("Cropping2D", "crop", x, cropping=[[1, 0], [0, 0]])
    net.call("Reshape", "flat", x, target_shape=[-1])
    graph = graph_of(net.source("flat"))
    before = outline(graph)
    assert not RemoveIdentities().run(graph)
    assert outline(graph) == before


def test_identity_at_the_output():
    """Nothing is left of the model but its input, which is its output."""
    net = Net()
    x = net.input((4,))
    net.call("Reshape", "same", x, target_shape=[4])
    project = project_of(net.source("same"))
    assert outline(project.design) == "x = Input()\n-> x"
    data = grid((4,))
    np.testing.assert_array_equal(project.predict(data), data)
    assert project.trace_keys()["same"] is project.design.inputs[0]


def test_dead_branch_is_pruned_with_its_aliases():
    net = Net()
    x = net.input((4,))
    net.dense("used", x, 4, 2)
    net.dense("dead", x, 4, 3)
    graph = graph_of(net.source("used"))
    assert RemoveIdentities().run(graph)
    graph.verify()
    assert "dead" not in outline(graph)
    assert "dead" not in graph.aliases


def test_linear_quantizer_without_a_type_is_kept_where_it_has_one():
    net = Net()
    x = net.input((4,))
    net.quantize("q", x, 4)
    graph = graph_of(net.source("q"))
    RemoveIdentities().run(graph)
    assert "Convert" in outline(graph), "a cast to the model's own type is no identity"


def test_a_pool_that_the_user_gave_a_type_is_a_cast():
    net = Net()
    net.call("MaxPooling2D", "max", net.input((2, 2, 1)), pool_size=[1, 1])
    project = project_of(net.source("max"), layers={"max": {"precision": {"result": "fixed<4,2>"}}})
    assert str(project.design.outputs[0].type) == "fixed<4,2>"
