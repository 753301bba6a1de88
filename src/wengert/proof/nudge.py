"""Nudging nodes of a graph and evaluating it again, many nudges at once, without touching it.

The graph is copied into plain lists first. One run over them carries arrays: each nudged node has
a block of lanes, one per step, and all lanes share what no nudge reaches. Only the rows' values
are used, never their partials, so what comes out can judge any gradient.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.dispatch import Primitive
from wengert.errors import GraphError
from wengert.graph import topological_order
from wengert.proof.numeric import POOR, ROUNDING, TINY, WIDE, Array, Slope, better, slopes

if TYPE_CHECKING:
    from wengert.value import Value

# Operands that choose rather than count: like a Python `if`, the branch taken stays taken.
CHOOSERS = {"select": {0}}
# Rows that repeat themselves or jump again and again: steps must be small beside that distance.
STAIRS = ("floor", "ceil", "trunc", "rint", "floordiv", "mod")
WAVES = ("sin", "cos", "tan", "lgamma", "digamma", "polygamma")
LANES = 2**12  # in one run, where memory allows
CELLS = 2**24  # lanes times nodes, at most, where one node's own lanes allow
OWN_ROUNDING = 16.0  # an operation of the user's own may round as often as this many rows
UNKNOWN = Slope(POOR, nan, inf, nan, nan)
NOTHING = Slope(POOR, 0.0, 0.0, 0.0, 0.0, flat=True)


@dataclass(frozen=True, slots=True)
class Tape:
    """A graph as lists: operands before their users, the root last.

    Attributes:
        nodes: the Values.
        operands: per node, the places of its operands.
        passing: per node and operand, whether a nudge passes.
        data: the numbers, computed again from the leaves.
        blocked: per node that cannot be computed again, why.
        last_use: per node, the place of its last user.
    """

    nodes: Sequence["Value"]
    operands: Sequence[tuple[int, ...]]
    passing: Sequence[tuple[bool, ...]]
    data: Sequence[float]
    blocked: dict[int, str]
    last_use: Sequence[int]

    def stale(self) -> list[int]:
        """Nodes whose stored data are not what the leaves give now."""
        return [
            k
            for k, (node, data) in enumerate(zip(self.nodes, self.data, strict=True))
            if not (node.data == data or abs(node.data - data) <= 1e-9 * abs(data)
                    or (node.data != node.data and data != data))
        ]  # fmt: skip


def record(root: "Value") -> Tape:
    """The graph below a root, with its data computed again from the leaves."""
    nodes = topological_order(root)
    place = {id(node): k for k, node in enumerate(nodes)}
    operands = [tuple(place[id(operand)] for operand in node.operands) for node in nodes]
    data: list[float] = []
    blocked: dict[int, str] = {}
    last_use = list(range(len(nodes)))
    for k, (node, places) in enumerate(zip(nodes, operands, strict=True)):
        result = node.data
        if places:
            try:
                result = float(node._forward(*[data[j] for j in places]))
            except GraphError as error:
                blocked[k] = str(error)
            except Exception as error:  # whatever the user's own function may raise
                blocked[k] = f"{node._op}() raised {type(error).__name__}: {error}"
        data.append(result)
        for j in places:
            last_use[j] = k
    passing = [tuple(_passes(node._row, slot) for slot in range(len(node.operands)))
               for node in nodes]  # fmt: skip
    return Tape(nodes, operands, passing, data, blocked, last_use)


def root_slopes(
    tape: Tape,
    places: Sequence[int],
    exponents: Array,
    gradients: Array,
    relative: bool = True,
) -> dict[int, Slope]:
    """The slope of the root with respect to each of the nodes at `places`.

    Args:
        tape: the graph.
        places: which nodes to nudge.
        exponents: the ladder of steps, see `numeric.slopes`.
        gradients: rough derivatives of the root with respect to every node, (nodes,); they tell
            how much of each node's rounding arrives at the root.
        relative: whether steps are relative to the nodes' data, or to 1.
    """
    with np.errstate(all="ignore"):
        rounding = np.abs(gradients) * (ROUNDING * np.abs(tape.data) + TINY)
    rounding[~np.isfinite(rounding)] = 0.0
    for k, node in enumerate(tape.nodes):
        if node.operands and node._row is None:
            rounding[k] *= OWN_ROUNDING
    found: dict[int, Slope] = {}
    for chunk in _chunks(tape, sorted(places), 2 * len(exponents) + 1):
        points = np.array([tape.data[k] for k in chunk])
        scales = points if relative else np.ones(len(chunk))
        reached = _reached(tape, chunk)
        noise = _arriving(reached, rounding, chunk)

        def values(_: Array, lanes: Array, chunk: Sequence[int] = chunk, reached: Any = reached
                   ) -> Array:  # fmt: skip
            return _run(tape, chunk, lanes, reached)

        found.update(zip(chunk, slopes(values, points, exponents, noise, scales), strict=True))
    return found


def local_slopes(tape: Tape) -> list[tuple[Slope, ...]]:
    """For each node, its slope with respect to each operand: that one nudged, the others fixed."""
    found: list[list[Slope]] = [[NOTHING] * len(places) for places in tape.operands]
    groups: dict[Any, list[tuple[int, int]]] = {}
    for k, node in enumerate(tape.nodes):
        for slot, passes in enumerate(tape.passing[k]):
            if k in tape.blocked:
                found[k][slot] = UNKNOWN
            elif passes:
                groups.setdefault((node._row or k, slot), []).append((k, slot))
    for edges in groups.values():
        size = 2048
        for start in range(0, len(edges), size):
            part = edges[start : start + size]
            for (k, slot), slope in zip(part, _local(tape, part), strict=True):
                found[k][slot] = slope
    return [tuple(each) for each in found]


def _local(tape: Tape, edges: Sequence[tuple[int, int]]) -> list[Slope]:
    """Slopes along edges that have row and slot in common.

    The steps are sized by what the row is: where it jumps or repeats itself, a step that is not
    small beside that distance would see something else than the slope.
    """
    first, slot = edges[0]
    at = np.array([[tape.data[j] for j in tape.operands[k]] for k, _ in edges])
    results = np.abs([tape.data[k] for k, _ in edges])
    row = tape.nodes[first]._row
    rounding = np.where(
        np.isfinite(results) & (row is None), ROUNDING * OWN_ROUNDING * results, 0.0
    )

    def within(chosen: Array, scales: Array) -> list[Slope]:
        def values(_: Array, lanes: Array) -> Array:
            args = [
                lanes if j == slot else np.broadcast_to(at[chosen, j, None], lanes.shape)
                for j in range(at.shape[1])
            ]
            return _apply(tape, first, args)

        return slopes(values, at[chosen, slot], WIDE, rounding[chosen], scales)

    name = row.name if row else ""
    tread = _tread(name, slot, at)
    scales = _scales(slot, at)
    scales = np.minimum(scales, tread) if name in WAVES else scales
    scales = tread * 2.0**-9 if name in STAIRS else scales
    found = within(np.arange(len(edges)), scales)
    if name in ("mod", *WAVES):
        lost = np.spacing(np.abs(at[:, slot])) > tread * 2.0**-12
        found = [UNKNOWN if lost[k] else slope for k, slope in enumerate(found)]
    if name in STAIRS:
        return found
    if name == "pow" and slot == 1 and np.any(at[:, 0] < 0.0):
        # there is no real number between integer exponents
        return [UNKNOWN if at[k, 0] < 0.0 else slope for k, slope in enumerate(found)]
    again = np.array([k for k, slope in enumerate(found) if not slope.sharp], dtype=int)
    if again.size:  # steps sized by what it is combined with: 1 + 1e-30
        largest = np.maximum(1.0, np.maximum(results, np.max(np.abs(at), axis=1)))
        scales = np.minimum(largest, tread)
        for k, slope in zip(again, within(again, scales[again]), strict=True):
            found[k] = better(found[k], slope)
    return found


def _scales(slot: int, at: Array) -> Array:
    """What the steps of one operand are relative to: its size, or the others' where it is 0."""
    size = np.abs(at)
    others = np.delete(size, slot, axis=1)
    others = np.where((others > 0.0) & np.isfinite(others), others, inf)
    nearest = np.min(others, axis=1, initial=inf)
    return np.where(size[:, slot] > 0.0, size[:, slot], np.where(nearest < inf, nearest, 1.0))


def _tread(name: str, slot: int, at: Array) -> Array:
    """The distance at which a row jumps or repeats itself, inf where it does not."""
    size = np.abs(at)
    if name in ("floordiv", "mod"):
        divisor = size[:, 1]
        with np.errstate(all="ignore"):
            return divisor if slot == 0 else divisor * np.minimum(1.0, divisor / size[:, 0])
    if name in ("lgamma", "digamma", "polygamma"):
        return np.where(at[:, 0] < 0.0, 1.0, inf)
    return np.full(len(at), 1.0 if name in STAIRS + WAVES else inf)


def _passes(row: Primitive | None, slot: int) -> bool:
    if row is None:
        return True
    return not row.facts.stops_gradient and slot not in CHOOSERS.get(row.name, ())


def _chunks(tape: Tape, places: Sequence[int], lanes: int) -> Iterator[list[int]]:
    most = min(LANES, CELLS // len(tape.nodes))
    size = max(1, most // lanes)
    for start in range(0, len(places), size):
        yield list(places[start : start + size])


def _reached(tape: Tape, chunk: Sequence[int]) -> dict[int, int]:
    """The nodes that nudges of the chunk reach; bit k is set where that of its k-th node does."""
    reached = {place: 1 << k for k, place in enumerate(chunk)}
    get = reached.get
    for k in range(chunk[0] + 1, len(tape.nodes)):
        bits = get(k, 0)
        for j, passes in zip(tape.operands[k], tape.passing[k], strict=True):
            if passes:
                bits |= get(j, 0)
        if bits:
            reached[k] = bits
    return reached


def _arriving(reached: dict[int, int], rounding: Array, chunk: Sequence[int]) -> Array:
    """The rounding of all nodes that a nudge reaches, as it arrives at the root; per nudge."""
    width = (len(chunk) + 7) // 8
    raw = b"".join(bits.to_bytes(width, "little") for bits in reached.values())
    bits = np.frombuffer(raw, dtype=np.uint8).reshape(-1, width)
    mask = np.unpackbits(bits, axis=1, bitorder="little")[:, : len(chunk)]
    return np.asarray(rounding[list(reached)] @ mask - rounding[list(chunk)])


def _run(tape: Tape, chunk: Sequence[int], lanes: Array, reached: dict[int, int]) -> Array:
    """The root's data, (nodes, lanes), when each node of the chunk is given its lanes' data."""
    count, width = lanes.shape
    block = {place: slice(k * width, (k + 1) * width) for k, place in enumerate(chunk)}
    root = len(tape.nodes) - 1
    ends: dict[int, list[int]] = {}
    for k in reached:
        ends.setdefault(tape.last_use[k], []).append(k)
    at: dict[int, Any] = {}
    for k in sorted(reached):
        places = tape.operands[k]
        through = [j for j, passes in zip(places, tape.passing[k], strict=True)
                   if passes and j in at]  # fmt: skip
        if through:
            args = [at[j] if j in through else tape.data[j] for j in places]
            result = _apply(tape, k, args)
        else:
            result = np.full(count * width, tape.data[k])
        if k in block:
            result[block[k]] = lanes[(block[k].start) // width]
        at[k] = result
        for j in ends.get(k, ()) if k != root else ():
            del at[j]
    if root not in at:
        return np.full((count, width), tape.data[root])
    return np.asarray(at[root].reshape(count, width))


def _apply(tape: Tape, k: int, args: Sequence[Any]) -> Array:
    """A node's operation on arrays and numbers, a new array of floats."""
    row = tape.nodes[k]._row
    if row is not None and not isinstance(row.array, np.vectorize):
        return np.array(row.array(*args), dtype=float)
    function = tape.nodes[k]._forward
    return _one_by_one(function if row else _silent(function), np.broadcast_arrays(*args))


def _silent(function: Callable[..., float]) -> Callable[..., float]:
    """The user's own function, with NaN for whatever it raises far from where it was made for."""

    def evaluate(*args: float) -> float:
        try:
            return float(function(*args))
        except Exception:
            return nan

    return evaluate


def _one_by_one(function: Callable[..., float], arrays: Sequence[Array]) -> Array:
    """A function of floats on arrays, called once for each distinct row of operands."""
    known: dict[tuple[float, ...], float] = {}
    out = np.empty(arrays[0].shape)
    rows = zip(*[array.ravel().tolist() for array in arrays], strict=True)
    flat = out.reshape(-1)
    for k, row in enumerate(rows):
        result = known.get(row)
        if result is None:
            result = known[row] = function(*row)
        flat[k] = result
    return out
