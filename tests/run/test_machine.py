"""Instructions of the native engine: what they refuse, and what goes on beside them."""

import threading
import time
from typing import Any

import numpy as np
import pytest
from evaluate import bits, evaluate

import wengert as wg
from wengert.errors import PathChanged
from wengert.program.program import Program
from wengert.program.record import record
from wengert.run.instructions import FIND, GUARD, LEAVE, LOOP, MOVE, RUN, WHILE
from wengert.run.interpret import Interpreter
from wengert.run.machine import Machine
from wengert.value import engine

pytestmark = pytest.mark.skipif(engine == "plain", reason="it is about the native engine")


def machines(interpreter: Interpreter) -> list[Machine]:
    return [each for each in interpreter.names.values() if isinstance(each, Machine)]


def simulated(x: Any, y: Any) -> Any:
    for k in range(300):
        x, y = x + 0.01 * (y - wg.sin(x)), y - 0.02 * x * y + k * 1e-4
    return x, y


def test_what_is_done_in_order_is_done_by_one_machine() -> None:
    program = record(simulated, 0.3, 0.7)
    interpreter = Interpreter(program)
    assert len(machines(interpreter)) == 1
    assert " for " not in interpreter.source
    assert bits(interpreter(np.array([0.1, 0.9]))) == bits(evaluate(program, [0.1, 0.9]))


def pairs(x: Any) -> Any:
    x = list(x)
    for _ in range(10):
        x = [a + 0.01 * sum(wg.tanh(b - a) for b in x) for a in x]
    return sum(x)


def test_small_programs_are_run_in_order_without_a_look_for_arrays() -> None:
    start = np.linspace(0.0, 1.0, 30)
    program = wg.grad(pairs).program(start)
    interpreter = Interpreter(program)
    assert not interpreter.schedule.nests
    assert Interpreter(program, few=6).schedule.nests
    assert bits(interpreter(start)) == bits(Interpreter(program, machines=False)(start))


# --- what is asked of Python ----------------------------------------------------------------------


def odd(x: float) -> float:
    if x > 5.0:
        raise LookupError("too large")
    return x * x


def test_rows_that_c_does_not_know_are_called() -> None:
    square = wg.custom_rule("odd_square", odd, lambda z, x: (2.0 * x,), check=False)

    def function(x: Any) -> Any:
        for _ in range(40):
            x = square(x) * 0.5 + wg.lgamma(x)
        return x

    program = record(function, 0.3)
    interpreter = Interpreter(program)
    assert machines(interpreter)
    assert bits(interpreter(np.array([0.3]))) == bits([function(0.3)])
    with pytest.raises(LookupError, match="too large"):
        interpreter(np.array([7.0]))
    assert bits(interpreter(np.array([0.4]))) == bits([function(0.4)])


def test_rows_of_many_operands_are_left_to_python() -> None:
    many = wg.custom_rule(
        "of_four", lambda a, b, c, d: a + b * c - d, lambda z, a, b, c, d: (1.0, c, b, -1.0)
    )

    def function(x: Any) -> Any:
        for k in range(30):
            x = many(x, 0.5, x, k * 0.1) * 0.9
        return x

    program = record(function, 0.3)
    interpreter = Interpreter(program)
    assert any(getattr(each, "__name__", "") == "<lambda>" for each in interpreter.names.values())
    assert bits(interpreter(np.array([0.3]))) == bits([function(0.3)])


def limited(x: Any) -> Any:
    for k in range(50):
        x = x * 1.01 if x < 2.0 else x * 0.5
        x = x + k * 1e-3
    return x


def test_the_first_guard_that_fails_is_told_with_its_numbers() -> None:
    program = record(limited, 0.5)
    with pytest.raises(PathChanged) as native:
        Interpreter(program)(np.array([1.9]))
    with pytest.raises(PathChanged) as plain:
        Interpreter(program, machines=False)(np.array([1.9]))
    assert str(native.value) == str(plain.value)


def test_other_threads_run_beside_a_long_loop() -> None:
    program = record(lambda x: wg.fori(20_000_000, lambda k, c: c * 0.999999, x), 1.0)
    interpreter = Interpreter(program)
    seen = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            seen.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        interpreter(np.array([1.0]))
    finally:
        stop.set()
        thread.join()
    assert len(seen) > 3


def test_threads_may_share_an_interpreter() -> None:
    program = record(lambda x: wg.fori(300_000, lambda k, c: c + x * 1e-3, x), 1.0)
    interpreter = Interpreter(program)
    given = [float(k) for k in range(4)]
    expected = [bits(interpreter(np.array([x]))) for x in given]
    found: dict[float, Any] = {}

    def work(x: float) -> None:
        found[x] = bits(interpreter(np.array([x])))

    threads = [threading.Thread(target=work, args=(x,)) for x in given]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[x] for x in given] == expected


# --- what does not fit ----------------------------------------------------------------------------


def made(
    code: Any, bases: Any = (0, 1, 2), depth: int = 1, found: Any = (), index: Any = (),
    runs: tuple[Any, ...] = (), roots: int = 3, size: int = 4,
) -> Any:  # fmt: skip
    from wengert import _native
    from wengert.primitives import add, sin

    def table(numbers: Any, width: int) -> Any:
        return np.array(numbers, np.int64).reshape(-1, width)

    return _native.machine(
        table(code, 8), (add, sin), runs,
        (np.array(bases, np.int64), np.zeros((len(bases), depth), np.int64)),
        (table(found, 8), np.zeros((len(found), depth), np.int64),
         np.zeros((len(found), depth), np.int64)),
        np.array(index, np.int64), depth, roots, size, 0,
    )  # fmt: skip


ADDITION = (0, 0, 1, 2, 1, 0, 2, 0)


def run(machine: Any, size: int = 4) -> Any:
    from wengert import _native

    memory = np.arange(float(size))
    _native.run_machine(machine, memory, (), None)
    return memory.tolist()


def test_instructions_by_hand() -> None:
    assert run(made([ADDITION])) == [3.0, 1.0, 2.0, 3.0]
    loop = [(LOOP, 0, 3, 3, 0, 0, 5, 2), (0, 0, 0, 1, 0, 0, 2, 0)]
    assert run(made(loop)) == [5.0, 1.0, 2.0, 3.0]
    assert run(made([(FIND, 0, 0, 0, 0, 0, 0, 0), ADDITION], found=[(0, 3, 1, 4, 0, 0, 0, 0)])) == [
        0.0, 1.0, 2.0, 3.0,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "code",
    [
        (2, 0, 1, 2, 1, 0, 2, 0),  # no such row
        (0, 0, 1, 2, 1, 0, 1, 0),  # add takes two
        (0, 3, 1, 2, 1, 0, 2, 0),  # no such operand
        (0, 0, -1, 2, 1, 0, 2, 0),
        (MOVE, 0, 3, 0, 0, 0, 0, 0),
        (LOOP, 1, 0, 0, 0, 0, 2, 1),  # no such counter
        (LOOP, 0, 0, 4, 0, 0, 2, 1),
        (LOOP, 0, 0, 0, 0, 0, -1, 1),
        (LOOP, 0, 0, 0, 0, 0, 2, 2),  # it ends behind the end
        (WHILE, 0, 0, 0, 2, 1, 1, 1),
        (WHILE, 0, 0, 0, 1, 1, 1, 0),
        (LEAVE, 0, 3, 0, 0, 0, 0, 0),
        (GUARD, 0, 1, 2, 1, 3, 2, 0),
        (GUARD, 0, 1, 2, 1, 0, 4, 0),
        (FIND, 0, 0, 0, 0, 0, 0, 0),  # nothing to find
        (RUN, 0, 0, 0, 0, 0, 0, 0),
        (-8, 0, 0, 0, 0, 0, 0, 0),
    ],
)
def test_instructions_that_do_not_fit_are_refused(code: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="do not fit together"):
        made([code])


def test_loops_around_too_many_loops_are_refused() -> None:
    nest = [(LOOP, 0, 3, 3, 0, 0, 1, 18) for _ in range(18)]
    with pytest.raises(ValueError, match="do not fit together"):
        made(nest)
    with pytest.raises(ValueError, match="do not fit together"):
        made([ADDITION], depth=17)
    with pytest.raises(ValueError, match="do not fit together"):
        made([ADDITION], roots=4)


@pytest.mark.parametrize(
    ("ops", "operations", "starts", "places", "start"),
    [
        ([0], [(2, 2, 0)], [0, 2], [0, 1], 0),  # no such row
        ([0], [(0, 3, 0)], [0, 3], [0, 1, 2], 0),  # add takes two
        ([0], [(MOVE, 2, 0)], [0, 2], [0, 1], 0),
        ([1], [(0, 2, 0)], [0, 2], [0, 1], 0),  # no such operation
        ([0], [(0, 2, 0)], [1, 2], [0, 1], 0),
        ([0], [(0, 2, 0)], [0], [0, 1], 0),
        ([0], [(0, 2, 0)], [0, 2], [0, 4], 0),  # no such place
        ([0], [(0, 2, 0)], [0, 2], [-1, 1], 0),
        ([0], [(0, 2, 0)], [0, 2], [0, 1], 4),
        ([0], [(0, 2, 0)], [0, 2], [0, 1], -1),
    ],
)
def test_straight_stretches_that_do_not_fit_are_refused(
    ops: Any, operations: Any, starts: Any, places: Any, start: int
) -> None:
    def straight(*numbers: Any) -> Any:
        arrays = [np.array(each, np.int64) for each in (*numbers[1:4], [numbers[4]])]
        return np.array(numbers[0], np.int32), *arrays, 0

    with pytest.raises(ValueError, match="do not fit together"):
        made([(RUN, 0, 0, 0, 0, 0, 0, 0)], runs=(straight(ops, operations, starts, places, start),))
    fits = straight([0], [(0, 2, 0)], [0, 2], [1, 2], 3)
    assert run(made([(RUN, 0, 0, 0, 0, 0, 0, 0)], runs=(fits,)))[3] == 3.0


def test_places_outside_of_the_memory_are_never_touched() -> None:
    from wengert import _native

    outside = [
        made([ADDITION], bases=(0, 1, 4)), made([ADDITION], bases=(0, 1, -1)),
        made([(FIND, 0, 0, 0, 0, 0, 0, 0)], found=[(0, 4, 1, 4, 0, 0, 0, 0)]),
        made([(FIND, 0, 0, 0, 0, 0, 0, 0)], found=[(2, 3, 1, 4, 0, 0, 0, 0)]),
        made([(FIND, 0, 0, 0, 0, 0, 0, 0)], found=[(0, 0, 1, 4, 0, 0, 1, 1)], index=[0]),
    ]  # fmt: skip
    for machine in outside:
        with pytest.raises(SystemError, match="outside of the memory"):
            run(machine)
    with pytest.raises(ValueError, match="another memory"):
        run(made([ADDITION]), size=3)
    with pytest.raises(ValueError, match="another memory"):
        _native.run_machine(made([ADDITION]), np.zeros(4), (0,) * 17, None)
    with pytest.raises((TypeError, BufferError)):
        _native.run_machine(made([ADDITION]), b"12345678" * 4, (), None)
    for wrong in (None, object()):
        with pytest.raises((ValueError, TypeError)):
            _native.run_machine(wrong, np.zeros(4), (), None)


def test_a_program_is_run_by_machines_after_it_was_saved(tmp_path: Any) -> None:
    program = record(simulated, 0.3, 0.7)
    program.save(tmp_path / "program.wg")
    again = wg.load(tmp_path / "program.wg")
    assert isinstance(again, Program)
    expected = bits(evaluate(program, [0.2, 0.8]))
    assert bits(Interpreter(again)(np.array([0.2, 0.8]))) == expected
