"""The printed form of a program, which a person reads and `parse.py` reads back exactly.

The grammar is in docs/program-format.md. What follows from record order is left out: where results
are kept, and which constant a number is.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from wengert.dispatch import describe
from wengert.errors import OperandError
from wengert.program.address import (
    CODES,
    CONSTANT,
    OUTPUT,
    PLACE,
    SHIFT,
    VALUE,
    Address,
    Integers,
    decoded,
)
from wengert.program.naming import Item, Node, Scope, is_value
from wengert.program.operands import Operands
from wengert.program.places import Block, Place, Placed, Stretch, settle
from wengert.program.program import Program, operations
from wengert.program.spelling import (
    INFIX,
    formula,
    operator_of,
    quoted,
    spelled,
    spelled_key,
    spelled_parts,
)
from wengert.program.statements import (
    Accumulate,
    Assign,
    Guard,
    Loop,
    Operation,
    Plain,
    Run,
    While,
    reads,
)

Bools = np.ndarray[Any, np.dtype[np.bool_]]
INDENT = "    "
COLUMN = 46  # where the sources stand
A_LINE = 8  # numbers in a line of data
CHUNK = 4096  # so many items of a run are taken out of its columns at a time
PARTS = ("first", "test", "body", "last")


def text_of(program: Program, limit: int | None = None) -> str:
    """The printed form.

    Args:
        program: what to print.
        limit: how many lines to print at most; what is left out is said. Without a limit, the
            text is complete and `Program.parse` reads it back.
    """
    lines = _Printer(program).lines()
    if limit is None:
        return "\n".join(lines) + "\n"
    if not isinstance(limit, int) or limit < 0:
        raise OperandError(f"The limit is a number of lines, not {describe(limit)}.")
    shown = list(islice(lines, limit))
    if next(lines, None) is not None:
        shown.append(f"... and more: {program.size:,} statements in all")
    return "\n".join(shown) + "\n"


class _Printer:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.operands = Operands(program)
        self.names = self.operands.names
        self.laid: dict[int, _Laid] = {}  # by the node's identity
        self._lay_out()

    # --- what is left out -------------------------------------------------------------------------

    def _lay_out(self) -> None:
        places = self._places(self.names.nodes)
        settle(places)
        for laid in self.laid.values():
            if (block := laid.block) and laid.node.parts:
                memory = block.local or VALUE
                stride = _stride(laid.node, memory, len(laid.node.scope.path))
                if stride is not None and stride != block.steps.get(memory, 0):
                    block.by = stride
        self.ends = settle(places)
        ordered = sum(laid.odd(self._ordered(laid)) for laid in self.laid.values())
        shared = sum(laid.odd(self._alike(laid)) for laid in self.laid.values())
        self.shared = shared < ordered
        for laid in self.laid.values():
            laid.plain = self._alike(laid) if self.shared else self._ordered(laid)

    def _places(self, nodes: Iterable[Node]) -> list[Placed]:
        found: list[Placed] = []
        for node in nodes:
            laid = self.laid[id(node)] = _Laid(node)
            statement = node.statement
            if isinstance(statement, Run):
                found += self._of_run(laid, statement)
                continue
            if isinstance(statement, Loop):
                block = Block(statement.count, self._places(node.parts[0]))
            elif isinstance(statement, While):
                first, test, body, last = map(self._places, node.parts)
                test += self._of_constants(laid, (statement.condition,), node.inner)
                block = Block(1, [*first, *test, *body, *last], local=statement.local)
            else:
                addresses = reads(statement)
                found += self._of_constants(laid, addresses, node.scope)
                if is_value(statement.target) and not isinstance(statement, Accumulate):
                    target = statement.target
                    laid.target = Place(target.memory, target.base, target.lookup is None)
                    found.append(laid.target)
                continue
            laid.block = block
            found.append(block)
        return found

    def _of_constants(
        self, laid: "_Laid", addresses: Sequence[Address], scope: Scope
    ) -> list[Placed]:
        for address in addresses:
            if address.memory == CONSTANT:
                place = Place(CONSTANT, address.base, address.lookup is None)
                laid.constants.append((address, place, self.operands.literal(address, scope)))
        return [place for _, place, _ in laid.constants]

    def _of_run(self, laid: "_Laid", run: Run) -> list[Placed]:
        laid.places = run.places_in(CONSTANT)
        found: list[Placed] = []
        if len(laid.places):
            laid.stretch = Stretch(CONSTANT, int(laid.places[0]), int(laid.places[-1]) + 1)
            found.append(laid.stretch)
        if not run.outputs:
            laid.target = Place(VALUE, run.start)
            found += [laid.target, Stretch(VALUE, run.start, run.start + len(run))]
        return found

    def _ordered(self, laid: "_Laid") -> "list[bool] | Bools":
        """Which constants are those that come next in record order."""
        if laid.stretch:
            before = np.concatenate(([laid.stretch.expected - 1], laid.places[:-1]))
            in_order: Bools = laid.places == before + 1
            return in_order
        return [
            address.lookup is None and address.base == place.expected
            and address.strides == place.strides for address, place, _ in laid.constants
        ]  # fmt: skip

    def _alike(self, laid: "_Laid") -> "list[bool] | Bools":
        """Which constants are the only ones with their bits, or the first of them."""
        if laid.stretch:
            first: Bools = self.operands.first_alike[laid.places] == laid.places
            return first
        return [
            address.lookup is None and not any(address.strides) and bool(literal)
            and int(self.operands.first_alike[address.base]) == address.base
            for address, _, literal in laid.constants
        ]  # fmt: skip

    # --- lines ------------------------------------------------------------------------------------

    def lines(self) -> Iterator[str]:
        """All lines, one by one."""
        program = self.program
        meant = sum(map(operations, program.statements))
        name = program.name if program.name.isidentifier() else quoted(program.name)
        counted = f"{_counted(meant, 'operation')} in {_counted(program.size, 'statement')}"
        head = f"program {name}({spelled_parts(program.arguments)}) -> {spelled(program.results)}"
        yield f"{head:{COLUMN - 2}}  # {counted}"
        yield ""
        yield from self._block(self.names.nodes, 0, VALUE)
        if program.values != self.ends.get(VALUE, 0):
            yield ""
            yield f"values {program.values}"
        yield from self._constants()
        for number, (start, end) in enumerate(self.operands.tables, 1):
            yield ""
            yield f"table{number}[{end - start}] ="
            yield from _data(program.index[start:end], 0)

    def _block(self, nodes: Sequence[Node], depth: int, memory: str) -> Iterator[str]:
        source = ""
        for node in nodes:
            statement = node.statement
            indent = INDENT * depth
            if isinstance(statement, Loop):
                by = _by(self.laid[id(node)].block)
                counter = self.operands.counters[len(node.scope.path)]
                again = " again" * statement.again
                yield f"{indent}for {counter} in {statement.count}{by}{again}:"
                yield from self._block(node.parts[0], depth + 1, memory)
            elif isinstance(statement, While):
                yield from self._while(node, statement, depth, memory)
            elif isinstance(statement, Run):
                source = yield from self._run(node, statement, indent, source)
            else:
                line = indent + self._plain(node, statement, memory)
                if statement.target.memory == OUTPUT:
                    yield _beside(line, _source(statement.source))
                else:
                    yield _beside(line, _changed(statement.source, source))
                    source = statement.source

    def _while(self, node: Node, loop: While, depth: int, memory: str) -> Iterator[str]:
        indent = INDENT * depth
        laid = self.laid[id(node)]
        by, local = _by(laid.block), spelled_key(loop.local)
        yield f"{indent}while {self.operands.counters[len(node.scope.path)]} in {local}{by}:"
        constants = iter(zip(laid.constants, laid.plain, strict=True))
        condition = self._operand(loop.condition, node.inner, constants)
        for name, part in zip(PARTS, node.parts, strict=True):
            if part or name == "body":
                head = f"body if {condition}" if name == "body" else name
                yield f"{indent}{INDENT}{head}:"
                inside = memory if name == "last" else loop.local
                yield from self._block(part, depth + 2, inside)

    def _plain(self, node: Node, statement: Plain, memory: str) -> str:
        laid = self.laid[id(node)]
        constants = iter(zip(laid.constants, laid.plain, strict=True))
        operands = [self._operand(a, node.scope, constants) for a in reads(statement)]
        if isinstance(statement, Accumulate):
            return f"{self._operand(statement.target, node.scope, constants)} += {operands[0]}"
        if isinstance(statement, Guard):
            *operands, expected = operands
            does = f"{formula(statement.row, operands)} is {_truth(statement, expected)}"
            return self._defined(node, statement, does, memory, "guard ")
        return self._defined(node, statement, formula(statement.row, operands), memory)

    def _defined(
        self, node: Node, statement: Assign | Guard, does: str, memory: str, guard: str = ""
    ) -> str:
        target, item = statement.target, node.item
        if item is None:
            return f"{guard}{self._operand(target, node.scope, iter(()))} = {does}"
        place = self.laid[id(node)].target
        assert place is not None
        own = f"{guard}{self._title(item)}{does}"
        if target.memory != memory:
            return f"{own}  @ {self.operands.raw(target, node.scope)}"
        as_expected = target.base == place.expected and target.strides == place.strides
        if item.is_placed or target.lookup or not as_expected:
            return f"{own}  @ {self.operands.within(target, 0, node.scope)}"
        return own

    def _title(self, item: Item) -> str:
        titles = [item.title] if item.title else []
        if item.alias:
            titles.append(self.operands.reference(item.alias, item.scope))
        return "".join(f"{title} = " for title in titles)

    # --- runs -------------------------------------------------------------------------------------

    def _run(self, node: Node, run: Run, indent: str, source: str) -> Generator[str, None, str]:
        laid = self.laid[id(node)]
        constant = 0
        at = 0
        for start in range(0, len(run), CHUNK):
            ops = run.ops[start : start + CHUNK].tolist()
            width = sum(run.operations[op].reads for op in ops)
            codes = run.operands[at : at + width].tolist()
            at += width
            used = 0
            for k, op in enumerate(ops, start):
                operation = run.operations[op]
                operands = []
                for code in codes[used : used + operation.reads]:
                    if code >> SHIFT == CODES[CONSTANT]:
                        place, plain = code & PLACE, laid.plain[constant]
                        constant += 1
                        number = repr(float(self.program.constants[place]))
                        operands.append(number if plain else f"{number}@({place})")
                    else:
                        operands.append(self._coded(code))
                used += operation.reads
                line = indent + self._item(laid, run, k, operation, operands)
                own = run.sources[run.lines[k]] if len(run.lines) else ""
                if run.outputs:
                    yield _beside(line, _source(own))
                else:
                    yield _beside(line, _changed(own, source))
                    source = own
        return source

    def _item(
        self, laid: "_Laid", run: Run, k: int, operation: Operation, operands: list[str]
    ) -> str:
        if operation.guards and operation.row:
            *operands, expected = operands
            does = formula(operation.row, operands)
            does = f"{does} is {_truth(operation, expected)}"
        else:
            does = formula(operation.row, operands)
        guard = "guard " if operation.guards else ""
        place = run.start + k
        if run.outputs:
            return f"{guard}{self._coded(CODES[OUTPUT] << SHIFT | place)} = {does}"
        item = self.names.special(place)
        title = self._title(item) if item else "" if guard else f"{self.names.in_run(place)} = "
        stated = item is not None and item.is_placed
        stated |= k == 0 and laid.target is not None and laid.target.expected != place
        return f"{guard}{title}{does}  @ {place}" if stated else f"{guard}{title}{does}"

    def _coded(self, code: int) -> str:
        """An operand outside loops that is no constant."""
        if code >> SHIFT == CODES[VALUE] and (name := self.names.in_run(code & PLACE)):
            return name
        return self._operand(decoded(code), Scope(), iter(()))

    # --- operands ---------------------------------------------------------------------------------

    def _operand(self, address: Address, scope: Scope, constants: Iterator[Any]) -> str:
        if address.memory == CONSTANT:
            (_, _, literal), plain = next(constants)
            if not literal:
                return self.operands.raw(address, scope)
            return literal if plain else f"{literal}@({self.operands.within(address, 0, scope)})"
        return self.operands.text(address, scope)

    # --- data -------------------------------------------------------------------------------------

    def _constants(self) -> Iterator[str]:
        """The constants that the statements do not tell."""
        constants = self.program.constants
        told = np.zeros(len(constants), bool)
        if not self.shared:
            for laid in self.laid.values():
                if laid.stretch:
                    told[laid.places] = True
                scope = laid.node.inner if laid.node.parts else laid.node.scope
                for address, _, literal in laid.constants:
                    if literal:
                        moved = [n if s or n == 0 else 1 for n, s in _moves(address, scope)]
                        told[address.all(moved, self.program.index)] = True
            if told.all() and len(constants) == self.ends.get(CONSTANT, 0):
                return
        yield ""
        yield f"constants {len(constants)}{' shared' if self.shared else ''}"
        edges = np.flatnonzero(np.diff(np.concatenate(([True], told, [True])).astype(np.int8)))
        for start, end in edges.reshape(-1, 2).tolist():
            yield from _data(constants[start:end], start)


@dataclass(slots=True, eq=False)
class _Laid:
    """Where the places of a statement are, and what of it record order tells."""

    node: Node
    target: Place | None = None
    constants: list[tuple[Address, Place, str]] = field(default_factory=list)
    block: Block | None = None
    stretch: Stretch | None = None  # of a run: its constants
    places: Integers = field(default_factory=lambda: np.empty(0, np.int64))
    plain: Any = ()  # per constant, whether its number tells which it is

    def odd(self, plain: Any) -> int:
        """How many constants it does not tell."""
        if self.stretch:
            return int(len(plain) - np.count_nonzero(plain))
        told = [p or not literal for p, (_, _, literal) in zip(plain, self.constants, strict=True)]
        return told.count(False)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def _moves(address: Address, scope: Scope) -> list[tuple[int, bool]]:
    """Per loop, its count, and whether the address moves in it."""
    lookup = address.lookup.strides if address.lookup else (0,) * len(address.strides)
    return [
        (n, bool(s or t)) for n, s, t in zip(scope.counts, address.strides, lookup, strict=True)
    ]


def _stride(node: Node, memory: str, depth: int) -> int | None:
    """By how much a loop moves the first value computed in it."""
    first, *others = node.parts
    for part in (*others, first):
        for below in part:
            if below.item and below.item.target.memory == memory and not below.item.target.lookup:
                return below.item.target.strides[depth]
            if below.parts and (stride := _stride(below, memory, depth)) is not None:
                return stride
    return None


def _data(numbers: Any, start: int) -> Iterator[str]:
    for k in range(0, len(numbers), A_LINE):
        shown = ", ".join(map(repr, numbers[k : k + A_LINE].tolist()))
        yield f"{INDENT}{start + k}: {shown}"


def _truth(of: Guard | Operation, expected: str) -> str:
    compares = of.row is not None and INFIX.get(operator_of(of.row)) is of.row
    return {"1.0": "true", "0.0": "false"}.get(expected, expected) if compares else expected


def _by(block: Block | None) -> str:
    return f" by {block.by}" if block and block.by is not None else ""


def _changed(source: str, before: str) -> str:
    """The source as it is shown behind another: nothing where it is the same."""
    if source == before:
        return ""
    return _source(source) if source else "-"


def _source(source: str) -> str:
    plain = source.isprintable() and source == source.strip() and source[:1] not in ("-", '"')
    return source if plain else quoted(source)


def _beside(line: str, source: str) -> str:
    return f"{line:{COLUMN - 2}}  # {source}" if source else line
