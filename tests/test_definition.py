"""When two definitions are the same: a cell that is run again, and one that was changed."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.definition import definition

CELL = """
scale = {scale}
def helper(x):
    return scale * x
def function(x, power={power}):
    inner = lambda t: helper(t) + {constant}
    return [inner(x) ** power for _ in (1, 2)][0]
"""


def cell(**changed: Any) -> str:
    """The digest of what a cell of a notebook defines, run in a module of its own."""
    namespace: dict[str, Any] = {"math": math}
    exec(CELL.format(**({"scale": 2.0, "power": 3, "constant": 1.0} | changed)), namespace)
    return definition("f", [namespace["function"]])


def closure(held: Any) -> Callable[[], Any]:
    return lambda: held


def test_a_cell_that_is_run_again_defines_the_same() -> None:
    assert cell() == cell()


@pytest.mark.parametrize("changed", [{"scale": 2.5}, {"power": 2}, {"constant": -0.0}])
def test_a_change_anywhere_is_seen(changed: dict[str, Any]) -> None:
    """In a global variable, a default and a constant of a function inside."""
    assert cell(**changed) != cell()


class Opaque:
    """What cannot be looked into."""


HELD: list[tuple[Any, Any]] = [
    (1, 1.0), (0.0, -0.0), (True, 1), ("a", b"a"), ((1, 2), [1, 2]), ({"a": 1}, {"a": 2}),
    (np.zeros(2), np.zeros(3)), (np.zeros(2), np.array([0.0, -0.0])), (wg.sin, wg.cos),
    (wg.primitives.powi(2), wg.primitives.powi(3)), (math, np), (math.sin, math.cos),
    (np.sin, np.cos), (float, int), (functools.partial(pow, 2), functools.partial(pow, 3)),
    (closure(1), closure(2)), (Opaque(), Opaque()), (wg.primitives.powi, wg.primitives.powc),
]  # fmt: skip


@pytest.mark.parametrize("pair", HELD)
def test_what_a_closure_holds_is_part_of_it(pair: tuple[Any, Any]) -> None:
    first, second = (definition("f", [closure(each)]) for each in pair)
    assert first != second
    assert first == definition("f", [closure(pair[0])])


def test_functions_may_refer_to_themselves() -> None:
    def made() -> Any:
        def down(x: float) -> float:
            return down(x - 1.0) if x > 0.0 else x

        held: list[Any] = [down]
        held.append(held)
        return down, held

    assert definition("f", made()) == definition("f", made())


def test_the_name_that_is_defined_stands_for_itself() -> None:
    """Or the second run of a cell, which finds the rule of the first one, would differ."""

    def source(rule: Any) -> Any:
        namespace = {"rule": rule} if rule else {}
        exec("function = lambda x: rule(x)", namespace)
        return namespace["function"]

    assert definition("rule", [source(None)]) == definition("rule", [source(wg.sin)])
    assert definition("other", [source(wg.cos)]) != definition("other", [source(wg.sin)])


def test_a_cell_that_is_not_filled_yet() -> None:
    def made() -> Any:
        def early() -> Any:
            return late

        digest = definition("f", [early])
        late = 1
        return digest, definition("f", [early]), late

    before, after, _ = made()
    assert before != after
