"""How one cell looks: a record with its operation before it, or the card of a folded part."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

from wengert.show.scene import Cell
from wengert.show.shapes import ADVANCE, Box, Group, Line, Point, Shape, Text
from wengert.show.text import columns, shorten

SIZE, SMALL, SYMBOL, TAG = 13.0, 11.0, 14.0, 9.5  # of text
PAD = 9.0  # beside the text of a field
RECORD, STACK, ROUND = 32.0, 46.0, 32.0  # heights of a record, of a folded part, of an operation
GAP = 22.0  # from an operation to its value
BEHIND = 4.0  # by how much the card behind a folded part stands out
HEAD = 7.0
WORDS = ("data", "grad")  # that open a field with a number

Bounds = tuple[float, float, float, float]  # left, top, right, bottom


def width_of(text: str, size: float) -> float:
    """The room a line of text takes."""
    return columns(text) * ADVANCE * size


def card_size(cell: Cell) -> tuple[float, float]:
    """Width and height of a record or of a folded part."""
    if cell.kind == "group":
        title, detail = cell.fields
        return max(width_of(title, SIZE), width_of(detail, SMALL)) + 2 * PAD + BEHIND, STACK
    return sum(width_of(field, SIZE) + 2 * PAD for field in cell.fields), RECORD


def op_width(cell: Cell) -> float:
    """Width of the round node of an operation, 0 for none."""
    return max(ROUND, width_of(cell.op, SYMBOL) + 2 * PAD) if cell.op else 0.0


@dataclass(frozen=True, slots=True)
class Turn:
    """Which way the picture flows: from left to right, or from top to bottom."""

    down: bool

    def point(self, along: float, across: float) -> Point:
        """Flow coordinates as x and y."""
        return (across, along) if self.down else (along, across)

    def size(self, cell: Cell) -> tuple[float, float]:
        """How much room a cell takes along and across the flow."""
        width, height = card_size(cell)
        op = op_width(cell)
        if self.down:
            return height + (ROUND + GAP if op else 0.0), max(width, op)
        return width + (op + GAP if op else 0.0), max(height, ROUND if op else 0.0)

    def bounds(self, spot: tuple[float, float], size: tuple[float, float]) -> Bounds:
        """The corners of what begins at a spot along the flow, with its middle there across it."""
        along, across = spot
        first = self.point(along, across - size[1] / 2)
        last = self.point(along + size[0], across + size[1] / 2)
        return (*first, *last)

    def cap(self, cell: Cell, aside: float) -> float:
        """How far from a cell's beginning an edge that comes in aside of its middle meets it."""
        if not cell.op:
            return 0.0
        radius = ROUND / 2
        if self.down:  # an operation wider than high is flat in its middle
            aside = max(0.0, abs(aside) - (op_width(cell) - ROUND) / 2)
        return radius - sqrt(max(0.0, radius * radius - aside * aside))


def drawn_cell(cell: Cell, spot: tuple[float, float], turn: Turn, tag: str) -> Group:
    """The shapes of a cell; with a tag that names its scope where no frame does."""
    along, across = spot
    width, height = card_size(cell)
    shapes: list[Shape] = []
    if cell.op:
        op = op_width(cell)
        length = ROUND if turn.down else op
        x, y = turn.point(along + length / 2, across)
        shapes += _symbol(cell.op, x, y, op)
        along += length
        shapes += _arrow(turn, along, along + GAP, across)
        along += GAP
    if turn.down:
        left, top = across - width / 2, along
    else:
        left, top = along, across - height / 2
    shapes += _folded(cell, left, top) if cell.kind == "group" else _record(cell, left, top)
    if tag:
        text = shorten(tag, int(width / (ADVANCE * TAG)))
        shapes.append(Text(left + 1.0, top - 4.0, text, width_of(text, TAG), TAG, "scope"))
    return Group(cell.kind, cell.about, tuple(shapes))


def _symbol(op: str, x: float, y: float, width: float) -> Iterator[Shape]:
    yield Box(x - width / 2, y - ROUND / 2, width, ROUND, ROUND / 2, "op")
    room = width_of(op, SYMBOL)
    drop = 0.5 if op == "*" else 0.34  # an asterisk stands high in its line
    yield Text(x - room / 2, y + drop * SYMBOL, op, room, SYMBOL, "symbol")


def _arrow(turn: Turn, start: float, end: float, across: float) -> Iterator[Shape]:
    shaft = (turn.point(start, across), turn.point(end - HEAD + 1.0, across))
    yield Line(shaft, 0, "edge")
    back = end - HEAD
    head = ((end, across), (back, across - HEAD / 2), (back, across + HEAD / 2))
    yield Line(tuple(turn.point(*point) for point in head), 0, "arrow")


def _record(cell: Cell, left: float, top: float) -> Iterator[Shape]:
    """The fields side by side."""
    width, _ = card_size(cell)
    yield Box(left, top, width, RECORD, 5.0, cell.kind)
    x, y = left, top + RECORD / 2 + 0.35 * SIZE
    for k, field in enumerate(cell.fields):
        if k:
            yield Line(((x, top), (x, top + RECORD)), 0, f"rule {cell.kind}")
        x += PAD
        room = width_of(field, SIZE)
        word, _, figure = field.partition(" ")
        if word not in WORDS or len(cell.fields) == 1 or (k == 0 and len(cell.fields) == 3):
            yield Text(x, y, field, room, SIZE, "label")
        else:
            apart = width_of(word + " ", SIZE)
            yield Text(x, y, word, width_of(word, SIZE), SIZE, "word")
            yield Text(x + apart, y, figure, room - apart, SIZE, "number")
        x += room + PAD


def _folded(cell: Cell, left: float, top: float) -> Iterator[Shape]:
    """A stack of cards with two lines of text."""
    width, height = card_size(cell)
    yield Box(left + BEHIND, top - BEHIND, width - BEHIND, height - BEHIND, 6.0, "behind")
    yield Box(left, top, width - BEHIND, height, 6.0, "group")
    title, detail = cell.fields
    yield Text(left + PAD, top + 19.5, title, width_of(title, SIZE), SIZE, "label")
    yield Text(left + PAD, top + 36.0, detail, width_of(detail, SMALL), SMALL, "word")
