"""Which statements of a loop depend on each other in a circle, and in which order the rest come."""

import heapq
from collections.abc import Sequence

from wengert.program.dependence import Site


def components(sites: Sequence[Site], edges: Sequence[tuple[Site, Site]]) -> list[list[Site]]:
    """The strongly connected components, sorted so that what is read comes first.

    An edge leads from what is read to its reader. Among those that could come next, the first in
    the text does.
    """
    after: dict[Site, list[Site]] = {site: [] for site in sites}
    for writer, reader in edges:
        after[writer].append(reader)
    component = _strongly_connected(sites, after)
    members: dict[int, list[Site]] = {}
    for site in sites:
        members.setdefault(component[site], []).append(site)
    follow: dict[int, set[int]] = {number: set() for number in members}
    waiting = dict.fromkeys(members, 0)
    for writer, reader in edges:
        a, b = component[writer], component[reader]
        if a != b and b not in follow[a]:
            follow[a].add(b)
            waiting[b] += 1
    free = [(members[number][0].number, number) for number, n in waiting.items() if not n]
    heapq.heapify(free)
    order = []
    while free:
        _, number = heapq.heappop(free)
        order.append(members[number])
        for other in follow[number]:
            waiting[other] -= 1
            if not waiting[other]:
                heapq.heappush(free, (members[other][0].number, other))
    return order


def _strongly_connected(sites: Sequence[Site], after: dict[Site, list[Site]]) -> dict[Site, int]:
    """A number for each site, the same within a component, by Tarjan's algorithm."""
    found: dict[Site, int] = {}
    lowest: dict[Site, int] = {}
    component: dict[Site, int] = {}
    path: list[Site] = []
    for root in sites:
        if root in found:
            continue
        work = [(root, iter(after[root]))]
        found[root] = lowest[root] = len(found)
        path.append(root)
        while work:
            site, rest = work[-1]
            for other in rest:
                if other not in found:
                    found[other] = lowest[other] = len(found)
                    path.append(other)
                    work.append((other, iter(after[other])))
                    break
                if other not in component:
                    lowest[site] = min(lowest[site], found[other])
            else:
                work.pop()
                if work:
                    lowest[work[-1][0]] = min(lowest[work[-1][0]], lowest[site])
                if lowest[site] == found[site]:
                    while True:
                        member = path.pop()
                        component[member] = found[site]
                        if member is site:
                            break
    return component
