"""Strongly connected components: what depends on itself by way of others, in any graph."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def strongly_connected(roots: Iterable[T], after: Callable[[T], Iterable[T]]) -> list[list[T]]:
    """The strongly connected components of all that can be reached.

    Args:
        roots: where to start.
        after: what an edge leads to from a node.

    Returns:
        The nodes of each component, a component behind all that its edges lead to.

    Source:
        R. Tarjan, Depth-first search and linear graph algorithms, SIAM J. Comput. 1(2), 1972.

    Examples:
        >>> strongly_connected("ad", {"a": "bc", "b": "c", "c": "b", "d": "a"}.get)
        [['c', 'b'], ['a'], ['d']]
    """
    components: list[list[T]] = []
    number: dict[T, int] = {}
    low: dict[T, int] = {}  # the lowest number of an open node that is reached
    waiting: list[T] = []  # open nodes, whose component is not complete
    closed: set[T] = set()
    path: list[tuple[T, Iterator[T]]] = []

    def enter(node: T) -> None:
        number[node] = low[node] = len(number)
        waiting.append(node)
        path.append((node, iter(after(node))))

    for root in roots:
        if root not in number:
            enter(root)
        while path:
            node, rest = path[-1]
            for other in rest:
                if other not in number:
                    enter(other)
                    break
                if other not in closed:
                    low[node] = min(low[node], number[other])
            else:
                path.pop()
                if path:
                    before = path[-1][0]
                    low[before] = min(low[before], low[node])
                if low[node] == number[node]:
                    component = [waiting.pop()]
                    while component[-1] != node:
                        component.append(waiting.pop())
                    closed.update(component)
                    components.append(component)
    return components
