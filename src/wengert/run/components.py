"""Which statements of a loop depend on each other in a circle, and in which order the rest come."""

import heapq
from collections.abc import Sequence

from wengert.program.connected import strongly_connected
from wengert.program.dependence import Site


def components(sites: Sequence[Site], edges: Sequence[tuple[Site, Site]]) -> list[list[Site]]:
    """The strongly connected components, sorted so that what is read comes first.

    An edge leads from what is read to its reader. Among those that could come next, the first in
    the text does.
    """
    after: dict[Site, list[Site]] = {site: [] for site in sites}
    for writer, reader in edges:
        after[writer].append(reader)
    component = {
        site: number
        for number, part in enumerate(strongly_connected(sites, after.__getitem__))
        for site in part
    }
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
