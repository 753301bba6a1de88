"""`scope` and `debug_nans`: what they note, when they raise, and who sees them."""

import asyncio
import contextvars
import math
import re
import threading
from typing import Any

import numpy as np
import pytest

import wengert as wg
from awaiting import awaited
from wengert import Value

# --- scope ----------------------------------------------------------------------------------------


def test_a_scope_names_what_is_made_inside() -> None:
    before = Value(1.0)
    with wg.scope("layer1/neuron3"):
        x = Value(2.0)
        y = x * 3.0 + before
        own = Value(1.0, (x,), "own")
    after = y + 1.0
    assert x.scope == y.scope == own.scope == "layer1/neuron3"
    assert {operand.scope for operand in y.operands} == {"layer1/neuron3", ""}
    assert y.operands[0].operands[1].scope == "layer1/neuron3"  # the constant 3.0
    assert before.scope == after.scope == ""


def test_scopes_nest_and_end() -> None:
    with wg.scope("a"):
        with wg.scope("/b/"):
            inner = Value(1.0)
        outer = Value(1.0)
        with wg.scope("c"), wg.scope("d"):
            deep = Value(1.0)
    assert (inner.scope, outer.scope, deep.scope) == ("a/b", "a", "a/c/d")
    assert Value(1.0).scope == ""


def test_a_label_and_a_scope_live_together() -> None:
    with wg.scope("a"):
        x = Value(1.0, label="x")
    assert (x.label, x.scope) == ("x", "a")
    x.label = "y"
    assert x.scope == "a"


def test_an_exception_ends_the_scope() -> None:
    with pytest.raises(KeyError), wg.scope("a"):
        raise KeyError
    assert Value(1.0).scope == ""


def test_a_scope_decorates_a_function() -> None:
    @wg.scope("neuron")
    def neuron(x: Value) -> Value:
        return x * 2.0

    assert neuron(Value(1.0)).scope == "neuron"
    assert neuron(Value(1.0)).scope == "neuron"


@pytest.mark.parametrize("name", ["", "/", "  ", " / ", 3, None])
def test_a_bad_name_is_refused(name: Any) -> None:
    takes = r'scope\(\) takes a name such as "layer1/neuron3"'
    with pytest.raises(wg.GraphError, match=takes), wg.scope(name):
        pass
    assert Value(1.0).scope == ""


def test_threads_and_tasks_do_not_see_each_others_scope() -> None:
    seen: dict[str, str] = {}

    def work() -> None:
        seen["before"] = Value(1.0).scope
        with wg.scope("thread"):
            ready.set()
            go.wait(10)
            seen["within"] = Value(1.0).scope

    ready, go = threading.Event(), threading.Event()
    with wg.scope("main"):
        thread = threading.Thread(target=contextvars.Context().run, args=(work,))
        thread.start()
        ready.wait(10)
        assert Value(1.0).scope == "main"
        go.set()
        thread.join()
    assert seen == {"before": "", "within": "thread"}


def test_asynchronous_tasks_have_scopes_of_their_own() -> None:
    async def task(name: str) -> list[str]:
        with wg.scope(name):
            first = Value(1.0)
            await asyncio.sleep(0)
            second = Value(1.0)
        return [first.scope, second.scope]

    async def main() -> list[list[str]]:
        return list(await asyncio.gather(task("a"), task("b")))

    assert awaited(main()) == [["a", "a"], ["b", "b"]]


# --- debug_nans -----------------------------------------------------------------------------------

BAD_OPERATIONS = [
    (lambda x: wg.log(x - 3.0), "log(v1) made nan from v1 = -1.0"),
    (lambda x: x / 0.0, "div(x, v1) made inf from x = 2.0, v1 = 0.0"),
    (lambda x: wg.exp(x * 1000.0), "exp(v1) made inf from v1 = 2000.0"),
    (lambda x: (x * 0.0) ** -1, "powi(v1) made inf from v1 = 0.0"),
    (lambda x: x * math.inf, "mul(x, v1) made inf from x = 2.0, v1 = inf"),
    (lambda x: np.log(x - 2.0), "log(v1) made -inf from v1 = 0.0"),
]


@pytest.mark.parametrize(("operation", "words"), BAD_OPERATIONS)
def test_the_first_operation_that_is_not_finite_is_named(operation: Any, words: str) -> None:
    x = Value(2.0, label="x")
    with wg.debug_nans(), pytest.raises(wg.NonFiniteError) as caught:
        operation(x)
    assert words in str(caught.value)
    assert re.search(r"\(test_ambient\.py:\d+\)\.$", str(caught.value))


@pytest.mark.parametrize(("operation", "words"), BAD_OPERATIONS)
def test_outside_nothing_raises(operation: Any, words: str) -> None:
    y = operation(Value(2.0))
    assert not math.isfinite(y.data)
    y.backward()


def test_it_is_an_arithmetic_error_and_a_wengert_error() -> None:
    with wg.debug_nans(), pytest.raises(ArithmeticError) as caught:
        Value(1.0) / 0.0
    assert isinstance(caught.value, wg.WengertError)


def test_the_line_is_that_of_the_operation() -> None:
    x = Value(1.0)
    with wg.debug_nans(), pytest.raises(wg.NonFiniteError) as caught:
        x * 2.0 / (
            x * 0.0  # the division ends on this line, and begins on the one above
        )
    first = test_the_line_is_that_of_the_operation.__code__.co_firstlineno
    assert f"(test_ambient.py:{first + 3})" in str(caught.value)


def test_an_operand_used_twice_is_named_once() -> None:
    x = Value(1e300, label="x")
    with wg.debug_nans(), pytest.raises(wg.NonFiniteError, match=r"mul\(x, x\) made inf from x = "):
        x * x


def test_leaves_may_hold_anything() -> None:
    with wg.debug_nans():
        assert math.isnan(Value(math.nan).data)
        x = Value(1.0)
        x.data = math.inf


def test_it_nests_can_be_turned_off_and_ends() -> None:
    x = Value(0.0)
    with wg.debug_nans():
        with wg.debug_nans(False):
            assert (1.0 / x).data == math.inf
            with wg.debug_nans(), pytest.raises(wg.NonFiniteError):
                1.0 / x
        with pytest.raises(wg.NonFiniteError):
            1.0 / x
    assert (1.0 / x).data == math.inf


def test_it_lives_together_with_a_scope() -> None:
    x = Value(0.0)
    with wg.scope("a"), wg.debug_nans(), wg.scope("b"):
        y = x + 1.0
        with pytest.raises(wg.NonFiniteError):
            1.0 / x
    assert y.scope == "a/b"
    with wg.debug_nans():
        assert (x + 1.0).scope == ""


def test_forward_raises_at_the_operation_and_restores() -> None:
    x = Value(1.0, label="x")
    with wg.debug_nans():
        y = wg.log(x)
        z = y * 2.0
        x.data = -1.0
        with pytest.raises(wg.NonFiniteError, match=r"log\(x\) made nan from x = -1.0 \(test_amb"):
            z.forward()
    assert (y.data, z.data) == (0.0, 0.0)
    assert math.isnan(z.forward().data)


def test_it_does_not_reach_into_other_threads() -> None:
    results: list[float] = []
    with wg.debug_nans():
        thread = threading.Thread(
            target=contextvars.Context().run,
            args=(lambda: results.append((1.0 / Value(0.0)).data),),
        )
        thread.start()
        thread.join()
    assert results == [math.inf]


def test_it_works_within_a_thread() -> None:
    caught: list[str] = []

    def work() -> None:
        with wg.debug_nans():
            try:
                1.0 / Value(0.0, label="x")
            except wg.NonFiniteError as error:
                caught.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    assert (1.0 / Value(0.0)).data == math.inf
    thread.join()
    assert len(caught) == 1
    assert "div(v1, x)" in caught[0]
    assert "test_ambient.py" in caught[0]
