"""From a scene to a picture: what stands where, where edges run, and which frames can be drawn.

Edges bend only between two ranks and run straight along one, so they never pass through text. All
is computed along and across the flow, and turned to x and y at the end.
"""

from bisect import bisect
from collections.abc import Sequence

from wengert.show.cells import STACK, Bounds, Turn, drawn_cell, width_of
from wengert.show.layout import Layout, layout
from wengert.show.scene import Scene
from wengert.show.shapes import ADVANCE, Box, Group, Line, Picture, Text
from wengert.show.text import wrap

NAME, CAPTION = 11.0, 11.0  # sizes of text
MARGIN = 18.0
HEAD = 7.0  # the length of an arrow's head
MANY = 6  # more edges than this into one cell are thin, and those into a folded part meet
FRAME_TOP, FRAME_PAD = 22.0, 10.0  # room in a frame above and around its cells


def place(scene: Scene, rankdir: str = "LR") -> Picture:
    """The picture of a scene, flowing from left to right ("LR") or downwards ("TB")."""
    turn = Turn(rankdir == "TB")
    sizes = [turn.size(cell) for cell in scene.cells]
    placed = layout(sizes, [cell.operands for cell in scene.cells], scene.paths())
    spots = [
        (placed.columns[placed.rank[v]][1] - sizes[v][0], placed.across[v])
        for v in range(len(sizes))
    ]
    bounds = [turn.bounds(spot, size) for spot, size in zip(spots, sizes, strict=True)]
    frames = frames_of(scene, bounds)
    groups = [_drawn_frame(scene, k, around) for k, around in sorted(frames.items())]
    groups += _edges(scene, placed, spots, turn)
    for cell, spot in zip(scene.cells, spots, strict=True):
        tag = scene.frames[cell.frame].name if cell.frame >= 0 and cell.frame not in frames else ""
        groups.append(drawn_cell(cell, spot, turn, tag))
    bends = [turn.bounds((0.0, across), (0.0, 0.0)) for across in placed.across]
    around = _union([*bounds, *frames.values(), *bends] or [NOTHING])
    caption, around = _caption(scene, around)
    return _framed(scene, groups + caption, around)


NOTHING: Bounds = (0.0, 0.0, 0.0, 0.0)  # the bounds of a picture without cells


def _union(bounds: Sequence[Bounds]) -> Bounds:
    return (
        min(b[0] for b in bounds),
        min(b[1] for b in bounds),
        max(b[2] for b in bounds),
        max(b[3] for b in bounds),
    )


def _caption(scene: Scene, around: Bounds) -> tuple[list[Group], Bounds]:
    """The words below the picture, and the bounds with them."""
    left, top, right, bottom = around
    groups = []
    room = max(90, int((right - left) / (ADVANCE * CAPTION)))
    for k, line in enumerate(wrap(scene.caption, room) if scene.caption else []):
        bottom += CAPTION * (2.4 if k == 0 else 1.5)
        text = Text(left, bottom, line, width_of(line, CAPTION), CAPTION, "caption")
        right = max(right, left + text.width)
        groups.append(Group("caption", "", (text,)))
    return groups, (left, top, right, bottom)


def _framed(scene: Scene, groups: list[Group], around: Bounds) -> Picture:
    """On a card of its own, so that it can be read on any page."""
    left, top = around[0] - MARGIN, around[1] - MARGIN
    width, height = around[2] + MARGIN - left, around[3] + MARGIN - top
    card = Box(left + 0.5, top + 0.5, width - 1, height - 1, 8.0, "card")
    return Picture(left, top, width, height, [Group("card", "", (card,)), *groups], scene.about)


# --- frames ---------------------------------------------------------------------------------------


def frames_of(scene: Scene, bounds: Sequence[Bounds]) -> dict[int, Bounds]:
    """The bounds of each frame that holds all of its cells and nothing else."""
    paths = scene.paths()
    members: dict[int, list[int]] = {}
    for v, path in enumerate(paths):
        for frame in path:
            members.setdefault(frame, []).append(v)
    by_left = sorted(range(len(bounds)), key=lambda v: bounds[v][0])
    lefts = [bounds[v][0] for v in by_left]
    widest = max((b[2] - b[0] for b in bounds), default=0.0)
    frames: dict[int, Bounds] = {}
    for frame in range(len(scene.frames) - 1, -1, -1):  # inner ones first
        inside = [bounds[v] for v in members[frame]]
        inside += [b for k, b in frames.items() if scene.frames[k].outer == frame]
        left, top, right, bottom = _union(inside)
        left, top = left - FRAME_PAD, top - FRAME_TOP
        right = max(right + FRAME_PAD, left + width_of(scene.frames[frame].name, NAME) + 16.0)
        around = (left, top, right, bottom + FRAME_PAD)
        own = set(members[frame])
        near = by_left[bisect(lefts, left - widest) : bisect(lefts, right)]
        if not any(_overlap(around, bounds[v]) for v in near if v not in own):
            frames[frame] = around
    for frame, around in list(frames.items()):
        for other in [k for k in frames if k < frame and not _within(scene, frame, k)]:
            if _overlap(around, frames[other]):
                del frames[other]
    return frames


def _within(scene: Scene, frame: int, outer: int) -> bool:
    """Whether one frame is somewhere inside the other."""
    while frame >= 0 and frame != outer:
        frame = scene.frames[frame].outer
    return frame == outer


def _overlap(a: Bounds, b: Bounds) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _drawn_frame(scene: Scene, frame: int, around: Bounds) -> Group:
    left, top, right, bottom = around
    name = scene.frames[frame].name
    return Group(
        "frame",
        f"scope {name}",
        (
            Box(left, top, right - left, bottom - top, 8.0, "frame"),
            Text(left + 8.0, top + 14.5, name, width_of(name, NAME), NAME, "scope"),
        ),
    )


# --- edges ----------------------------------------------------------------------------------------


def _edges(
    scene: Scene, placed: Layout, spots: Sequence[tuple[float, float]], turn: Turn
) -> list[Group]:
    """One line with an arrow per operand, and the trunks that long edges share."""
    cells = len(scene.cells)
    source = list(range(cells)) + [-1] * (len(placed.rank) - cells)
    entry: dict[tuple[int, int], int] = {}
    groups: list[Group] = []
    for i, j in placed.steps:
        if j >= cells:
            source[j] = source[i]
            start, end = placed.columns[placed.rank[j]]
            line = _curve(placed, i, (start, placed.across[j]), end, turn, "edge")
            groups.append(Group("trunk", "", (line,)))
        else:
            entry[source[i], j] = i
    for v, cell in enumerate(scene.cells):
        begins = [entry[u, v] for u in cell.operands]
        if not cell.ordered:
            begins.sort(key=lambda i: placed.across[i])
        reach = STACK / 2 - 6.0 if cell.kind == "group" else 11.0
        for k, i in enumerate(begins):
            apart = min(9.0, 2 * reach / max(len(begins) - 1, 1))
            if len(begins) > MANY and cell.kind == "group":
                apart = 0.0
            aside = (k - (len(begins) - 1) / 2) * apart
            at = spots[v][1] + aside
            tip = spots[v][0] + turn.cap(cell, aside)
            start = min(placed.columns[placed.rank[v]][0], tip - HEAD)
            style = "edge" if len(begins) <= MANY else "thin"
            line = _curve(placed, i, (start, at), tip - HEAD + 1.0, turn, style)
            groups.append(Group("edge", "", (line, _head((tip, at), turn))))
    return groups


def _curve(
    placed: Layout, item: int, bend: tuple[float, float], end: float, turn: Turn, style: str
) -> Line:
    """From the end of an item's rank by an S to a rank's beginning, then straight on."""
    start, across = placed.columns[placed.rank[item]][1], placed.across[item]
    middle = (start + bend[0]) / 2
    points = ((start, across), (middle, across), (middle, bend[1]), bend, (end, bend[1]))
    return Line(tuple(turn.point(*point) for point in points), 1, style)


def _head(tip: tuple[float, float], turn: Turn) -> Line:
    along, across = tip
    back = along - HEAD
    points = ((along, across), (back, across - HEAD / 2), (back, across + HEAD / 2))
    return Line(tuple(turn.point(*point) for point in points), 0, "arrow")
