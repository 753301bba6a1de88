"""Which node all paths from another lead through, and which expressions are alike.

The dominator of a node is the nearest node that every path from it to the roots passes. What a
node dominates is a whole: only the node itself is used from outside, so it can be shown as one.
"""

from collections.abc import Collection, Sequence


class Dominators:
    """The tree in which each node hangs below its dominator; below everything is a common root.

    Args:
        operands: of each node, in topological order.
        apart: the nodes that hang from the common root whatever uses them; those that nothing
            uses are among them.

    Source: Cooper, Harvey & Kennedy 2001 for the intersection of paths; Myers 1983 for the jumps
    that make it logarithmic.
    """

    def __init__(self, operands: Sequence[Sequence[int]], apart: Collection[int]) -> None:
        n = len(operands)
        self.root = n
        self.above = [-1] * n + [n]
        depth, jump = [0] * (n + 1), [n] * (n + 1)
        above = self.above
        for v in apart:
            above[v] = n
        for v in range(n - 1, -1, -1):
            d = above[v]
            depth[v] = depth[d] + 1
            j = jump[d]
            jump[v] = jump[j] if depth[d] - depth[j] == depth[j] - depth[jump[j]] else d
            for u in operands[v]:
                d = above[u]
                if d < 0:
                    above[u] = v
                elif d != v and d != n:
                    above[u] = _meet(d, v, depth, jump, above)

    def sizes(self) -> list[int]:
        """How many nodes each dominates, itself included."""
        sizes = [1] * (self.root + 1)
        for v in range(self.root):
            sizes[self.above[v]] += sizes[v]
        return sizes

    def children(self) -> tuple[list[int], list[int]]:
        """The first child of each node and the next sibling of each, -1 for none."""
        first, following = [-1] * (self.root + 1), [-1] * (self.root + 1)
        for v in range(self.root):
            following[v] = first[self.above[v]]
            first[self.above[v]] = v
        return first, following

    def preorder(self, sizes: Sequence[int]) -> tuple[list[int], list[int]]:
        """The nodes in an order in which each stands before all it dominates, and their places.

        What a node dominates fills the `sizes` places that begin with its own.
        """
        place, free = [0] * (self.root + 1), [1] * (self.root + 1)
        order = [self.root] * (self.root + 1)
        for v in range(self.root - 1, -1, -1):
            d = self.above[v]
            place[v] = free[d]
            free[d] += sizes[v]
            free[v] = place[v] + 1
            order[place[v]] = v
        return order, place

    def shapes(self, operands: Sequence[Sequence[int]], kinds: Sequence[int]) -> list[int]:
        """A hash per node of the expression it dominates: equal where they are alike.

        An operand that others use too counts as given, whatever it is.
        """
        shapes = [0] * self.root
        above = self.above
        for v, own in enumerate(operands):
            inner = [shapes[u] if above[u] == v else 0 for u in own]
            shapes[v] = hash((kinds[v], *inner)) or 1
        return shapes


def _meet(a: int, b: int, depth: list[int], jump: list[int], above: list[int]) -> int:
    """The deepest node above or equal to both."""
    if depth[a] < depth[b]:
        a, b = b, a
    while depth[a] > depth[b]:
        a = jump[a] if depth[jump[a]] >= depth[b] else above[a]
    while a != b:
        if jump[a] != jump[b]:
            a, b = jump[a], jump[b]
        else:
            a, b = above[a], above[b]
    return a
