"""A program as a graph of its places: which place is computed from which.

Loops are followed round by round, as arrays, and every place gets a number, its *cell*: inputs
first, then values, outputs, and the memories of while loops. What depends on what is then a
question of paths in a graph. The order of statements plays no role in it, since a place is
assigned once, and a sum depends on all that is added.

Nobody knows how often a while loop runs, and its memory has no end. Its first rounds are followed
one by one, until every address that moves has left the places where any address starts. From
there on a round is like the next, and one stands for all: places that are a whole number of
rounds apart share a cell. So what is carried from round to round is a circle in the graph. Each
time that a loop around it comes to it, it has cells of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import gcd, prod
from typing import Any, NamedTuple

import numpy as np

from wengert.derive.curvature import pairs_of
from wengert.derive.partials import partials_of
from wengert.dispatch import Primitive
from wengert.errors import ProgramError
from wengert.program.address import (
    CODES,
    CONSTANT,
    INPUT,
    OUTPUT,
    PLACE,
    SHIFT,
    VALUE,
    Address,
    Integers,
    grid,
    span,
)
from wengert.program.program import Program
from wengert.program.statements import (
    Accumulate,
    Assign,
    Guard,
    Loop,
    Operation,
    Run,
    Statement,
    While,
    reads,
    walk,
)

Cells = np.ndarray[Any, np.dtype[np.int32]]
MOST = 2**28  # cells, edges, and meetings: some 20 bytes for each of them


class Edges(NamedTuple):
    """Cell `targets[k]` depends on cell `sources[k]`."""

    targets: Cells
    sources: Cells


class Meetings(NamedTuple):
    """Cells `left[k]` and `right[k]` meet in the second derivative of what makes `owners[k]`."""

    owners: Cells
    left: Cells
    right: Cells


@dataclass(frozen=True, slots=True)
class Places:
    """The graph of a program's places.

    Args:
        inputs: how many cells are inputs; these come first.
        outputs: the cells of the outputs.
        count: how many cells there are.
        edges: who depends on whom, to first order.
        meetings: who meets whom; empty unless asked for.
    """

    inputs: int
    outputs: range
    count: int
    edges: Edges
    meetings: Meetings


def places_of(program: Program, second: bool = False) -> Places:
    """The graph of a program's places.

    Args:
        program: any program.
        second: whether meetings are wanted.

    Raises:
        ProgramError: it means more than 2²⁸ operations.
    """
    graph = _Graph(program, second)
    graph.all(program.statements, ())
    first = graph.bases[OUTPUT]
    outputs = range(first, first + program.sizes[OUTPUT])
    edges = Edges(*graph.edges.columns())
    meetings = Meetings(*graph.meetings.columns())
    return Places(graph.sizes[INPUT], outputs, graph.count, edges, meetings)


class _Columns:
    """Columns of cells that grow by single rows and by many at a time."""

    def __init__(self, width: int) -> None:
        self.single: list[list[Any]] = [[] for _ in range(width)]
        self.many: list[list[Any]] = [[] for _ in range(width)]
        self.length = 0

    def put(self, *cells: Any) -> None:
        """A row, or an array for each column."""
        self.length += np.size(cells[0])
        if self.length > MOST:
            raise _too_long()
        columns = self.many if np.ndim(cells[0]) else self.single
        for column, cell in zip(columns, cells, strict=True):
            column.append(cell)

    def columns(self) -> Iterator[Cells]:
        """Each column as one array."""
        for single, many in zip(self.single, self.many, strict=True):
            whole = np.empty(self.length, np.int32)
            whole[: len(single)] = single
            at = len(single)
            for piece in many:
                whole[at : at + piece.size] = piece.ravel()
                at += piece.size
            yield whole


class _Local(NamedTuple):
    """Where the cells of a while loop's memory are."""

    base: int
    depth: int  # loops around it
    size: int  # cells, each time a loop around it comes to it
    step: int  # by how much a round moves places, 0 if it does not
    rounds: int  # that are followed before the one that stands for the rest

    def cell(self, places: Integers) -> Integers:
        """The cell of a place, from 0 on."""
        exact = self.rounds * self.step
        return np.where(places < exact, places, exact + places % self.step) if exact else places


class _Graph:
    def __init__(self, program: Program, second: bool) -> None:
        self.index, self.sizes, self.second = program.index, program.sizes, second
        values, outputs = self.sizes[INPUT], self.sizes[INPUT] + self.sizes[VALUE]
        self.bases = {INPUT: 0, VALUE: values, OUTPUT: outputs}
        self.count = outputs + self.sizes[OUTPUT]
        self.locals: dict[str, _Local] = {}
        self.edges, self.meetings = _Columns(2), _Columns(3)
        self._limit()

    def _limit(self) -> None:
        if self.count > MOST:
            raise _too_long()

    # --- statements -------------------------------------------------------------------------------

    def all(self, statements: Sequence[Statement], counts: tuple[int, ...]) -> None:
        """Put statements that stand in loops with these counts."""
        for statement in statements:
            if isinstance(statement, Run):
                self._put_run(statement)
            elif isinstance(statement, Loop):
                if statement.count:
                    self.all(statement.body, (*counts, statement.count))
            elif isinstance(statement, While):
                rounds = self._open(statement, counts)
                self.all(statement.first, (*counts, 1))
                for part in (statement.test, statement.body, statement.last):
                    self.all(part, (*counts, rounds))
            elif not isinstance(statement, Guard):
                self._put(statement, counts)

    def _put(self, statement: Assign | Accumulate, counts: tuple[int, ...]) -> None:
        row = statement.row if isinstance(statement, Assign) else None
        addresses = (statement.target, *reads(statement))
        moved = (
            n if any(self._moves(a, k) for a in addresses) else 1 for k, n in enumerate(counts)
        )
        counts = tuple(moved)  # what does not move says the same again and again
        if prod(counts) > MOST:
            raise _too_long()
        target = self._cells(statement.target, counts)
        operands = [
            None if address.memory == CONSTANT else self._cells(address, counts)
            for address in reads(statement)
        ]
        for depends, operand in zip(_depends(row), operands, strict=True):
            if depends and operand is not None:
                self.edges.put(target, operand)
        for i, j in pairs_of(row) if row and self.second else ():
            if operands[i] is not None and operands[j] is not None:
                self.meetings.put(target, operands[i], operands[j])

    def _put_run(self, run: Run) -> None:
        first = self.bases[OUTPUT if run.outputs else VALUE] + run.start
        targets = np.arange(first, first + len(run))
        starts = run.starts
        bases = np.array([self.bases.get(memory, 0) for memory in CODES])

        def operand(items: Integers, slot: int) -> tuple[Integers, Integers]:
            codes = run.operands[starts[items] + slot]
            memories = codes >> SHIFT
            return bases[memories] + (codes & PLACE), memories != CODES[CONSTANT]

        for slot in range(max((o.reads for o in run.operations), default=0)):
            items = _items(run, [slot in _slots(o) for o in run.operations])
            cells, varies = operand(items, slot)
            self.edges.put(targets[items[varies]], cells[varies])
        for i, j in {p for o in run.operations for p in _pairs(o)} if self.second else ():
            items = _items(run, [(i, j) in _pairs(o) for o in run.operations])
            left, varies = operand(items, i)
            right, varies_too = operand(items, j)
            both = varies & varies_too
            self.meetings.put(targets[items[both]], left[both], right[both])

    # --- places -----------------------------------------------------------------------------------

    def _cells(self, address: Address, counts: tuple[int, ...]) -> Any:
        """The cells that an address means, one number if it stands in no loop."""
        local = self.locals.get(address.memory)
        if local is None:
            base = self.bases[address.memory]
            if not counts and not address.lookup:
                return base + address.base
            return base + address.all(counts, self.index)
        places = local.cell(grid(address.base, address.strides, counts))
        each = [prod(counts[k + 1 : local.depth]) for k in range(local.depth)]
        times = grid(0, [*each, *(0 for _ in counts[local.depth :])], counts)
        return local.base + times * local.size + places

    def _moves(self, address: Address, level: int) -> bool:
        """Whether a loop moves an address, or leads to other cells for it."""
        lookup, local = address.lookup, self.locals.get(address.memory)
        if address.strides[level] or (lookup and lookup.strides[level]):
            return True
        return local is not None and level < local.depth

    def _open(self, loop: While, counts: tuple[int, ...]) -> int:
        """Give a while loop's memory cells; how many rounds are put."""
        depth, step, size, others = len(counts), 0, 1, [0]
        for statement, around in walk((loop,)):
            inside = (*counts, *(below.count if isinstance(below, Loop) else 1 for below in around))
            if 0 in inside:
                continue
            for address in (statement.target, *reads(statement)):
                if address.memory == loop.local:
                    whiles = (k for k, below in enumerate(around) if isinstance(below, While))
                    step = gcd(step, *(address.strides[depth + k] for k in whiles))
                    size = max(size, span(address.base, address.strides, inside)[1] + 1)
                elif address.memory in self.locals and address.strides[depth]:
                    others.append(self.locals[address.memory].rounds)
        rounds = -(-size // step) if step else 0
        size = (rounds + 1) * step if step else size
        self.locals[loop.local] = _Local(self.count, depth, size, step, rounds)
        self.count += size * prod(counts)
        self._limit()
        return 1 + max(rounds, *others)


def _too_long() -> ProgramError:
    return ProgramError(
        f"The sparsity of a program is found place by place, and this one means more than {MOST:,} "
        "operations. Record a smaller example of it."
    )


# --- what operations pass on ----------------------------------------------------------------------


def _depends(row: Primitive | None) -> tuple[bool, ...]:
    return partials_of(row).depends if row else (True,)


def _slots(operation: Operation) -> tuple[int, ...]:
    """The operands of an operation that its result depends on."""
    if operation.guards:
        return ()
    return tuple(k for k, depends in enumerate(_depends(operation.row)) if depends)


def _pairs(operation: Operation) -> tuple[tuple[int, int], ...]:
    return pairs_of(operation.row) if operation.row and not operation.guards else ()


def _items(run: Run, chosen: list[bool]) -> Integers:
    """The items of a run whose operation is chosen."""
    return np.flatnonzero(np.array(chosen)[run.ops])
