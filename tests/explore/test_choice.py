"""The best within limits against brute force, and what is said where nothing is within them."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from hlsgen.errors import InputError, UnknownNameError
from hlsgen.explore.goals import Goal
from hlsgen.explore.study import Study
from hlsgen.explore.trial import Outcome, State, Trial
from tests.explore.studies import GOALS, space, study


def brute(found: Study, maximum: dict[str, float], minimum: dict[str, float], by: str | None) -> Trial | None:
    """Every trial against every other, in words of the documentation."""
    names = [goal.name for goal in found.goals]
    free = [name for name in names if name not in maximum and name not in minimum]
    first = by or (free or names)[0]
    order = [first, *(name for name in names if name != first)]
    higher = {goal.name: goal.higher_is_better for goal in found.goals}
    best = None
    for trial in found.trials:
        if trial.outcome.state is not State.DONE:
            continue
        values = {name: Fraction(value) for name, value in trial.values.items()}
        if any(values[name] > most for name, most in maximum.items()):
            continue
        if any(values[name] < least for name, least in minimum.items()):
            continue
        key = [-values[name] if higher[name] else values[name] for name in order]
        if best is None or key < best[0]:  # of equal ones the first stays
            best = key, trial
    return None if best is None else best[1]


def test_the_best_is_that_of_brute_force() -> None:
    rng, none = random.Random(5), 0
    for seed in range(150):
        found = study(40, seed, GOALS[: rng.randrange(1, 5)])
        names = [goal.name for goal in found.goals]
        bounds = {
            goal.name: rng.randrange(9) / 8 if goal.higher_is_better else rng.randrange(10) * 100 for goal in GOALS
        }
        maximum = {name: bounds[name] for name in names[1:] if rng.random() < 0.5}
        minimum = {name: bounds[name] for name in names[:1] if rng.random() < 0.5}
        by = rng.choice([None, *names])
        wanted = brute(found, maximum, minimum, by)
        if wanted is None:
            none += 1
            with pytest.raises(InputError, match=r"is within the limits|was measured on all data"):
                found.best(maximum, minimum, by)
        else:
            assert found.best(maximum, minimum, by) is wanted
    assert 5 < none < 100


def trial(number: int, **values: float) -> Trial:
    point = {axis.name: axis.values[number % len(axis)] for axis in space().axes}
    return Trial(number, point, Outcome(State.DONE, values), 0, "1.0")


TRIALS = (
    trial(0, accuracy=0.9, lut=1000.0, latency=50.0),
    trial(1, accuracy=0.95, lut=2000.0, latency=80.0),
    trial(2, accuracy=0.99, lut=9000.0, latency=20.0),
)
FOUND = Study("net", (GOALS[0], GOALS[2], GOALS[3]), space(), TRIALS, 0, "1.0")


def test_limits_have_units() -> None:
    assert FOUND.best({"lut": "2k"}) is TRIALS[1]
    assert FOUND.best({"latency": "0.05us"}) is TRIALS[2]
    assert FOUND.best({"latency": "50 ns"}, {"accuracy": "90%"}) is TRIALS[0], "lut decides, which has no limit"
    assert FOUND.best(minimum={"accuracy": 0.95}, by="accuracy") is TRIALS[2]


def test_numbers_are_those_that_are_written() -> None:
    """Limits are inclusive, so the last digit counts."""
    for number in range(1001):
        assert FOUND.quantity("accuracy", f"{number / 10}%") == number / 1000
        assert FOUND.quantity("lut", f"{number / 100}k") == number * 10
        assert FOUND.quantity("latency", f"{number / 1000}us") == number
        assert FOUND.quantity("latency", f"{number}ps") == number / 1000
    assert FOUND.quantity("latency", "1e-3 ms") == 1000 and FOUND.quantity("latency", "-.5e+1") == -5


def test_nothing_within_the_limits() -> None:
    """What each limit excludes by itself, and which trial is the least beyond them."""
    with pytest.raises(InputError) as error:
        FOUND.best({"lut": 1500, "latency": 10}, {"accuracy": 0.94})
    assert str(error.value).splitlines() == [
        "none of 3 trials is within the limits",
        "  lut at most 1,500: excludes 2 (the least is 1,000, trial 0)",
        "  latency at most 10 ns: excludes 3 (the least is 20, trial 2)",
        "  accuracy at least 0.9400: excludes 1 (the largest is 0.9900, trial 2)",
        "  nearest: trial 0 (accuracy 0.9000, lut 1,000, latency 50 ns); loosen a limit, or search on with more trials",
    ]


def test_limits_are_told_as_they_were_said() -> None:
    for name, value, said in (
        ("latency", "1e-7", "latency at most 1e-07 ns: excludes 3"),
        ("lut", 999.9994, "lut at most 999.9994: excludes 3"),
        ("lut", "-12k", "lut at most -12,000: excludes 3"),
    ):
        with pytest.raises(InputError, match=f"(?m)^  {said} "):
            FOUND.best({name: value})


def test_tiny_and_huge_numbers_are_told_by_powers_of_ten() -> None:
    assert [GOALS[0].text(v) for v in (3e-5, -3e-5, 0.0, 0.001, 1.0, -1e300)] == [
        "3e-05", "-3e-05", "0.0000", "0.0010", "1.0000", "-1e+300"
    ]  # fmt: skip
    assert [GOALS[2].text(v) for v in (1.0, 2e14, 2e15)] == ["1", "200,000,000,000,000", "2e+15"]


def test_nothing_was_measured() -> None:
    empty = Study("net", GOALS, space(), (), 0, "1.0")
    with pytest.raises(InputError, match="no trial of this study was measured on all data"):
        empty.best({"lut": 5})


def test_what_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="'lutt' is no objective of this study; did you mean 'lut'"):
        FOUND.best({"lutt": 5})
    with pytest.raises(UnknownNameError, match="'speed' is no objective"):
        FOUND.best(by="speed")
    for value in ("100 cycles", "many", float("nan"), None, True, "1e9999x"):
        with pytest.raises(InputError, match="latency: expected a number in ns"):
            FOUND.best({"latency": value})  # type: ignore[dict-item]
    with pytest.raises(InputError, match="found '100 cycles'; also as '100ns', '0.1us', with ps, ns, us, ms or s$"):
        FOUND.best({"latency": "100 cycles"})
    with pytest.raises(InputError, match="lut: expected a number, found '20K'; also as '20k', '1.5M' or '97%'$"):
        FOUND.best({"lut": "20K"})
    with pytest.raises(InputError, match="accuracy: expected a number, found '97 %%'; also as '20k', '1.5M' or '97%'$"):
        FOUND.best(minimum={"accuracy": "97 %%"})
    with pytest.raises(InputError, match="maximum: expected objectives and numbers"):
        FOUND.best("lut=3")  # type: ignore[arg-type]


def test_equal_objectives_of_any_sign() -> None:
    goals = (Goal("gain", True), Goal("loss", False))
    trials = tuple(
        Trial(n, TRIALS[0].point, Outcome(State.DONE, {"gain": gain, "loss": loss}), 0, "1.0")
        for n, (gain, loss) in enumerate([(-1.0, 0.0), (-1.0, -2.0), (-1.0, -2.0), (-3.0, -9.0)])
    )
    found = Study("net", goals, space(), trials, 0, "1.0")
    assert found.best() is trials[1] and found.best(by="loss") is trials[3]


def test_a_trial_is_printed_for_readers() -> None:
    point = {"layers.fc1.reuse_factor": 4, "skip_passes": ["fuse_batchnorm"], "flag": True}
    done = Trial(7, point, Outcome(State.DONE, {"accuracy": 0.86237, "lut": 14773.0}), 0, "1.0")
    assert str(done).splitlines() == [
        "trial 7: accuracy 0.86237, lut 14,773",
        "  layers.fc1.reuse_factor: 4",
        "  skip_passes: fuse_batchnorm",
        "  flag: true",
    ]
    refused = Trial(8, {}, Outcome(State.REFUSED, reason="no room"), 0, "1.0")
    assert str(refused) == "trial 8 (refused: no room)"
    pruned = Trial(9, {}, Outcome(State.PRUNED, {"lut": 5.0}, "others are better"), 0, "1.0")
    assert str(pruned) == "trial 9 (pruned: others are better): lut 5"
