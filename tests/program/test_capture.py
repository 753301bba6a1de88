"""Recordings inside recordings: operands of the outer ones are captured as further inputs."""

from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pytest
from evaluate import bits, walked
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import NATIVE, PLAIN, TWINS, details, items, memory_errors, recorded

import wengert as wg
from wengert import primitives
from wengert.errors import OperandError, ProgramError
from wengert.program import record as module
from wengert.program.address import INPUT, Address
from wengert.program.invariants import checked
from wengert.program.program import Program
from wengert.program.record import record_captured
from wengert.program.recording import RECORDING
from wengert.program.statements import Assign, Guard, Loop, walk

twin = pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS)
NUMBERS = st.floats(-3.0, 3.0, allow_subnormal=False)
Call = Callable[..., Any]


def direct(function: Call, *args: Any) -> Any:
    """What calling a function inside a recording gives when nothing is recorded for itself."""
    return function(*args)


def nested(function: Call, *args: Any) -> Any:
    """The same with a recording of its own, whose program is called in its place."""
    program, captured = record_captured(function, args)
    return checked(program)(*args, *captured)


def inside(
    twin: Any, function: Callable[[Any], Any], *outer: float
) -> tuple[Program, list[Any], Program]:
    """The program of an inner function that `function` makes, what it captured, the outer one."""
    found: list[Any] = []

    def around(*xs: Any) -> Any:
        inner, *example = function(*xs)
        found.extend(record_captured(inner, example, passes=()))
        return xs[0]

    with mock.patch.object(module, "Tape", twin):
        program = module.record(around, *outer, passes=())
    return found[0], found[1], program


# --- what is captured -----------------------------------------------------------------------------


@twin
def test_an_operand_of_the_outer_recording_is_a_further_input(twin: Any) -> None:
    program, captured, outer = inside(twin, lambda x, y: (lambda z: x * z + y * x, 5.0), 2.0, 3.0)
    assert [slot.name for slot in program.inputs] == ["z", "captured0", "captured1"]
    first, second, _ = items(program)
    assert first.operands == (Address(INPUT, 1), Address(INPUT, 0))
    assert second.operands[1] == Address(INPUT, 2)  # y * x is an operation of the outer function
    assert [operand._data for operand in captured] == [2.0, 6.0]
    assert walked(program, 5.0, 2.0, 6.0) == program(5.0, 2.0, 6.0) == 16.0
    assert [item.row for item in items(outer)] == [primitives.mul, None]


@twin
def test_each_operand_is_captured_once(twin: Any) -> None:
    def function(x: Any, y: Any) -> Any:
        again = x + 0.0

        def inner(z: Any) -> Any:
            return z * x * again * x, again - z, x, [y, y]

        return inner, 1.0

    program, captured, _ = inside(twin, function, 2.0, 3.0)
    assert [operand._data for operand in captured] == [2.0, 2.0, 3.0]
    assert len({operand._code for operand in captured}) == 3
    assert program(1.0, 10.0, 100.0, 7.0) == (10000.0, 99.0, 10.0, [7.0, 7.0])


def test_both_twins_write_the_same_down() -> None:
    def function(x: Any, y: Any) -> Any:
        def inner(zs: Any) -> Any:
            total = wg.sum([*zs, x, y, 2.0]) + wg.dot([x, zs[0]], [zs[1], y])
            if total > x or x < y:
                total = total - wg.hypot(y, zs[1]) ** x + x ** zs[0]
            both = (x > 1.0) & (zs[0] > 1.0)
            return wg.where(both, total // y, y % zs[0]), wg.prod([x, y, zs[0]]), wg.sum([x, y])

        return inner, [2.0, 0.5]

    plain, chosen = (inside(each, function, 1.5, 2.5) for each in (PLAIN, NATIVE))
    assert details(plain[0]) == details(chosen[0])
    assert details(plain[2]) == details(chosen[2])
    assert [operand._code for operand in plain[1]] == [operand._code for operand in chosen[1]]


@twin
def test_decisions_on_outer_operands_are_guards_of_the_outer_program(twin: Any) -> None:
    def function(x: Any, y: Any) -> Any:
        def inner(z: Any) -> Any:
            if x > 1.0:
                z = z * int(y)
            return z if z > x and hash(x) else -z

        return inner, 4.0

    program, captured, outer = inside(twin, function, 2.0, 3.7)
    guards = [item for item in items(program) if isinstance(item, Guard)]
    assert [guard.row for guard in guards] == [primitives.greater]
    assert guards[0].operands[1] == Address(INPUT, 1)
    rows = [item.row for item in items(outer) if isinstance(item, Guard)]
    assert rows == [primitives.greater, primitives.trunc, primitives.equal]
    assert len(captured) == 1


@twin
def test_answers_of_comparisons_stay_answers(twin: Any) -> None:
    program, captured, _ = inside(
        twin, lambda x, y: (lambda z, t=x > y: (t & (z > 0.0), t ^ (z > 0.0)), 1.0), 2.0, 3.0
    )
    assert [operand._is_truth for operand in captured] == [True]
    assert program(1.0, 0.0) == (0.0, 1.0)


@twin
def test_labels_of_captured_operands_are_those_of_the_outer_program(twin: Any) -> None:
    def function(x: Any, y: Any) -> Any:
        s = x * y

        def inner(z: Any) -> Any:
            s.label = "s"
            t = s * z
            t.label = "t"
            return t

        return inner, 1.0

    program, _, outer = inside(twin, function, 2.0, 3.0)
    assert [item.label for item in items(program)] == ["t", ""]
    assert [item.label for item in items(outer)] == ["s", ""]


def test_names_of_arguments_are_kept_apart_from_those_of_captured_operands() -> None:
    found = []

    def outer(x: Any, y: Any) -> Any:
        found.append(record_captured(lambda captured0, captured2: x + captured0 * y, (1.0, 2.0)))
        return x

    wg.record(outer, 1.0, 2.0)
    ((program, _),) = found
    assert program.arguments.keys == ("captured0", "captured2", "captured1", "captured3")


def test_without_anything_to_capture_it_is_a_recording_like_any_other() -> None:
    def power(x: Any, n: int) -> Any:
        return x ** int(n)

    program, captured = record_captured(power, (2.0, 3.0))
    assert captured == []
    assert program == wg.record(power, 2.0, 3.0)
    assert RECORDING.get() is None


def test_the_example_may_be_given_in_operands_and_values() -> None:
    found: list[Any] = []

    def outer(x: Any) -> Any:
        found.append(record_captured(lambda a, b: a * b[0] if a > 2.0 else b[1], (x, [x * x, 2])))
        return x

    wg.record(outer, 3.0)
    ((program, captured),) = found
    assert captured == []
    assert program(5.0, [2.0, 9.0]) == 10.0
    program, _ = record_captured(lambda a: a if a > 2.0 else -a, (wg.Value(1.0),))
    assert program(0.5) == -0.5
    with pytest.raises(OperandError, match="takes real numbers"):
        record_captured(lambda a: a, (np.array(["1"], dtype=object),))
    with pytest.raises(OperandError, match="sequence of functions"):
        record_captured(lambda a: a, (1.0,), passes=3)  # type: ignore[arg-type]


# --- in loops, and loops in it --------------------------------------------------------------------


def loops_inside(call: Call, x: Any, y: Any, zs: Any) -> Any:
    """Stated loops in the inner recording over outer operands."""

    def inner(a: Any) -> Any:
        total, steps = wg.scan(lambda c, e: (c * x + e * a, c - y), y, np.array([x, a, *zs]))
        turns = wg.fori(3, lambda i, c: c + i * x, a)
        until = wg.while_loop(lambda c: c < y + 9.0, lambda c: c + x * x + 1.0, y)
        return total, steps, turns + until

    total, steps, rest = call(inner, x * y)
    return total + x, [*steps], rest


def inside_loops(call: Call, x: Any, y: Any, zs: Any) -> Any:
    """An inner recording in the body of the outer one's loops: cells are captured."""

    def step(c: Any, e: Any) -> Any:
        return call(lambda a: a * x + c * e, c + y), c * 0.5

    total, all_of = wg.scan(step, y, zs)
    until = wg.while_loop(
        lambda c: c[0] < 6.0,
        lambda c: (c[0] + 1.0, call(lambda a: wg.scan(lambda s, e: (s + e * c[0], None), a,
                                                      np.array([a, x, c[1]]))[0], c[1] * 0.5)),
        (1.0, total * 0.01),
    )  # fmt: skip
    return total, [*all_of], until


def three_deep(call: Call, x: Any, y: Any, zs: Any) -> Any:
    """An operand of the outermost recording is used in the innermost one, beside all others."""

    def middle(a: Any) -> Any:
        b = a * y

        def inner(c: Any) -> Any:
            d = c * b + x

            def innermost(e: Any) -> Any:
                return e * d * x + b * y - a * x

            return call(innermost, c) + zs[0], d

        result, d = call(inner, x * a)
        return result * a, d, zs

    return call(middle, y), call(middle, x)


def object_arrays(call: Call, x: Any, y: Any, zs: Any) -> Any:
    """NumPy on arrays of operands of both."""

    def inner(m: Any) -> Any:
        both = np.array([[x, y], [m[0], 2.0]], dtype=object)
        return both @ both + np.array([zs[0], m[1]], dtype=object), wg.sum(wg.sin(both))

    return call(inner, np.array([x + y, x - y]))


SCENARIOS = [loops_inside, inside_loops, three_deep, object_arrays]


def flat(tree: Any) -> list[float]:
    if isinstance(tree, np.ndarray):
        return flat(tree.tolist())
    if isinstance(tree, tuple | list):
        return [number for each in tree for number in flat(each)]
    return [float(tree)]


@pytest.mark.parametrize("scenario", SCENARIOS)
@given(
    example=st.tuples(NUMBERS, NUMBERS), other=st.tuples(NUMBERS, NUMBERS),
    zs=st.lists(NUMBERS, min_size=3, max_size=3),
)  # fmt: skip
@settings(max_examples=12, deadline=None)
def test_an_inner_recording_changes_no_number(
    scenario: Call, example: tuple[float, float], other: tuple[float, float], zs: list[float]
) -> None:
    expected = bits(flat(scenario(direct, *other, np.array(zs))))
    assert bits(flat(scenario(nested, *other, np.array(zs)))) == expected
    program = checked(
        wg.record(lambda *args: scenario(nested, *args), *example, np.ones(3), passes=())
    )
    for each in (program, wg.record(lambda *a: scenario(nested, *a), *example, np.ones(3))):
        assert bits(flat(each(*other, np.array(zs)))) == expected
    assert bits(flat(walked(program, *other, np.array(zs)))) == expected
    assert bits(flat(checked(program.simplify())(*other, np.array(zs)))) == expected


@pytest.mark.parametrize("scenario", SCENARIOS)
@twin
def test_scenarios_are_recorded_alike(scenario: Call, twin: Any) -> None:
    def run(*args: Any) -> Any:
        return scenario(nested, *args)

    programs = []
    for each in (PLAIN, twin):
        with mock.patch.object(module, "Tape", each):
            programs.append(module.record(run, 1.5, -0.5, np.ones(3)))
    assert programs[0] == programs[1]
    assert str(programs[0]) == str(programs[1])


def test_a_long_loop_in_an_inner_recording_knows_its_numbers() -> None:
    """Its trial is run as a program, which takes the captured operands too."""

    def outer(x: Any, y: Any) -> Any:
        def inner(z: Any) -> Any:
            return wg.fori(5000, lambda i, c: c * y + x * 1e-3, z)

        return nested(inner, x)

    shown = []
    program = wg.record(lambda x, y: shown.append(outer(x, y)) or outer(x, y), 1.0, 0.5)
    expected = outer(1.0, 0.5)
    assert shown[0]._data == expected
    assert program(1.0, 0.5) == expected


def test_a_captured_operand_of_the_outer_loop_goes_through_the_inner_one() -> None:
    """The inner loop stays a loop, inside the outer one."""

    def outer(xs: Any) -> Any:
        def step(c: Any, x: Any) -> Any:
            return nested(lambda a: wg.fori(4, lambda i, s: s * x + c, a), x), None

        return wg.scan(step, 1.0, xs)[0]

    program = wg.record(outer, np.ones(6))
    depths = {len(around) for _, around in walk(program.statements)}
    assert depths >= {1, 2}
    assert all(isinstance(loop, Loop) for _, around in walk(program.statements) for loop in around)


# --- what is refused ------------------------------------------------------------------------------


@twin
def test_operands_of_a_recording_that_is_over_are_refused(twin: Any) -> None:
    kept: list[Any] = []
    recorded(twin, lambda x: kept.append(x * 2.0), 1.0)
    (old,) = kept
    for use in (
        lambda z: z * old, lambda z: old < z, lambda z: wg.hypot(z, old), lambda z: old,
        lambda z: wg.sum([z, old]), lambda z: wg.dot([z, old], [z, z]), lambda z: z**old,
        lambda z: np.array([z, old]), lambda z: wg.scan(lambda c, e: (c + e, None), z, [old])[0],
    ):  # fmt: skip
        with pytest.raises(ProgramError, match="operand of another recording"):
            inside(twin, lambda x, use=use: (use, 1.0), 1.0)
    with pytest.raises(ProgramError, match="has ended"):
        inside(twin, lambda x: (lambda z: old * 2.0, 1.0), 1.0)


@twin
def test_operands_of_an_inner_recording_end_with_it(twin: Any) -> None:
    kept: list[Any] = []

    def outer(x: Any) -> Any:
        record_captured(lambda z: kept.append(z * x), (2.0,))
        return x * kept[0]

    with (
        mock.patch.object(module, "Tape", twin),
        pytest.raises(ProgramError, match=r"operand of another recording|has ended"),
    ):
        module.record(outer, 1.0)


@twin
def test_recordings_side_by_side_do_not_mix(twin: Any) -> None:
    tapes = [twin([1.0]), twin([2.0])]
    (x,), (y,) = (tape.inputs() for tape in tapes)
    for use in (lambda: x * y, lambda: x < y, lambda: wg.sum([x, y]), lambda: tapes[0].own(y, "f")):
        with pytest.raises(ProgramError, match="operand of another recording"):
            use()


@twin
@pytest.mark.parametrize(
    "use",
    [
        lambda x, z: x * z, lambda x, z: z - x, lambda x, z: x <= z, lambda x, z: x,
        lambda x, z: wg.fma(z, x, z), lambda x, z: wg.sum([x, z]), lambda x, z: z**x,
        lambda x, z: wg.fori(2, lambda i, c: c + z, x),
    ],
)  # fmt: skip
def test_record_makes_programs_that_stand_alone(twin: Any, use: Call) -> None:
    words = r"\(\) meets an operand of the recording around this one.*Make it an argument"
    with pytest.raises(ProgramError, match=words):
        recorded(twin, lambda x: recorded(twin, lambda z: use(x, z), 1.0), 2.0)


def test_the_remedy_that_is_named_works() -> None:
    def outer(x: Any) -> Any:
        return wg.record(lambda x, y: x * y, 1.0, 2.0)(x, x + 1.0)

    assert wg.record(outer, 3.0)(4.0) == 20.0


@twin
def test_leak_rules_hold_through_captures(twin: Any) -> None:
    def out_of_the_outer_body(x: Any) -> Any:
        kept: list[Any] = []
        wg.scan(lambda c, e: (kept.append(c * e) or c, None), x, [1.0, 2.0])
        return nested(lambda z: z * kept[0], x)

    def out_of_the_inner_body(x: Any) -> Any:
        def inner(z: Any) -> Any:
            kept: list[Any] = []
            wg.scan(lambda c, e: (kept.append(c * x) or c, None), z, [1.0, 2.0])
            return kept[0]

        return nested(inner, x)

    for leak in (out_of_the_outer_body, out_of_the_inner_body):
        with (
            mock.patch.object(module, "Tape", twin),
            pytest.raises(ProgramError, match="is used outside of it"),
        ):
            module.record(leak, 1.0)


@twin
def test_values_stay_refused(twin: Any) -> None:
    with pytest.raises(OperandError, match=r"meets a Value.*x\.data"):
        inside(twin, lambda x: (lambda z: x * z * wg.Value(1.0), 1.0), 1.0)


def test_an_inner_recording_that_fails_leaves_the_outer_one_as_it_was() -> None:
    def outer(x: Any) -> Any:
        with pytest.raises(ZeroDivisionError):
            record_captured(lambda z: z * x * (1 // 0), (1.0,))
        assert RECORDING.get() is x._tape
        return x + 1.0

    program = wg.record(outer, 1.0)
    assert [type(item) for item, _ in walk(program.statements)] == [Assign, Assign]


OUT_OF_MEMORY = """
from wengert.program.capture import Captured
from wengert.program.recorder import Tape

def work():
    outer, tape = Tape([1.0, 2.0]), Tape([3.0])
    tape.outer, tape.captured = outer, Captured()
    (x, y), (z,) = outer.inputs(), tape.inputs()
    assert (x * z - y % z)._code == 2
    assert (x < z)._tape is tape
"""


@pytest.mark.skipif(NATIVE is PLAIN, reason="the plain engine is in use")
def test_running_out_of_memory_is_an_error_and_nothing_worse() -> None:
    assert memory_errors(OUT_OF_MEMORY, 200) > 20
