"""How the operands of a program's statements are written, for the printed form and for pictures."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from wengert.program.address import CODES, CONSTANT, INPUT, OUTPUT, VALUE, Address, span
from wengert.program.indices import composed, match
from wengert.program.naming import Names, Node, Reference, Scope
from wengert.program.program import Program
from wengert.program.spelling import Leaf, leaves, spelled_key
from wengert.program.statements import Loop, Run, While, reads


class Operands:
    """How operands are written: the names of values, arguments, results, tables and counters."""

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

    def text(self, address: Address, scope: Scope) -> str:
        """What stands for an address."""
        if address.memory == CONSTANT:
            return self.literal(address, scope) or self.raw(address, scope)
        if address.memory in (INPUT, OUTPUT):
            return self._in_leaf(address, scope)
        is_flat = address.memory == VALUE and not scope.path and not address.lookup
        if is_flat and (name := self.names.in_run(address.base)):
            return name
        reference = self.names.reference(address, scope)
        if reference and reference.lookup:
            return self._looked_up(address, reference, scope)
        return self.reference(reference, scope) if reference else self.raw(address, scope)

    def _looked_up(self, address: Address, reference: Reference, scope: Scope) -> str:
        item = reference.item
        if not item.name:
            return self.raw(address, scope)
        return f"{item.name}[{self.within(address, item.target.base, scope)}]"

    def literal(self, address: Address, scope: Scope) -> str:
        """The number that a constant is at every setting of the counters, if it is one number."""
        moved = [s != 0 or (address.lookup is not None and address.lookup.strides[d] != 0)
                 for d, s in enumerate(address.strides)]  # fmt: skip
        counts = [n if m or n == 0 else 1 for n, m in zip(scope.counts, moved, strict=True)]
        if 0 in counts or math.prod(counts) > 4 * len(self.first_alike):
            return ""
        places = address.all(counts, self.program.index)
        alike = self.first_alike[places]
        return repr(float(self.program.constants[places.flat[0]])) if np.ptp(alike) == 0 else ""

    def reference(self, reference: Reference, scope: Scope) -> str:
        """A value by the name of its statement, and at which counters."""
        item, indices = reference.item, reference.indices
        if not item.name and item.alias:
            indices = composed(item.alias.indices, indices, len(scope.path))
            item = item.alias.item
        given = 0
        for d in range(min(scope.common(item.scope), len(indices))):
            if indices[d] != (0, tuple(int(d == k) for k in range(len(scope.path)))):
                break
            given = d + 1
        shown = ", ".join(self.affine(*index) for index in indices[given:])
        return f"{item.name}[{shown}]" if shown else item.name

    def _in_leaf(self, address: Address, scope: Scope) -> str:
        """A place in the inputs or outputs, by the name it has in their structure."""
        found = self.inputs if address.memory == INPUT else self.outputs
        low, high = self._reach(address, scope)
        leaf = found.around(low, high)
        if leaf is None:
            return self.raw(address, scope)
        if leaf.shape is None:
            moved = any(address.strides) or address.lookup
            return self.raw(address, scope) if moved else leaf.name
        if len(leaf.shape) > 1 and not address.lookup:
            radices = [math.prod(leaf.shape[d + 1 :]) for d in range(len(leaf.shape))]
            matched = match(
                address.base - leaf.start, address.strides, scope.counts, radices, leaf.shape
            )
            if matched and matched[0] == (1.0, 0):
                return f"{leaf.name}[{', '.join(self.affine(*index) for index in matched[1])}]"
        return f"{leaf.name}[{self.within(address, leaf.start, scope)}]"

    def _reach(self, address: Address, scope: Scope) -> tuple[int, int]:
        low, high = span(address.base, address.strides, scope.counts)
        if lookup := address.lookup:
            first, last = span(lookup.start, lookup.strides, scope.counts)
            entries = self.program.index[max(first, 0) : last + 1]
            if not len(entries):
                return -1, -1
            low, high = low + int(entries.min()), high + int(entries.max())
        return low, high

    def raw(self, address: Address, scope: Scope) -> str:
        """By memory and place."""
        return f"{_memory(address.memory)}[{self.within(address, 0, scope)}]"

    def within(self, address: Address, start: int, scope: Scope) -> str:
        """A place, counted from `start`, as the sum that it is."""
        affine = self.affine(address.base - start, address.strides)
        if not address.lookup:
            return affine
        lookup = address.lookup
        number = max(bisect_right(self.tables, (lookup.start, 1 << 62)), 1)
        inner = self.affine(lookup.start - self.tables[number - 1][0], lookup.strides)
        table = f"table{number}[{inner}]"
        if affine == "0":
            return table
        return f"{table} - {affine[1:]}" if affine[0] == "-" else f"{table} + {affine}"

    def affine(self, constant: int, factors: Sequence[int]) -> str:
        """A constant plus the counters times their factors."""
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


def _memory(memory: str) -> str:
    if memory == CONSTANT:
        return "const"
    return memory if memory in CODES else f"local.{spelled_key(memory)}"
