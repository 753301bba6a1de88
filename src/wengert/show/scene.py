"""What a picture shows, whatever draws it: cells, edges, frames and a caption.

A cell is one value, as a record of its label, data and gradient, with its operation as a round
node before it; or one part that stands for many values.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from wengert.errors import DrawError
from wengert.graph import topological_order
from wengert.primitives import rows
from wengert.show.fold import Folded, Graph, fold, unfolded
from wengert.show.scopes import Scopes
from wengert.show.text import clean, count, number, shorten

LABEL, SYMBOL, TITLE = 24, 12, 40  # the most columns each may take in a picture
COMMUTATIVE = {row.symbol for row in rows() if row.facts.commutative}


@dataclass(frozen=True, slots=True)
class Cell:
    """One value with its operation, or one part that stands for many."""

    kind: str  # leaf, value, root or group
    op: str  # the operation's symbol, "" for none
    fields: tuple[str, ...]  # of a value, from left to right; of a group, from top to bottom
    about: str  # in full, for those who point at it
    operands: tuple[int, ...]  # the cells its edges come from, in order; `a * a` has a twice
    ordered: bool  # whether the order of the operands matters
    frame: int = -1  # the frame it stands in, -1 for none


@dataclass(frozen=True, slots=True)
class Frame:
    """A scope around cells."""

    name: str
    outer: int  # the frame around this one, -1 for none


@dataclass(frozen=True, slots=True)
class Scene:
    """A whole picture."""

    cells: list[Cell]
    frames: list[Frame]
    values: int
    operations: int
    folds: list[str]  # in words, what was folded
    program: bool = False  # whether its values are statements

    @property
    def caption(self) -> str:
        """What was folded, "" if nothing was."""
        if not self.folds:
            return ""
        return clean(
            f"{self._counted} drawn as "
            f"{count(len(self.cells), 'cell')}. Folded: {', '.join(self.folds)}."
        )

    @property
    def about(self) -> str:
        """The picture in words."""
        return f"{'Program' if self.program else 'Computation graph'} of {self._counted}"

    @property
    def _counted(self) -> str:
        values = count(self.values, "statement" if self.program else "value")
        return f"{values} and {count(self.operations, 'operation')}"

    def paths(self) -> list[tuple[int, ...]]:
        """Of each cell, the frames it is in, outermost first."""
        paths: list[tuple[int, ...]] = []
        for frame in self.frames:
            paths.append((*(paths[frame.outer] if frame.outer >= 0 else ()), len(paths)))
        return [paths[cell.frame] if cell.frame >= 0 else () for cell in self.cells]


def scene_of(
    roots: Sequence[Any],
    fold_how: str = "auto",
    expand: Collection[str] = (),
    max_cells: int = 300,
    digits: int = 4,
) -> Scene:
    """The scene of everything the roots depend on.

    Args:
        roots: the Values at the end of the graph.
        fold_how: "auto" folds past `max_cells`, "scopes" folds every scope, "none" nothing.
        expand: scopes to open.
        max_cells: the most cells to show where folding is allowed.
        digits: decimals of data and gradients.

    Raises:
        DrawError: a scope in `expand` does not occur.
    """
    order = topological_order(*roots)
    index = {node: k for k, node in enumerate(order)}
    graph = Graph(
        [tuple([index[u] for u in node.operands]) for node in order],
        [node._op or "?" if node.operands else "" for node in order],
        [node.scope for node in order],
        {index[root] for root in roots},
    )
    parts = folded(graph, fold_how, expand, max_cells)
    frames, frame_of = frames_of({part.scope for part in parts.parts})
    cells = []
    for part, own in zip(parts.parts, parts.operands, strict=True):
        frame = frame_of[part.scope]
        if part.value is None:
            fields = (shorten(clean(part.title), TITLE), clean(part.detail))
            about = clean(f"{part.title}: {part.values:,} values, {part.operations:,} operations")
            cells.append(Cell("group", "", fields, about, tuple(own), False, frame))
        else:
            root = part.value in graph.roots
            cells.append(_cell(order[part.value], tuple(own), root, digits, frame))
    operations = sum(map(bool, graph.operands))
    return Scene(cells, frames, len(order), operations, parts.folds)


def folded(graph: Graph, how: str, expand: Collection[str], limit: int) -> Folded:
    """The graph's parts after folding; see `scene_of` for the arguments."""
    scopes = Scopes(graph.scopes)
    for scope in expand:
        if scope not in scopes.inner:
            known = sorted(filter(None, scopes.inner))
            raise DrawError(
                f"expand names the scope {scope!r}, which does not occur. "
                + (f"There are: {', '.join(known[:12])}." if known else "There are no scopes.")
            )
    if how == "none" or (how == "auto" and len(graph.ops) <= limit):
        return unfolded(graph)
    opened = scopes.opened(limit if how == "auto" else 0, expand)
    return fold(graph, opened, expand, limit)


def _cell(node: Any, operands: tuple[int, ...], root: bool, digits: int, frame: int) -> Cell:
    op = clean(node._op or "?") if node.operands else ""
    label = clean(node.label)
    fields = [f"data {number(node.data, digits)}", f"grad {number(node.grad, digits)}"]
    if label:
        fields.insert(0, shorten(label, LABEL))
    about = [f"data {node.data!r}", f"grad {node.grad!r}"]
    if node.scope:
        about.append(f"scope {clean(node.scope)}")
    if op:
        about.append(f"made by {op}")
    return Cell(
        "root" if root else "value" if operands else "leaf",
        shorten(op, SYMBOL),
        tuple(fields),
        (f"{label}: " if label else "") + ", ".join(about),
        operands,
        op not in COMMUTATIVE,
        frame,
    )


def frames_of(scopes: Collection[str]) -> tuple[list[Frame], dict[str, int]]:
    """The frames of these scopes and of all around them, outer ones first, and where each is."""
    frames: list[Frame] = []
    at: dict[str, int] = {"": -1}
    for scope in sorted(scopes):
        outer = ""
        for name in scope.split("/") if scope else ():
            inner = f"{outer}/{name}" if outer else name
            if inner not in at:
                at[inner] = len(frames)
                frames.append(Frame(shorten(clean(name), TITLE), at[outer]))
            outer = inner
    return frames, at
