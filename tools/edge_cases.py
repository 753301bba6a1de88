"""Write docs/edge-cases.md: what every primitive gives at its singular points, peers beside it.

    python tools/edge_cases.py                    write the page
    python tools/edge_cases.py --check            fail if the page is not current
    python tools/edge_cases.py --measure-peers    ask PyTorch and JAX again (both must be installed)

Our side of the page comes from the `edges` of the table's rows, and from nothing else. The peers'
side is a record, docs/peers-edge-cases.json, so that the page can be written without them.
"""

import argparse
import json
import math
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from wengert.dispatch import Edge, Primitive
from wengert.primitives import rows

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "edge-cases.md"
RECORD = DOCS / "peers-edge-cases.json"
PEERS = {"torch": "PyTorch", "jax": "JAX"}
NO_GRADIENT = "none"

INTRODUCTION = """\
# Edge cases

<!-- Written by tools/edge_cases.py from the table of primitives: change the table, not this. -->

What each primitive gives where calculus or floating point has a corner: at kinks, poles, ends of
domains, infinities, signed zeros and NaN. The column *Wengert* holds in every evaluator, on floats,
on arrays and on Values; the tests compare each of them with this table. The other columns are
records of {versions}, both in float64.

## The contract

Values are those of IEEE 754 double arithmetic, and nothing raises by itself: `1/0` is `inf`,
`log(-1)` is `nan` ([why](decisions/ieee-semantics.md)). A derivative is, in this order,

1. the derivative, where the function has one;
2. at a kink, the element of least norm in the subdifferential, the set of all slopes between those
   of the two sides: 0 for `abs` and `relu` at 0, and one half each for `maximum` at a tie;
3. else what continuity gives: `inf` for `sqrt` and `log` at 0;
4. else `nan`: outside the domain, where there is no function to differentiate, and at points such
   as `atan2(0, 0)`, where each direction has its own limit.

A constant exponent of 0 makes a constant, whose derivative is 0 everywhere. Rounding and
comparisons are steps, and steps have derivative 0. [Kinks](decisions/kinks.md) gives the reasons.
Through a graph one more rule applies: a zero absorbs. A gradient of zero contributes nothing,
whatever the derivative it would be multiplied with, and a derivative of zero passes nothing on,
whatever the gradient ([why](decisions/zero-adjoints.md)). The derivatives below are those for an
upstream gradient of 1.

## How to read the tables

One line for each point. *At* lists the operands, in the order of the call. A cell shows the value,
then the partial derivatives, one for each operand. **Bold** marks an answer that differs from ours.
Zeros of either sign count as equal in that comparison, and so do numbers that agree to 12 digits.
*Not differentiable* means that the peer refuses to differentiate the operation, and "-" that it
has no such operation.
"""


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail if the page is not current")
    parser.add_argument("--measure-peers", action="store_true", help="record PyTorch and JAX anew")
    options = parser.parse_args()
    if options.measure_peers:
        RECORD.write_text(json.dumps(measure_peers(), indent=1, ensure_ascii=False) + "\n")
    if not options.check:
        PAGE.write_text(generate())
        return 0
    if not PAGE.exists() or PAGE.read_text() != generate():
        print(f"{PAGE} is not current. Write it anew with: python tools/edge_cases.py")
        return 1
    return 0


# --- the page -------------------------------------------------------------------------------------


def generate() -> str:
    """The page, from the table and the record of the peers."""
    record = json.loads(RECORD.read_text())
    versions = " and ".join(f"{PEERS[peer]} {record['versions'][peer]}" for peer in PEERS)
    parts = [INTRODUCTION.format(versions=versions), _differences(record)]
    parts += [_table(row, record) for row in rows() if row.edges]
    return "\n".join(parts)


def missing(record: dict[str, Any]) -> list[str]:
    """The points at which the record does not say what each peer does."""
    return [
        f"{title(row)} at {edge.at}: {peer}"
        for row in rows()
        for edge in row.edges
        for peer in PEERS
        if peer not in record["answers"].get(key(row, edge), {})
    ]


def key(row: Primitive, edge: Edge) -> str:
    """The name of a point in the record."""
    return f"{title(row)} at {', '.join(map(repr, edge.at))}"


def title(row: Primitive) -> str:
    """The row's name, with the constant of a family's member."""
    return f"{row.name} {row.params[0]:g}" if row.params else row.name


def _differences(record: dict[str, Any]) -> str:
    lines = [
        "## In short",
        "",
        "| | points | other value | other derivative |",
        "|---|---|---|---|",
    ]
    for peer, shown in PEERS.items():
        pairs = [
            (edge, answer)
            for row in rows()
            for edge in row.edges
            if (answer := record["answers"].get(key(row, edge), {}).get(peer)) and "value" in answer
        ]
        values = sum(not same(edge.value, answer["value"]) for edge, answer in pairs)
        partials = sum(bool(_other_partials(edge, answer)) for edge, answer in pairs)
        lines.append(f"| {shown} | {len(pairs)} | {values} | {partials} |")
    return "\n".join(lines) + "\n"


def _table(row: Primitive, record: dict[str, Any]) -> str:
    heading = f"## {title(row)}\n\n{title(row)}: {row.about}.\n"
    lines = ["| At | Wengert | PyTorch | JAX |", "|---|---|---|---|"]
    for edge in row.edges:
        answers = record["answers"].get(key(row, edge), {})
        ours = f"{show(edge.value)}; {', '.join(map(show, edge.partials))}"
        peers = [_cell(edge, answers.get(peer)) for peer in PEERS]
        lines.append(f"| {' | '.join([', '.join(map(show, edge.at)), ours, *peers])} |")
    return "\n".join([heading, *lines]) + "\n"


def _cell(edge: Edge, answer: dict[str, Any] | None) -> str:
    if answer is None:
        return "not measured"
    if "value" not in answer:
        return "-"
    value = _marked(float(answer["value"]), same(edge.value, answer["value"]))
    if answer["partials"] == NO_GRADIENT:
        return f"{value}; not differentiable"
    pairs = zip(edge.partials, answer["partials"], strict=True)
    partials = [_marked(float(theirs), same(ours, theirs)) for ours, theirs in pairs]
    return f"{value}; {', '.join(partials)}"


def _other_partials(edge: Edge, answer: dict[str, Any]) -> list[str]:
    if answer["partials"] == NO_GRADIENT:
        return []
    pairs = zip(edge.partials, answer["partials"], strict=True)
    return [theirs for ours, theirs in pairs if not same(ours, theirs)]


def _marked(number: float, agrees: bool) -> str:
    return show(number) if agrees else f"**{show(number)}**"


def show(number: float) -> str:
    """A number as the page has it."""
    return repr(number) if len(repr(number)) <= 10 else f"{number:.9g}"


def same(ours: float, theirs: str) -> bool:
    """Whether two answers agree but for rounding and the sign of zero; NaN agrees with NaN."""
    other = float(theirs)
    return (ours != ours and other != other) or math.isclose(ours, other, rel_tol=1e-12)


# --- the peers ------------------------------------------------------------------------------------

# How each peer spells a row, `t` being torch, `j` jax.numpy, `s` jax.scipy.special, and x, y, w the
# operands. Most rows have the same name in both, in these namespaces.
SPELLINGS: dict[str, tuple[str | None, str | None]] = {
    "select": ("t.where(x != 0, y, w)", "j.where(x != 0, y, w)"),
    "add": ("x + y", "x + y"),
    "sub": ("x - y", "x - y"),
    "mul": ("x * y", "x * y"),
    "strong_mul": (None, None),
    "div": ("x / y", "x / y"),
    "floordiv": ("x // y", "x // y"),
    "mod": ("x % y", "x % y"),
    "neg": ("-x", "-x"),
    "fma": (None, None),
    "powi": ("x ** int(c)", "x ** int(c)"),
    "powc": ("x ** c", "x ** c"),
    "pow": ("x ** y", "x ** y"),
    "cbrt": (None, "j.cbrt(x)"),
    "atan2": ("t.atan2(x, y)", "j.arctan2(x, y)"),
    "sigmoid": ("t.sigmoid(x)", "jax.nn.sigmoid(x)"),
    "rint": ("t.round(x)", "j.rint(x)"),
    "relu": ("t.relu(x)", "jax.nn.relu(x)"),
    "erf": ("t.erf(x)", "s.erf(x)"),
    "erfc": ("t.erfc(x)", "s.erfc(x)"),
    "lgamma": ("t.lgamma(x)", "s.gammaln(x)"),
    "digamma": ("t.digamma(x)", "s.digamma(x)"),
    "polygamma": ("t.polygamma(int(c), x)", "s.polygamma(int(c), x)"),
    "equal": ("(x == y).double()", "j.equal(x, y).astype(float)"),
    "not_equal": ("(x != y).double()", "j.not_equal(x, y).astype(float)"),
    "less": ("(x < y).double()", "j.less(x, y).astype(float)"),
    "less_equal": ("(x <= y).double()", "j.less_equal(x, y).astype(float)"),
    "greater": ("(x > y).double()", "j.greater(x, y).astype(float)"),
    "greater_equal": ("(x >= y).double()", "j.greater_equal(x, y).astype(float)"),
}


def spelling(row: Primitive, peer: str) -> str | None:
    """The peer's expression for a row, None where it has no such function."""
    if row.name in SPELLINGS:
        return SPELLINGS[row.name][list(PEERS).index(peer)]
    return f"{'t' if peer == 'torch' else 'j'}.{row.name}({', '.join('xyw'[: row.nin])})"


def measure_peers() -> dict[str, Any]:
    """Ask both peers for the value and the partials at every edge."""
    import jax
    import torch

    warnings.simplefilter("ignore")
    jax.config.update("jax_enable_x64", True)
    ask = {"torch": _torch(torch), "jax": _jax(jax)}
    answers: dict[str, Any] = {}
    for row, edge in _edges():
        answers[key(row, edge)] = {
            peer: ask[peer](expression, row, edge) if expression else {}
            for peer in PEERS
            for expression in [spelling(row, peer)]
        }
    versions = {"torch": torch.__version__, "jax": jax.__version__}
    return {"versions": versions, "python": sys.version.split()[0], "answers": answers}


def _edges() -> Iterator[tuple[Primitive, Edge]]:
    return ((row, edge) for row in rows() for edge in row.edges)


Ask = Callable[[str, Primitive, Edge], dict[str, Any]]


def _torch(torch: Any) -> Ask:
    def ask(expression: str, row: Primitive, edge: Edge) -> dict[str, Any]:
        xs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in edge.at]
        names = {"t": torch, "c": next(iter(row.params), 0.0)}
        value = eval(expression, names, dict(zip("xyw", xs, strict=False)))
        try:
            grads = torch.autograd.grad(value, xs, allow_unused=True)
        except RuntimeError:  # a comparison, or "derivative for ... is not implemented"
            return {"value": repr(value.item()), "partials": NO_GRADIENT}
        partials = [0.0 if grad is None else grad.item() for grad in grads]
        return {"value": repr(value.item()), "partials": [repr(p) for p in partials]}

    return ask


def _jax(jax: Any) -> Ask:
    def ask(expression: str, row: Primitive, edge: Edge) -> dict[str, Any]:
        names = {"jax": jax, "j": jax.numpy, "s": jax.scipy.special}
        names["c"] = next(iter(row.params), 0.0)

        def function(*xs: Any) -> Any:
            return eval(expression, names, dict(zip("xyw", xs, strict=False)))

        value = function(*map(jax.numpy.float64, edge.at))
        grads = jax.grad(function, argnums=tuple(range(row.nin)))(*edge.at)
        return {"value": repr(float(value)), "partials": [repr(float(grad)) for grad in grads]}

    return ask


if __name__ == "__main__":
    sys.exit(main())
