"""What `checked` refuses, one broken program for each invariant."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import samples
from folding import assign, at, value
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import SAMPLES
from sums import strewn, wrong
from worded import worded

from wengert import primitives
from wengert.dispatch import Primitive
from wengert.errors import ProgramError
from wengert.program.address import CODES, SHIFT, Address, Lookup
from wengert.program.invariants import check_run, checked
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Assign, Guard, Loop, Operation, Run, While
from wengert.program.structure import ARRAY, NUMBER, TUPLE, Structure

X, OUT = at("input", 0), at("output", 0)
EXP, ADD = primitives.exp, primitives.add


def program(*statements: Any, values: int = 3, **changed: Any) -> Program:
    """A program of x and w[4] with one result, 3 constants and 4 entries in its table."""
    return replace(
        Program(
            statements, values, np.arange(3.0), np.array([0, 1, 2, 9]),
            Structure(TUPLE, keys=("x", "w"), parts=(Structure(NUMBER), Structure(ARRAY, (4,)))),
            Structure(NUMBER),
        ),
        **changed,
    )  # fmt: skip


def returned(where: Address) -> Assign:
    return assign(OUT, None, where)


FIRST = assign(value(0), EXP, X)


@pytest.mark.parametrize("good", SAMPLES, ids=lambda p: p.name)
def test_samples_are_well_formed(good: Program) -> None:
    assert checked(good) is good


def test_the_smallest() -> None:
    checked(program(FIRST, returned(value(0))))


FAKE = Primitive("exp", "not the table's", lambda x: x, np.exp, lambda z, x: (z,), [(0, 1)])
BROKEN = {
    "is no statement": ["nothing"],
    "cannot run -1 times": [Loop(-1, ())],
    "cannot run 2.0 times": [Loop(2.0, ())],  # type: ignore[arg-type]
    "too deep, or run too often": [Loop(2**40, (Loop(2**40, ()),))],
    "is no primitive": [assign(value(0), FAKE, X), returned(X)],
    "2 operands are wanted": [assign(value(0), ADD, X), returned(X)],
    "1 operands are wanted": [assign(value(0), None, X, X), returned(X)],
    "a stride for each of 1 loops": [Loop(2, (assign(value(0), EXP, X),)), returned(X)],
    "a stride for each of 0 loops": [assign(value(0, 1), EXP, X), returned(X)],
    "integers below 2": [assign(Address("value", 2**60), EXP, X), returned(X)],
    "places 3 to 3 of value": [assign(value(3), EXP, X), returned(X)],
    "places -1 to -1 of input": [assign(value(0), EXP, at("input", -1)), returned(X)],
    "places 4 to 5 of input": [
        Loop(2, (assign(value(0, 1), EXP, at("input", 4, 1)),)), returned(X)
    ],
    "places 0 to 9 of input": [
        Loop(4, (assign(value(0, 1), EXP, at("input", 0, 0, lookup=(0, 1))),)), returned(X)
    ],
    "looks up entries 2 to 5 of 4": [
        Loop(2, (assign(value(0, 1), EXP, at("input", 0, 0, lookup=(2, 3))),)), returned(X)
    ],
    "no memory 'stack'": [assign(at("stack", 0), EXP, X), returned(X)],
    "cannot write there": [assign(at("input", 0), EXP, X), returned(X)],
    "Outputs are not read": [returned(X), assign(value(0), EXP, OUT)],
    "demand that": [Guard(value(0), ADD, (X, X), X), returned(X)],
    "Label and source are texts": [Assign(value(0), EXP, (X,), label=3), returned(X)],  # type: ignore[arg-type]
    r"value\[0\] is assigned twice": [FIRST, FIRST, returned(X)],
    r"value\[1\] is read before": [FIRST, returned(value(1))],
    "0 results are written to output": [FIRST],
    "2 results are written to output": [returned(X), returned(X)],
    "4 results are written to value": [
        Loop(4, (assign(value(0, 0), EXP, at("input", 0, 0)),)), returned(X)
    ],
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_program_is_refused(what: str) -> None:
    with pytest.raises(ProgramError, match=what):
        checked(program(*BROKEN[what]))


def test_order_is_followed_place_by_place() -> None:
    swapped = program(assign(value(0), EXP, value(1)), assign(value(1), EXP, X), returned(X))
    with pytest.raises(ProgramError, match=r"value\[1\] is read before anything is assigned"):
        checked(swapped)
    carried = Loop(3, (assign(value(0, 1), EXP, value(-1, 1)),))
    with pytest.raises(ProgramError, match="places -1 to 1"):
        checked(program(carried, returned(X)))
    ahead = Loop(2, (assign(value(0, 1), EXP, value(1, 1)),))
    with pytest.raises(ProgramError, match="is read before anything"):
        checked(program(ahead, returned(X)))


def test_a_loop_that_never_runs_reads_nothing() -> None:
    never = Loop(0, (assign(value(99, 1), EXP, at("input", 99, 1)),))
    checked(program(never, returned(X)))


def test_structures_are_checked() -> None:
    for changed in (
        {"arguments": Structure(NUMBER)},
        {"arguments": Structure(TUPLE, parts=(Structure(NUMBER),))},
        {"results": Structure("heap")},
        {"results": Structure(ARRAY, (2**60,))},
        {"values": 2**57},
        {"values": 1.5},
        {"name": None},
    ):
        with pytest.raises(ProgramError):
            checked(program(returned(X), **changed))


def newton(**changed: Any) -> Program:
    """A while loop with something changed."""
    good = samples.newton()
    loop = good.statements[0]
    return replace(good, statements=(replace(loop, **changed), *good.statements[1:]))


def test_while_loops() -> None:
    loop = samples.newton().statements[0]
    assert isinstance(loop, While)
    state = at("loop1", 0, 2)
    for what, changed in {
        "cannot have the memory 'value'": {"local": "value"},
        r"loop1\[0\] is read before": {"first": ()},
        r"loop1\[1\] is read before": {"test": ()},
        r"loop1\[2\] is read before": {"body": ()},
        "is assigned twice": {"body": (*loop.body, *loop.body)},
        "places -1 to -1 of loop1": {"condition": at("loop1", -1, 2)},
        "It moves in a loop without a count": {"condition": at("input", 0, 1)},
        "in odd ways": {"condition": at("loop1", 1, -2)},
        "writes to value only once": {"body": (assign(value(0, 0), None, state), *loop.body)},
    }.items():
        with pytest.raises(ProgramError, match=what):
            checked(newton(**changed))
    outside = replace(samples.newton(), statements=(loop, returned(at("loop1", 0))))
    with pytest.raises(ProgramError, match="no memory 'loop1' here"):
        checked(outside)
    twice = replace(samples.newton(), statements=(loop, *samples.newton().statements))
    with pytest.raises(ProgramError, match="cannot have the memory 'loop1'"):
        checked(twice)


def run(**changed: Any) -> Run:
    """Three items: exp, a guard on less, a move."""
    columns = {
        "start": 0,
        "operations": (Operation(EXP), Operation(primitives.less, True), Operation(None)),
        "ops": np.array([0, 1, 2], np.int32),
        "operands": np.array(
            [CODES["input"] << SHIFT, 0, 0, CODES["constant"] << SHIFT, 0], np.int64
        ),
        "sources": ("a.py:1",), "lines": np.zeros(3, np.int32), "labels": {1: "x"},
    }  # fmt: skip
    return Run(**(columns | changed))


def test_runs_fit_together() -> None:
    check_run(run())
    checked(program(run(), returned(X)))
    for changed in (
        {"start": -1},
        {"operations": (Operation(EXP),)},
        {"operations": (Operation(FAKE), *run().operations[1:])},
        {"ops": np.array([0, 1, 3], np.int32)},
        {"ops": np.array([0, 1, -1], np.int32)},
        {"operands": run().operands[:-1].copy()},
        {"operands": np.array([-1, 0, 0, 0, 0])},
        {"operands": np.array([4 << SHIFT, 0, 0, 0, 0])},
        {"lines": np.zeros(2, np.int32)},
        {"lines": np.ones(3, np.int32)},
        {"labels": {3: "x"}},
        {"labels": {0: None}},
        {"sources": (None,)},
    ):
        with pytest.raises(ProgramError):
            check_run(run(**changed))


def long_run(**changed: Any) -> Run:
    """A run that is long enough to stay one."""
    ops = np.zeros(100, np.int32)
    operands = np.zeros(100, np.int64)
    operands[0] = CODES["input"] << SHIFT
    operands[1:] = np.arange(99)
    return Run(**({"start": 0, "operations": (Operation(EXP),), "ops": ops, "operands": operands}
                  | changed))  # fmt: skip


def test_runs_stay_within_their_memories() -> None:
    def with_operand(code: int) -> Run:
        operands = long_run().operands.copy()
        operands[50] = code
        return long_run(operands=operands)

    checked(program(long_run(), returned(X), values=100))
    for what, bad in {
        "writes beyond": program(long_run(), returned(X), values=99),
        "reads beyond the value": program(with_operand(100), returned(X), values=100),
        "reads beyond the input": program(
            with_operand(CODES["input"] << SHIFT | 5), returned(X), values=100
        ),
        "reads beyond the output": program(
            with_operand(CODES["output"] << SHIFT), returned(X), values=100
        ),
        r"value\[70\] is read before": program(with_operand(70), returned(X), values=100),
        "stands inside a loop": program(Loop(1, (long_run(),)), returned(X), values=100),
        "consists of moves": program(long_run(outputs=True), values=100,
                                     results=Structure(ARRAY, (100,))),
    }.items():  # fmt: skip
        with pytest.raises(ProgramError, match=what):
            checked(bad)


@settings(max_examples=60)
@given(worded(), st.data())
def test_a_program_that_passes_can_be_written_out(made: Program, data: st.DataObject) -> None:
    """Move one address at random: refused, or the expansion finds all in place."""
    statements = list(made.statements)
    k = data.draw(st.integers(0, len(statements) - 1))
    if isinstance(statements[k], Assign):
        target = replace(statements[k].target, base=data.draw(st.integers(-2, 40)))
        statements[k] = replace(statements[k], target=target)
    try:
        moved = checked(replace(made, statements=tuple(statements)))
    except ProgramError:
        return
    places: list[int] = []
    for statement in moved.statements:
        places += _targets(statement, ())
    assert len(places) == len(set(places))


def _targets(statement: Any, counts: tuple[int, ...]) -> list[int]:
    if isinstance(statement, Loop):
        return [p for below in statement.body for p in _targets(below, (*counts, statement.count))]
    target = statement.target
    size = target.memory == "value"
    return target.all(counts, np.empty(0, np.int64)).ravel().tolist() if size else []


def test_lookups_are_lookups() -> None:
    odd = Address("input", 0, (), Lookup(0, (1,)))
    with pytest.raises(ProgramError, match="a stride for each"):
        checked(program(assign(value(0), EXP, odd), returned(X)))


# --- sums -----------------------------------------------------------------------------------------


@given(st.integers(0, 10**9), st.booleans())
def test_sums_are_started_and_read_in_full(seed: int, near: bool) -> None:
    found = strewn(seed, near)
    if wrong(found):
        with pytest.raises(ProgramError, match="is read before"):
            checked(found)
    else:
        assert checked(found) is found


def test_a_sum_is_read_after_its_last_term() -> None:
    start = assign(value(0), EXP, X)
    term = Accumulate(value(0), X)
    early = assign(value(1), EXP, value(0))
    checked(program(start, term, term, early, returned(value(1)), values=2))
    with pytest.raises(ProgramError, match=r"The sum value\[0\] is read before its last term"):
        checked(program(start, term, early, term, returned(value(1)), values=2))
    with pytest.raises(ProgramError, match=r"The sum value\[0\] is read before its last term"):
        checked(program(start, Accumulate(value(0), value(0)), returned(X), values=2))
    with pytest.raises(ProgramError, match=r"value\[0\] is read before anything is assigned"):
        checked(program(term, start, returned(X), values=2))


def test_a_while_loop_reads_a_sum_after_its_last_term() -> None:
    def own(base: int) -> Address:
        return Address("w", base, (2,))

    x, total = Address("input", 0, (0,)), value(0, 0)

    def summed(*body: Any, last: Any = ()) -> Program:
        step = (Assign(own(2), EXP, (own(0),)), Assign(own(3), EXP, (own(0),)), *body)
        loop = While("w", (Assign(own(0), None, (x,)), Assign(own(1), None, (x,))), (), own(0),
                     step, last)  # fmt: skip
        return program(assign(value(0), EXP, X), loop, returned(value(0)), values=2)

    checked(summed(Accumulate(own(3), x), Accumulate(own(1), own(0)), Accumulate(total, own(0))))
    checked(summed(Accumulate(total, x), last=(Assign(value(1, 0), EXP, (total,)),)))
    for body in (
        (Accumulate(total, x), Accumulate(own(3), total)),
        (Accumulate(own(3), total), Accumulate(total, x)),
        (Accumulate(own(2), x), Accumulate(own(0), x)),
        (Accumulate(own(3), own(1)), Accumulate(own(1), x)),
    ):
        with pytest.raises(ProgramError, match="is read before its last term"):
            checked(summed(*body))
    with pytest.raises(ProgramError, match=r"w\[9\] is read before anything is assigned"):
        checked(summed(Accumulate(Address("w", 9, (2,)), x)))
