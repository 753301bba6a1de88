"""What a stated loop gives for the example, while it is being recorded.

Recording the body has done its first iteration. Where nothing but plain operations is in it, the
next ones are done on a window of numbers: the cells, and what one iteration writes. Otherwise the
loop is walked through, or, where that would take long, run as a program of its own.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any, NoReturn

import numpy as np

from wengert.errors import PathChanged, ProgramError
from wengert.program.address import (
    CONSTANT,
    INPUT,
    VALUE,
    Address,
    Lookup,
    coded,
)
from wengert.program.dependence import Table, moving, places_of
from wengert.program.program import Program
from wengert.program.recorded import Recorded
from wengert.program.recording import Recording
from wengert.program.rewrite import Counts, Strides, rewritten
from wengert.program.statements import Assign, Loop, Operation, Run, Statement, While
from wengert.program.structure import ARRAY, TUPLE, Structure

LONGEST_TRIAL = 20_000_000  # statements that recording a loop may run to know its numbers
ONE_WAY = (
    "The body is recorded once. Write wg.where(condition, x, y) for a branch, a & b for `a and b`, "
    "x < y for `not x >= y`, pass what is indexed by the counter as xs of wg.scan, or write a "
    "Python loop."
)

Step = tuple[Callable[..., float], int, tuple[int, ...]]  # what is done, where to, of what


def trial(
    tape: Recording, loop: Loop | While, rounds: "Rounds | None", cells: range,
    wanted: Sequence[int],
) -> list[float]:  # fmt: skip
    """What the example gives at these places after the loop, which starts with these cells.

    A loop that would take too long leaves NaN: a branch on such a result is a guard that fails
    whenever the program runs, so it does not go unseen.
    """
    from wengert.run.walk import PATIENCE, Given, TooLong, Walker, effort

    stored, cost = rounds.effort(loop) if rounds else effort((loop,))
    if cost > LONGEST_TRIAL or not wanted:
        return [math.nan] * len(wanted)
    if cost <= PATIENCE * stored:
        with suppress(TooLong), np.errstate(all="ignore"):
            if rounds:
                return rounds.numbers(loop, wanted, PATIENCE * stored)
            memories: dict[str, dict[int, float]] = {
                memory: Given(partial(_number, tape, memory)) for memory in (INPUT, CONSTANT, VALUE)
            }
            refuse = partial(_refuse_branch, tape)
            walker = Walker(memories, tape.index, PATIENCE * stored, refuse)
            walker.walk((loop,))
            return [memories[VALUE][place] for place in wanted]
    return _long_trial(tape, loop, cells, wanted)


def _number(tape: Recording, memory: str, place: int) -> float:
    return tape.number(coded(memory, place))


def _refuse_branch(tape: Recording, failure: Any) -> NoReturn:
    from wengert.run.path import decision

    def name(address: Address) -> str:
        if address.memory == CONSTANT and not any(address.strides) and not address.lookup:
            return f"{tape.number(coded(CONSTANT, address.base))!r}"
        return "a number"

    said = decision(failure, name, "when recorded")
    turn = ", ".join(str(k + 1) for k in failure.counters)
    source = f" ({failure.guard.source})" if failure.guard.source else ""
    raise ProgramError(
        "A branch in the body of a loop goes different ways in different iterations: "
        f"{said} in iteration {turn}{source}. {ONE_WAY}"
    )


# --- plain operations alone -----------------------------------------------------------------------


def rounds_of(
    tape: Recording, statements: Sequence[Statement], cells: Sequence[Recorded],
    elements: Sequence[Address] = (),
) -> "Rounds | None":  # fmt: skip
    """The iterations of a body as it was recorded; None where there is more than operations."""
    if len(statements) != 1 or not isinstance(run := statements[0], Run):
        return None
    guards = [number for number, operation in enumerate(run.operations) if operation.guards]
    if guards and np.isin(run.ops, guards).any():
        return None
    return Rounds(tape, run, cells, elements)


class Rounds:
    """The iterations of a body of plain operations, on a window of numbers.

    The window begins with the cells, then comes what one iteration writes, ending with the next
    cells, and behind it what the body reads from elsewhere.
    """

    def __init__(
        self, tape: Recording, run: Run, cells: Sequence[Recorded], elements: Sequence[Address]
    ) -> None:
        self.tape, self.cells, self.elements = tape, len(cells), elements
        self.low = cells[0]._code if cells else run.start
        self.size = run.start + len(run) - self.low
        self.window = [cell._data for cell in cells[: run.start - self.low]]
        self.window += tape.numbers_from(run.start)
        self.steps: list[Step] = []
        known: dict[int, int] = {}
        first = self.low + self.cells + len(elements)
        for place, operation, codes in zip(count(run.start), *run.items(), strict=False):
            if place >= first:
                reads = tuple([self._slot(code, known) for code in codes])
                row = operation.row
                self.steps.append((row.scalar if row else _same, place - self.low, reads))

    def effort(self, loop: Loop | While) -> tuple[int, int]:
        """How many statements there are, and how many are run at least."""
        each = self.size + 1
        return each, each * (loop.count if isinstance(loop, Loop) else 1)

    def _slot(self, code: int, known: dict[int, int]) -> int:
        """Where in the window the number at a coded address is."""
        if self.low <= code < self.low + self.size:  # the number of the value memory is 0
            return code - self.low
        if code not in known:
            known[code] = len(self.window)
            self.window.append(self.tape.number(code))
        return known[code]

    def numbers(self, loop: Loop | While, wanted: Sequence[int], most: int) -> list[float]:
        """What is at the places wanted after the loop.

        Raises:
            TooLong: that takes more than so many steps.
        """
        if isinstance(loop, While):
            self._run_while(loop, most)
            return self.window[self.size - self.cells : self.size]
        written = dict(zip(wanted, [0.0] * len(wanted), strict=True))
        places = wanted[self.cells :: loop.count]
        for k in range(loop.count):
            if k:
                self._begin(k)
                self._do(self.steps)
            shift = k * (self.size - self.cells)
            for place in places:
                written[place + shift] = self.window[place - self.low]
        finals = self.window[self.size - self.cells : self.size]
        return finals + [written[place] for place in wanted[self.cells :]]

    def _run_while(self, loop: While, most: int) -> None:
        from wengert.run.walk import TooLong

        condition = loop.condition.base
        test, body = self.steps[: len(loop.test)], self.steps[len(loop.test) :]
        window = self.window
        k = 0
        while window[condition] != 0.0:
            k += 1
            most -= len(self.steps)
            if most < 0:
                raise TooLong
            self._begin(k)
            self._do(test)
            if window[condition] != 0.0:
                self._do(body)
        window[self.size - self.cells : self.size] = window[: self.cells]

    def _begin(self, k: int) -> None:
        """Fill the cells and the elements for iteration number k."""
        window, tape = self.window, self.tape
        window[: self.cells] = window[self.size - self.cells : self.size]
        for slot, address in enumerate(self.elements, self.cells):
            place = address.at((k,), tape.index)
            window[slot] = tape.number(coded(address.memory, place))

    def _do(self, steps: Sequence[Step]) -> None:
        window = self.window
        for scalar, target, reads in steps:
            window[target] = scalar(*[window[slot] for slot in reads])


def _same(x: float) -> float:
    return x


# --- a program of the loop alone ------------------------------------------------------------------


def _long_trial(
    tape: Recording, loop: Statement, cells: range, wanted: Sequence[int]
) -> list[float]:
    """The same with a program of the loop alone: what it reads from before are further inputs."""
    given = [tape.input_numbers]
    index = [np.array(tape.index, np.int64)]
    sizes = {INPUT: len(given[0]), "index": len(tape.index)}

    def put(places: Sequence[int]) -> int:
        given.append(np.array([tape.number(place) for place in places]))
        sizes[INPUT] += len(places)
        return sizes[INPUT] - len(places)

    def read(
        memory: str, base: int, strides: Strides, lookup: Lookup | None, counts: Counts
    ) -> Address:
        address = Address(memory, base, strides, lookup)
        if memory != VALUE or base >= cells.start:
            return address
        levels = moving(address, counts)
        places, inverse = np.unique(
            places_of(address, counts, Table(index[0])), return_inverse=True
        )
        index.append(inverse.ravel())
        steps = [0] * len(counts)
        for k, level in enumerate(levels):
            steps[level] = math.prod(counts[below] for below in levels[k + 1 :])
        found = Lookup(sizes["index"], tuple(steps))
        sizes["index"] += inverse.size
        return Address(INPUT, put(places.tolist()), (0,) * len(counts), found)

    first = put(cells)
    moves = [
        Assign(Address(VALUE, place), None, (Address(INPUT, first + k),))
        for k, place in enumerate(cells)
    ]
    statements = list(rewritten((loop,), read))
    places = np.array(wanted, np.int64)
    results = Run(0, (Operation(None),), np.zeros(len(places), np.int32), places, outputs=True)
    inputs = Structure(ARRAY, (sizes[INPUT],))
    program = Program(
        (*moves, *statements, results), tape.length, tape.constants, np.concatenate(index),
        Structure(TUPLE, parts=(inputs,)), Structure(ARRAY, (len(wanted),)), "loop",
    )  # fmt: skip
    try:
        numbers: list[float] = program(np.concatenate(given)).tolist()
    except PathChanged as error:
        raise ProgramError(
            f"A branch in the body of a loop goes different ways in different iterations: {error} "
            f"{ONE_WAY}"
        ) from None
    return numbers
