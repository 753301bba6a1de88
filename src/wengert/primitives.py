"""The table of primitives: everything Wengert knows about a scalar operation, in one row each.

A row states what the operation computes, on floats and on arrays, and its partial derivatives as
one expression per operand. The expressions are written with the functions of this very table, so
the same line differentiates floats, arrays, graphs and symbols. Nothing else in Wengert states a
derivative, a singular value or a list of operations.

Where a function has no derivative, its row follows the contract of `docs/decisions/kinks.md`.
`edges` pin value and partials there; `tests/test_primitives.py` holds every evaluator to them.
"""

import math
import operator
from collections.abc import Iterator
from math import inf, nan, pi
from typing import Any

import numpy as np

from wengert import special
from wengert.dispatch import Edge, Facts, Family, Primitive, family
from wengert.errors import OperandError
from wengert.special import elementwise, ieee

LN2, LN10 = math.log(2.0), math.log(10.0)
REAL, NEAR, POSITIVE, UNIT = (-8.0, 8.0), (-3.0, 3.0), (0.05, 8.0), (-0.99, 0.99)
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


# Rows to which a row above them refers.
cos: Primitive
cosh: Primitive
digamma: Primitive
equal: Primitive
log: Primitive
not_equal: Primitive
pow: Primitive
sigmoid: Primitive
sign: Primitive


def on_domain(z: Any, partial: Any) -> Any:
    """The partial where the function has a value z, and NaN where it has none."""
    return select(equal(z, z), partial, nan)


# --- choice ---------------------------------------------------------------------------------------

select = Primitive(
    "select", "x where c is not zero, else y",
    lambda c, x, y: x if c else y, np.where,
    lambda z, c, x, y: (0.0, not_equal(c, 0.0), equal(c, 0.0)),
    [REAL, REAL, REAL], symbol="where", text="({1} if {0} else {2})",
    tex=r"\begin{{cases}}{1} & {0}\\ {2} & \text{{otherwise}}\end{{cases}}",
    facts=Facts(exact_array=True),
    edges=[
        Edge((0.0, 5.0, 7.0), 7.0, (0.0, 0.0, 1.0)),
        Edge((-0.0, 5.0, 7.0), 7.0, (0.0, 0.0, 1.0)),
        Edge((nan, 5.0, 7.0), 5.0, (0.0, 1.0, 0.0)),
        Edge((1.0, 5.0, nan), 5.0, (0.0, 1.0, 0.0)),
    ],
    c="{0} != 0.0 ? {1} : {2}",
)  # fmt: skip


def _comparison(
    name: str, symbol: str, c: str, tex: str, compare: Any, array: Any, tie: bool
) -> Primitive:
    return Primitive(
        name, f"1 where x {symbol} y, else 0",
        lambda x, y: float(compare(x, y)), lambda x, y: array(x, y).astype(float),
        lambda z, x, y: (0.0, 0.0),
        [REAL, REAL], symbol=symbol, text=f"[{{0}} {symbol} {{1}}]", tex=f"[{{0}} {tex} {{1}}]",
        facts=Facts(exact_array=True),
        edges=[
            Edge((2.0, 2.0), float(tie), (0.0, 0.0)),
            Edge((nan, 2.0), float(name == "not_equal"), (0.0, 0.0)),
        ],
        c=f"(double)({{0}} {c} {{1}})",
    )  # fmt: skip


less = _comparison("less", "<", "<", "<", operator.lt, np.less, False)
less_equal = _comparison("less_equal", "≤", "<=", r"\le", operator.le, np.less_equal, True)
greater = _comparison("greater", ">", ">", ">", operator.gt, np.greater, False)
greater_equal = _comparison("greater_equal", "≥", ">=", r"\ge", operator.ge, np.greater_equal, True)
equal = _comparison("equal", "=", "==", "=", operator.eq, np.equal, True)
not_equal = _comparison("not_equal", "≠", "!=", r"\ne", operator.ne, np.not_equal, False)

# --- arithmetic -----------------------------------------------------------------------------------

add = Primitive(
    "add", "sum of x and y", operator.add, np.add,
    lambda z, x, y: (1.0, 1.0),
    [REAL, REAL], symbol="+", text="{0} + {1}", tex="{0} + {1}", binds=1,
    facts=Facts(commutative=True, neutral=-0.0, exact_array=True),
    edges=[Edge((inf, -inf), nan, (1.0, 1.0))],
    c="{0} + {1}",
)  # fmt: skip
sub = Primitive(
    "sub", "difference of x and y", operator.sub, np.subtract,
    lambda z, x, y: (1.0, -1.0),
    [REAL, REAL], symbol="-", text="{0} - {1}", tex="{0} - {1}", binds=1,
    facts=Facts(neutral=0.0, exact_array=True), edges=[Edge((inf, inf), nan, (1.0, -1.0))],
    c="{0} - {1}",
)  # fmt: skip
mul = Primitive(
    "mul", "product of x and y", operator.mul, np.multiply,
    lambda z, x, y: (y, x),
    [REAL, REAL], symbol="*", text="{0}·{1}", tex=r"{0} \cdot {1}", binds=2,
    facts=Facts(commutative=True, neutral=1.0, exact_array=True),
    edges=[Edge((0.0, 0.0), 0.0, (0.0, 0.0)), Edge((0.0, inf), nan, (inf, 0.0))],
    c="{0} * {1}",
)  # fmt: skip
strong_mul = Primitive(
    "strong_mul", "product of x and y, where a zero absorbs inf and nan",
    special.strong_product, special.strong_product_array,
    lambda z, x, y: (y, x),
    [REAL, REAL], symbol="⊗", text="{0} ⊗ {1}", tex=r"{0} \otimes {1}", binds=2,
    facts=Facts(commutative=True, neutral=1.0, exact_array=True),
    edges=[
        Edge((0.0, 0.0), 0.0, (0.0, 0.0)),
        Edge((0.0, inf), 0.0, (inf, 0.0)),
        Edge((nan, 0.0), 0.0, (0.0, nan)),
        Edge((-0.0, 2.0), -0.0, (2.0, -0.0)),
        Edge((nan, 2.0), nan, (2.0, nan)),
    ],
    c="strong_product({0}, {1})",
)  # fmt: skip
div = Primitive(
    "div", "quotient of x and y", ieee(operator.truediv, np.true_divide), np.true_divide,
    lambda z, x, y: (1.0 / y, -z / y),
    [REAL, POSITIVE], symbol="/", text="{0}/{1}", tex=r"\frac{{{0}}}{{{1}}}", binds=2,
    facts=Facts(neutral=1.0, exact_array=True),
    edges=[
        Edge((1.0, 0.0), inf, (inf, -inf)),
        Edge((1.0, -0.0), -inf, (-inf, -inf)),
        Edge((0.0, 0.0), nan, (inf, nan)),
        Edge((1.0, inf), 0.0, (0.0, -0.0)),
    ],
    c="{0} / {1}",
)  # fmt: skip
floordiv = Primitive(
    "floordiv", "largest integer not above x / y",
    ieee(operator.floordiv, np.floor_divide), np.floor_divide,
    lambda z, x, y: (on_domain(z, 0.0), on_domain(z, 0.0)),
    [(4.1, 5.9), (2.0, 2.04)], symbol="//", text="⌊{0}/{1}⌋",
    tex=r"\left\lfloor\frac{{{0}}}{{{1}}}\right\rfloor",
    edges=[Edge((4.0, 2.0), 2.0, (0.0, 0.0)), Edge((0.0, 0.0), nan, (nan, nan))],
    c="floored_quotient({0}, {1})",
)  # fmt: skip
mod = Primitive(
    "mod", "remainder of x / y, with the sign of y", ieee(operator.mod, np.mod), np.mod,
    lambda z, x, y: (on_domain(z, 1.0), on_domain(z, -floordiv(x, y))),
    [(4.1, 5.9), (2.0, 2.04)], symbol="%", text="({0} mod {1})", tex=r"({0} \bmod {1})",
    edges=[Edge((4.0, 2.0), 0.0, (1.0, -2.0)), Edge((1.0, 0.0), nan, (nan, nan))],
    c="floored_remainder({0}, {1})",
)  # fmt: skip
neg = Primitive(
    "neg", "x with its sign changed", operator.neg, np.negative,
    lambda z, x: (-1.0,),
    [REAL], symbol="-", text="-{0}", tex="-{0}", binds=2, facts=Facts(odd=True, exact_array=True),
    edges=[Edge((0.0,), -0.0, (-1.0,))],
    c="-{0}",
)  # fmt: skip
fma = Primitive(
    "fma", "x·y + w, rounded once", special.fma, elementwise(special.fma),
    lambda z, x, y, w: (y, x, 1.0),
    [REAL, REAL, REAL], text="{0}·{1} + {2}", tex=r"{0} \cdot {1} + {2}", binds=1,
    edges=[Edge((0.1, 10.0, -1.0), 2.0**-54, (10.0, 0.1, 1.0))],
    c="fma({0}, {1}, {2})",
)  # fmt: skip


# --- powers and roots -----------------------------------------------------------------------------


@family(int, samples=(-2, -1, 0, 1, 2, 3, 7))
def powi(n: int) -> Primitive:
    """x to the constant integer n."""
    if not -(2**53) <= n <= 2**53:
        raise OperandError(f"powi() takes an integer exponent of at most 2**53, not {n!r}.")
    return Primitive(
        "powi", f"x to the constant integer {n}",
        ieee(lambda x: special.power(x, n), lambda x: np.power(x, float(n))),
        lambda x: special.integer_power_array(x, n),
        lambda z, x: (n * powi(n - 1)(x) if n else 0.0,),
        [POSITIVE if n < 0 else NEAR], symbol=f"**{n}",
        text="{0}" + str(n).translate(SUPERSCRIPT), tex=f"{{0}}^{{{{{n}}}}}", binds=4,
        params=(n,), facts=Facts(even=n % 2 == 0, exact_array=n in (-1, 2)),
        edges={
            -2: [Edge((0.0,), inf, (-inf,)), Edge((-0.0,), inf, (inf,))],
            -1: [Edge((0.0,), inf, (-inf,)), Edge((-0.0,), -inf, (-inf,))],
            0: [Edge((0.0,), 1.0, (0.0,)), Edge((nan,), 1.0, (0.0,)), Edge((inf,), 1.0, (0.0,))],
            1: [Edge((0.0,), 0.0, (1.0,)), Edge((inf,), inf, (1.0,))],
            2: [Edge((0.0,), 0.0, (0.0,)), Edge((-inf,), inf, (-inf,))],
        }.get(n, []),
        c="integer_power({0}, {1})",
    )  # fmt: skip


@family(float, samples=(-1.5, 0.0, 0.5, 1.5, 2.0))
def powc(c: float) -> Primitive:
    """x to the constant real c."""
    return Primitive(
        "powc", f"x to the constant {c:g}",
        ieee(lambda x: math.pow(x, c), lambda x: np.power(x, c)),
        lambda x: special.power_array(x, c),
        lambda z, x: (c * powc(c - 1.0)(x) if c else 0.0,),
        [POSITIVE], symbol=f"**{c:g}", text=f"{{0}}^{c:g}", tex=f"{{0}}^{{{{{c:g}}}}}",
        binds=4, params=(c,),
        edges={
            -1.5: [Edge((0.0,), inf, (-inf,)), Edge((-1.0,), nan, (nan,))],
            0.0: [Edge((0.0,), 1.0, (0.0,)), Edge((-2.0,), 1.0, (0.0,))],
            0.5: [
                Edge((0.0,), 0.0, (inf,)), Edge((-1.0,), nan, (nan,)), Edge((-inf,), inf, (0.0,)),
            ],
            1.5: [Edge((0.0,), 0.0, (0.0,)), Edge((-1.0,), nan, (nan,))],
            2.0: [Edge((-3.0,), 9.0, (-6.0,))],
        }.get(c, []),
        c="pow({0}, {1})",
    )  # fmt: skip


pow = Primitive(
    "pow", "x to the power y", ieee(math.pow, np.power), special.power_array,
    lambda z, x, y: (
        select(equal(y, 0.0), 0.0, y * pow(x, y - 1.0)),
        select(equal(x, 0.0) * greater(y, 0.0), 0.0, z * log(x)),
    ),
    [POSITIVE, NEAR], symbol="**", text="{0}^{1}", tex="{0}^{{{1}}}", binds=4,
    facts=Facts(neutral=1.0), ufuncs=[np.power],
    edges=[
        Edge((0.0, 2.0), 0.0, (0.0, 0.0)),
        Edge((0.0, 1.0), 0.0, (1.0, 0.0)),
        Edge((0.0, 0.5), 0.0, (inf, 0.0)),
        Edge((0.0, 0.0), 1.0, (0.0, -inf)),
        Edge((0.0, -1.0), inf, (-inf, -inf)),
        Edge((3.0, 0.0), 1.0, (0.0, math.log(3.0))),
        Edge((-2.0, 0.0), 1.0, (0.0, nan)),
        Edge((-2.0, 2.0), 4.0, (-4.0, nan)),
        Edge((-2.0, 0.5), nan, (nan, nan)),
    ],
    c="pow({0}, {1})",
)  # fmt: skip
sqrt = Primitive(
    "sqrt", "square root", ieee(math.sqrt, np.sqrt), np.sqrt,
    lambda z, x: (0.5 / z,),
    [POSITIVE], text="√{0}", tex=r"\sqrt{{{0}}}",
    facts=Facts(exact_array=True),
    edges=[
        Edge((0.0,), 0.0, (inf,)),
        Edge((-0.0,), -0.0, (-inf,)),
        Edge((-1.0,), nan, (nan,)),
        Edge((inf,), inf, (0.0,)),
    ],
    c="sqrt({0})",
)  # fmt: skip
cbrt = Primitive(
    "cbrt", "cube root", math.cbrt, np.cbrt,
    lambda z, x: (1.0 / (3.0 * (z * z)),),
    [POSITIVE], text="∛{0}", tex=r"\sqrt[3]{{{0}}}", facts=Facts(odd=True),
    edges=[Edge((0.0,), 0.0, (inf,)), Edge((-0.0,), -0.0, (inf,)), Edge((-8.0,), -2.0, (1 / 12,))],
    c="cbrt({0})",
)  # fmt: skip
hypot = Primitive(
    "hypot", "length of the hypotenuse, √(x² + y²) without overflow", math.hypot, np.hypot,
    lambda z, x, y: (select(equal(z, 0.0), 0.0, x / z), select(equal(z, 0.0), 0.0, y / z)),
    [REAL, POSITIVE], tex=r"\sqrt{{{0}^2 + {1}^2}}", facts=Facts(commutative=True),
    edges=[
        Edge((0.0, 0.0), 0.0, (0.0, 0.0)),
        Edge((3.0, 0.0), 3.0, (1.0, 0.0)),
        Edge((1e200, 0.0), 1e200, (1.0, 0.0)),
        Edge((inf, 1.0), inf, (nan, 0.0)),
    ],
    c_near="hypot({0}, {1})",
)  # fmt: skip

# --- exponentials and logarithms ------------------------------------------------------------------

exp = Primitive(
    "exp", "e to the power x", ieee(math.exp, np.exp), np.exp,
    lambda z, x: (z,),
    [REAL], tex="e^{{{0}}}",
    edges=[
        Edge((1000.0,), inf, (inf,)),
        Edge((-1000.0,), 0.0, (0.0,)),
        Edge((-inf,), 0.0, (0.0,)),
    ],
    c="exp({0})",
)  # fmt: skip
expm1 = Primitive(
    "expm1", "e^x - 1, accurate near 0", ieee(math.expm1, np.expm1), np.expm1,
    lambda z, x: (exp(x),),
    [REAL], tex="e^{{{0}}} - 1", binds=1,
    edges=[Edge((-0.0,), -0.0, (1.0,)), Edge((-inf,), -1.0, (0.0,)), Edge((1000.0,), inf, (inf,))],
    c="expm1({0})",
)  # fmt: skip
exp2 = Primitive(
    "exp2", "2 to the power x", ieee(math.exp2, np.exp2), np.exp2,
    lambda z, x: (LN2 * z,),
    [REAL], tex="2^{{{0}}}",
    edges=[Edge((3.0,), 8.0, (8.0 * LN2,)), Edge((2000.0,), inf, (inf,))],
    c="exp2({0})",
)  # fmt: skip
log = Primitive(
    "log", "natural logarithm", ieee(math.log, np.log), np.log,
    lambda z, x: (on_domain(z, 1.0 / x),),
    [POSITIVE], tex=r"\ln {0}",
    edges=[
        Edge((0.0,), -inf, (inf,)),
        Edge((-0.0,), -inf, (-inf,)),
        Edge((-1.0,), nan, (nan,)),
        Edge((inf,), inf, (0.0,)),
    ],
    c="log({0})",
)  # fmt: skip
log1p = Primitive(
    "log1p", "log(1 + x), accurate near 0", ieee(math.log1p, np.log1p), np.log1p,
    lambda z, x: (on_domain(z, 1.0 / (1.0 + x)),),
    [(-0.9, 8.0)], tex=r"\ln(1 + {0})",
    edges=[Edge((-1.0,), -inf, (inf,)), Edge((-2.0,), nan, (nan,)), Edge((-0.0,), -0.0, (1.0,))],
    c="log1p({0})",
)  # fmt: skip
log2 = Primitive(
    "log2", "logarithm to base 2", ieee(math.log2, np.log2), np.log2,
    lambda z, x: (on_domain(z, 1.0 / (LN2 * x)),),
    [POSITIVE], tex=r"\log_2 {0}",
    edges=[Edge((0.0,), -inf, (inf,)), Edge((-1.0,), nan, (nan,))],
    c="log2({0})",
)  # fmt: skip
log10 = Primitive(
    "log10", "logarithm to base 10", ieee(math.log10, np.log10), np.log10,
    lambda z, x: (on_domain(z, 1.0 / (LN10 * x)),),
    [POSITIVE], tex=r"\log_{{10}} {0}",
    edges=[Edge((0.0,), -inf, (inf,)), Edge((-1.0,), nan, (nan,))],
    c="log10({0})",
)  # fmt: skip

# --- trigonometric functions, angles in radians ---------------------------------------------------

sin = Primitive(
    "sin", "sine of x, in radians", ieee(math.sin, np.sin), np.sin,
    lambda z, x: (cos(x),),
    [REAL], tex=r"\sin {0}", facts=Facts(odd=True),
    edges=[Edge((-0.0,), -0.0, (1.0,)), Edge((inf,), nan, (nan,))],
    c="sin({0})",
)  # fmt: skip
cos = Primitive(
    "cos", "cosine of x, in radians", ieee(math.cos, np.cos), np.cos,
    lambda z, x: (-sin(x),),
    [REAL], tex=r"\cos {0}", facts=Facts(even=True),
    edges=[Edge((0.0,), 1.0, (-0.0,)), Edge((inf,), nan, (nan,))],
    c="cos({0})",
)  # fmt: skip
tan = Primitive(
    "tan", "tangent of x, in radians", ieee(math.tan, np.tan), np.tan,
    lambda z, x: (1.0 + z * z,),
    [(-1.5, 1.5)], tex=r"\tan {0}", facts=Facts(odd=True),
    edges=[Edge((-0.0,), -0.0, (1.0,)), Edge((inf,), nan, (nan,))],
    c="tan({0})",
)  # fmt: skip
asin = Primitive(
    "asin", "angle in radians whose sine is x", ieee(math.asin, np.arcsin), np.arcsin,
    lambda z, x: (1.0 / sqrt((1.0 - x) * (1.0 + x)),),
    [UNIT], tex=r"\arcsin {0}", facts=Facts(odd=True),
    edges=[
        Edge((1.0,), pi / 2, (inf,)),
        Edge((-1.0,), -pi / 2, (inf,)),
        Edge((2.0,), nan, (nan,)),
    ],
    c="asin({0})",
)  # fmt: skip
acos = Primitive(
    "acos", "angle in radians whose cosine is x", ieee(math.acos, np.arccos), np.arccos,
    lambda z, x: (-1.0 / sqrt((1.0 - x) * (1.0 + x)),),
    [UNIT], tex=r"\arccos {0}",
    edges=[Edge((1.0,), 0.0, (-inf,)), Edge((-1.0,), pi, (-inf,)), Edge((2.0,), nan, (nan,))],
    c="acos({0})",
)  # fmt: skip
atan = Primitive(
    "atan", "angle in radians whose tangent is x", math.atan, np.arctan,
    lambda z, x: (1.0 / (1.0 + x * x),),
    [REAL], tex=r"\arctan {0}", facts=Facts(odd=True),
    edges=[Edge((inf,), pi / 2, (0.0,)), Edge((1e200,), pi / 2, (0.0,))],
    c="atan({0})",
)  # fmt: skip
atan2 = Primitive(
    "atan2", "angle in radians of the point (x, y), y given first", math.atan2, np.arctan2,
    lambda z, y, x: (x / hypot(x, y) / hypot(x, y), -y / hypot(x, y) / hypot(x, y)),
    [REAL, POSITIVE],
    edges=[
        Edge((0.0, 0.0), 0.0, (nan, nan)),
        Edge((0.0, 1.0), 0.0, (1.0, -0.0)),
        Edge((0.0, -1.0), pi, (-1.0, -0.0)),
        Edge((-0.0, -1.0), -pi, (-1.0, 0.0)),
        Edge((1e200, 0.0), pi / 2, (0.0, -1e-200)),
    ],
    c="atan2({0}, {1})",
)  # fmt: skip

# --- hyperbolic functions -------------------------------------------------------------------------

sinh = Primitive(
    "sinh", "hyperbolic sine", ieee(math.sinh, np.sinh), np.sinh,
    lambda z, x: (cosh(x),),
    [REAL], tex=r"\sinh {0}", facts=Facts(odd=True),
    edges=[Edge((-1000.0,), -inf, (inf,)), Edge((-0.0,), -0.0, (1.0,))],
    c="sinh({0})",
)  # fmt: skip
cosh = Primitive(
    "cosh", "hyperbolic cosine", ieee(math.cosh, np.cosh), np.cosh,
    lambda z, x: (sinh(x),),
    [REAL], tex=r"\cosh {0}", facts=Facts(even=True),
    edges=[Edge((0.0,), 1.0, (0.0,)), Edge((-1000.0,), inf, (-inf,))],
    c="cosh({0})",
)  # fmt: skip
tanh = Primitive(
    "tanh", "hyperbolic tangent", math.tanh, np.tanh,
    lambda z, x: (1.0 - z * z,),
    [NEAR], tex=r"\tanh {0}", facts=Facts(odd=True),
    edges=[Edge((1000.0,), 1.0, (0.0,)), Edge((-inf,), -1.0, (0.0,)), Edge((-0.0,), -0.0, (1.0,))],
    c="tanh({0})",
)  # fmt: skip
asinh = Primitive(
    "asinh", "inverse hyperbolic sine", math.asinh, np.arcsinh,
    lambda z, x: (1.0 / hypot(1.0, x),),
    [REAL], tex=r"\operatorname{{arsinh}} {0}", facts=Facts(odd=True),
    edges=[Edge((-0.0,), -0.0, (1.0,)), Edge((inf,), inf, (0.0,))],
    c="asinh({0})",
)  # fmt: skip
acosh = Primitive(
    "acosh", "inverse hyperbolic cosine", ieee(math.acosh, np.arccosh), np.arccosh,
    lambda z, x: (1.0 / (sqrt(x - 1.0) * sqrt(x + 1.0)),),
    [(1.1, 8.0)], tex=r"\operatorname{{arcosh}} {0}",
    edges=[Edge((1.0,), 0.0, (inf,)), Edge((0.0,), nan, (nan,)), Edge((-2.0,), nan, (nan,))],
    c="acosh({0})",
)  # fmt: skip
atanh = Primitive(
    "atanh", "inverse hyperbolic tangent", ieee(math.atanh, np.arctanh), np.arctanh,
    lambda z, x: (on_domain(z, 1.0 / ((1.0 - x) * (1.0 + x))),),
    [UNIT], tex=r"\operatorname{{artanh}} {0}", facts=Facts(odd=True),
    edges=[Edge((1.0,), inf, (inf,)), Edge((-1.0,), -inf, (inf,)), Edge((2.0,), nan, (nan,))],
    c="atanh({0})",
)  # fmt: skip
sigmoid = Primitive(
    "sigmoid", "logistic function, 1 / (1 + e^-x)", special.sigmoid,
    lambda x: np.exp(np.minimum(x, 0.0)) / (1.0 + np.exp(-np.absolute(x))),
    lambda z, x: (z * sigmoid(-x),),
    [REAL], tex=r"\sigma({0})",
    edges=[
        Edge((0.0,), 0.5, (0.25,)),
        Edge((1000.0,), 1.0, (0.0,)),
        Edge((-400.0,), 1.9151695967140057e-174, (1.9151695967140057e-174,)),
        Edge((-inf,), 0.0, (0.0,)),
    ],
    c="exp({0} > 0.0 ? 0.0 : {0}) / (1.0 + exp(-fabs({0})))",
)  # fmt: skip

# --- error and gamma functions --------------------------------------------------------------------

erf = Primitive(
    "erf", "error function", math.erf, elementwise(math.erf),
    lambda z, x: (2.0 / math.sqrt(pi) * exp(-(x * x)),),
    [NEAR], facts=Facts(odd=True),
    edges=[Edge((inf,), 1.0, (0.0,)), Edge((-0.0,), -0.0, (2.0 / math.sqrt(pi),))],
    c="erf({0})",
)  # fmt: skip
erfc = Primitive(
    "erfc", "1 - erf(x), accurate for large x", math.erfc, elementwise(math.erfc),
    lambda z, x: (-2.0 / math.sqrt(pi) * exp(-(x * x)),),
    [NEAR],
    edges=[Edge((inf,), 0.0, (-0.0,)), Edge((-inf,), 2.0, (-0.0,))],
    c="erfc({0})",
)  # fmt: skip


@family(int, samples=(1, 2, 3))
def polygamma(n: int) -> Primitive:
    """The n-th derivative of digamma, for a constant n."""
    if not 1 <= n <= 100:
        raise OperandError(f"polygamma() takes an order from 1 to 100, not {n!r}.")
    overflow = inf if n % 2 else -inf
    scalar = ieee(lambda x: special.polygamma(n, x), lambda x: overflow)
    return Primitive(
        "polygamma", f"{n}-th derivative of digamma", scalar, elementwise(scalar),
        lambda z, x: (polygamma(n + 1)(x),),
        [POSITIVE], symbol=f"ψ{n}", text=f"ψ{n}({{0}})", tex=rf"\psi^{{{{({n})}}}}({{0}})",
        params=(n,),
        edges=[
            Edge((0.0,), overflow, (-overflow,)),
            Edge((-1.0,), *((inf, (nan,)) if n % 2 else (nan, (inf,)))),
        ],
        c_near="polygamma({0}, {1})",
    )  # fmt: skip


lgamma = Primitive(
    "lgamma", "logarithm of the absolute value of the gamma function",
    special.lgamma, elementwise(special.lgamma),
    lambda z, x: (digamma(x),),
    [POSITIVE], tex=r"\ln\Gamma({0})",
    edges=[
        Edge((0.0,), inf, (-inf,)),
        Edge((-1.0,), inf, (nan,)),
        Edge((1.0,), 0.0, (-0.5772156649015329,)),
        Edge((inf,), inf, (inf,)),
    ],
    c_near="log_gamma({0})",
)  # fmt: skip
digamma = Primitive(
    "digamma", "derivative of lgamma", special.digamma, elementwise(special.digamma),
    lambda z, x: (polygamma(1)(x),),
    [POSITIVE], symbol="ψ", tex=r"\psi({0})",
    edges=[Edge((0.0,), -inf, (inf,)), Edge((-1.0,), nan, (inf,)), Edge((inf,), inf, (0.0,))],
    c_near="digamma({0})",
)  # fmt: skip

# --- kinks and steps ------------------------------------------------------------------------------

abs = Primitive(
    "abs", "absolute value", operator.abs, np.absolute,
    lambda z, x: (sign(x),),
    [POSITIVE], text="|{0}|", tex=r"\left|{0}\right|",
    facts=Facts(even=True, idempotent=True, exact_array=True),
    edges=[Edge((0.0,), 0.0, (0.0,)), Edge((-0.0,), 0.0, (0.0,)), Edge((-2.0,), 2.0, (-1.0,))],
    ufuncs=[np.fabs],
    c="fabs({0})",
)  # fmt: skip
sign = Primitive(
    "sign", "-1, 0 or 1 by the sign of x", special.sign, np.sign,
    lambda z, x: (0.0,),
    [POSITIVE], tex=r"\operatorname{{sign}} {0}", facts=Facts(idempotent=True, exact_array=True),
    edges=[Edge((0.0,), 0.0, (0.0,)), Edge((nan,), nan, (0.0,)), Edge((-3.0,), -1.0, (0.0,))],
    c="{0} != {0} ? {0} : (double)(({0} > 0.0) - ({0} < 0.0))",
)  # fmt: skip
floor = Primitive(
    "floor", "largest integer not above x", lambda x: float(np.floor(x)), np.floor,
    lambda z, x: (0.0,),
    [(2.1, 2.9)], text="⌊{0}⌋", tex=r"\lfloor {0} \rfloor",
    facts=Facts(idempotent=True, exact_array=True),
    edges=[Edge((2.0,), 2.0, (0.0,)), Edge((-0.5,), -1.0, (0.0,)), Edge((inf,), inf, (0.0,))],
    c="floor({0})",
)  # fmt: skip
ceil = Primitive(
    "ceil", "smallest integer not below x", lambda x: float(np.ceil(x)), np.ceil,
    lambda z, x: (0.0,),
    [(2.1, 2.9)], text="⌈{0}⌉", tex=r"\lceil {0} \rceil",
    facts=Facts(idempotent=True, exact_array=True),
    edges=[Edge((2.0,), 2.0, (0.0,)), Edge((-0.5,), -0.0, (0.0,)), Edge((inf,), inf, (0.0,))],
    c="ceil({0})",
)  # fmt: skip
trunc = Primitive(
    "trunc", "x without its fraction", lambda x: float(np.trunc(x)), np.trunc,
    lambda z, x: (0.0,),
    [(2.1, 2.9)], tex=r"\operatorname{{trunc}} {0}",
    facts=Facts(odd=True, idempotent=True, exact_array=True),
    edges=[Edge((2.0,), 2.0, (0.0,)), Edge((-0.5,), -0.0, (0.0,)), Edge((-2.5,), -2.0, (0.0,))],
    c="trunc({0})",
)  # fmt: skip
rint = Primitive(
    "rint", "the integer nearest to x; of two, the even one", lambda x: float(np.rint(x)), np.rint,
    lambda z, x: (0.0,),
    [(2.1, 2.4)], tex=r"\operatorname{{rint}} {0}",
    facts=Facts(odd=True, idempotent=True, exact_array=True),
    edges=[Edge((2.5,), 2.0, (0.0,)), Edge((3.5,), 4.0, (0.0,)), Edge((-0.5,), -0.0, (0.0,))],
    c="rint({0})",
)  # fmt: skip
minimum = Primitive(
    "minimum", "the smaller of x and y; NaN if either is", special.minimum, np.minimum,
    lambda z, x, y: (on_domain(z, less(x, y) + 0.5 * equal(x, y)),
                     on_domain(z, less(y, x) + 0.5 * equal(x, y))),
    [(-8.0, 0.0), (0.1, 8.0)], symbol="min", text="min({0}, {1})", tex=r"\min({0}, {1})",
    facts=Facts(neutral=inf),
    edges=[
        Edge((2.0, 2.0), 2.0, (0.5, 0.5)),
        Edge((1.0, nan), nan, (nan, nan)),
        Edge((inf, 1.0), 1.0, (0.0, 1.0)),
    ],
    c="{0} <= {1} || {0} != {0} ? {0} : {1}",
)  # fmt: skip
maximum = Primitive(
    "maximum", "the larger of x and y; NaN if either is", special.maximum, np.maximum,
    lambda z, x, y: (on_domain(z, greater(x, y) + 0.5 * equal(x, y)),
                     on_domain(z, greater(y, x) + 0.5 * equal(x, y))),
    [(-8.0, 0.0), (0.1, 8.0)], symbol="max", text="max({0}, {1})", tex=r"\max({0}, {1})",
    facts=Facts(neutral=-inf),
    edges=[
        Edge((2.0, 2.0), 2.0, (0.5, 0.5)),
        Edge((nan, 1.0), nan, (nan, nan)),
        Edge((-inf, 1.0), 1.0, (0.0, 1.0)),
    ],
    c="{0} >= {1} || {0} != {0} ? {0} : {1}",
)  # fmt: skip
relu = Primitive(
    "relu", "x where positive, else 0",
    lambda x: x if x > 0.0 or x != x else 0.0, lambda x: np.where(x <= 0.0, 0.0, x),
    lambda z, x: (on_domain(z, greater(x, 0.0)),),
    [POSITIVE], facts=Facts(idempotent=True, exact_array=True),
    edges=[Edge((0.0,), 0.0, (0.0,)), Edge((-1.0,), 0.0, (0.0,)), Edge((nan,), nan, (nan,))],
    c="{0} > 0.0 || {0} != {0} ? {0} : 0.0",
)  # fmt: skip
stop_gradient = Primitive(
    "stop_gradient", "x, treated as a constant by differentiation", operator.pos, np.positive,
    lambda z, x: (0.0,),
    [REAL], symbol="stop",
    facts=Facts(odd=True, idempotent=True, stops_gradient=True, exact_array=True),
    c="{0}",
)  # fmt: skip

# Their results are 0 or 1; so is the smaller or the larger of two such.
COMPARISONS = (less, less_equal, greater, greater_equal, equal, not_equal)
OF_TRUTHS = (minimum, maximum)

TABLE: dict[str, Primitive | Family] = {
    row.name: row
    for row in list(globals().values())
    if isinstance(row, Primitive | Family)
}  # fmt: skip


def rows() -> Iterator[Primitive]:
    """Every primitive; of a family, the members it is shown with."""
    for row in TABLE.values():
        if isinstance(row, Family):
            yield from row
        else:
            yield row
