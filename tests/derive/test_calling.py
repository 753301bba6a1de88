"""Functions are recorded at each call: branches, state, errors, threads; and what is kept."""

import contextlib
import random
import signal
import sys
import threading
import traceback
from collections import namedtuple
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import wengert as wg
from awaiting import awaited
from interrupts import untraced
from wengert.derive import calling
from wengert.derive.calling import clear_cache, made, recorded, weight_of
from wengert.errors import OperandError, PathChanged, ProgramError
from wengert.program.listing import Listing
from wengert.program.record import listed, record_captured
from wengert.program.recording import RECORDING


@pytest.fixture(autouse=True)
def nothing_stays_behind() -> Iterator[None]:
    clear_cache()
    yield
    assert RECORDING.get() is None
    assert wg.grad(wg.grad(lambda x: x**3))(3.0) == 18.0


# --- the path and the numbers of each call --------------------------------------------------------


def branched(x):
    return x**2 if x > 0 else -(x**3)


def squared_until(x):
    while x < 100:
        x = x * x
    return x


def recursive(x, n):
    return x if n <= 0 else x * recursive(x, n - 1)


def test_branches_are_those_of_the_call() -> None:
    gradient = wg.grad(branched)
    assert [gradient(x) for x in (1.0, -1.0, 2.0, -2.0)] == [2.0, -3.0, 4.0, -12.0]
    gradient = wg.grad(squared_until)
    assert [gradient(x) for x in (200.0, 10.0, 2.0, 5.0, 200.0)] == [1.0, 20.0, 1024.0, 500.0, 1.0]
    assert [wg.grad(recursive)(2.0, n) for n in (0, 1, 2, 5)] == [1.0, 4.0, 12.0, 192.0]
    gradient = wg.grad(lambda x: x ** int(x))
    assert [gradient(x) for x in (1.5, 2.5, 3.5)] == [1.0, 5.0, 36.75]
    assert wg.hessian(branched)(-2.0) == 12.0
    assert wg.jvp(branched, (-2.0,), (1.0,)) == (8.0, -12.0)


FACTOR = 1.0


def test_what_is_around_a_function_may_change(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    def counting(x):
        calls.append(x)
        return x * len(calls)

    gradient = wg.grad(counting)
    assert [gradient(1.0) for _ in range(3)] == [1.0, 2.0, 3.0]
    gradient = wg.grad(lambda x: x * FACTOR)
    for factor in (1.0, 2.0, 0.0, -0.0, np.inf, np.nan, 2):
        monkeypatch.setitem(globals(), "FACTOR", factor)
        np.testing.assert_array_equal(gradient(1.0), factor)
        assert np.signbit(gradient(1.0)) == np.signbit(factor)
    chosen = random.Random(1)
    drawn = [wg.grad(lambda x: x * chosen.random())(1.0) for _ in range(3)]
    chosen = random.Random(1)
    assert drawn == [chosen.random() for _ in range(3)]


def test_what_a_function_is_given_is_its_own() -> None:
    numbers, array, named = [1.0, 2.0], np.array([1.0, 2.0]), {"a": 3.0}

    def of_list(xs):
        xs.append(xs[0] * xs[1])
        xs[0] = 0.0
        return xs[-1]

    def of_array(xs):
        xs[0] = xs[0] * xs[1]
        xs *= 2
        return xs[0] * xs[1]

    def of_dict(p):
        p["b"] = p["a"] ** 2
        return p.pop("b")

    assert wg.grad(of_list)(numbers) == [2.0, 1.0]
    np.testing.assert_array_equal(wg.grad(of_array)(array), [16.0, 16.0])  # of 4ab²
    assert wg.grad(of_dict)(named) == {"a": 6.0}
    assert (numbers, array.tolist(), named) == ([1.0, 2.0], [1.0, 2.0], {"a": 3.0})


def test_equal_lists_of_operations_are_differentiated_once() -> None:
    def power(n):
        return lambda x, y: wg.sin(x) * y**n

    gradient = wg.grad(power(2))
    first = gradient.program(0.5, 2.0)
    assert gradient.program(0.7, -1.0) is first
    assert wg.grad(power(2)).program(0.1, 0.2) is first
    assert wg.grad(power(3)).program(0.1, 0.2) is not first
    assert wg.grad(power(2), 1).program(0.1, 0.2) is not first


def test_a_derivative_shows_the_lines_and_labels_of_its_own_function() -> None:
    def one(x):
        return x * x if x > 0 else x

    def other(x):
        return x * x if x > 0 else x

    other.__name__ = "one"
    lines = []
    for function in (one, other):
        with pytest.raises(PathChanged) as raised:
            wg.grad(function).program(1.0)(-1.0)
        lines.append(function.__code__.co_firstlineno + 1)
        assert f"test_calling.py:{lines[-1]}" in str(raised.value)
    assert lines[0] != lines[1]
    for label in ("area", "height"):
        a = wg.Value(2.0, label="a")
        product = a * a
        product.label = label
        assert label in wg.grad(wg.sin(product) * product).text()


def test_programs_are_told_apart_by_what_they_are() -> None:
    program = wg.record(lambda x: wg.sin(x), 1.0)
    assert wg.grad(program) is wg.grad(program)
    again = wg.record(lambda x: wg.sin(x), 1.0)
    assert wg.grad(again) == wg.grad(program)
    for _ in range(300):  # addresses are used again, and what they stood for is not confused
        assert wg.grad(wg.record(lambda x: wg.cos(x), 1.0))(0.0) == 0.0
        assert wg.grad(wg.record(lambda x: wg.sin(x), 1.0))(0.0) == 1.0


First, Second = namedtuple("First", "a b"), namedtuple("Second", "a b")
DIFFERENT = [  # one function beside another that leaves nearly the same list
    (lambda x: First(x, x), lambda x: Second(x, x)),
    (lambda x: (x, x), lambda x: [x, x]),
    (lambda x: {1: x}, lambda x: {"1": x}),
    (lambda x: {"a": x, "b": 2 * x}, lambda x: {"b": 2 * x, "a": x}),
    (lambda x: (x, True), lambda x: (x, "True")),
    (lambda x: x * 0.0, lambda x: x * -0.0),
    (lambda x: x**2.0, lambda x: x**2.5),
    (lambda x: wg.sin(x), lambda x: wg.cos(x)),
    (lambda x: (x, 2 * x), lambda x: (2 * x, x)),
    (lambda x: 1.0 * x, lambda x: 2.0 * x),
    (lambda x: np.array([[x, x]]), lambda x: np.array([[x], [x]])),
    (lambda x: x if x > 0.0 else -x, lambda x: x if x > 0.5 else -x),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_functions_are_not_confused(one: Any, other: Any) -> None:
    keys = [listed(function, (1.0,))[0].key() for function in (one, other, one)]
    assert keys[0] == keys[2] != keys[1]
    for function in (one, other, one):
        y, slope = wg.jvp(function, (1.0,), (1.0,))
        assert repr(y) == repr(record_captured(function, (1.0,))[0](1.0))
        assert repr(slope) == repr(wg.linearize(function, 1.0)[1](1.0))


def test_what_a_recording_left_is_the_program() -> None:
    def f(x, y):
        return {"a": [x * y, 2.0], "b": wg.exp(x) if x > 0 else y}

    listing, captured = listed(f, (1.0, 2.0))
    assert isinstance(listing, Listing)
    assert captured == []
    assert listing.program() == wg.record(f, 1.0, 2.0, passes=())
    assert recorded(f, (1.0, 2.0))[0] is recorded(f, (3.0, 4.0))[0]
    looped = listed(lambda x: wg.fori(3, lambda i, z: z * x, x), (1.0,))[0]
    assert looped.key() is None  # its program is looked up
    assert wg.grad(lambda x: wg.fori(3, lambda i, z: z * x, x))(2.0) == 32.0


# --- what is kept ---------------------------------------------------------------------------------


def polynomial(degree: int) -> Any:
    def f(x):
        total = x
        for k in range(degree):
            total = total * x + float(k % 7) * wg.sin(total + degree)
        return total

    return f


def test_the_least_recently_used_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "KEPT", 6)
    kept = wg.grad(polynomial(1)).program(1.0)
    for degree in range(2, 12):
        wg.grad(polynomial(degree))(1.0)
        assert len(made) <= 6
        assert wg.grad(polynomial(1)).program(1.0) is kept
    assert made.weight == sum(weight for _, weight, _ in made._known.values())
    clear_cache()
    assert (len(made), made.weight) == (0, 0)
    assert wg.grad(polynomial(1)).program(1.0) is not kept


def test_large_programs_are_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "ROOM", 2000)
    for degree in range(1, 40):
        wg.grad(polynomial(degree))(1.0)
        assert made.weight <= 2000 or len(made) <= calling.LATEST
    assert made.weight == sum(weight for _, weight, _ in made._known.values())
    monkeypatch.setattr(calling, "ROOM", 0)
    third = wg.grad(wg.grad(wg.grad(polynomial(30))))
    assert third.program(1.0) is third.program(2.0)  # one call is kept, however large
    assert len(made) == calling.LATEST


def test_sparse_derivatives_have_a_weight() -> None:
    x = np.ones(1000)
    compressed = wg.jacobian(lambda x: x[1:] * x[:-1], sparse=True).compressed(x)
    assert compressed.weight == weight_of(compressed)
    assert compressed.weight >= 1998 + 2 * 1000
    program = wg.record(lambda x: x[1:] * x[:-1], x)
    assert weight_of(program) >= 999 + 1000 + 999  # its memories count, and not its loops alone


# --- errors ---------------------------------------------------------------------------------------


class OwnError(Exception):
    pass


def failing(x):
    x = x * 2
    raise OwnError("mine")


def test_an_error_shows_where_the_user_made_it() -> None:
    for transform in (wg.grad, wg.jacobian, wg.hessian, lambda f: wg.grad(wg.grad(f))):
        with pytest.raises(OwnError) as raised:
            transform(failing)(1.0)
        assert traceback.extract_tb(raised.tb)[-1].name == "failing"
        assert raised.value.__cause__ is None
        assert RECORDING.get() is None


def test_errors_that_are_caught_inside() -> None:
    def caught(x):
        for attempt in (
            lambda: wg.grad(failing)(x),
            lambda: wg.grad(lambda y: (y * x, failing(y)))(x),
            lambda: wg.fori(3, lambda i, z: failing(z), x),
            lambda: wg.while_loop(lambda z: failing(z), lambda z: z, x),
        ):
            with contextlib.suppress(OwnError):
                attempt()
        return x * x

    assert wg.grad(caught)(3.0) == 6.0
    assert wg.jacobian(wg.grad(caught))(3.0) == 2.0


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError])
def test_whatever_is_raised_leaves_things_usable(error: type[BaseException]) -> None:
    def stopped(x):
        x = x * 2
        raise error

    for function in (stopped, lambda x: wg.fori(3, lambda i, z: stopped(z), x)):
        with pytest.raises(error):
            wg.grad(wg.grad(function))(1.0)
        assert RECORDING.get() is None


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no such signals here")
def test_an_interrupt_while_recording() -> None:
    def long(x):
        while True:
            x = x * 1.0000001

    def interrupt(*given: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with untraced():
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(KeyboardInterrupt):
                wg.grad(long)(1.0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def test_recursion() -> None:
    def endless(x):
        return endless(x * 1.0)

    with pytest.raises(RecursionError):
        wg.grad(endless)(1.0)
    assert wg.grad(recursive)(1.0, 400) == 401.0


def test_generators_and_coroutines() -> None:
    def generator(x):
        yield x

    async def coroutine(x):
        return x

    async def awaiting(x):
        return wg.grad(branched)(x)

    for function in (generator, lambda x: iter([x])):
        with pytest.raises(OperandError, match="the result of .* is (generator|list_iterator)"):
            wg.grad(function)(1.0)
    started = coroutine(1.0)
    with pytest.raises(OperandError, match="is coroutine"):
        wg.grad(lambda x: started)(1.0)
    started.close()
    assert awaited(awaiting(3.0)) == 6.0


def test_operands_that_are_kept_are_no_numbers_any_more() -> None:
    kept: list[Any] = []

    def keeping(x):
        kept.append(x)
        kept.append(wg.vjp(lambda y: y * y * x, x)[1])
        return x * x

    assert wg.grad(keeping)(2.0) == 4.0
    x, pullback = kept
    with pytest.raises(ProgramError, match="belongs to a recording that has ended"):
        x * 2
    with pytest.raises(ProgramError, match="belongs to a recording that has ended"):
        pullback(1.0)
    with pytest.raises(ProgramError, match="operand of another recording"):
        wg.grad(lambda y: y * x)(1.0)


def test_what_takes_operands_of_a_recording_is_no_program() -> None:
    def inner(x):
        wg.grad(lambda y: y * x).program(1.0)
        return x

    with pytest.raises(OperandError, match="A program stands alone"):
        wg.grad(inner)(2.0)


# --- many -----------------------------------------------------------------------------------------


def test_many_arguments() -> None:
    ones = [1.0] * 2000
    found = wg.grad(lambda *xs: sum(xs) * xs[0], tuple(range(2000)))(*ones)
    assert found == (2001.0, *ones[1:])
    assert wg.grad(lambda xs: sum(xs))([2.0] * 20_000) == [1.0] * 20_000


def test_threads_at_once() -> None:
    wrong: list[Any] = []
    before = sys.getswitchinterval()

    def work(k: int) -> None:
        for n in range(25):
            x = 0.1 * k + 0.01 * n

            def slope(x: Any) -> Any:
                return wg.grad(lambda y: wg.sin(y * k) * x)(x)

            expected = k * np.cos(k * x) - k * k * x * np.sin(k * x)
            if abs(wg.grad(slope)(x) - expected) > 1e-12:
                wrong.append((k, n))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 7)]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not wrong
    assert made.weight == sum(weight for _, weight, _ in made._known.values())


def test_what_is_scattered_is_derived_as_a_list():
    """Its loops would be groups of few items; `record` finds them all the same."""
    rng = random.Random(0)
    plan = [(rng.random() < 0.5, -1 - rng.randrange(300), -1 - rng.randrange(300))
            for _ in range(2000)]  # fmt: skip

    def scattered(x):
        values = [x * (k + 1.0) for k in range(300)]
        for product, one, other in plan:
            a, b = values[one], values[other]
            values.append(a * b * 0.01 if product else wg.sin(a - b))
        return values[-1] + values[-2]

    program, _ = recorded(scattered, (0.5,))
    assert program.size >= len(program)
    assert wg.record(scattered, 0.5).size < len(program) / 2
    assert wg.record(scattered, 0.5)(0.7) == program(0.7) == scattered(0.7)
    rolled = wg.grad(wg.record(scattered, 0.5))(0.7)
    assert wg.grad(scattered)(0.7) == pytest.approx(rolled, rel=1e-12)
