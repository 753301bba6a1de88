r"""Programs as formulas in LaTeX, for those that fit on a page.

A value that is used once, in the loop that computes it, stands where it is used; any other has a
line of its own, under the name that `print(program)` gives it, with all counters as indices. A loop
that does nothing but add up or multiply is a sum or a product.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from wengert.dispatch import Primitive
from wengert.errors import ProgramError
from wengert.formula import tex_name
from wengert.interop.latex_pieces import Piece, applied, indexed, number, placed
from wengert.primitives import add, mul
from wengert.program.address import CONSTANT, OUTPUT, Address
from wengert.program.indices import Affine, composed
from wengert.program.naming import ENDLESS, Item, Node, Reference, Scope, is_value
from wengert.program.operands import Operands
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Assign, Guard, Loop, Plain, While, reads
from wengert.program.structure import NUMBER

LONGEST = 60  # statements that are written; fewer than a straight stretch kept in columns has
WIDE = 160  # characters of a formula that is still put into another one
FOLDS = {add: (r"\sum", add, "0"), mul: (r"\prod", mul, "1")}
APART = r",\; "


def to_latex(program: Program) -> str:
    """The `aligned` environment; see `Program.to_latex`."""
    if program.size > LONGEST:
        raise ProgramError(
            f"to_latex() writes programs of at most {LONGEST} statements, and {program.name} has "
            f"{program.size:,}. print(program) shows it, and program.to_c() writes it out."
        )
    lines = [line.tex() for line in _Formulas(program).lines()]
    return "\n".join([r"\begin{aligned}", " \\\\\n".join(lines), r"\end{aligned}"])


@dataclass(frozen=True, slots=True)
class Line:
    """An equation, and for which counters it holds."""

    left: str
    right: Piece
    counters: tuple[str, ...]
    sign: str = "="
    item: Item | None = None
    row: Primitive | None = None
    addresses: tuple[Address, ...] = ()
    operands: tuple[Piece, ...] = ()

    def tex(self) -> str:
        """The line of the environment."""
        equation = f"{self.left} &{self.sign} {self.right.tex}"
        return f"{equation}, && {APART.join(self.counters)}" if self.counters else equation


class _Formulas:
    def __init__(self, program: Program) -> None:
        self.program, self.words = program, Operands(program)
        self.names = self.words.names
        self.uses: dict[Item, list[tuple[Reference, Scope]]] = defaultdict(list)
        self.inlined: dict[Item, Piece] = {}
        self._count(self.names.nodes)

    def lines(self) -> list[Line]:
        """All lines that are left when what is used once stands where it is used."""
        return self._block(self.names.nodes, ())

    # --- what is used where -----------------------------------------------------------------------

    def _count(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            for part in node.parts:
                self._count(part)
            for address, scope in _read(node):
                if reference := is_value(address) and self.names.reference(address, scope):
                    self.uses[reference.item].append((reference, scope))

    def _is_used_once(self, item: Item) -> bool:
        """In the iteration that computes it, or in the same one of a like loop; under its name."""
        uses = self.uses[item]
        if len(uses) != 1 or item.label or item.alias or item.is_guard:
            return False
        reference, scope = uses[0]
        return _alike(scope, item.scope) and reference.indices == _unmoved(len(scope.path))

    # --- statements -------------------------------------------------------------------------------

    def _block(self, nodes: Sequence[Node], counters: tuple[str, ...]) -> list[Line]:
        lines: list[Line] = []
        for node in nodes:
            statement = node.statement
            if isinstance(statement, Loop):
                inside = (*counters, _range(self._counter(node), statement.count))
                found = self._block(node.parts[0], inside)
                folded = self._folded(node, statement, found, lines)
                lines += found if folded is None else folded
            elif isinstance(statement, While):
                lines += self._while(node, statement, counters)
            elif isinstance(statement, Assign | Accumulate | Guard):
                lines += self._line(node, statement, counters)
        return lines

    def _counter(self, loop: Node) -> str:
        counter: str = self.words.counters[len(loop.scope.path)]
        return counter

    def _while(self, node: Node, loop: While, counters: tuple[str, ...]) -> Iterator[Line]:
        counter = self._counter(node)
        every = rf"{counter} = 0, 1, \dots"
        condition = rf"{self._symbol(loop.condition, node.inner).tex} \ne 0"
        domains = (
            f"{counter} = 0", every, rf"{every} \text{{ while }} {condition}",
            rf"{counter} \text{{ the first without }} {condition}",
        )  # fmt: skip
        for part, domain in zip(node.parts, domains, strict=True):
            yield from self._block(part, (*counters, domain))

    def _line(self, node: Node, statement: Plain, counters: tuple[str, ...]) -> Iterator[Line]:
        scope, item = node.scope, node.item
        addresses = (
            statement.operands if not isinstance(statement, Accumulate) else reads(statement)
        )
        operands = tuple(self._symbol(address, scope) for address in addresses)
        row = None if isinstance(statement, Accumulate) else statement.row
        right = applied(row, operands) if row else operands[0]
        if isinstance(statement, Guard):
            expected = self._symbol(statement.expected, scope)
            yield Line(rf"\text{{given }} {right.tex}", expected, counters)
            if item is None or not self.uses[item]:
                return
        if item and self._is_used_once(item) and len(right.tex) <= WIDE:
            self.inlined[item] = right
            return
        left = self._own(item) if item else self._place(statement.target, scope)
        sign = r"\mathrel{+}=" if isinstance(statement, Accumulate) else "="
        yield Line(left, right, counters, sign, item, row, addresses, operands)

    # --- sums and products ------------------------------------------------------------------------

    def _folded(
        self, node: Node, loop: Loop, lines: list[Line], before: list[Line]
    ) -> list[Line] | None:
        """The one line for a loop that adds up or multiplies; none if it stands where it is used.

        That is `s[k] = s[k - 1] + t`, of which nothing but the last is used.
        """
        if len(lines) != 1 or lines[0].row not in FOLDS or not lines[0].item:
            return None
        (line,) = lines
        item, depth = line.item, len(node.scope.path)
        assert item is not None
        assert line.row is not None
        if item.scope != node.inner or item.label:
            return None
        here = _unmoved(depth + 1)
        previous, last = (-1, here[depth][1]), (loop.count - 1, (0,) * depth)
        carried = [
            k for k, address in enumerate(line.addresses)
            if is_value(address) and (found := self.names.reference(address, node.inner))
            and found.item is item and found.indices == (*here[:depth], previous)
        ]  # fmt: skip
        others = [use for use in self.uses[item] if use[1] != node.inner]
        if len(carried) != 1 or len(others) + 1 != len(self.uses[item]):
            return None
        if any(not _alike(scope, node.scope) or found.indices != (*_unmoved(depth), last)
               for found, scope in others):  # fmt: skip
            return None
        sign, row, neutral = FOLDS[line.row]
        first = self._first(line.addresses[carried[0]], node, item, before)
        counter = self._counter(node)
        fold = rf"{sign}_{{{counter}=0}}^{{{loop.count - 1}}} "
        term = line.operands[1 - carried[0]]
        text = rf"\left({term.tex}\right)" if term.binds <= row.binds else term.tex
        total = Piece(fold + text, row.binds)
        right = total if first.tex == neutral else applied(row, [first, total])
        left = self._called(item, (*_unmoved(depth), last))
        if len(others) == 1 and len(right.tex) <= WIDE:
            self.inlined[item] = right
            return []
        return [replace(line, left=left, right=right, counters=line.counters[:-1], row=None)]

    def _first(self, carried: Address, node: Node, item: Item, before: list[Line]) -> Piece:
        """What a sum or product starts with."""
        depth = len(node.scope.path)
        if before and (start := before[-1].item) and start.alias and start.alias.item is item:
            found = start.alias.indices == (*_unmoved(depth), (-1, (0,) * depth))
            if found and start.scope == node.scope and not self.uses[start]:
                return before.pop().right
        return Piece(self._called(item, (*_unmoved(depth), (-1, (0,) * depth))))

    # --- names ------------------------------------------------------------------------------------

    def _symbol(self, address: Address, scope: Scope) -> Piece:
        if address.memory == CONSTANT and (literal := self.words.literal(address, scope)):
            return number(literal)
        reference = self.names.reference(address, scope) if is_value(address) else None
        if reference and reference.item in self.inlined:
            return self.inlined[reference.item]
        if reference:
            return Piece(self._called(reference.item, reference.indices))
        return Piece(self._place(address, scope))

    def _own(self, item: Item) -> str:
        """What a value is called where it is computed."""
        return self._called(item, _unmoved(len(item.scope.path)))

    def _called(self, item: Item, indices: tuple[Affine, ...]) -> str:
        if item.alias and not item.name:
            counters = len(indices[0][1]) if indices else 0
            indices = composed(item.alias.indices, indices, counters)
            item = item.alias.item
        moves = [stride or item.target.lookup for stride in item.target.strides]
        shown = [self.words.affine(*i) for i, move in zip(indices, moves, strict=True) if move]
        return indexed(item.name, shown)

    def _place(self, address: Address, scope: Scope) -> str:
        alone = self.program.results.kind == NUMBER and address.memory == OUTPUT
        if alone and len(self.program.arguments.keys) <= 4:
            names = ", ".join(tex_name(str(key)) for key in self.program.arguments.keys)
            return f"{tex_name(self.program.name)}({names})"
        return placed(self.words.text(address, scope))


# --- pieces ---------------------------------------------------------------------------------------


def _read(node: Node) -> Iterator[tuple[Address, Scope]]:
    """What a statement reads; twice what has a line of its own in any case."""
    statement = node.statement
    if isinstance(statement, While):
        yield from [(statement.condition, node.inner)] * 2
    elif isinstance(statement, Assign | Accumulate | Guard):
        yield from ((address, node.scope) for address in reads(statement))
        if isinstance(statement, Accumulate):
            yield from [(statement.target, node.scope)] * 2


def _unmoved(counters: int) -> tuple[Affine, ...]:
    """The indices that are the counters."""
    return tuple((0, tuple(int(d == k) for k in range(counters))) for d in range(counters))


def _alike(scope: Scope, other: Scope) -> bool:
    """Whether the counters mean the same in both."""
    return scope == other or (scope.counts == other.counts and ENDLESS not in scope.counts)


def _range(counter: str, count: int) -> str:
    """The values of a counter."""
    if count <= 2:
        return f"{counter} = {', '.join(map(str, range(count)))}"
    return rf"{counter} = 0, \dots, {count - 1}"
