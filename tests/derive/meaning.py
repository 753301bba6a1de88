"""What the derivatives of a program are, by ways that share nothing with `derive` but the program.

The program is walked with eager Values, and `backward` gives its Jacobian. Reverse and forward
mode add up the same products of the same partials, each over all paths from an input to an output,
and so differ by rounding alone: by at most γ·S, where S is the sum of the absolute products and γ
the error of as many roundings as the longest path has products and sums on it (Higham, Accuracy
and Stability of Numerical Algorithms, 2nd edition, 2002, section 3.1). A product below the normal
numbers is off by as much as the least number besides (section 2.1 there), and what comes after it
on a path enlarges that: what is before it in reverse mode, and behind it in forward mode. The
second way is that of 50 digits: the program is walked with mpmath's numbers and functions, and
differences are taken.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
from evaluate import bits, walk, walk_on

import wengert as wg
from oracle import mp, reference
from wengert.derive.assemble import blocks
from wengert.derive.programs import jacobian, jvp, vjp
from wengert.dispatch import Primitive
from wengert.graph import topological_order
from wengert.operand import local_partials
from wengert.program.invariants import checked
from wengert.program.program import Program
from wengert.program.structure import TUPLE, Structure
from wengert.run.interpret import interpret
from wengert.special import strong_product, strong_product_array

Array = np.ndarray[Any, Any]
UNIT = 2.0**-53  # one rounding
LEAST = 2.0**-1074
MODES = ("forward", "reverse")
STEP = mp.mpf(10) ** -15


class Eager(NamedTuple):
    """A Jacobian by back-propagation.

    Args:
        jacobian: `(m, n)`.
        scale: for each entry, the sum of the absolute products that it is the sum of.
        roundings: at most so many roundings are between such a product and its exact value, in
            whichever order they are done.
        lost: for each entry, what products below the normal numbers can make of it.
    """

    jacobian: Array
    scale: Array
    roundings: int
    lost: Array

    @property
    def bound(self) -> Array:
        """How far two ways to add up may be apart."""
        with np.errstate(all="ignore"):
            bound: Array = 2.0 * (self.roundings * UNIT * self.scale + self.lost)
        return bound


def eager(program: Program, inputs: Sequence[float]) -> Eager:
    """The Jacobian of a program by Values."""
    leaves = [wg.Value(x) for x in inputs]
    outputs = walk_on(program, leaves, _on_values)
    jacobian = np.zeros((len(outputs), len(leaves)))
    scale, lost = np.zeros_like(jacobian), np.zeros_like(jacobian)
    roundings = 1
    for k, output in enumerate(outputs):
        if not isinstance(output, wg.Value):
            continue
        for leaf in leaves:
            leaf.grad = 0.0
        output.backward()
        jacobian[k] = [leaf.grad for leaf in leaves]
        order = topological_order(output)
        partials = {node: _partials(node) for node in order}
        sizes = _sizes(order, partials)
        scale[k] = [sizes.get(leaf, 0.0) for leaf in leaves]
        lost[k] = _lost(order, partials, sizes, leaves)
        roundings = max(roundings, _roundings(order))
    return Eager(jacobian, scale, roundings, lost)


def _on_values(row: Primitive, numbers: Sequence[Any]) -> Any:
    return row(*numbers)


Partials = Mapping[Any, Sequence[float]]  # of nodes, each by its operands, without signs


def _partials(node: Any) -> Sequence[float]:
    if not node._operands:
        return ()
    operands = [each.data for each in node._operands]
    return [*map(abs, local_partials(node._row, node.data, operands))]


def _sizes(order: Sequence[Any], partials: Partials) -> dict[Any, float]:
    """The sum of absolute products, from the last of some nodes to each."""
    sizes = {order[-1]: 1.0}
    for node in reversed(order):
        if node in sizes:
            for operand, partial in zip(node._operands, partials[node], strict=True):
                term = strong_product(sizes[node], partial)
                sizes[operand] = sizes.get(operand, 0.0) + term
    return sizes


def _lost(
    order: Sequence[Any], partials: Partials, sizes: Mapping[Any, float], leaves: Sequence[Any]
) -> Array:
    """What products below the normal numbers can make of the derivatives by leaves.

    A product at a node is off by LEAST. In forward mode the paths from the node to the last one
    enlarge that, in reverse mode those from the leaf to the node. What is infinite there, while a
    derivative is not, a zero has absorbed.
    """
    is_ahead = dict(zip(leaves, np.eye(len(leaves), dtype=bool), strict=True))
    ahead = dict(zip(leaves, np.eye(len(leaves)), strict=True))
    lost = np.zeros(len(leaves))
    with np.errstate(all="ignore"):
        for node in order:
            pairs = zip(node._operands, partials[node], strict=True)
            known = [(each, partial) for each, partial in pairs if each in ahead and partial != 0.0]
            if known:
                is_ahead[node] = np.any([is_ahead[each] for each, _ in known], axis=0)
                ahead[node] = sum(
                    strong_product_array(ahead[each], partial) for each, partial in known
                )
                behind = strong_product_array(is_ahead[node], sizes.get(node, 0.0))
                enlarged = len(known) * (ahead[node] + behind)
                lost += np.where(np.isfinite(enlarged), enlarged, 0.0)
        return LEAST * lost


def _roundings(order: Sequence[Any]) -> int:
    """The most products and sums on a path, forwards and backwards."""
    ahead: dict[Any, int] = {}
    uses: dict[Any, int] = {}
    for node in order:
        ahead[node] = max((ahead[each] for each in node._operands), default=-1) + 1
        ahead[node] += max(len(node._operands) - 1, 0)
        for operand in node._operands:
            uses[operand] = uses.get(operand, 0) + 1
    back: dict[Any, int] = {}
    for node in reversed(order):
        back[node] = back.get(node, 0) + max(uses.get(node, 0) - 1, 0)
        for operand in node._operands:
            back[operand] = max(back.get(operand, 0), back[node] + 1)
    return max(ahead.values()) + max(back.values())


class Kink(Exception):  # noqa: N818 - it says where a program has no derivative
    """A row is at a place where its function is not smooth, or so near that nobody can tell."""


def exact(program: Program, inputs: Sequence[Any]) -> list[Any]:
    """The outputs with 50 digits.

    Raises:
        Kink: two functions meet at this point.
    """
    return walk_on(program, [mp.mpf(x) for x in inputs], _exactly)


def exact_jacobian(program: Program, inputs: Sequence[float]) -> Array:
    """By central differences, whose error is about 1e-20; `(m, n)`."""
    point = [mp.mpf(x) for x in inputs]
    columns = []
    for k in range(len(point)):
        there, back = list(point), list(point)
        there[k], back[k] = point[k] + STEP, point[k] - STEP
        ends = zip(exact(program, there), exact(program, back), strict=True)
        columns.append([float((b - a) / (2 * STEP)) for b, a in ends])
    return np.array(columns, float).reshape(len(point), -1).T


NEAR = mp.mpf(10) ** -8
STEPS = {"floor": mp.floor, "ceil": mp.ceil, "rint": lambda x: mp.floor(x + 0.5), "trunc": mp.floor,
         "floordiv": mp.floor, "mod": mp.floor}  # fmt: skip


def _exactly(row: Primitive, numbers: Sequence[Any]) -> Any:
    xs = [mp.mpf(x) for x in numbers]
    if row.facts.stops_gradient:
        return mp.mpf(float(xs[0]))  # what a difference does not see
    if row.name in ("minimum", "maximum", "less", "less_equal", "greater", "greater_equal",
                    "equal", "not_equal") and 0 < abs(xs[0] - xs[1]) < NEAR:  # fmt: skip
        raise Kink
    if row.name in ("abs", "relu", "sign", "cbrt", "sqrt") and abs(xs[0]) < NEAR:
        raise Kink
    if row.name in STEPS:
        quotient = xs[0] / xs[1] if row.nin > 1 else xs[0]
        offset = mp.mpf(0.5) if row.name == "rint" else 0
        if abs(quotient - offset - mp.nint(quotient - offset)) < NEAR:
            raise Kink
    return reference(row)(*xs)


# --- what is to hold ------------------------------------------------------------------------------


def unsimplified(transform: Callable[..., Program], *args: Any) -> Program:
    """What a transform gives before it is simplified."""
    with mock.patch.object(Program, "simplify", lambda program: program):
        return transform(*args)


def evaluated(program: Program, inputs: Sequence[float]) -> list[float]:
    """The outputs, which are the same bits in the interpreter and by walking."""
    outputs = walk(checked(program), inputs)
    assert bits(outputs) == bits(interpret(program, np.array(inputs, float)))
    return outputs


def jacobian_by(mode: str, program: Program, inputs: Sequence[float]) -> Array:
    """The Jacobian by all arguments, simplified and not with the same bits; `(m, n)`."""
    args = program, tuple(range(len(program.arguments.parts))), False, mode
    outputs = evaluated(unsimplified(jacobian, *args), inputs)
    assert bits(evaluated(jacobian(*args), inputs)) == bits(outputs)
    columns = Structure(TUPLE, parts=program.arguments.parts)
    _, order = blocks(program.results, columns)
    flat = np.empty(len(order))
    flat[order] = outputs
    return flat.reshape(program.results.size, -1)


def hold(program: Program, inputs: Sequence[float], modes: Sequence[str] = MODES) -> Eager:
    """See to it that the Jacobian is that of eager Values, as near as rounding allows."""
    known = eager(program, inputs)
    finite = np.isfinite(known.scale)
    for mode in modes:
        found = jacobian_by(mode, program, inputs)
        apart = abs(found[finite] - known.jacobian[finite])
        assert (apart <= known.bound[finite]).all(), mode
        if mode == "reverse":  # both add up backwards: what is not finite is the same
            assert np.array_equal(found[~finite], known.jacobian[~finite], equal_nan=True)
    return known


def hold_exactly(program: Program, known: Eager, inputs: Sequence[float]) -> None:
    """See to it that a Jacobian is that of 50 digits, but for the rounding of the values in it."""
    found = exact_jacobian(program, inputs)
    assert (abs(found - known.jacobian) <= 1e-11 * (1.0 + known.scale)).all()


def second(program: Program, inputs: Sequence[float], seed: int = 1) -> list[Any]:
    """The programs whose Jacobians are second derivatives, with inputs for them."""
    return [
        (vjp(program), [*inputs, *numbers(program.results.size, seed)]),
        (jvp(program), [*inputs, *numbers(len(inputs), seed)]),
    ]


def numbers(count: int, seed: int) -> list[float]:
    """Some numbers between -1 and 1."""
    rng = random.Random(seed)
    return [rng.uniform(-1.0, 1.0) for _ in range(count)]
