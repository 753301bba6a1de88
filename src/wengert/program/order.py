"""Who writes to a place when, who adds to it, and who reads it when: followed place by place."""

from collections.abc import Iterator, Sequence

import numpy as np

from wengert.errors import ProgramError
from wengert.program.address import OUTPUT, VALUE, Address, Integers, in_memory
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Loop, Plain, Run, Statement, While, parts, reads
from wengert.program.terms import duration

ITERATIONS = 3  # of a while loop, that are followed
FOLLOWED = 10_000  # reads and writes of a while loop's memory in those


class Order:
    """Follows every single place: who writes it when, and who reads it when."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.writes: dict[str, list[tuple[Integers, Integers]]] = {VALUE: [], OUTPUT: []}
        self.reads: dict[str, list[tuple[Integers, Integers, str]]] = {VALUE: [], OUTPUT: []}
        self.adds: dict[str, list[tuple[Integers, Integers, str]]] = {VALUE: [], OUTPUT: []}
        self.finals: dict[str, list[tuple[Integers, Integers]]] = {VALUE: [], OUTPUT: []}
        self.repeated: tuple[int, int] | None = None  # the end of a while loop, and how deep it is
        self._times(program.statements, (), (), 0)

    def _times(
        self, statements: Sequence[Statement], counts: tuple[int, ...], steps: tuple[int, ...],
        start: int,
    ) -> int:  # fmt: skip
        """Give every statement its times, affine in the counters, from `start` on; how many."""
        time = start
        for statement in statements:
            if isinstance(statement, Run):
                self._run(statement, time)
                time += len(statement)
            elif isinstance(statement, Loop):
                step = sum(map(duration, statement.body))
                self._times(statement.body, (*counts, statement.count), (*steps, step), time)
                time += step * statement.count
            elif isinstance(statement, While):
                time = self._while(statement, counts, steps, time)
            else:
                self._plain(statement, counts, Address(VALUE, time, steps))
                time += 1
        return time

    def _while(
        self, loop: While, counts: tuple[int, ...], steps: tuple[int, ...], time: int
    ) -> int:
        inside = (*counts, 1), (*steps, 0)
        time = self._times(loop.first, *inside, time)
        around = self.repeated
        again = sum(map(duration, (*loop.test, *loop.body)))
        self.repeated = around or (time + again - 1, len(counts))
        for part in (loop.test, loop.body):
            time = self._times(part, *inside, time)
        self.repeated = around
        return self._times(loop.last, *inside, time)

    def _plain(self, statement: Plain, counts: tuple[int, ...], time: Address) -> None:
        index, target = self.program.index, statement.target
        if 0 in counts:
            return
        times = time.all(counts, index).ravel()
        what = described(statement)
        for address in reads(statement):
            if address.memory == VALUE:
                places = address.all(counts, index).ravel()
                self.reads[VALUE].append((places, times, what))
        if target.memory in (VALUE, OUTPUT):
            places = target.all(counts, index).ravel()
            if isinstance(statement, Accumulate):
                self.adds[target.memory].append((places, times, what))
                final = self._final(time).all(counts, index).ravel()
                self.finals[target.memory].append((places, final))
            else:
                self.writes[target.memory].append((places, times))

    def _final(self, time: Address) -> Address:
        """When a statement is run for the last time: for a while loop, at its end."""
        if self.repeated is None:
            return time
        end, depth = self.repeated
        return Address(VALUE, end, (*time.strides[:depth], *(0 for _ in time.strides[depth:])))

    def _run(self, run: Run, time: int) -> None:
        times = np.arange(time, time + len(run), dtype=np.int64)
        places = np.arange(run.start, run.start + len(run), dtype=np.int64)
        self.writes[OUTPUT if run.outputs else VALUE].append((places, times))
        times = np.repeat(times, run.arity)[in_memory(run.operands, VALUE)]
        self.reads[VALUE].append((run.places_in(VALUE), times, f"{run!r:.100}"))

    def check(self) -> None:
        """See to it that each place is assigned once at most, and read only afterwards.

        A sum is read only after the last term has been added to it.
        """
        for memory in (VALUE, OUTPUT):
            places, times = _by_place(self.writes[memory])
            twice = places[1:][places[1:] == places[:-1]]
            if len(twice):
                raise ProgramError(f"{memory}[{int(twice[0])}] is assigned twice.")
            for read, at, what in self.reads[memory] + self.adds[memory]:
                if not len(read):
                    continue
                k = np.minimum(np.searchsorted(places, read), max(len(places) - 1, 0))
                good = (places[k] == read) & (times[k] < at) if len(places) else read < 0
                if not good.all():
                    place = int(read[int(np.argmin(good))])
                    raise ProgramError(
                        f"{memory}[{place}] is read before anything is assigned to it: {what}"
                    )
            self._check_sums(memory)

    def _check_sums(self, memory: str) -> None:
        places, times = _by_place(self.finals[memory])
        if not len(places):
            return
        for read, at, what in self.reads[memory]:
            k = np.searchsorted(places, read, side="right") - 1  # the last term
            early = (places[k] == read) & (times[k] >= at) & (k >= 0)
            if early.any():
                place = int(read[int(np.argmax(early))])
                raise ProgramError(
                    f"The sum {memory}[{place}] is read before its last term is added: {what}"
                )


def _by_place(touched: Sequence[tuple[Integers, Integers]]) -> tuple[Integers, Integers]:
    """All places and times, sorted by place and then by time."""
    places = np.concatenate([p for p, _ in touched] or [np.empty(0, np.int64)])
    times = np.concatenate([t for _, t in touched] or [np.empty(0, np.int64)])
    order = np.lexsort((times, places))
    return places[order], times[order]


# --- the memory of a while loop -------------------------------------------------------------------


READ, WRITE, ADD, END = "read", "write", "add", "end"  # the last: read, should it have ended here


def follow(loop: While, depth: int, index: Integers) -> None:
    """Run through the first iterations: what is read there has been written, once, and in full."""
    written: set[int] = set()
    used: set[int] = set()
    budget = [FOLLOWED]
    for memory, place, kind in _touches(loop, depth, index, budget):
        if budget[0] < 0:
            return
        if memory != loop.local:
            continue
        if kind == WRITE:
            if place in written:
                raise ProgramError(f"{memory}[{place}] is assigned twice.")
            written.add(place)
        elif place not in written:
            raise ProgramError(f"{memory}[{place}] is read before anything is assigned to it.")
        elif kind == READ:
            used.add(place)
        elif kind == ADD and place in used:
            raise ProgramError(f"The sum {memory}[{place}] is read before its last term is added.")


def _touches(
    loop: While, depth: int, index: Integers, budget: list[int]
) -> Iterator[tuple[str, int, str]]:
    outer = (0,) * depth
    yield from _touched(loop.first, (*outer, 0), budget)
    for k in range(ITERATIONS):
        yield from _touched(loop.test, (*outer, k), budget)
        yield loop.condition.memory, _at(loop.condition, (*outer, k)), READ
        for memory, place, kind in _touched(loop.last, (*outer, k), budget):
            if kind != WRITE:
                yield memory, place, END
        yield from _touched(loop.body, (*outer, k), budget)


def _touched(
    statements: Sequence[Statement], counters: tuple[int, ...], budget: list[int]
) -> Iterator[tuple[str, int, str]]:
    for statement in statements:
        if budget[0] < 0:
            return
        if isinstance(statement, Loop):
            for k in range(statement.count):
                budget[0] -= 1
                if budget[0] < 0:
                    return
                yield from _touched(statement.body, (*counters, k), budget)
        elif isinstance(statement, While):
            for k, part in enumerate(parts(statement)):
                if k < 2:  # that much happens for certain
                    yield from _touched(part, (*counters, 0), budget)
            yield from [
                t for t in _touched(statement.last, (*counters, 0), budget) if t[2] == WRITE
            ]
        elif not isinstance(statement, Run):
            budget[0] -= 1
            for address in reads(statement):
                yield address.memory, _at(address, counters), READ
            kind = ADD if isinstance(statement, Accumulate) else WRITE
            yield statement.target.memory, _at(statement.target, counters), kind


def _at(address: Address, counters: Sequence[int]) -> int:
    """The place of an address that is not looked up; others are of no interest here."""
    return address.base + sum(s * k for s, k in zip(address.strides, counters, strict=True))


def described(statement: Plain) -> str:
    """A statement in a message: where it writes, what, and the user's line."""
    target = statement.target
    moved = "".join(f" + {s}*i{k}" for k, s in enumerate(target.strides) if s)
    what = (
        "a sum" if isinstance(statement, Accumulate) else getattr(statement.row, "name", "a move")
    )
    source = f" ({statement.source})" if statement.source else ""
    return f"{target.memory}[{target.base}{moved}], {what}{source}"[:200]
