"""``input_clipping``: values that are clipped on purpose are not told, and more of them are."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from hlsgen.config import make_config
from hlsgen.errors import ConfigError
from hlsgen.project import ClippedInputWarning, Project
from tests.passes.builders import Net, project_of


def project(**settings: object) -> Project:
    net = Net(3)
    return project_of(net.source(net.dense("fc", net.input((4,)), 4, 3)), input_precision="fixed<8,2>", **settings)


def data(outside: int, samples: int = 100) -> np.ndarray:
    x = np.full((samples, 4), 0.5)
    x[:outside, 0] = 9.0
    return x


def said(made: Project, x: np.ndarray) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made.predict(x)
    return [str(w.message) for w in caught if w.category is ClippedInputWarning]


def test_as_many_as_are_expected_are_not_told() -> None:
    made = project(input_clipping=0.05)
    assert said(made, data(0)) == said(made, data(20)) == said(made, data(44)) == []
    (text,) = said(project(input_clipping={"x": 0.05}), data(45))
    assert "input 'x': 45 of 400 values are outside of fixed<8,2,RND,SAT> and were saturated" in text
    assert "; input_clipping expects 5 %;" in text


def test_without_it_each_is_told() -> None:
    assert "1 of 400 values" in said(project(), data(1))[0] and "input_clipping" not in said(project(), data(1))[0]
    assert said(project(input_clipping=0), data(1)) and said(project(input_clipping={}), data(1))


def test_a_whole_sample_may_be_odd_but_not_each() -> None:
    made, odd = project(input_clipping=0.01), np.full((1, 4), 9.0)
    assert said(made, odd) == []
    assert said(made, odd), "two of two"
    many = project(input_clipping=0.01)
    assert said(many, data(0, 5000)) == [] and said(many, data(30)), "of a call: many that fitted before excuse none"


def test_no_bit_changes() -> None:
    x = data(50)
    assert project(input_clipping=0.5).design.digest == project().design.digest
    with pytest.warns(ClippedInputWarning):
        np.testing.assert_array_equal(project(input_clipping=0.01).predict(x), project(input_clipping=1).predict(x))


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan"), "1 %", True, {"x": 2}, {"y": 0.1}, [0.1]])
def test_what_cannot_be_is_refused(share: object) -> None:
    with pytest.raises(ConfigError, match="input_clipping"):
        project(input_clipping=share)


def test_it_is_read_from_text() -> None:
    config = make_config({"input_clipping": {"x": 0.25}})
    assert config.clipped_share("x") == 0.25 and config.clipped_share("other") == 0.0
