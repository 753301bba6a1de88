"""What entries of the index table lie between: both twins, and against the entries themselves."""

import math
import random
from typing import Any

import numpy as np
import pytest

from wengert.program.extents import spread, spread_plain
from wengert.value import engine


@pytest.mark.parametrize("seed", range(40))
def test_the_twins_agree(seed: int) -> None:
    rng = random.Random(seed)
    table = np.array([rng.randrange(-(3**seed), 3**seed + 1) for _ in range(30)], np.int64)
    table = table * rng.choice((1, 1, 6))
    for _ in range(50):
        start, stop, step = rng.randrange(35), rng.randrange(-2, 40), rng.randrange(1, 6)
        chosen = table[start : max(stop, 0) : step].tolist()
        found = spread(table, start, max(stop, 0), step)
        assert found == spread_plain(table, start, max(stop, 0), step)
        if chosen:
            apart = math.gcd(*(number - chosen[0] for number in chosen))
            assert found == (min(chosen), max(chosen), apart)
        else:
            assert found is None


@pytest.mark.skipif(engine != "native", reason="the plain twin takes what NumPy takes")
@pytest.mark.parametrize(
    ("given", "error"),
    [
        ((), TypeError),
        ((np.zeros(3, np.int64), 0, 3), TypeError),
        ((np.zeros(3, np.int64), -1, 3, 1), ValueError),
        ((np.zeros(3, np.int64), 0, 3, 0), ValueError),
        ((np.zeros(3, np.int64), 0.5, 3, 1), TypeError),
        (([1, 2, 3], 0, 3, 1), TypeError),
        ((np.zeros((4, 4), np.int64)[:, 0], 0, 3, 1), (ValueError, BufferError)),
    ],
)
def test_the_native_twin_checks_what_it_is_given(given: Any, error: Any) -> None:
    with pytest.raises(error):
        spread(*given)


def test_what_is_too_large_is_cut_off() -> None:
    table = np.array([5, 7, 11], np.int64)
    assert spread(table, 0, 10**30, 1) == (5, 11, 2)
    assert spread(table, 0, 3, 10**30) == (5, 5, 0)
    assert spread(table, 10**30, 10**31, 1) is None
