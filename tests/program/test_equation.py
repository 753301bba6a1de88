"""The equation behind every dependence, against trying all; both twins answer alike."""

import itertools
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wengert.program.dependence import UNBOUNDED
from wengert.program.equation import solvable, solvable_plain
from wengert.value import engine


@given(
    st.lists(st.tuples(st.integers(-12, 12), st.integers(0, 6)), max_size=4),
    st.integers(-60, 60),
)
def test_an_equation_is_solvable_if_trying_all_finds_a_solution(terms: Any, total: int) -> None:
    every = itertools.product(*(range(bound + 1) for _, bound in terms))
    sums = {sum(c * x for (c, _), x in zip(terms, xs, strict=True)) for xs in every}
    assert solvable(terms, total) == (total in sums)
    assert solvable_plain(terms, total) == (total in sums)


@given(
    st.lists(
        st.tuples(
            st.one_of(st.integers(-12, 12), st.integers(-(10**6), 10**6), st.just(1 << 58)),
            st.one_of(st.integers(-2, 6), st.integers(0, 10**6), st.just(UNBOUNDED)),
        ),
        max_size=6,
    ),
    st.one_of(st.integers(-100, 100), st.integers(-(10**12), 10**12), st.just(1 << 90)),
)
def test_both_twins_answer_alike(terms: Any, total: int) -> None:
    """Where the search is given up, and where numbers are too large for the native one, too."""
    assert solvable(terms, total) == solvable_plain(terms, total)


def test_both_twins_answer_alike_near_solutions() -> None:
    """Where bounds and divisors do not tell, the search does."""
    rng = random.Random(6)
    answers = []
    for _ in range(4000):
        pairs = ((rng.randint(-99, 99), rng.randint(0, 9)) for _ in range(rng.randint(2, 6)))
        terms = list(pairs)
        total = sum(c * rng.randint(0, bound) for c, bound in terms) + rng.randint(0, 2)
        answers.append(solvable(terms, total))
        assert answers[-1] == solvable_plain(terms, total)
    assert 400 < sum(answers) < 3600


def test_a_long_search_is_given_up() -> None:
    """Then there may be a solution; here there is none."""
    terms = [(10**6 + k, 10**4) for k in (3, 33, 39, 81)]
    total = sum(c for c, _ in terms) * 5000 + 1
    assert solvable(terms, total)
    assert solvable_plain(terms, total)


def test_large_equations_are_solved_at_once() -> None:
    huge = 10**12
    assert solvable([(80, huge), (-80, huge), (3, 2)], 83)
    assert not solvable([(80, huge), (-80, huge), (3, 2)], 84)
    assert not solvable([(6, UNBOUNDED), (-10, UNBOUNDED)], 3)
    assert solvable([(1, 1)] * 40 + [(100, 1)], 140)  # more terms than the native twin takes
    assert not solvable([(2, 1)] * 40, 41)


@pytest.mark.skipif(engine == "plain", reason="it is about the native engine")
def test_the_native_twin_refuses_what_are_no_terms() -> None:
    from wengert import _native

    assert _native.solvable([(1, UNBOUNDED)], 3) is None
    assert _native.solvable([], 1 << 80) is None
    for terms in ([1], [(1,)], [(1, 2, 3)], [("1", 2)], [(1, 2.0)]):
        with pytest.raises(TypeError):
            _native.solvable(terms, 0)
    for terms, total in (((), 0), ([], "0")):
        with pytest.raises(TypeError):
            _native.solvable(terms, total)
