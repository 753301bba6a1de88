"""Marked loops as statements: recorded, printed, kept in files, simplified, rolled and spliced."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluate import walked

import wengert as wg
from wengert.errors import OperandError, ProgramError
from wengert.program.checkpoint import checkpoint
from wengert.program.invariants import checked
from wengert.program.program import Program
from wengert.program.segments import rounds_kept
from wengert.program.statements import Loop


@checkpoint
def layer(x: Any, y: Any) -> Any:
    """Some operations."""
    return wg.sin(x) * y, x + y


def layered(depth: int) -> Program:
    def function(x: float, y: float) -> float:
        for _ in range(depth):
            x, y = layer(x, y)
        return x * y

    return checked(wg.record(function, 0.3, 0.4))


def in_segments(kept: Any, length: int = 10) -> Program:
    def function(x: float, xs: Any) -> Any:
        (total, count), seen = wg.scan(
            lambda c, each: ((wg.sin(c[0]) * each + x, c[1] + 1.0), c[0]), (x, 0.0), xs,
            checkpoint=kept,
        )  # fmt: skip
        return total * count, seen

    return checked(wg.record(function, 0.3, np.linspace(0.0, 1.0, length), passes=()))


def test_a_block_is_a_marked_loop_of_one_round() -> None:
    (first, outer, _, _) = layered(3000).statements
    assert isinstance(first, Loop)
    assert (first.count, first.again) == (1, True)
    assert isinstance(outer, Loop)
    assert (outer.count, outer.again) == (2999, False)
    (inner,) = outer.body
    assert isinstance(inner, Loop)
    assert (inner.count, inner.again) == (1, True)


def test_loops_that_are_marked_differently_are_not_folded() -> None:
    def function(x: float) -> float:
        for k in range(12):
            x = checkpoint(wg.sin)(x) if k % 2 else wg.sin(x)
        return x

    program = checked(wg.record(function, 0.5))
    assert str(program).count("again") >= 1
    assert walked(program, 0.5) == program(0.5) == function(0.5)


@pytest.mark.parametrize("program", [layered(1), layered(40), in_segments(3), in_segments("sqrt")])
def test_the_mark_is_kept(program: Program, tmp_path: Path) -> None:
    count = str(program).count(" again:")
    assert count
    path = tmp_path / "program.wg"
    program.save(path)
    assert wg.load(path) == program
    assert wg.load(path).key == program.key
    assert str(wg.load(path)).count(" again:") == count
    assert Program.parse(str(program)) == program
    assert str(checked(program.simplify())).count(" again:") == count
    example = (
        [0.3, np.linspace(0.0, 1.0, 10)] if len(program.arguments.parts[1].shape) else [0.3, 0.4]
    )
    spliced = checked(wg.record(lambda *args: program(*args), *example))
    assert " again:" in str(spliced)


def test_the_mark_is_in_drawings() -> None:
    assert "again" in wg.draw(layered(40)).svg


def test_the_mark_is_part_of_what_a_program_is() -> None:
    plain, marked = (Loop(3, (), again) for again in (False, True))
    assert plain != marked
    programs = [in_segments(each) for each in (3, 4)]
    assert programs[0] != programs[1]
    assert programs[0].key != programs[1].key


def test_the_mark_is_true_or_false() -> None:
    program = layered(1)
    with pytest.raises(ProgramError, match="marked `again` or not, and 2 is neither"):
        checked(Program((Loop(1, (), 2),), 0, np.zeros(0), np.zeros(0, np.int64),  # type: ignore[arg-type]
                        program.arguments, program.results))  # fmt: skip


def test_only_a_counted_loop_can_be_marked() -> None:
    text = "program f() -> ()\n\nwhile i in w again:\n    body if 0.0:\n"
    with pytest.raises(ProgramError, match="line 3"):
        Program.parse(text)


# --- segments -------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 2, 5, 10])
@pytest.mark.parametrize("kept", ["sqrt", 1, 2, 3, 5, 9, 10, 99])
def test_rounds_in_segments_are_the_same_rounds(kept: Any, length: int) -> None:
    xs = np.linspace(-1.0, 2.0, length)
    expected = walked(in_segments(None, length), 0.7, xs)
    for found in (walked(in_segments(kept, length), 0.7, xs), in_segments(kept, length)(0.7, xs)):
        assert found[0] == expected[0]
        np.testing.assert_array_equal(found[1], expected[1])


def test_no_rounds_are_no_segments() -> None:
    program = checked(
        wg.record(lambda x: wg.fori(0, lambda i, c: c * 2.0, x, checkpoint="sqrt"), 1.0)
    )
    assert program(3.0) == 3.0


def test_a_loop_without_carry_in_segments() -> None:
    def function(xs: Any) -> Any:
        return wg.scan(lambda c, x: (c, wg.sin(x) * x), (), xs, checkpoint=2)[1]

    xs = np.linspace(0.0, 1.0, 5)
    program = checked(wg.record(function, xs))
    np.testing.assert_array_equal(program(xs), function(xs))


def test_elements_that_are_looked_up_in_segments() -> None:
    def function(xs: Any) -> Any:
        return wg.scan(lambda c, x: (c * x, c), 1.0, xs[[3, 0, 0, 4, 1, 2, 2]], checkpoint=3)

    xs = np.linspace(0.5, 1.5, 5)
    program = checked(wg.record(function, xs, passes=()))
    assert program(xs)[0] == function(xs)[0]
    np.testing.assert_array_equal(program(xs)[1], function(xs)[1])


def test_a_count_that_depends_on_an_argument_keeps_nothing_anyway() -> None:
    def function(x: Any, n: Any) -> Any:
        return wg.fori(n, lambda i, c: wg.sin(c) + x, x, checkpoint="sqrt")

    assert wg.record(function, 0.5, 3.0)(0.5, 7.0) == function(0.5, 7)


def test_how_many_rounds_a_segment_has() -> None:
    assert [rounds_kept("sqrt", n) for n in (0, 1, 2, 4, 10, 10**6)] == [1, 1, 2, 2, 4, 1000]
    assert rounds_kept(7, 100) == 7
    assert rounds_kept(None, 100) is None


@pytest.mark.parametrize("wrong", ["SQRT", "binomial", 0, -1, 2.0, True, ()])
def test_wrong_checkpoints(wrong: Any) -> None:
    message = 'checkpoint= is "sqrt", a positive number of rounds'
    for function in (
        lambda x: wg.fori(3, lambda i, c: c * x, x, checkpoint=wrong),
        lambda x: wg.scan(lambda c, y: (c * y, None), x, length=3, checkpoint=wrong)[0],
    ):
        with pytest.raises(OperandError, match=message):
            function(1.0)
        with pytest.raises(OperandError, match=message):
            wg.record(function, 1.0)


# --- the function ---------------------------------------------------------------------------------


def test_numbers_and_values_notice_nothing() -> None:
    assert layer(0.3, y=0.4) == (np.sin(0.3) * 0.4, 0.7)
    x = wg.Value(0.3)
    found = layer(x, 0.4)[0]
    found.backward()
    assert x.grad == np.cos(0.3) * 0.4
    assert layer.__name__ == "layer"
    assert layer.__doc__ == "Some operations."


def test_what_does_nothing_is_no_block() -> None:
    assert " again" not in str(wg.record(checkpoint(lambda x: x), 1.0))


def test_a_checkpoint_is_made_of_a_function() -> None:
    with pytest.raises(OperandError, match=r"checkpoint\(\) takes a function, not int 3"):
        checkpoint(3)  # type: ignore[arg-type]


def test_an_error_in_a_checkpoint_leaves_no_block() -> None:
    def wrong(x: Any) -> Any:
        raise KeyError(x + 1.0)

    def function(x: Any) -> Any:
        try:
            checkpoint(wrong)(x)
        except KeyError:
            return x * 2.0

    assert wg.record(function, 1.0)(4.0) == 8.0
