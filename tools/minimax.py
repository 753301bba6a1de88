"""Write src/wengert/run/coefficients.py: the polynomials of the vector math.

    python tools/minimax.py            fit them, and write the module
    python tools/minimax.py --check    fail if the module is not what the fits give
    python tools/minimax.py NAME ...   show these fits and how good they are

Each is the polynomial whose largest error is the smallest, found by Remez's exchange of reference
points (E. Remez, 1934; J.-M. Muller, Elementary Functions, 3rd ed., section 3.5) at 60 digits on a
dense grid of Chebyshev points. Coefficients are rounded to doubles one after the other, from the
constant one on, and those that are left are fitted anew to what that leaves.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mpmath

from wengert.run.error_functions import ERF_CENTRE, ERFC_CENTRE

MODULE = Path(__file__).resolve().parent.parent / "src" / "wengert" / "run" / "coefficients.py"
HEADER = '''"""Coefficients of the polynomials of the vector math, the constant one first.

Written by tools/minimax.py, which says what each approximates. Change that, not this.
"""

'''
mp = mpmath.mp.clone()
mp.dps = 60
Number = Any  # of mpmath
Function = Callable[[Number], Number]


@dataclass(frozen=True)
class Fit:
    """What is approximated: a function on an interval by `count` coefficients.

    The error that counts is that of the function times the weight.
    """

    about: str
    function: Function
    low: Number
    high: Number
    count: int
    weight: Function = lambda x: mp.mpf(1)


def remez(values: list[Number], weights: list[Number], points: list[Number], powers: range) -> Any:
    """The coefficients of these powers with the least weighted error, and that error."""
    size = len(powers) + 1
    reference = [round(i * (len(points) - 1) / (size - 1)) for i in range(size)]
    for _ in range(60):
        system = mp.matrix(size, size)
        for row, at in enumerate(reference):
            for column, power in enumerate(powers):
                system[row, column] = points[at] ** power
            system[row, size - 1] = (-1) ** row / weights[at]
        solved = mp.lu_solve(system, mp.matrix([values[at] for at in reference]))
        coefficients = list(solved)[:-1]
        errors = [
            (value - horner(coefficients, powers[0], point)) * weight
            for value, point, weight in zip(values, points, weights, strict=True)
        ]
        worst = max(map(abs, errors))
        if worst <= abs(solved[size - 1]) * mp.mpf("1.0001"):
            break
        reference = alternation(errors, size)
    return coefficients, worst


def horner(coefficients: list[Number], lowest: int, x: Number) -> Number:
    """The polynomial whose first coefficient belongs to the power `lowest`."""
    total = mp.mpf(0)
    for coefficient in reversed(coefficients):
        total = total * x + coefficient
    return total * x**lowest


def alternation(errors: list[Number], size: int) -> list[int]:
    """Where errors of alternating sign are largest, `size` of them."""
    peaks: list[int] = []
    for at, error in enumerate(errors):
        if peaks and (error > 0) == (errors[peaks[-1]] > 0):
            if abs(error) > abs(errors[peaks[-1]]):
                peaks[-1] = at
        else:
            peaks.append(at)
    while len(peaks) > size:
        peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
    if len(peaks) < size:
        raise ArithmeticError(f"The error alternates {len(peaks)} times only, not {size}.")
    return peaks


def fitted(fit: Fit, density: int = 24) -> tuple[list[float], float]:
    """The coefficients as doubles, and the largest weighted error."""
    count = density * (fit.count + 1)
    nodes = [mp.cos(mp.pi * (2 * k + 1) / (2 * count)) for k in reversed(range(count))]
    middle, half = (mp.mpf(fit.low) + fit.high) / 2, (mp.mpf(fit.high) - fit.low) / 2
    points = [middle + half * node for node in nodes]
    values = [fit.function(point) for point in points]
    weights = [fit.weight(point) for point in points]
    rounded: list[float] = []
    while len(rounded) < fit.count:
        powers = range(len(rounded), fit.count)
        coefficients, _ = remez(values, weights, points, powers)
        # Powers from x on do not alternate freely about a 0 inside: all are rounded together there.
        news = [
            float(each) for each in (coefficients if fit.low < 0 < fit.high else coefficients[:1])
        ]
        rounded += news
        values = [
            value - horner(news, powers[0], point)
            for value, point in zip(values, points, strict=True)
        ]
    left = max(abs(value * weight) for value, weight in zip(values, weights, strict=True))
    return rounded, float(left)


# r, s, t, u, w and z stand for what they do in the formulas, and weights turn an error of the
# polynomial into one relative to the function's result. Intervals are a little wider than needed,
# since reductions are rounded.
WIDER = mp.mpf("1.0001")
HALF_LN2 = mp.ln2 / 2 * WIDER
EIGHTH_TURN = mp.pi / 4 * WIDER
STEEPEST = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1) * WIDER) ** 2  # z of logarithms


def over_root(function: Function) -> Function:
    """Of an odd function with slope 1 at 0: (function(x)/x - 1) / z in z = x²."""
    return lambda z: (function(mp.sqrt(z)) / mp.sqrt(z) - 1) / z


def erf_over_x(w: Number) -> Number:
    """(erf(x)/x - 7/8) / w in w = x² - ERF_CENTRE."""
    x = mp.sqrt(w + ERF_CENTRE)
    return (mp.erf(x) / x - mp.mpf("0.875")) / w


def erfc_tail(t: Number) -> Number:
    """((x + c) e^(x²) erfc(x) - 17/16) / t in t = (x - c)/(x + c), where c = ERFC_CENTRE."""
    x = ERFC_CENTRE * (1 + t) / (1 - t)
    return ((x + ERFC_CENTRE) * mp.exp(x**2) * mp.erfc(x) - mp.mpf("1.0625")) / t


def quotient(x: Number) -> Number:
    """t of erfc's tail."""
    return (mp.mpf(x) - ERFC_CENTRE) / (mp.mpf(x) + ERFC_CENTRE)


FITS = {
    "EXP": Fit(
        "(e^r - 1 - r) / r²",
        lambda r: (mp.exp(r) - 1 - r) / r**2, -HALF_LN2, HALF_LN2, 11, abs,
    ),
    "EXP2": Fit(
        "(2^r - 1 - r ln 2) / r²",
        lambda r: (2**r - 1 - r * mp.ln2) / r**2, -0.5 * WIDER, 0.5 * WIDER, 11, abs,
    ),
    "SINH": Fit("(sinh(r)/r - 1) / z in z = r²", over_root(mp.sinh), 0, HALF_LN2**2, 5, abs),
    "COSH": Fit(
        "(cosh(r) - 1 - z/2) / z² in z = r²",
        lambda z: (mp.cosh(mp.sqrt(z)) - 1 - z / 2) / z**2, 0, HALF_LN2**2, 5, lambda z: z**2,
    ),
    "TANH": Fit("(tanh(x)/x - 1) / z in z = x²", over_root(mp.tanh), 0, 0.5501**2, 11, abs),
    "LOG": Fit(
        "2 (artanh(s)/s - 1) / z in z = s²",
        lambda z: 2 * over_root(mp.atanh)(z), 0, STEEPEST, 7, abs,
    ),
    "LOG_TAIL": Fit(
        "(2 (artanh(s)/s - 1) / z - 2/3) / z in z = s²",
        lambda z: (2 * over_root(mp.atanh)(z) - mp.mpf(2) / 3) / z,
        0, STEEPEST, 8, lambda z: z**2,
    ),
    "INVERSE_CUBE_ROOT": Fit(
        "the cube root of 1/m", lambda m: m ** (-mp.mpf(1) / 3), 0.5, 4, 6,
        lambda m: m ** (mp.mpf(1) / 3),
    ),
    "SIN": Fit("(sin(r)/r - 1) / z in z = r²", over_root(mp.sin), 0, EIGHTH_TURN**2, 6, abs),
    "COS": Fit(
        "(cos(r) - 1 + z/2) / z² in z = r²",
        lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2,
        0, EIGHTH_TURN**2, 6, lambda z: z**2,
    ),
    "ASIN": Fit("(asin(x)/x - 1) / z in z = x²", over_root(mp.asin), 0, 0.25 * WIDER, 12, abs),
    "ATAN": Fit(
        "(atan(t)/t - 1) / z in z = t²",
        over_root(mp.atan), 0, (mp.tan(mp.pi / 8) * WIDER) ** 2, 11, abs,
    ),
    "ERF": Fit(
        "(erf(x)/x - 7/8) / w in w = x² - ERF_CENTRE",
        erf_over_x, -ERF_CENTRE, 1.4688**2 - ERF_CENTRE, 14, abs,
    ),
    "ERF_TAIL": Fit(
        "the eighth root of erfc(x), in u = x - 3.75",
        lambda u: mp.root(mp.erfc(u + 3.75), 8), -2.2813, 2.25, 16,
        lambda u: 8 * mp.root(mp.erfc(u + 3.75), 8) ** 7,
    ),
    "ERFC_TAIL": Fit(
        "((x + c) e^(x²) erfc(x) - 17/16) / t in t = (x - c)/(x + c), c = ERFC_CENTRE",
        erfc_tail, quotient(0.499), quotient(27.5), 23, abs,
    ),
}  # fmt: skip


def module() -> str:
    """The text of coefficients.py."""
    parts = [HEADER]
    for name, fit in FITS.items():
        coefficients, error = fitted(fit)
        parts.append(f"# {fit.about};\n# worst error 2^{float(mp.log(error, 2)):.1f}.\n")
        parts.append(f"{name} = (\n")
        parts += [f"    {coefficient!r},\n" for coefficient in coefficients]
        parts.append(")\n")
    return "".join(parts)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail if the module is not current")
    parser.add_argument("names", nargs="*", metavar="NAME", help="show these fits")
    options = parser.parse_args()
    for name in options.names:
        coefficients, error = fitted(FITS[name])
        print(f"{name}: {FITS[name].about}; worst error 2^{float(mp.log(error, 2)):.2f}")
        print(*coefficients, sep="\n")
    if options.names:
        return 0
    text = module()
    if options.check:
        if text == MODULE.read_text():
            return 0
        print(f"{MODULE} is not what the fits give. Write it anew with: python tools/minimax.py")
        return 1
    MODULE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
