"""Random Python code with nested loops, as data that `run` carries out."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

import wengert as wg

ROW = 7  # numbers in each of the two arrays


@dataclass(frozen=True)
class Place:
    """`array[base + Σ strides·counter]`, or a random place instead."""

    array: int
    base: int
    strides: tuple[int, ...]
    scattered: bool = False

    def at(self, counters: list[int]) -> int:
        place = self.base + sum(s * k for s, k in zip(self.strides, counters, strict=False))
        return (place * place * 5 + place // 3 if self.scattered else place) % ROW


@dataclass(frozen=True)
class Step:
    """`target = operation(left, right)`; an operand is a place, a variable or a constant."""

    operation: str
    target: Place | int
    left: Place | int | float
    right: Place | int | float


@dataclass(frozen=True)
class Choice:
    """Code for one side of a comparison of data, and for the other."""

    place: Place
    below: tuple[Any, ...]
    above: tuple[Any, ...]


@dataclass(frozen=True)
class For:
    """Code that is repeated; `triangular` as often as the counter around it says."""

    count: int
    body: tuple[Any, ...]
    triangular: bool = False


OPERATIONS = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: 0.5 * x * y,
    "sin": lambda x, y: wg.sin(x),
    "mix": lambda x, y: x * 0.25 + y * 0.5,
}

places = st.builds(
    Place,
    st.integers(0, 1),
    st.integers(0, ROW),
    st.tuples(*[st.integers(-1, 2)] * 3),
    st.sampled_from([False, False, False, True]),
)
variables = st.integers(0, 2)
constants = st.sampled_from([0.5, 1.0, -2.0])
steps = st.builds(
    Step,
    st.sampled_from(sorted(OPERATIONS)),
    places | variables,
    places | variables,
    places | variables | constants,
)


def code(depth: int) -> st.SearchStrategy[tuple[Any, ...]]:
    """Sequences of statements with loops to this depth."""
    statements = [steps, steps]
    if depth:
        inner = code(depth - 1)
        statements += [
            st.builds(
                For,
                st.sampled_from([0, 1, 2, 3, 4, 6]),
                inner,
                st.sampled_from([False, False, True]),
            ),
            st.builds(Choice, places, inner, inner),
        ]
    return st.lists(st.one_of(statements), min_size=1, max_size=3).map(tuple)


def run(body: tuple[Any, ...], state: Any, counters: list[int]) -> None:
    """Carry code out."""
    arrays, variables = state

    def get(operand: Any) -> Any:
        if isinstance(operand, Place):
            return arrays[operand.array][operand.at(counters)]
        return variables[operand] if isinstance(operand, int) else operand

    for statement in body:
        if isinstance(statement, For):
            count = counters[-1] if statement.triangular and counters else statement.count
            for k in range(count):
                run(statement.body, state, [*counters, k])
        elif isinstance(statement, Choice):
            run(statement.below if get(statement.place) < 0.3 else statement.above, state, counters)
        else:
            result = OPERATIONS[statement.operation](get(statement.left), get(statement.right))
            if isinstance(statement.target, Place):
                arrays[statement.target.array][statement.target.at(counters)] = result
            else:
                variables[statement.target] = result


def function_of(body: tuple[Any, ...]) -> Any:
    """A function of one array that carries the code out."""

    def function(x: Any) -> Any:
        arrays = [list(x[:ROW]), list(x[ROW:])]
        variables = list(x[:3])
        run(body, (arrays, variables), [])
        return [*arrays[0], *arrays[1], *variables]

    return function
