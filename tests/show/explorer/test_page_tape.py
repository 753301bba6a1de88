"""What the page is given: graphs of Values, programs with their loops, and what does not fit."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from show_graphs import chain, network

import wengert as wg
from lesson_graphs import expression
from wengert import DrawError, OperandError, Value
from wengert.show.explorer.behind import behind
from wengert.show.explorer.payload import dumped, payload_of
from wengert.show.explorer.tape import Tape

LIMIT = 150


def tape_of(target: Any, args: Any, limit: int) -> Tape:
    """The tape of whatever can be explored."""
    return behind(target, args, limit).tape


def polynomial(x: Any) -> Any:
    """A loop of 30 rounds."""
    total = 0.0
    for k in range(30):
        total = total + x[k] * x[k + 1]
    return total


def running(x: Any) -> Any:
    """A loop that depends on data."""
    return wg.while_loop(lambda y: y < 100.0, lambda y: y * y, x)


def nested(w: Any, x: Any) -> Any:
    return np.sum(np.tanh(w @ x))


PROGRAMS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "straight": (lambda x, y: wg.sin(x) * y, (1.0, 2.0)),
    "a constant": (lambda x: 3.0 * x, (2.0,)),
    "moved": (lambda x: x, (2.0,)),
    "polynomial": (polynomial, (np.linspace(0.0, 1.0, 31),)),
    "nested": (nested, (np.full((20, 30), 0.01), np.ones(30))),
    "guarded": (lambda x: x * x if x > 1.0 else x, (2.0,)),
    "while": (running, (2.0,)),
    "long": (lambda x: np.sum(x * x), (np.arange(2000.0),)),
}


def titles(tape: Tape) -> list[str]:
    return tape.groups.titles


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_have_the_numbers_that_calling_them_gives(name: str) -> None:
    function, args = PROGRAMS[name]
    tape = tape_of(function, args, LIMIT)
    assert tape.data[tape.roots[0]] == wg.record(function, *args)(*args)
    assert (tape.operands < np.repeat(np.arange(len(tape.ops)), np.diff(tape.starts))).all()


def test_a_program_is_explored_with_its_own_arguments() -> None:
    program = wg.record(lambda x, y: x * y, 1.0, 1.0)
    tape = tape_of(program, (2.0, -3.0), LIMIT)
    assert tape.data[tape.roots[0]] == -6.0
    assert set(tape.labels.values()) == {"x", "y", "program"}
    assert tape_of(wg.grad(lambda x: x**3).program(2.0), (2.0,), LIMIT).data[-1] == 12.0


def test_several_results_are_several_roots() -> None:
    tape = tape_of(lambda x: [x * x, wg.sin(x)], (2.0,), LIMIT)
    assert [tape.data[root] for root in tape.roots] == [4.0, np.sin(2.0)]
    x = Value(2.0)
    assert len(tape_of([x * x, x + 1], (), LIMIT).roots) == 2


def test_loops_are_groups_with_a_group_for_each_round() -> None:
    tape = tape_of(*PROGRAMS["nested"], LIMIT)
    assert {"for i in 20", "i = {}"} <= set(titles(tape))
    inner = [k for k in range(len(tape.groups)) if tape.groups.parent[k] >= 0]
    assert inner
    held = np.bincount(tape.group[tape.group >= 0], minlength=len(tape.groups))
    rounds = tape.groups.kind == titles(tape).index("i = {}")
    assert rounds.sum() == 20
    assert held.max() <= LIMIT


def test_many_rounds_stand_in_ranges() -> None:
    tape = tape_of(*PROGRAMS["long"], LIMIT)
    assert "i from {}, 50 rounds" in titles(tape)
    children = np.bincount(tape.groups.parent + 1)
    assert children.max() <= LIMIT


@pytest.mark.parametrize(
    "root", [network(6, 8, 8), chain(3000), chain(30_000)], ids=["network", "chain", "long chain"]
)
def test_no_group_shows_too_much(root: Value) -> None:
    tape = tape_of(root, (), LIMIT)
    own = np.bincount(tape.group + 1, minlength=len(tape.groups) + 1)
    inner = np.bincount(tape.groups.parent + 1, minlength=len(tape.groups) + 1)
    assert (own + inner).max() <= LIMIT + 60
    assert (tape.groups.parent < np.arange(len(tape.groups))).all()


def test_the_last_values_are_kept_and_their_gradients_are_exact() -> None:
    root = chain(1000)
    whole = tape_of(root, (), LIMIT)
    tape = whole.within(500)
    assert len(tape.ops) <= 500
    assert tape.left_out > 0
    assert len(tape.ops) + tape.left_out == len(whole.ops)
    assert tape.data[tape.roots[0]] == root.data
    assert whole.within(10**6) is whole
    assert repr(wg.explore(root, most=500)) == (
        f"Explorer({len(tape.ops):,} values, {tape.left_out:,} earlier ones left out)"
    )


def test_own_operations_bring_their_partials() -> None:
    x = Value(2.0, label="x")
    out = Value(8.0, (x,), "cube")

    def backward() -> None:
        x.grad += 12.0 * out.grad

    out._backward = backward
    tape = tape_of(out, (), LIMIT)
    assert tape.local == {1: [12.0]}
    assert tape_of(Value(1.0, (x,), "unknown"), (), LIMIT).local == {1: [0.0]}


@pytest.mark.parametrize(
    ("make", "about"),
    [
        (lambda x, y: wg.where(x, y, 2.0), "x1_ where x0_ is not zero, else x2_"),
        (wg.atan2, "angle in radians of the point (x1_, x0_), x0_ given first"),
        (wg.hypot, "length of the hypotenuse, √(x0_² + x1_²) without overflow"),
        (lambda x, y: wg.exp(x), "e to the power x0_"),
    ],
)
def test_what_an_operation_does_is_told_of_its_operands(make: Any, about: str) -> None:
    tape = tape_of(make(Value(1.0), Value(2.0)), (), LIMIT)
    assert [kind["about"] for kind in payload_of(tape, LIMIT)["kinds"]] == [about]


def test_what_is_written_means_nothing_to_html() -> None:
    label = "</script><b>&'\""
    text = dumped(payload_of(tape_of(Value(1.0, label=label) * 2.0, (), LIMIT), LIMIT))
    assert not set("<>&") & set(text)


@pytest.mark.parametrize("target", [3.0, [], [1.0], None, "x"])
def test_targets_of_other_kinds_are_refused(target: Any) -> None:
    with pytest.raises(OperandError, match="explore"):
        wg.explore(target)


def test_arguments_are_for_functions_alone() -> None:
    with pytest.raises(OperandError, match="takes no arguments"):
        wg.explore(expression()["L"], 1.0)
    for options in ({"height": 0}, {"most": 2.5}, {"most": True}):
        with pytest.raises(DrawError, match="is an integer of at least 1"):
            wg.explore(expression()["L"], **options)


def test_pages_are_written_as_html_alone(tmp_path: Any) -> None:
    with pytest.raises(DrawError, match=r"written as \.html"):
        wg.explore(expression()["L"]).save(tmp_path / "page.png")


def test_a_notebook_shows_it_in_a_frame_that_may_run_its_script_and_nothing_else() -> None:
    shown = wg.explore(expression()["L"], height=300)._repr_html_()
    assert shown.startswith("<iframe")
    assert 'sandbox="allow-scripts allow-downloads"' in shown
    assert "height:300px" in shown
    assert shown.count("<") == 2
