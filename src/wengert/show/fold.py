"""Which parts of a graph are shown as one cell, when all of it would be too much to look at.

Folding works on the graph as numbers, in up to three steps, each on what the one before left:
by scope, by expression, and where neither brings the picture under its limit, by depth. The
folded graph has no cycles, every value is in exactly one part, and the caption says what was done.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from wengert.show.cones import Cone, Cutting
from wengert.show.scopes import fold_scopes
from wengert.show.text import count, shorten

BANDS = 16  # into so many a graph without structure is cut by depth
TELLING = 6  # fewer cells, or half of the graph in one, say too little; then depth says more


@dataclass(frozen=True, slots=True)
class Graph:
    """A graph as numbers: nodes in topological order."""

    operands: Sequence[Sequence[int]]
    ops: Sequence[str]
    scopes: Sequence[str]
    roots: Collection[int]


@dataclass(slots=True)
class Part:
    """One cell of a picture: a value by itself, or what is shown as one."""

    value: int | None = None  # the value, where it is by itself
    scope: str = ""  # the scope it stands in
    name: str = ""  # the scope it is, where it is one
    title: str = ""
    detail: str = ""
    values: int = 1
    operations: int = 0


@dataclass(frozen=True, slots=True)
class Folded:
    """The parts in topological order, what each uses, and the part of each value."""

    parts: list[Part]
    operands: list[list[int]]
    part_of: list[int]
    folds: list[str]  # in words, what was folded


def unfolded(graph: Graph) -> Folded:
    """Every value by itself."""
    parts = [Part(v, graph.scopes[v], operations=bool(graph.ops[v])) for v in range(len(graph.ops))]
    return Folded(parts, [list(own) for own in graph.operands], list(range(len(parts))), [])


def fold(graph: Graph, opened: Collection[str], shown: Collection[str], limit: int) -> Folded:
    """Fold closed scopes; then, past the limit, expressions; then, where that fails, by depth.

    Args:
        graph: the graph.
        opened: the scopes that are open.
        shown: those of them whose values are all to be shown, limit or not.
        limit: at most this many cells, and those asked for.
    """
    folded = unfolded(graph)
    part, name = fold_scopes(graph.scopes, graph.operands, opened)
    if name:
        folded, at = _contracted(folded, part)
        _describe_scopes(folded, {at[k]: scope for k, scope in name.items()})
    if len(folded.parts) > limit:
        pinned = [
            k
            for k, one in enumerate(folded.parts)
            if one.value is not None and graph.scopes[one.value] in shown
        ]
        folded = _fold_expressions(graph, folded, pinned, limit + len(pinned))
    return folded


def _contracted(folded: Folded, part: Sequence[int]) -> tuple[Folded, dict[int, int]]:
    """The parts joined where they have the same number, and where each number went."""
    number: dict[int, int] = {}
    at = [number.setdefault(k, len(number)) for k in part]
    operands: list[list[int]] = [[] for _ in number]
    joined = Counter(at)
    for v, own in enumerate(folded.operands):
        target = at[v]
        operands[target] += [at[u] for u in own if at[u] != target]
    for k in {
        k for k, one in zip(at, folded.parts, strict=True) if one.value is None or joined[k] > 1
    }:
        operands[k] = list(dict.fromkeys(operands[k]))  # only a value by itself may use one twice
    order = _ordered(operands)
    new = [0] * len(order)
    for k, old in enumerate(order):
        new[old] = k
    parts = [Part(values=0) for _ in order]
    for v, one in enumerate(folded.parts):
        k = new[at[v]]
        if joined[at[v]] == 1:
            parts[k] = one
        else:
            parts[k].values += one.values
            parts[k].operations += one.operations
            parts[k].scope = one.scope if parts[k].values == one.values else _common(
                parts[k].scope, one.scope
            )  # fmt: skip
    return (
        Folded(
            parts,
            [[new[u] for u in operands[old]] for old in order],
            [new[at[k]] for k in folded.part_of],
            list(folded.folds),
        ),
        {k: new[n] for k, n in number.items()},
    )


def _ordered(operands: list[list[int]]) -> list[int]:
    """A topological order, operands first."""
    order: list[int] = []
    waiting, opened, done = range(3)
    state = [waiting] * len(operands)
    for begin in range(len(operands)):
        stack = [begin]
        while stack:
            v = stack[-1]
            missing = [u for u in operands[v] if state[u] != done]
            if missing:
                if any(state[u] == opened for u in missing):
                    raise AssertionError("folding made a cycle")  # pragma: no cover - a defect
                state[v] = opened
                stack += reversed(missing)
                continue
            stack.pop()
            if state[v] != done:
                state[v] = done
                order.append(v)
    return order


def _common(one: str, other: str) -> str:
    """The scope around both."""
    if one == other:
        return one
    shared = []
    for a, b in zip(one.split("/"), other.split("/"), strict=False):
        if a != b:
            break
        shared.append(a)
    return "/".join(shared)


def _holds(part: Part) -> str:
    return f"{count(part.values, 'value')}, {count(part.operations, 'operation')}"


def _describe_scopes(folded: Folded, name: dict[int, str]) -> None:
    pieces = Counter(name.values())
    seen: Counter[str] = Counter()
    told: list[str] = []
    for k in sorted(name):
        part, scope = folded.parts[k], name[k]
        seen[scope] += 1
        if part.value is not None:  # a scope of one value is that value
            continue
        part.scope = scope.rpartition("/")[0]
        part.name = part.title = scope
        part.detail = _holds(part)
        if pieces[scope] > 1:
            part.title += f" ({seen[scope]} of {pieces[scope]})"
        if seen[scope] == 1:
            told.append(scope)
    if told:
        folded.folds.append(f"{count(len(told), 'scope')} ({_some(told)})")


def _some(names: Iterable[str], most: int = 4) -> str:
    """The first few of the names."""
    names = list(names)
    shown = [shorten(name, 40) for name in names[:most]]
    return ", ".join(shown + ["…"] * (len(names) > most))


def _fold_expressions(graph: Graph, folded: Folded, pinned: list[int], limit: int) -> Folded:
    kinds: dict[str, int] = {}
    kind_of = [kinds.setdefault(_kind(graph, part), len(kinds) + 1) for part in folded.parts]
    roots = {folded.part_of[v] for v in graph.roots}
    cutting = Cutting(folded.operands, kind_of, roots, pinned)
    cut = cutting.cut(limit)
    if len(cut) - len(pinned) < TELLING or cutting.largest(cut) > len(folded.parts) // 2:
        kept = roots if len(roots) <= limit // 4 else set()
        return _fold_depth(folded, cutting.rank, {*pinned, *kept}, limit)
    joined, at = _contracted(folded, cutting.part(cut))
    alike = cutting.alike(cut)
    told: Counter[str] = Counter()
    for head, cone in sorted(cut.cones.items()):
        part = joined.parts[at[head]]
        told[_describe_cone(graph, folded, cone, alike[cutting.shapes[head]], part)] += 1
    joined.folds.extend(count(n, what) for what, n in sorted(told.items()))
    return joined


def _kind(graph: Graph, part: Part) -> str:
    """What tells a part from others that are not alike."""
    return "= " + graph.ops[part.value] if part.value is not None else "scope " + part.name


def _describe_cone(graph: Graph, folded: Folded, cone: Cone, alike: int, part: Part) -> str:
    """Say what the part holds; returns what kind of fold it is."""
    first = folded.parts[cone.heads[0]]
    if cone.chain is not None:
        if cone.chain:
            steps = " ".join(_symbol(graph, folded.parts[k]) for k in cone.chain)
            part.title = f"… {cone.rounds:,} × ({steps}) …"
        else:
            part.title = f"… {part.operations:,} operations …"
        part.detail = _holds(part)
        return "chain"
    title = _expression(graph, folded, cone.heads[0])
    many = len(cone.heads)
    if many > 1:
        part.title = f"{many:,} × {title}"
        if title == "leaf":
            part.title = count(many, "leaf").replace("leafs", "leaves")
        each = part.values // many
        part.detail = f"{count(each, 'value')} each" if each > 1 else _holds(part)
        return "repeated part"
    part.title = title if first.value is not None else first.title
    part.detail = count(part.values, "value")
    if alike > 1:
        part.detail += f" · ×{alike} alike"
    return "expression"


def _symbol(graph: Graph, part: Part) -> str:
    return shorten(graph.ops[part.value], 16) if part.value is not None else part.name


def _expression(graph: Graph, folded: Folded, k: int) -> str:
    """The outermost operation, as a formula: tanh(…), … + …, -…."""
    part = folded.parts[k]
    if part.value is None:
        return part.title
    op = shorten(graph.ops[part.value], 16)
    if not op:
        return "leaf"
    if op[0].isalnum():
        return f"{op}(…)"
    if len(folded.operands[k]) == 1:
        return f"…{op}" if op.startswith("**") else f"{op}…"
    return f"… {op} …"


def _fold_depth(folded: Folded, rank: list[int], kept: set[int], limit: int) -> Folded:
    """Fold each band of ranks into one part, and show the parts to keep by themselves."""
    held: Counter[int] = Counter()
    for k, r in enumerate(rank):
        held[r] += folded.parts[k].values
    alone = {rank[k] for k in kept}
    band: dict[int, int] = {}
    for bands in range(min(BANDS, limit), 0, -1):
        band = _bands(held, alone | ({0} if bands > 2 else set()), bands)
        if len(set(band.values())) + len(kept) <= limit:
            break
    part = [-1 - k if k in kept else band[rank[k]] for k in range(len(rank))]
    joined, at = _contracted(folded, part)
    told = 0
    for b in sorted(set(part)):
        one = joined.parts[at[b]]
        if one.values > 1 and not one.title:
            ranks = [r for r in band if band[r] == b]
            one.title = f"depth {ranks[0]}" + f" to {ranks[-1]}" * (len(ranks) > 1)
            if not one.operations:
                one.title = f"{one.values:,} leaves"
            one.detail = _holds(one)
            told += 1
    joined.folds.append(f"the graph by depth, into {count(told, 'part')}")
    return joined


def _bands(held: Counter[int], alone: set[int], bands: int) -> dict[int, int]:
    """The band of each rank: bands hold about as many values each; those alone are one each."""
    share = sum(held.values()) / bands
    band: dict[int, int] = {}
    current = filled = 0
    for r in sorted(held):
        if r in alone or r - 1 in alone or filled + held[r] / 2 > share:
            current, filled = current + 1, 0
        band[r] = current
        filled += held[r]
    return band
