"""Write docs/accuracy.md: how far each primitive and its partials are from the exact result.

    python tools/accuracy.py            measure, and write the page
    python tools/accuracy.py --check    fail if the page lacks a row or a bound, or exceeds one

What is measured depends on the machine's C library and on NumPy's vector loops, so the check does
not measure again: it holds the page to the rows of the table and to the bounds of tests/oracle.py.
"""

import argparse
import platform
import re
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "run"))

import points

import oracle
from wengert.dispatch import Primitive
from wengert.operand import local_partials
from wengert.primitives import rows
from wengert.run import vector_math

PAGE = Path(__file__).resolve().parent.parent / "docs" / "accuracy.md"
COUNT = 1000
VECTOR_COUNT = 20_000  # of each of three kinds

INTRODUCTION = """\
# Accuracy

<!-- Written by tools/accuracy.py from the table of primitives. Change the table, not this page. -->

How far each primitive and each of its partial derivatives is from the exact result, in units in the
last place (ulp) of that result: 0.5 is the best that rounding allows. The reference is mpmath at 50
digits; its derivatives are numerical and share no formula with ours. The tests hold every row to
its bound on floats, on arrays and on Values.

"""

EXPLANATION = """\

Measured at {count} random points of each row's domain, the same in every run, on
{machine}.
A C library or a NumPy that rounds otherwise gives other figures; the bounds leave room for that:
1.5 times the worst found, and at least 1 where a library decides.

## Where relative accuracy is lost

The domains below are where a function is usually met. Beyond them, and at a few places inside, the
*absolute* error stays small while the relative one grows. These are the places.

- **tanh**: the partial is 1 - z², from the output z. It cancels for large |x|: about 100 ulp at
  |x| = 3, and from |x| = 19.1 on it is 0, where the exact slope is below 1.1e-16. This form is kept
  because it reuses the output, so that it costs one multiplication, and because it gives the very
  figures that every lesson on back-propagation shows. `sigmoid` is accurate in both tails: where
  a tiny slope matters, tanh(x) = 2·sigmoid(2x) - 1 has it.
- **erf** and **erfc**: the partial holds exp(-x²), and the rounding of x² counts x² times: 7 ulp at
  3, some 300 ulp at 26, shortly before the exact slope underflows. `norm_pdf`, `norm_cdf` and
  `gelu` share this.
- **pow**: the first partial is y·x^(y-1), where the rounding of y - 1 counts ln x times. The form
  y·z/x would not, but it is nan at x = 0.
- **lgamma**: series about the zeros 1 and 2 keep the relative accuracy between 0.75 and 2.5. Just
  outside, near 0.7 and 2.7, the value is small and the error of Python's `math.lgamma` shows as
  some 30 ulp. On the negative axis it has zeros between the poles, where only the absolute accuracy
  is kept.
- **digamma** and **polygamma** of negative numbers use the reflection formula, whose two terms
  cancel near the zeros there.
- **sin**, **cos** and **tan** of huge numbers are as accurate as those of the C library, which
  reduces them with as many digits of pi as that takes.
- **sums** lose what cancels, like all arithmetic in floating point: `1 - cos(x)`, `log(sigmoid(x))`
  for large x, `logsumexp` of one zero and very negative numbers. The derivatives keep what the
  value has lost more often than not, since each is computed from the operands anew.

## The rows

The worst measured, in ulp, and the bound that the tests hold.

"""

VECTOR_MATH = """\

## The vector math

Code compiled by LLVM evaluates these rows by formulas of its own, on several numbers at once
([why](decisions/vector-math.md)). The bounds hold for all operands, beyond the domains above too:
subnormal, huge, close to zeros and to where a formula turns. The results do not depend on how many
lanes there are. Angles beyond 2^30 are left to the C library. The worst of {count} points of each
of three kinds, any bit pattern, any size and the row's domain, and of some more where it is hard:

"""


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail if the page is not current")
    if not parser.parse_args().check:
        PAGE.write_text(generate())
        return 0
    faults = check(PAGE.read_text()) if PAGE.exists() else [f"{PAGE} is not there."]
    print("\n".join([*faults, "Write it anew with: python tools/accuracy.py"] if faults else []))
    return min(len(faults), 1)


def generate(count: int = COUNT) -> str:
    """The page, measured on this machine."""
    measured = {row: measure(row, count) for row in rows()}
    value, name = max((worst[0], label(row)) for row, worst in measured.items())
    slope, partial = max(
        (ulps, f"∂{label(row)}/∂{operand}")
        for row, worst in measured.items()
        for operand, ulps in zip(row.operands, worst[1:], strict=True)
    )
    machine = f"{platform.system()} {platform.machine()}, {' '.join(platform.libc_ver())}"
    machine += f", Python {platform.python_version()}, NumPy {np.__version__}"
    summary = (
        f"Worst overall: **{value:.1f} ulp** for a value ({name}), and **{slope:.1f} ulp** for a "
        f"partial derivative ({partial}).\n"
    )
    lines = ["| Row | Value | bound | Partials | bounds |", "|---|---|---|---|---|"]
    lines += [line(row, measured[row]) for row in rows()]
    explanation = EXPLANATION.format(count=count, machine=machine)
    return INTRODUCTION + summary + explanation + "\n".join(lines) + "\n" + vector_table()


def vector_table() -> str:
    """The page's part on the vector math, measured on this machine."""
    from on_llvm import vector_function

    lines = [
        VECTOR_MATH.format(count=f"{VECTOR_COUNT:,}"),
        "| Row | Value | bound |\n|---|---|---|\n",
    ]
    for name in vector_math.FUNCTIONS:
        worst, _ = points.worst(name, vector_function(name), VECTOR_COUNT)
        lines.append(vector_line(name, worst) + "\n")
    return "".join(lines)


def vector_line(name: str, worst: float) -> str:
    """The page's line for a function of the vector math."""
    return f"| {name} | {worst:.2f} | {vector_math.BOUNDS[name]:.1f} |"


def line(row: Primitive, worst: list[float]) -> str:
    """The page's line for a row: worst value, its bound, worst partials, their bounds."""
    bounds = oracle.BOUNDS[row.name]
    slopes = [f"∂{o} {ulps:.2f}" for o, ulps in zip(row.operands, worst[1:], strict=True)]
    limits = [f"∂{o} {bound:.1f}" for o, bound in zip(row.operands, bounds[1:], strict=True)]
    value = f"{worst[0]:.2f} | {bounds[0]:.1f}"
    return f"| {label(row)} | {value} | {', '.join(slopes)} | {', '.join(limits)} |"


def measure(row: Primitive, count: int) -> list[float]:
    """The worst error of the value, then of each partial, on floats and on arrays."""
    points = oracle.samples(row, count)
    columns = [np.array(column) for column in zip(*points, strict=True)]
    with np.errstate(all="ignore"):
        on_arrays = row(*columns)
        partials = row.partials(on_arrays, *columns)
    found = [on_arrays, *(np.broadcast_to(partial, count) for partial in partials)]
    worst = [0.0] * (1 + row.nin)
    for i, xs in enumerate(points):
        z = row.scalar(*xs)
        for k, on_floats in enumerate([z, *local_partials(row, z, xs)]):
            exact = oracle.derivative(row, xs, k - 1) if k else oracle.value(row, xs)
            error = max(oracle.ulps(got, exact) for got in (on_floats, found[k][i]))
            worst[k] = max(worst[k], error)
    return worst


def check(page: str) -> list[str]:
    """What is wrong with a page: text that is not current, or a figure beyond its bound."""
    faults = []
    if INTRODUCTION not in page or EXPLANATION.partition("## Where")[2] not in page:
        faults.append(f"{PAGE}: the text is not current.")
    for row in rows():
        found = re.search(rf"^\| {re.escape(label(row))} \|.*$", page, re.MULTILINE)
        cells = found[0].strip("| ").split(" | ") if found else []
        worst = [float(x) for x in re.findall(r"\d+\.\d\d", " ".join(cells[1::2]))]
        if not found or line(row, worst) != found[0]:
            faults.append(f"{PAGE}: the line of {label(row)} is missing or not current.")
        elif any(x > bound for x, bound in zip(worst, oracle.BOUNDS[row.name], strict=True)):
            faults.append(f"{PAGE}: {label(row)} is beyond its bound.")
    if VECTOR_MATH.format(count=f"{VECTOR_COUNT:,}") not in page:
        faults.append(f"{PAGE}: the text on the vector math is not current.")
    vector_page = page.partition("## The vector math")[2]
    for name, bound in vector_math.BOUNDS.items():
        found = re.search(rf"^\| {name} \| (\d+\.\d\d) \|.*$", vector_page, re.MULTILINE)
        if not found or vector_line(name, float(found[1])) != found[0]:
            faults.append(f"{PAGE}: the line of the vector {name} is missing or not current.")
        elif float(found[1]) > bound:
            faults.append(f"{PAGE}: the vector {name} is beyond its bound.")
    return faults


def label(row: Primitive) -> str:
    """The row's name, with the constant of a family's member."""
    return f"{row.name} {row.params[0]:g}" if row.params else row.name


if __name__ == "__main__":
    sys.exit(main())
