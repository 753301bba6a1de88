"""Numerical verification: whether what stands in `.grad` is the derivative.

Every node is nudged, what depends on it is evaluated again, and the slope of the root is compared
with the gradient that stands at the node, however it came there. A second opinion multiplies the
slopes of the operations one at a time; a gradient that it allows is not called wrong.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from math import inf, isfinite, nan
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from wengert.dispatch import describe
from wengert.errors import GraphError, OperandError
from wengert.graph import names
from wengert.proof.bounds import Bounds, bounds
from wengert.proof.diagnose import Use, likely_reason
from wengert.proof.judge import Judge, has_no_slope
from wengert.proof.nudge import UNKNOWN, Tape, local_slopes, record, root_slopes
from wengert.proof.numeric import FIRST, SMOOTH, WIDE, Slope, better
from wengert.proof.report import Finding, Report
from wengert.value import Value

if TYPE_CHECKING:
    from wengert.proof.comparison import FunctionReport


@overload
def check(
    root: Value,
    *,
    nodes: Iterable[Value] | None = None,
    rtol: float = 1e-5,
    atol: float = 0.0,
    raise_on_error: bool = False,
) -> Report: ...


@overload
def check(
    root: Callable[..., Any],
    *args: Any,
    order: int = 1,
    mode: str | None = None,
    rtol: float = 1e-5,
    atol: float = 0.0,
    most: int = 100,
    seed: int = 0,
    raise_on_error: bool = False,
) -> "FunctionReport": ...


def check(
    root: Value | Callable[..., Any],
    *args: Any,
    order: int = 1,
    mode: str | None = None,
    nodes: Iterable[Value] | None = None,
    rtol: float = 1e-5,
    atol: float = 0.0,
    most: int = 100,
    seed: int = 0,
    raise_on_error: bool = False,
) -> "Report | FunctionReport":
    r"""Compare the gradients that stand in a graph, or a function's derivatives, with slopes.

    $$\bar v \approx \frac{L(v + h) - L(v - h)}{2h}, \quad h \to 0$$

    Each node's number is nudged, what depends on it is computed again, and the slope of the root
    is extrapolated to step zero. The table's partial derivatives have no part in it. Neither data
    nor gradients are changed. Numbers are computed from the leaves' data as they stand now; where
    the nodes' stored data are older, the report says so. A nudge does not pass `stop_gradient`,
    nor the condition of `where`: the branch taken stays taken, as with a Python `if`.

    Of a function every transform is compared with slopes, and with each other: the Jacobian by
    forward and by reverse mode, `backward()` of its Values, `jvp` and `vjp` in random directions
    with ⟨w, Jv⟩ = ⟨Jᵀw, v⟩; at order 2 the derivatives of the gradient too, and that the Hessian is
    symmetric; at order 3 those of the Hessian in a random direction.

    Args:
        root: the Value whose derivatives are in question, `backward()` called or filled by hand;
            or a function, a Program or a transformed function, which is checked at `args`.
        *args: for a function, its arguments.
        order: for a function, up to which derivative: 1, 2 or 3.
        mode: for a function, "forward" or "reverse" to check that mode alone.
        nodes: the nodes to check; all of the graph by default. Checking all nodes of a graph takes
            time with the square of their number: 10,000 take some seconds, so choose beyond that.
        rtol: how far from the numerical derivative a gradient may be, relative to the larger.
        atol: the same, absolute; both are beyond the error of the numerical derivative itself.
        most: for a function, how many entries to compare; of more, some are chosen at random.
        seed: for a function, what random choices follow from.
        raise_on_error: raise where a gradient is wrong or not filled, in place of reporting it.

    Returns:
        A `Report` with one row per node, the root first. The verdicts: "right"; "wrong", with the
        likely reason; "not filled", where the gradient is 0 and the derivative is not; "kink",
        a gradient between the slopes of either side; "not differentiable", where there is no
        slope to compare with; "undecided", where the numerical derivative is too poor; "cannot
        check", where an operation of your own cannot be computed again. `report.ok`, which is
        also the truth of the report, says that no gradient is wrong or not filled. Of a function,
        a `FunctionReport` with a row per transform and derivative, the same verdicts, and as
        `faults` the rows of the table whose partial derivatives are to blame.

    Raises:
        CheckError: `raise_on_error` is set and a gradient is wrong or not filled.
        GraphError: one of `nodes` is not in the graph of the root.
        OperandError: `root` is neither a Value nor a function, or what is given does not go with
            it.
        PathChanged: a Program takes another path at `args`.

    Source: C. J. F. Ridders, Accurate computation of F'(x) and F'(x)F''(x), Advances in
    Engineering Software 4(2), 1982, doi:10.1016/S0141-1195(82)80057-0.

    Examples:
        >>> import wengert as wg
        >>> a, b = wg.Value(2.0, label="a"), wg.Value(-3.0, label="b")
        >>> L = a * b; L.label = "L"
        >>> L.grad, a.grad, b.grad = 1.0, -3.0, -2.0
        >>> wg.check(L)
        node  data  .grad  numerical  error  verdict
        L     -6.0    1.0        1.0      0  right
        b     -3.0   -2.0        2.0      4  wrong    the sign is wrong
        a      2.0   -3.0       -3.0      0  right
        2 right, 1 wrong.
        >>> wg.check(lambda x: wg.sin(x) * x, 2.0, order=2).ok
        True
    """
    from wengert.proof.function import check_function  # it takes what runs and derives programs

    report: Report | FunctionReport
    if isinstance(root, Value):
        if args or order != 1 or mode is not None:
            further = f"{describe(args[0])}" if args else "an order or a mode"
            raise OperandError(
                f"check() of a Value takes no further arguments, and got {further}. "
                "Name the nodes to check with nodes=[...], or check the function that made it."
            )
        report = _report(root, nodes, rtol, atol)
    elif nodes is not None:
        raise OperandError("nodes= are those of a graph: check() of a function has none.")
    else:
        judge = Judge(rtol, atol, "result")
        report = check_function(root, args, order, mode, judge, most, seed)
    if raise_on_error:
        report.raise_if_wrong()
    return report


def _report(root: Value, nodes: Iterable[Value] | None, rtol: float, atol: float) -> Report:
    tape = record(root)
    place = {id(node): k for k, node in enumerate(tape.nodes)}
    if nodes is None:
        places = list(range(len(tape.nodes)))
    else:
        places = sorted({_place(node, place) for node in nodes})
    known = names(tape.nodes)
    findings = _findings(tape, places, [known[node] for node in tape.nodes], rtol, atol)
    stale = [known[tape.nodes[k]] for k in tape.stale()]
    return Report(tuple(findings), tuple(stale), len(tape.nodes))


def _place(node: Any, place: dict[int, int]) -> int:
    if id(node) not in place:
        label = getattr(node, "label", "")
        called = f" labelled {label!r}" if label else ""
        raise GraphError(
            f"nodes= are Values that the root depends on, and {describe(node)}{called} is none. "
            "Take them from the graph: root.operands, or trace(root)."
        )
    return place[id(node)]


def _findings(
    tape: Tape, places: Sequence[int], known: Sequence[str], rtol: float, atol: float
) -> list[Finding]:
    local = local_slopes(tape)
    second = bounds(tape, local)
    rough = np.array([_rough(each) for each in second])
    blocked = _blocked(tape, known)
    open_places = [k for k in places if k not in blocked]
    judge = Judge(rtol, atol)

    def verdict(k: int) -> tuple[str, str]:
        return judge(tape.nodes[k].grad, tape.data[k], tape.data[-1], direct[k], second[k])

    direct = root_slopes(tape, open_places, FIRST, rough) if open_places else {}
    verdicts = {k: verdict(k) for k in open_places}
    doubtful = [k for k in open_places if not judge.certain(direct[k], second[k], verdicts[k])]
    if doubtful:
        direct |= root_slopes(tape, doubtful, WIDE, rough)
        verdicts |= {k: verdict(k) for k in doubtful}
    small = [k for k in doubtful if abs(tape.data[k]) < 2.0**-8 and not direct[k].sharp]
    if small:
        for k, slope in root_slopes(tape, small, WIDE, rough, relative=False).items():
            direct[k] = better(direct[k], slope)
            verdicts[k] = verdict(k)
    found = {
        k: _finding(tape, k, known[k], direct.get(k, UNKNOWN), second[k],
                    verdicts.get(k, ("cannot check", blocked.get(k, ""))))
        for k in places
    }  # fmt: skip
    _add_reasons(tape, found, local, second, known)
    return [found[k] for k in sorted(found, reverse=True)]


def _rough(second: Bounds) -> float:
    return max(abs(second.low), abs(second.high)) if second.known else 0.0


def _blocked(tape: Tape, known: Sequence[str]) -> dict[int, str]:
    """Nodes whose nudge would have to pass an operation that cannot be computed again."""
    reasons: dict[int, str] = {}
    for k in reversed(range(len(tape.nodes))):
        reason = tape.blocked.get(k) or reasons.get(k)
        if reason:
            for j, passes in zip(tape.operands[k], tape.passing[k], strict=True):
                if passes:
                    reasons.setdefault(j, reason)
    return reasons


def _finding(
    tape: Tape, k: int, name: str, direct: Slope, second: Bounds, verdict: tuple[str, str]
) -> Finding:
    """The row of the report, before reasons are looked for."""
    node = tape.nodes[k]
    numeric, bound = direct.value, direct.error
    skipped = verdict[0] == "right" and abs(node.grad - numeric) > 1e-3 * abs(numeric) + bound
    poor = direct.kind != SMOOTH and not (direct.flat and node.grad == 0.0)
    if (poor or skipped) and second.known and not second.kinked:
        numeric, bound = second.middle, 0.5 * (second.high - second.low)
    if verdict[0] in ("not differentiable", "cannot check"):
        numeric, bound = nan, inf
    if has_no_slope(verdict[0], direct, second):
        numeric = nan
    return Finding(
        node, name, node.data, node.grad, numeric, bound, direct.left, direct.right, *verdict
    )


def _add_reasons(
    tape: Tape,
    found: dict[int, Finding],
    local: Sequence[tuple[Slope, ...]],
    second: Sequence[Bounds],
    known: Sequence[str],
) -> None:
    """For each wrong gradient, the likely reason."""
    wrong = {k for k, finding in found.items() if finding.verdict == "wrong"}
    faulty = {k for k, finding in found.items() if not finding.ok}
    if not wrong:
        return
    uses: dict[int, list[Use]] = {k: [] for k in wrong}
    for k, places in enumerate(tape.operands):
        for slot, j in enumerate(places):
            if j in uses and tape.passing[k][slot]:
                true = found[k].numeric if k in found else second[k].middle
                others = [(known[i], tape.data[i]) for at, i in enumerate(places) if at != slot]
                uses[j].append(
                    Use(known[k], local[k][slot].value, true, tape.nodes[k].grad, k in faulty,
                        tape.data[k], tuple(others))
                )  # fmt: skip
    right = {k: finding.numeric for k, finding in found.items() if isfinite(finding.numeric)}
    multiple = _common_multiple([found[k] for k in wrong])
    for k in wrong:
        rest = {known[j]: true for j, true in right.items() if j != k}
        leaf = not tape.operands[k]
        reason = likely_reason(found[k], uses[k], leaf, multiple, rest)
        remark = "; ".join(part for part in (reason, found[k].reason) if part)
        found[k] = replace(found[k], reason=remark)


def _common_multiple(findings: Sequence[Finding]) -> int:
    """k where at least two gradients are wrong and all are k times what they should be, else 0."""
    ratios = {round(f.grad / f.numeric, 6) for f in findings if f.numeric and isfinite(f.grad)}
    ratio = ratios.pop() if len(ratios) == 1 and len(findings) > 1 else 0.0
    return int(ratio) if ratio == round(ratio) and ratio >= 2.0 else 0
