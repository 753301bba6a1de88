"""The plainest way to run a program: its statements one by one, in the order of the text.

It takes no preparation, so what is short and run once is done soonest in this way.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter, mul
from typing import Any, NoReturn

from wengert.dispatch import Primitive
from wengert.program.address import CONSTANT, INPUT, OUTPUT, VALUE, Address
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Guard, Loop, Run, Statement, While
from wengert.run.path import Failure, changed

DEEPEST = 16  # loops inside loops that can be run
PATIENCE = 50  # statements that are walked through in the time the interpreter takes to prepare one
Memory = dict[int, Any]  # of floats, or of what stands for them


class TooLong(Exception):  # noqa: N818 - for those who set the limit; a user never meets it
    """There is more to do than is allowed."""


class Given(dict[int, Any]):
    """A memory that can only be read, from a function of the place."""

    def __init__(self, find: Callable[[int], Any]) -> None:
        super().__init__()
        self.find = find

    def __missing__(self, place: int) -> Any:
        if place < 0:
            raise IndexError(place)
        return self.find(place)


class Walker:
    """One evaluation.

    Args:
        memories: what is in each memory, by place.
        index: the index table.
        steps: how many statements may be run.
        failed: what to do about a guard that does not hold.
        rule: the function that applies a row; that of floats, if nothing else is given.
    """

    def __init__(
        self, memories: dict[str, Memory], index: Sequence[int] | Any, steps: int,
        failed: Callable[[Failure], NoReturn],
        rule: Callable[[Primitive], Callable[..., Any]] = attrgetter("scalar"),
    ) -> None:  # fmt: skip
        self.memories, self.index, self.steps, self.failed = memories, index, steps, failed
        self.rule = rule

    def walk(self, statements: Sequence[Statement] | Run, counters: tuple[int, ...] = ()) -> None:
        """Run statements, at these counters of the loops around them."""
        self.steps -= 1 + len(statements)
        if self.steps < 0 or len(counters) > DEEPEST:
            raise TooLong
        for statement in statements:
            if isinstance(statement, Loop):
                for k in range(statement.count):
                    self.walk(statement.body, (*counters, k))
            elif isinstance(statement, While):
                self._while(statement, counters)
            elif isinstance(statement, Run):
                self.walk(statement, counters)
            else:
                memory = self.memories[statement.target.memory]
                place = self._place(statement.target, counters)
                if isinstance(statement, Accumulate):
                    number = self._read(statement.operand, counters)
                    memory[place] += number
                    continue
                operands = [self._read(address, counters) for address in statement.operands]
                row = statement.row
                memory[place] = result = self.rule(row)(*operands) if row else operands[0]
                if isinstance(statement, Guard):
                    expected = self._read(statement.expected, counters)
                    if result != expected:
                        self.failed(Failure(statement, counters, tuple(operands), result, expected))

    def _while(self, loop: While, counters: tuple[int, ...]) -> None:
        around = self.memories.get(loop.local)
        self.memories[loop.local] = {}
        k = 0
        self.walk(loop.first, (*counters, k))
        self.walk(loop.test, (*counters, k))
        while self._read(loop.condition, (*counters, k)) != 0.0:
            self.walk(loop.body, (*counters, k))
            k += 1
            self.walk(loop.test, (*counters, k))
        self.walk(loop.last, (*counters, k))
        del self.memories[loop.local]
        if around is not None:
            self.memories[loop.local] = around

    def _read(self, address: Address, counters: tuple[int, ...]) -> Any:
        return self.memories[address.memory][self._place(address, counters)]

    def _place(self, address: Address, counters: tuple[int, ...]) -> int:
        lookup = address.lookup
        if len(address.strides) != len(counters):
            raise IndexError(address)
        place: int = address.base + sum(map(mul, address.strides, counters))
        if lookup:
            entry = lookup.start + sum(map(mul, lookup.strides, counters))
            if entry < 0:
                raise IndexError(entry)
            place += int(self.index[entry])
        return place


# --- a whole program ------------------------------------------------------------------------------


def effort(statements: Iterable[Statement]) -> tuple[int, int]:
    """How many statements there are, and how many are run if every while loop runs once."""
    stored = run = 0
    for statement in statements:
        stored, run = stored + 1, run + 1
        if isinstance(statement, Run):
            run += len(statement)
        elif isinstance(statement, Loop):
            inside, each = effort(statement.body)
            stored, run = stored + inside, run + statement.count * (each + 1)
        elif isinstance(statement, While):
            for part in (statement.first, statement.test, statement.body, statement.last):
                inside, each = effort(part)
                stored, run = stored + inside, run + each + 1
    return stored, run


def walked(program: Program, inputs: Sequence[float], steps: int) -> tuple[list[float], int]:
    """The outputs of a program for a list of inputs, and how many of the steps are left.

    Raises:
        PathChanged: a guard does not hold.
        TooLong: there are more steps.
        LookupError: the program reads or assigns what it must not.
    """

    def failed(failure: Failure) -> NoReturn:
        raise changed(program, failure)

    memories = memories_of(program, lambda place: float(inputs[place]))
    walker = Walker(memories, program.index.data, steps, failed)
    return outputs(program, walker), walker.steps


def memories_of(program: Program, given: Callable[[int], Any]) -> dict[str, Memory]:
    """The memories that a program starts with, from a function of an input's place."""

    def constant(place: int) -> float:
        return float(program.constants.data[place])

    return {INPUT: Given(given), CONSTANT: Given(constant), VALUE: {}, OUTPUT: {}}


def outputs(program: Program, walker: Walker) -> list[Any]:
    """What a whole program gives."""
    walker.walk(program.statements)
    sizes = program.sizes
    for memory in (VALUE, OUTPUT):
        places = walker.memories[memory]
        if places and (min(places) < 0 or max(places) >= sizes[memory]):
            raise IndexError(memory)
    return [walker.memories[OUTPUT][k] for k in range(sizes[OUTPUT])]
