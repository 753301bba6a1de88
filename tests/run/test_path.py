"""What a user is told when a recording does not hold for new inputs."""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.program.record import PASSES
from wengert.run.interpret import Interpreter


def message(function: Callable[..., Any], example: Any, now: Any, passes: Any = PASSES) -> str:
    """The same from the walker and from the interpreter."""
    found = wg.record(function, *example, passes=passes)
    with pytest.raises(wg.PathChanged) as caught:
        found(*now)
    with pytest.raises(wg.PathChanged) as again:
        Interpreter(found)(found.arguments.numbers(now))
    assert str(again.value) == str(caught.value)
    return str(caught.value)


def test_a_changed_comparison_is_told_with_both_values_the_line_and_what_to_do() -> None:
    def choose(x: Any) -> Any:
        return x + 1.0 if x < 2.0 else x

    line = choose.__code__.co_firstlineno + 1
    assert message(choose, (1.0,), (3.0,)) == (
        "the recorded path no longer holds: x < 2.0 was true when recorded, and 3.0 < 2.0 is false "
        f"(test_path.py:{line}). Record the function again for these inputs. What may go either "
        "way is written with wg.where, wg.maximum or wg.minimum, which record both ways, and a "
        "loop that ends by a comparison with wg.while_loop."
    )
    assert "2.0 < 2.0 is false" in message(choose, (1.0,), (2.0,))
    assert "nan < 2.0 is false" in message(choose, (1.0,), (math.nan,))
    assert "x < 2.0 was false when recorded, and 1.0 < 2.0 is true" in message(
        choose, (math.nan,), (1.0,)
    )


def test_what_a_message_calls_the_operands() -> None:
    def choose(x: Any, rest: Any) -> Any:
        return x if rest[1] > x * 2 else rest[0]

    said = message(choose, (1.0, [2.0, 3.0]), (2.0, [2.0, 3.0]))
    assert "rest.1 > a computed number was true when recorded, and 3.0 > 4.0 is false" in said
    said = message(lambda x: x[0] if x[1] > 0 else 1.0, (np.ones(2),), (-np.ones(2),))
    assert "x[1] > 0.0 was true when recorded, and -1.0 > 0.0 is false" in said
    said = message(lambda x: x[0, 0] if x[1, 0] else 1.0, (np.ones((2, 2)),), (np.eye(2),))
    assert "x[1, 0] != 0.0 was true when recorded, and 0.0 != 0.0 is false" in said


@pytest.mark.parametrize(
    ("convert", "says"),
    [
        (int, "int(x) was 3 when recorded, and int(4.25) is 4"),
        (round, "round(x) was 3 when recorded, and round(4.25) is 4"),
        (math.floor, "math.floor(x) was 3 when recorded, and math.floor(4.25) is 4"),
        (math.ceil, "math.ceil(x) was 3 when recorded, and math.ceil(4.25) is 5"),
    ],
)
def test_a_changed_integer_is_told(convert: Any, says: str) -> None:
    said = message(lambda x: x * (convert(x) == 3), (3.0,), (4.25,))
    assert said.startswith(f"the recorded path no longer holds: {says} (test_path.py:")
    assert said.endswith("can be left open with wg.fori or wg.while_loop.")


def test_a_number_that_is_no_integer_any_more_is_told() -> None:
    said = message(lambda x: x * int(x), (3.0,), (math.nan,))
    assert "int(x) was 3 when recorded, and int(nan) is nan" in said
    assert "and int(inf) is inf" in message(lambda x: x * int(x), (3.0,), (math.inf,))


@pytest.mark.parametrize(
    "use",
    [
        lambda x: 10.0 * "abcd".index("abcd"[x]),
        lambda x: sum(range(x)) + x,
        lambda x: {3.0: x}.get(x, 1.0),
        lambda x: [x, x, x, x][x],
    ],
    ids=["index", "range", "key", "of a list"],
)
def test_a_changed_index_count_or_key_is_told(use: Any) -> None:
    said = message(use, (3.0,), (2.0,))
    assert "x == 3.0 was true when recorded, and 2.0 == 3.0 is false (test_path.py:" in said
    assert "An index, a count or a key is fixed in a recording." in said


@pytest.mark.parametrize("passes", [PASSES, ()])
def test_which_of_many_decisions_of_a_line_it_was(passes: Any) -> None:
    def clipped(xs: Any) -> Any:
        total = 0.0
        for x in xs:
            if x > 0.0:
                total = total + x
        return total

    xs = np.ones(300)
    xs[217] = -1.0
    said = message(clipped, (np.ones(300),), (xs,), passes)
    line = clipped.__code__.co_firstlineno + 3
    assert "xs[217] > 0.0 was true when recorded, and -1.0 > 0.0 is false" in said
    assert f"(test_path.py:{line}, decision 218 of 300 there)" in said


def test_the_largest_and_sorting_compare() -> None:
    said = message(lambda x, y: max(x, y), (1.0, 2.0), (3.0, 2.0))
    assert "y > x was true when recorded, and 2.0 > 3.0 is false" in said
    assert "wg.maximum" in said
    said = message(lambda xs: sorted(xs)[0], (np.arange(4.0),), (np.arange(4.0)[::-1],))
    assert "xs[1] < xs[0] was false when recorded, and 2.0 < 3.0 is true" in said


def test_a_while_of_python_is_told_by_its_line() -> None:
    def root(a: Any) -> Any:
        x = a
        while abs(x * x - a) > 1e-9:
            x = 0.5 * (x + a / x)
        return x

    line = root.__code__.co_firstlineno + 2
    said = message(root, (2.0,), (200.0,))
    assert re.search(rf"> 1e-09 is true \(test_path.py:{line}, decision (\d) of \1 there\)", said)


def test_a_guard_in_a_long_stretch_is_told() -> None:
    def code(x: Any) -> Any:
        for _ in range(500):
            x = x * 1.5
        return x if x < 1e300 else 1.0

    assert "was true when recorded, and inf < 1e+300 is false (test_path.py:" in message(
        code, (1.0,), (1e300,), ()
    )


def test_decisions_of_several_lines_that_look_the_same_keep_their_lines() -> None:
    def code(x: Any) -> Any:
        total = 0.0
        if x[0] > 0.0:
            total = total + x[0]
        if x[1] > 0.0:
            total = total + x[1]
        if x[2] > 0.0:
            total = total + x[2]
        return total

    def stated(x: Any) -> Any:
        def body(i: Any, c: Any) -> Any:
            if c > 0.0:
                c = c + x[0]
            if c > 0.0:
                c = c + x[1]
            if c > 0.0:
                c = c + x[2]
            return c

        return wg.fori(2, body, 1.0)

    line = code.__code__.co_firstlineno + 6
    assert f"(test_path.py:{line})" in message(code, (np.ones(3),), (np.array([1.0, 1.0, -1.0]),))
    line = stated.__code__.co_firstlineno + 6
    said = message(stated, (np.ones(3),), (np.array([-0.5, -5.0, 1.0]),))
    assert f"(test_path.py:{line}, decision 1 of 2 there)" in said
