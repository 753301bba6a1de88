"""A Program as a scene: a cell for each statement, and a frame around each loop.

An edge says which statement computes what another one reads. What is read from an earlier
iteration, from the arguments or from the constants is a small cell of its own, with its name. An
accumulation reads the sum as it stood before, and what reads the sum then reads it from there.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from wengert.program.address import OUTPUT, Address
from wengert.program.naming import Node, Reference, Scope, is_value
from wengert.program.operands import Operands
from wengert.program.program import Program
from wengert.program.spelling import formula
from wengert.program.statements import Accumulate, Assign, Guard, Loop, Plain, Run, While, reads
from wengert.show.fold import Graph
from wengert.show.scene import COMMUTATIVE, LABEL, SYMBOL, Cell, Scene, folded, frames_of
from wengert.show.text import clean, shorten

Describe = Callable[[tuple[int, ...], int], Cell]  # given its operands and its frame


def scene_of_program(
    program: Program, fold_how: str = "auto", expand: Collection[str] = (), max_cells: int = 300
) -> Scene:
    """The scene of a program.

    Args:
        program: what to show.
        fold_how: "auto" folds past `max_cells`, "scopes" folds every loop, "none" nothing.
        expand: loops to open, by their numbers in the text, such as "loop1/loop2".
        max_cells: the most cells to show where folding is allowed.

    Raises:
        DrawError: a loop in `expand` does not occur.
    """
    drawn = _Drawn(program)
    parts = folded(drawn.graph, fold_how, expand, max_cells)
    frames, frame_of = frames_of({part.scope for part in parts.parts})
    frames = [replace(frame, name=drawn.titles.get(frame.name, frame.name)) for frame in frames]
    cells = []
    for part, own in zip(parts.parts, parts.operands, strict=True):
        frame = frame_of[part.scope]
        if part.value is not None:
            cells.append(drawn.describe[part.value](tuple(own), frame))
            continue
        loop = part.name.rpartition("/")[2]
        title = clean(drawn.titles[loop]) if loop else clean(part.title)
        cells.append(
            Cell("group", "", (title, clean(part.detail)), title, tuple(own), False, frame)
        )
    folds = [fold.replace("scope", "loop") for fold in parts.folds]
    return Scene(cells, frames, program.size, len(program), folds, program=True)


class _Drawn:
    """The graph of a program's statements, and how to describe each."""

    def __init__(self, program: Program) -> None:
        self.texts = Operands(program)
        self.titles: dict[str, str] = {}  # of loops, by their names in scopes
        self.describe: list[Describe] = []
        self._operands: list[tuple[int, ...]] = []
        self._ops: list[str] = []
        self._scopes: list[str] = []
        self._roots: set[int] = set()
        self._leaves: dict[tuple[str, str], int] = {}
        self._items: dict[int, int] = {}  # where the statement of an item is, by its identity
        self._firsts: dict[int, list[int]] = {}  # the statements called s[-1], by those called s
        self._places: dict[int, int] = {}  # the same for places of the value memory, in runs
        self._add_all(self.texts.names.nodes, "")
        self.graph = Graph(self._operands, self._ops, self._scopes, self._roots)

    def _add(self, operands: Iterable[int], op: str, scope: str, describe: Describe) -> int:
        self._operands.append(tuple(operands))
        self._ops.append(op)
        self._scopes.append(scope)
        self.describe.append(describe)
        return len(self._ops) - 1

    def _add_all(self, nodes: Iterable[Node], scope: str) -> None:
        for node in nodes:
            statement = node.statement
            if isinstance(statement, Run):
                self._run(statement, scope)
            elif isinstance(statement, Loop | While):
                inner = self._loop(statement, node, scope)
                for part in node.parts:
                    self._add_all(part, inner)
            else:
                name = node.item.name if node.item else ""
                if node.item and not name and node.item.alias:
                    name = self.texts.reference(node.item.alias, node.scope)
                made = self._statement(statement, node.scope, scope, name)
                if node.item:
                    self._items[id(node.item)] = made
                    if node.item.alias:
                        self._firsts.setdefault(id(node.item.alias.item), []).append(made)

    def _run(self, run: Run, scope: str) -> None:
        names = self.texts.names
        for statement in run:
            place = statement.target.base
            if run.outputs:
                self._statement(statement, Scope(), scope, "")
            else:
                special = names.special(place)
                numbered = "" if isinstance(statement, Guard) else names.in_run(place)
                name = special.name if special else numbered
                self._places[place] = self._statement(statement, Scope(), scope, name)

    def _loop(self, loop: Loop | While, node: Node, scope: str) -> str:
        name = f"loop{len(self.titles) + 1}"
        counter = self.texts.counters[len(node.scope.path)]
        stated = f"while {counter}"
        if isinstance(loop, Loop):
            stated = f"for {counter} in {loop.count:,}{' again' * loop.again}"
        self.titles[name] = stated
        return f"{scope}/{name}" if scope else name

    def _statement(self, statement: Plain, place: Scope, scope: str, name: str) -> int:
        """Add a statement; where it is."""
        read = list(reads(statement))
        if isinstance(statement, Guard):
            read.pop()
        operands = [self._operand(address, place, scope) for address in read]
        is_output = statement.target.memory == OUTPUT
        is_sum = isinstance(statement, Accumulate) and not is_output
        if is_sum:
            operands.insert(0, self._operand(statement.target, place, scope))
        if is_sum or is_output:
            name = self.texts.text(statement.target, place)
        name = name or statement.label
        symbol = _symbol(statement)
        texts = [self.texts.text(address, place) for address in read]
        about = _about(statement, name, texts)
        if isinstance(statement, Guard):
            name = f"{name} guard".strip()

        def describe(own: tuple[int, ...], frame: int) -> Cell:
            kind = "root" if is_output else "value"
            ordered = symbol not in COMMUTATIVE
            label = shorten(clean(name), LABEL) or "·"
            return Cell(
                kind, shorten(clean(symbol), SYMBOL), (label,), clean(about), own, ordered, frame
            )

        made = self._add(operands, symbol or "=", scope, describe)
        if is_output:
            self._roots.add(made)
        if is_sum:
            self._continue(statement.target, place, scope, made)
        return made

    def _continue(self, target: Address, place: Scope, scope: str, made: int) -> None:
        """From here on, a sum is what an accumulation has made of it."""
        reference = self.texts.names.reference(target, place)
        if not place.path and target.base in self._places:
            self._places[target.base] = made
        elif reference and _is_behind(reference, place):
            self._items[id(reference.item)] = made
        else:
            self._leaves[scope, self.texts.text(target, place)] = made

    def _operand(self, address: Address, place: Scope, scope: str) -> int:
        """The cell that stands for what is read: the statement that computed it, or a name."""
        before: list[int] = []
        if is_value(address):
            if not place.path and address.base in self._places:
                return self._places[address.base]
            reference = self.texts.names.reference(address, place)
            if reference:
                item = reference.item
                made = self._items.get(id(item), self._places.get(item.target.base))
                if made is not None and _is_behind(reference, place):
                    return made
                before = self._firsts.get(id(item), [])
        text = self.texts.text(address, place)
        key = scope, text
        if key not in self._leaves:

            def describe(own: tuple[int, ...], frame: int) -> Cell:
                label = shorten(clean(text), LABEL)
                return Cell("leaf", "", (label,), clean(text), own, False, frame)

            self._leaves[key] = self._add(before, "=" if before else "", scope, describe)
        return self._leaves[key]


def _symbol(statement: Plain) -> str:
    if isinstance(statement, Accumulate):
        return "+="
    return statement.row.symbol if statement.row else ""


def _about(statement: Plain, name: str, operands: list[str]) -> str:
    source = f" ({statement.source})" if statement.source else ""
    if isinstance(statement, Assign | Guard):
        guard = "guard " if isinstance(statement, Guard) else ""
        title = f"{name} = " if name else ""
        return f"{guard}{title}{formula(statement.row, operands)}{source}"
    return f"{name} += {operands[0]}{source}"


def _is_behind(reference: Reference, place: Scope) -> bool:
    """Whether a value was computed in this iteration of the loops that both stand in."""
    shared = place.common(reference.item.scope)
    same = [(0, tuple(int(d == k) for k in range(len(place.path)))) for d in range(shared)]
    return list(reference.indices[:shared]) == same
