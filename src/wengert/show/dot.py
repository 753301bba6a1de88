"""A scene as DOT, the language of Graphviz: the same cells, edges, frames and caption."""

from wengert.show.scene import Cell, Scene

_STRING = str.maketrans({"\\": "\\\\", '"': '\\"', "&": "&amp;", "\n": "\\n"})
_RECORD = str.maketrans(
    {c: "\\" + c for c in '{}|<>" \\'} | {"&": "&amp;", "\n": "\\n"}
)  # what has a meaning of its own inside a record's label


def dot_of(scene: Scene, rankdir: str = "LR") -> str:
    """The DOT text of a scene."""
    lines = [
        "digraph {",
        f"  graph [rankdir={rankdir}, fontname=monospace]",
        "  node [fontname=monospace, fontsize=11, height=0.3]",
    ]
    if scene.caption:
        lines.append(f"  graph [label={quoted(scene.caption)}]")
    inside: dict[int, list[str]] = {}
    for v, cell in enumerate(scene.cells):
        inside.setdefault(cell.frame, []).extend(_nodes(f"v{v}", cell, rankdir))
    lines += ["  " + line for line in inside.get(-1, [])]
    lines += _clusters(scene, inside)
    for v, cell in enumerate(scene.cells):
        end = f"v{v}"
        if cell.op:
            lines.append(f"  v{v}op -> v{v}")
            end += "op"
        lines += [f"  v{u} -> {end}" for u in cell.operands]
    return "\n".join([*lines, "}", ""])


def quoted(text: str) -> str:
    """Text as a DOT string that shows just that text."""
    return '"' + text.translate(_STRING) + '"'


def _nodes(name: str, cell: Cell, rankdir: str) -> list[str]:
    if cell.kind == "group":
        label = quoted("\n".join(cell.fields))
        return [f"{name} [label={label}, shape=box, peripheries=2]"]
    fields = " | ".join(field.translate(_RECORD) for field in cell.fields)
    label = f"{{ {fields} }}" if rankdir == "LR" else fields
    style = ", penwidth=2" if cell.kind == "root" else ""
    lines = [f'{name} [label="{label}", shape=record{style}]']
    if cell.op:
        lines.append(f"{name}op [label={quoted(cell.op)}, shape=ellipse]")
    return lines


def _clusters(scene: Scene, inside: dict[int, list[str]]) -> list[str]:
    """Scopes as clusters within clusters; a frame is listed after the one around it."""
    lines: list[str] = []
    open_frames: list[int] = []
    for k, frame in enumerate(scene.frames):
        while open_frames and open_frames[-1] != frame.outer:
            open_frames.pop()
            lines.append("  }")
        lines.append(f"  subgraph cluster{k} {{")
        lines.append(f"    graph [label={quoted(frame.name)}, style=dashed]")
        lines += ["    " + line for line in inside.get(k, [])]
        open_frames.append(k)
    return lines + ["  }"] * len(open_frames)
