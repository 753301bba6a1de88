from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wengert import primitives
from wengert.program.address import CONSTANT, INPUT, OUTPUT, VALUE, Address, Lookup
from wengert.program.program import Program
from wengert.program.refold import refolded
from wengert.program.roll import roll
from wengert.program.statements import Accumulate, Assign, Guard, Loop, Statement, While
from wengert.program.structure import ARRAY, Structure

SIN, ADD, LESS = primitives.sin, primitives.add, primitives.less


def at(address: Address, k: int, depth: int) -> Address:
    """The address with the counter of the loop at `depth` set."""
    lookup = address.lookup
    if lookup:
        strides = (*lookup.strides[:depth], *lookup.strides[depth + 1 :])
        lookup = Lookup(lookup.start + lookup.strides[depth] * k, strides)
    base = address.base + address.strides[depth] * k
    strides = (*address.strides[:depth], *address.strides[depth + 1 :])
    return Address(address.memory, base, strides, lookup)


def turn(statement: Statement, k: int, depth: int = 0) -> Statement:
    """What a statement in a loop is for one setting of its counter."""

    def turns(part: tuple[Statement, ...]) -> tuple[Statement, ...]:
        return tuple(turn(below, k, depth) for below in part)

    match statement:
        case Assign(target, row, operands):
            return Assign(at(target, k, depth), row, tuple(at(a, k, depth) for a in operands))
        case Guard(target, row, operands, expected):
            moved = tuple(at(a, k, depth) for a in operands)
            return Guard(at(target, k, depth), row, moved, at(expected, k, depth))
        case Accumulate(target, operand):
            return Accumulate(at(target, k, depth), at(operand, k, depth))
        case Loop(count, body):
            return Loop(count, turns(body))
        case While(local, first, test, condition, body, last):
            return While(
                local, turns(first), turns(test), at(condition, k, depth), turns(body), turns(last)
            )
    raise AssertionError(statement)


def unrolled(statements: tuple[Statement, ...], keep: int) -> list[Statement]:
    """The statements with loops of other counts than `keep` written out."""
    out: list[Statement] = []
    for statement in statements:
        if isinstance(statement, Loop) and statement.count != keep:
            for k in range(statement.count):
                out += unrolled(tuple(turn(below, k) for below in statement.body), keep)
        else:
            out.append(statement)
    return out


def value(base: int, *strides: int) -> Address:
    return Address(VALUE, base, strides)


def stated(start: int, count: int) -> Loop:
    """A loop as a user may state it: value[start + k] = sin(input[start])."""
    return Loop(
        count,
        (Assign(value(start, 1), SIN, (Address(INPUT, start % 3, (0,), Lookup(start, (1,))),)),),
    )


def search(start: int, local: str) -> While:
    """A search from constant[start]; what it ends with goes to value[start]."""
    now, after = Address(local, 0, (2,)), Address(local, 2, (2,))
    sign = Address(local, 1, (2,))
    return While(
        local,
        (Assign(Address(local, 0, (2,)), None, (Address(CONSTANT, start, (0,)),)),),
        (Assign(sign, LESS, (now, Address(INPUT, 0, (0,)))),),
        sign,
        (Assign(after, SIN, (now,)),),
        (Assign(Address(VALUE, start, (0,)), None, (now,)),),
    )


def test_loops_around_stated_loops() -> None:
    (loop,) = refolded([stated(9 * k, 50) for k in range(10)])
    assert isinstance(loop, Loop)
    assert loop.count == 10
    assert [turn(loop.body[0], k) for k in range(10)] == [stated(9 * k, 50) for k in range(10)]


def test_loops_around_while_loops_share_one_local_memory() -> None:
    statements = tuple(search(k, f"local{k}") for k in range(20))
    (loop,) = refolded(statements)
    assert isinstance(loop, Loop)
    assert loop.count == 20
    (inner,) = loop.body
    assert isinstance(inner, While)
    assert inner.last[0].target == Address(VALUE, 0, (1, 0))
    assert inner.test[0].target == Address("local0", 1, (0, 2))
    for k in range(20):
        assert turn(inner, k) == search(k, "local0")


def test_while_loops_of_different_kinds_stay() -> None:
    statements = tuple(search(k * k, "a") for k in range(5))
    assert refolded(statements) == statements


def test_bodies_of_stated_loops() -> None:
    body = [Assign(value(k, 40), SIN, (value(k - 40, 40),)) for k in range(40)]
    (loop,) = refolded([Loop(1000, tuple(body))])
    inner = Assign(value(0, 40, 1), SIN, (value(-40, 40, 1),))
    assert loop == Loop(1000, (Loop(40, (inner,)),))


@pytest.mark.parametrize("part", ["first", "test", "body", "last"])
def test_parts_of_while_loops(part: str) -> None:
    plain = search(0, "a")
    row = tuple(Accumulate(Address("a", k + 9, (2,)), Address("a", k, (2,))) for k in range(9))
    loop = While(**{name: getattr(plain, name) for name in plain.__slots__} | {part: row})
    (found,) = refolded([loop])
    (inner,) = getattr(found, part)
    assert inner.count == 9
    assert inner.body == (Accumulate(Address("a", 9, (2, 1)), Address("a", 0, (2, 1))),)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_random_sequences(data: Any) -> None:
    """Written out again, it is what it was."""
    number = st.integers(0, 3)
    statements: list[Statement] = []
    for _ in range(data.draw(st.integers(1, 3))):
        block = data.draw(st.lists(st.tuples(st.sampled_from("lag"), number, number), max_size=3))
        for k in range(data.draw(st.integers(1, 6))):
            for kind, base, stride in block:
                place = len(statements) * 5
                read = value(place + base + stride * k)
                if kind == "l":
                    statements.append(stated(place, 50))
                elif kind == "a":
                    statements.append(Assign(value(place), ADD, (read, read)))
                else:
                    expected = Address(CONSTANT, base)
                    statements.append(Guard(value(place), LESS, (read, read), expected))
    found = refolded(statements)
    assert unrolled(found, keep=50) == statements


def test_roll_folds_around_stated_loops() -> None:
    statements: list[Statement] = []
    for k in range(8):
        loop = Loop(20, (Assign(value(21 * k, 1), SIN, (Address(INPUT, k, (0,)),)),))
        statements += [loop, Assign(value(21 * k + 20), ADD, (value(21 * k), value(21 * k + 1)))]
    statements += [Assign(Address(OUTPUT, k), None, (value(21 * k + 20),)) for k in range(8)]
    program = Program(
        tuple(statements), 168, np.zeros(0), np.zeros(0), Structure(ARRAY, (8,)),
        Structure(ARRAY, (8,)),
    )  # fmt: skip
    rolled = roll(program)
    assert rolled.size == 6
    assert rolled.expand().statements == program.expand().statements
