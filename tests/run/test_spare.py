"""Memory of results: taken again when nobody has them, and never before."""

import gc

import numpy as np
import pytest

import wengert as wg
from wengert.run.columns import LINE
from wengert.run.spare import LEAST, MOST, SHORT, Spare

SIZE = LEAST // 8


def where(array):
    return array.__array_interface__["data"][0]


def test_memory_that_nobody_has_is_taken_again():
    spare = Spare()
    first = spare.empty((SIZE,))
    place = where(first)
    second = spare.empty((SIZE,))
    assert where(second) != place
    del first
    assert where(spare.empty((2, SIZE // 2))) == place


def test_a_view_keeps_it():
    spare = Spare()
    kept = spare.empty((4, SIZE))[1:2, ::2].T
    kept[...] = 7.0
    others = [spare.empty((4, SIZE)) for _ in range(3)]
    for each in others:
        each[...] = 1.0
    assert (kept == 7.0).all()


def test_other_sizes_and_small_arrays_are_new():
    spare = Spare()
    large = spare.empty((SIZE,))
    place = where(large)
    del large
    assert where(spare.empty((SIZE + 1,))) != place
    small = spare.empty((SIZE - LINE - 1,))
    kept = [*spare._arrays]
    assert not any(np.may_share_memory(small, each) for each in kept)


@pytest.mark.parametrize("shape", [(SHORT,), (30, 40), (SIZE,), (2, SIZE)])
@pytest.mark.parametrize("ahead", [0, 1, 7, 9])
def test_all_but_short_arrays_begin_near_a_line_of_the_cache(shape, ahead):
    spare = Spare()
    for _ in range(4):
        array = spare.empty(shape, ahead)
        assert array.shape == shape
        assert (where(array) + 8 * ahead) % (8 * LINE) == 0


def test_no_more_than_a_bound_is_kept():
    spare = Spare()
    for k in range(5):
        spare.empty((MOST // 16 + k,))
    assert sum(each.nbytes for each in spare._arrays) <= MOST


def test_results_that_are_held_stay_as_they_are():
    square = wg.vectorize(lambda x: x * x)
    xs = np.linspace(0.0, 1.0, SIZE)
    held = [square(xs + k) for k in range(4)]
    part = square(xs)[10:20]
    gc.collect()
    square(xs + 9.0)
    np.testing.assert_array_equal(part, (xs * xs)[10:20])
    for k, each in enumerate(held):
        np.testing.assert_array_equal(each, (xs + k) ** 2)
