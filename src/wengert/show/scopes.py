"""Folding by scope: which scopes are shown as one cell each, and which are open.

Scopes open from the outermost inwards while the picture stays under its limit, scopes of the same
size together. A closed scope whose values lead out of it and back in would put a cycle into the
picture, so it is shown in as many pieces as it is entered.
"""

from collections import Counter
from collections.abc import Collection, Sequence


class Scopes:
    """The tree of all scopes of a graph, and how much each holds."""

    def __init__(self, scopes: Sequence[str]) -> None:
        self.own = Counter(scopes)  # scope -> values that are in it and in no inner scope
        self.inner: dict[str, list[str]] = {"": []}
        for scope in self.own:
            for outer in reversed(outwards(scope)):
                if outer not in self.inner:
                    self.inner[outer] = []
                    self.inner[parent(outer)].append(outer)
        self.held = dict.fromkeys(self.inner, 0)  # scope -> all values in it
        for scope, values in self.own.items():
            for outer in outwards(scope):
                self.held[outer] += values

    def opened(self, limit: int, expand: Collection[str]) -> set[str]:
        """The scopes to open: those asked for, and more while at most `limit` cells are shown."""
        opened = {outer for scope in expand for outer in outwards(scope)} | {""}
        shown = sum(self._shows(scope) for scope in opened) - len(opened) + 1
        level = [inner for scope in opened for inner in self.inner[scope] if inner not in opened]
        while level:
            alike: dict[tuple[int, int], list[str]] = {}
            for scope in level:
                alike.setdefault((self._shows(scope), self.held[scope]), []).append(scope)
            level = []
            for (cost, _), scopes in sorted(alike.items()):
                if shown + (cost - 1) * len(scopes) <= limit:
                    shown += (cost - 1) * len(scopes)
                    opened.update(scopes)
                    level += [inner for scope in scopes for inner in self.inner[scope]]
        return opened

    def _shows(self, scope: str) -> int:
        """How many cells the scope takes when open."""
        return self.own.get(scope, 0) + len(self.inner[scope])


def parent(scope: str) -> str:
    """The scope around a scope, "" for an outermost one."""
    return scope.rpartition("/")[0]


def outwards(scope: str) -> list[str]:
    """The scope and all around it, the outermost, "", last."""
    path = [scope]
    while path[-1]:
        path.append(parent(path[-1]))
    return path


def closed_scope(scope: str, opened: Collection[str]) -> str:
    """The outermost scope around a value that is not open, "" if all are."""
    closed = ""
    for outer in outwards(scope):
        if outer not in opened:
            closed = outer
    return closed


def fold_scopes(
    scopes: Sequence[str], operands: Sequence[Sequence[int]], opened: Collection[str]
) -> tuple[list[int], dict[int, str]]:
    """Which values are shown as one.

    Returns:
        A number per value, the same for values shown as one; and the scope behind each number that
        stands for a closed scope. The graph of these numbers has no cycles.
    """
    number: dict[str, int] = {}
    closed = {scope: closed_scope(scope, opened) for scope in set(scopes)}
    part = [
        number.setdefault(closed[scope], len(scopes) + len(number)) if closed[scope] else v
        for v, scope in enumerate(scopes)
    ]
    name = {k: scope for scope, k in number.items()}
    tangled = _tangled(part, operands) if number else set()
    if tangled:
        entered = _times_entered(part, operands, tangled)
        pieces: dict[tuple[int, int], int] = {}
        for v, k in enumerate(part):
            if k in tangled and k in name:
                fresh = 2 * len(scopes) + len(number) + len(pieces)
                part[v] = pieces.setdefault((k, entered[v]), fresh)
        name |= {piece: name[k] for (k, _), piece in pieces.items()}
        name = {k: scope for k, scope in name.items() if k not in tangled}
    return part, name


def _tangled(part: list[int], operands: Sequence[Sequence[int]]) -> set[int]:
    """The parts that are on a cycle, or between two cycles: those that no peeling removes."""
    after: dict[int, set[int]] = {k: set() for k in part}
    before: dict[int, set[int]] = {k: set() for k in part}
    for v, own in enumerate(operands):
        for u in own:
            if part[u] != part[v]:
                after[part[u]].add(part[v])
                before[part[v]].add(part[u])
    left = set(after)
    for ahead, behind in ((after, before), (before, after)):
        waiting = {k: len(behind[k] & left) for k in left}
        free = [k for k, n in waiting.items() if n == 0]
        while free:
            k = free.pop()
            left.discard(k)
            for following in ahead[k]:
                if following in left:
                    waiting[following] -= 1
                    if waiting[following] == 0:
                        free.append(following)
    return left


def _times_entered(
    part: list[int], operands: Sequence[Sequence[int]], tangled: set[int]
) -> list[int]:
    """Per value, how often the longest way to it changes from one tangled part to another.

    Along every edge the count grows where the part changes, and never shrinks: parts cut by it
    have no cycle. What depends on nothing tangled is counted with its first user.
    """
    entered = [0] * len(part)
    free = [part[v] in tangled for v in range(len(part))]
    for v, own in enumerate(operands):
        for u in own:
            if part[v] in tangled and part[u] in tangled:
                entered[v] = max(entered[v], entered[u] + (part[u] != part[v]))
                free[v] = False
    latest: dict[int, int] = {}
    for v in range(len(part) - 1, -1, -1):
        if free[v]:
            entered[v] = latest.get(v, 0)
        if part[v] in tangled:
            for u in operands[v]:
                if free[u]:
                    at = entered[v] - (part[u] != part[v])
                    latest[u] = min(latest.get(u, at), at)
    return entered
