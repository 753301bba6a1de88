"""Copies of copies: what reads along a chain reads where it begins, with the same bits."""

import math

import numpy as np
import pytest
from evaluate import walk
from hypothesis import given, settings
from hypothesis import strategies as st
from making import from_array

from wengert import primitives
from wengert.program.address import CONSTANT, INPUT, OUTPUT, VALUE, Address
from wengert.program.invariants import checked
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Assign, Loop, Statement
from wengert.program.statements import walk as plain_statements


def chain(counts: tuple[int, ...], step: int = 1, along: tuple[int, ...] = ()) -> Program:
    """A copy handed on through a nest, and its sine added to a sum at each link.

    `along` gives the strides; by default the chain goes on through all loops.
    """
    strides = along or tuple(step * math.prod(counts[k + 1 :]) for k in range(len(counts)))
    size = math.prod(counts)
    low = sum(min(s * (n - 1), 0) for s, n in zip(strides, counts, strict=True))
    high = sum(max(s * (n - 1), 0) for s, n in zip(strides, counts, strict=True))
    first = abs(strides[-1]) - low  # so that all places are there, also the one before
    values = first + high + abs(strides[-1]) + 1
    target = Address(VALUE, first, strides)
    before = Address(VALUE, first - strides[-1], strides)
    depth = len(counts)
    dense = tuple(math.prod(counts[k + 1 :]) for k in range(depth))
    sine = Address(VALUE, values, dense)
    total = Address(VALUE, values + size, (0,) * depth)
    body: tuple[Statement, ...] = (
        Assign(sine, primitives.sin, (before,)),
        Assign(target, None, (before,)),
        Accumulate(total, sine),
    )
    last = Address(VALUE, first + high if step > 0 else first + low)
    for count in reversed(counts):
        body = (Loop(count, body),)
    return from_array(
        (
            Assign(Address(VALUE, first - strides[-1]), None, (Address(INPUT, 0),)),
            Assign(Address(VALUE, values + size), None, (Address(CONSTANT, 0),)),
            *body,
            Assign(Address(OUTPUT, 0), None, (Address(VALUE, values + size),)),
            Assign(Address(OUTPUT, 1), None, (last,)),
        ),
        values + size + 1, [0.0], [], 1, 2,
    )  # fmt: skip


def copies(program: Program) -> list[Assign]:
    """What copies a value inside a loop."""
    return [
        each for each, around in plain_statements(program.statements)
        if around and isinstance(each, Assign) and each.row is None
    ]  # fmt: skip


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple),
    st.sampled_from([1, 3, -1, -2]), st.floats(-3, 3),
)  # fmt: skip
def test_a_chain_through_a_nest_is_read_at_its_beginning(counts, step, x):
    program = checked(chain(counts, step))
    simple = checked(program.simplify())
    assert walk(simple, [x]) == walk(program, [x])
    assert not copies(simple)
    assert simple(np.array([x])).tolist() == walk(program, [x])


def test_a_chain_that_begins_anew_in_each_round_needs_its_beginnings():
    """With gaps between the rounds, the first link of a round copies what nobody has written."""
    program = chain((3, 4), along=(10, 1))
    filled = Loop(3, (Assign(Address(VALUE, 0, (10,)), None, (Address(INPUT, 0, (0,)),)),))
    program = checked(
        from_array(
            (filled, *program.statements[1:]), program.values, program.constants.tolist(), [], 1, 2
        )
    )
    simple = checked(program.simplify())
    assert not copies(simple)
    assert walk(simple, [0.7]) == walk(program, [0.7])


def test_a_beginning_that_is_still_added_to_is_left_alone():
    """A sum is read after its last term, and not before."""
    program = chain((5,))
    start, total, nest, *outputs = program.statements
    place = start.target.base
    adds = Accumulate(Address(VALUE, place), Address(INPUT, 0))
    statements = (start, total, adds, nest, *outputs)
    program = checked(from_array(statements, program.values, [0.0], [], 1, 2))
    simple = checked(program.simplify())
    assert walk(simple, [0.7]) == walk(program, [0.7])
    assert walk(simple, [0.7]) == pytest.approx([5 * math.sin(1.4), 1.4])
