"""The printed form of a program, which a person reads and `parse.py` reads back exactly.

The grammar is in docs/program-format.md. What follows from record order is left out: where results
are kept, and which constant a number is.
"""

import math
from bisect import bisect_right
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

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
    decoded,
    span,
)
from wengert.program.indices import composed, match
from wengert.program.naming import Item, Names, Node, Reference, Scope, is_value
from wengert.program.places import Block, Place, Placed, Stretch, settle
from wengert.program.program import Program, operations
from wengert.program.spelling import (
    INFIX,
    Leaf,
    formula,
    leaves,
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
    shown = list(islice(lines, limit))
    if next(lines, None) is not None:
        shown.append(f"... and more: {program.size:,} statements in all")
    return "\n".join(shown) + "\n"


class _Printer:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.names = Names(program)
        self.inputs = _Leaves(leaves(program.arguments))
        self.outputs = _Leaves(leaves(program.results, "out"))
        self.tables = _tables(self.names.nodes, len(program.index))
        _, first, where = np.unique(
            program.constants.view(np.int64), return_index=True, return_inverse=True
        )
        self.first_alike = first[where]  # per constant, the first one with the same bits
        taken = {str(key) for key in program.arguments.keys}
        letters = (*"ijklmnpqrsuvw", *(f"i{k}" for k in range(200)))
        self.counters = [letter for letter in letters if letter not in taken]
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
                laid.constants.append((address, place, self._literal(address, scope)))
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

    def _literal(self, address: Address, scope: Scope) -> str:
        """The number that a constant is at every setting of the counters, if it is one number."""
        moved = [s != 0 or (address.lookup is not None and address.lookup.strides[d] != 0)
                 for d, s in enumerate(address.strides)]  # fmt: skip
        counts = [n if m or n == 0 else 1 for n, m in zip(scope.counts, moved, strict=True)]
        if 0 in counts or math.prod(counts) > 4 * len(self.first_alike):
            return ""
        places = address.all(counts, self.program.index)
        alike = self.first_alike[places]
        return repr(float(self.program.constants[places.flat[0]])) if np.ptp(alike) == 0 else ""

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
            first: Bools = self.first_alike[laid.places] == laid.places
            return first
        return [
            address.lookup is None and not any(address.strides) and bool(literal)
            and int(self.first_alike[address.base]) == address.base
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
        for number, (start, end) in enumerate(self.tables, 1):
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
                yield f"{indent}for {self.counters[depth]} in {statement.count}{by}:"
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
        yield f"{indent}while {self.counters[len(node.scope.path)]} in {local}{by}:"
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
            return f"{own}  @ {self._raw(target, node.scope)}"
        as_expected = target.base == place.expected and target.strides == place.strides
        if item.is_placed or target.lookup or not as_expected:
            return f"{own}  @ {self._within(target, 0, node.scope)}"
        return own

    def _title(self, item: Item) -> str:
        titles = [item.title] if item.title else []
        if item.alias:
            titles.append(self._reference(item.alias, item.scope))
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
                return self._raw(address, scope)
            return literal if plain else f"{literal}@({self._within(address, 0, scope)})"
        if address.memory in (INPUT, OUTPUT):
            return self._in_leaf(address, scope)
        reference = self.names.reference(address, scope)
        return self._reference(reference, scope) if reference else self._raw(address, scope)

    def _reference(self, reference: Reference, scope: Scope) -> str:
        item, indices = reference.item, reference.indices
        if not item.name and item.alias:
            indices = composed(item.alias.indices, indices, len(scope.path))
            item = item.alias.item
        given = 0
        for d in range(min(scope.common(item.scope), len(indices))):
            if indices[d] != (0, tuple(int(d == k) for k in range(len(scope.path)))):
                break
            given = d + 1
        shown = ", ".join(self._affine(*index) for index in indices[given:])
        return f"{item.name}[{shown}]" if shown else item.name

    def _in_leaf(self, address: Address, scope: Scope) -> str:
        """A place in the inputs or outputs, by the name it has in their structure."""
        found = self.inputs if address.memory == INPUT else self.outputs
        low, high = self._reach(address, scope)
        leaf = found.around(low, high)
        if leaf is None:
            return self._raw(address, scope)
        if leaf.shape is None:
            moved = any(address.strides) or address.lookup
            return self._raw(address, scope) if moved else leaf.name
        if len(leaf.shape) > 1 and not address.lookup:
            radices = [math.prod(leaf.shape[d + 1 :]) for d in range(len(leaf.shape))]
            matched = match(
                address.base - leaf.start, address.strides, scope.counts, radices, leaf.shape
            )
            if matched and matched[0] == (1.0, 0):
                return f"{leaf.name}[{', '.join(self._affine(*index) for index in matched[1])}]"
        return f"{leaf.name}[{self._within(address, leaf.start, scope)}]"

    def _reach(self, address: Address, scope: Scope) -> tuple[int, int]:
        low, high = span(address.base, address.strides, scope.counts)
        if lookup := address.lookup:
            first, last = span(lookup.start, lookup.strides, scope.counts)
            entries = self.program.index[max(first, 0) : last + 1]
            if not len(entries):
                return -1, -1
            low, high = low + int(entries.min()), high + int(entries.max())
        return low, high

    def _raw(self, address: Address, scope: Scope) -> str:
        return f"{_memory(address.memory)}[{self._within(address, 0, scope)}]"

    def _within(self, address: Address, start: int, scope: Scope) -> str:
        """A place, counted from `start`, as the sum that it is."""
        affine = self._affine(address.base - start, address.strides)
        if not address.lookup:
            return affine
        lookup = address.lookup
        number = max(bisect_right(self.tables, (lookup.start, 1 << 62)), 1)
        inner = self._affine(lookup.start - self.tables[number - 1][0], lookup.strides)
        table = f"table{number}[{inner}]"
        if affine == "0":
            return table
        return f"{table} - {affine[1:]}" if affine[0] == "-" else f"{table} + {affine}"

    def _affine(self, constant: int, factors: Sequence[int]) -> str:
        terms = []
        for factor, counter in zip(factors, self.counters, strict=False):
            if factor:
                size = "" if abs(factor) == 1 else f"{abs(factor)}*"
                terms.append(("-" if factor < 0 else "+", f"{size}{counter}"))
        if constant or not terms:
            terms.append(("-" if constant < 0 else "+", str(abs(constant))))
        sign, first = terms[0]
        rest = "".join(f" {sign} {term}" for sign, term in terms[1:])
        return f"{'-' if sign == '-' else ''}{first}{rest}"

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


class _Leaves:
    def __init__(self, of: list[Leaf]) -> None:
        self.of = [leaf for leaf in of if leaf.size]
        self.starts = [leaf.start for leaf in self.of]

    def around(self, low: int, high: int) -> Leaf | None:
        """The leaf that holds all places from `low` to `high`."""
        k = bisect_right(self.starts, low) - 1
        if k < 0 or high >= self.starts[k] + self.of[k].size:
            return None
        return self.of[k]


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


def _tables(nodes: Iterable[Node], size: int) -> list[tuple[int, int]]:
    """The index table in the stretches that are looked up together."""
    spans = sorted(_lookups(nodes))
    if not spans:
        return [(0, size)] if size else []
    found: list[tuple[int, int]] = []
    at = 0
    for low, high in spans:
        start, end = min(max(low, 0), size), min(high + 1, size)
        if start < at:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            if start > at:
                found.append((at, start))
            found.append((start, max(start, end)))
        at = found[-1][1]
    return [*found, (at, size)] if at < size else found


def _lookups(nodes: Iterable[Node]) -> Iterator[tuple[int, int]]:
    for node in nodes:
        for part in node.parts:
            yield from _lookups(part)
        statement = node.statement
        if isinstance(statement, While):
            addresses, scope = [statement.condition], node.inner
        elif isinstance(statement, Run | Loop):
            continue
        else:
            addresses, scope = [statement.target, *reads(statement)], node.scope
        for address in addresses:
            if address.lookup:
                yield span(address.lookup.start, address.lookup.strides, scope.counts)


def _data(numbers: Any, start: int) -> Iterator[str]:
    for k in range(0, len(numbers), A_LINE):
        shown = ", ".join(map(repr, numbers[k : k + A_LINE].tolist()))
        yield f"{INDENT}{start + k}: {shown}"


def _truth(of: Guard | Operation, expected: str) -> str:
    compares = of.row is not None and INFIX.get(operator_of(of.row)) is of.row
    return {"1.0": "true", "0.0": "false"}.get(expected, expected) if compares else expected


def _by(block: Block | None) -> str:
    return f" by {block.by}" if block and block.by is not None else ""


def _memory(memory: str) -> str:
    if memory == CONSTANT:
        return "const"
    return memory if memory in CODES else f"local.{spelled_key(memory)}"


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
