"""Scalar automatic differentiation that you can see, check and run fast.

>>> import wengert as wg
>>> x = wg.Value(2.0, label="x")
>>> y = wg.sin(x) * x**2
>>> y.backward()
>>> x.grad
1.9726023611141572
"""

import typing

from wengert.ambient import debug_nans, scope
from wengert.errors import (
    CheckError,
    DrawError,
    ExpressionError,
    GraphError,
    LostDerivativeError,
    ManyPathsWarning,
    MissingExtraError,
    NonFiniteError,
    OperandError,
    PathChanged,
    ProgramError,
    WengertError,
)
from wengert.functions import (
    clip,
    dot,
    gelu,
    logaddexp,
    logsumexp,
    mean,
    norm,
    norm_cdf,
    norm_pdf,
    prod,
    sigmoid,
    silu,
    softmax,
    softplus,
    where,
)
from wengert.functions import (
    sum as sum,
)
from wengert.graph import trace
from wengert.later import loader as _loader
from wengert.primitives import (
    abs as abs,
)
from wengert.primitives import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cbrt,
    ceil,
    cos,
    cosh,
    digamma,
    equal,
    erf,
    erfc,
    exp,
    exp2,
    expm1,
    floor,
    fma,
    greater,
    greater_equal,
    hypot,
    less,
    less_equal,
    lgamma,
    log,
    log1p,
    log2,
    log10,
    maximum,
    minimum,
    not_equal,
    relu,
    rint,
    sign,
    sin,
    sinh,
    sqrt,
    stop_gradient,
    tan,
    tanh,
    trunc,
)
from wengert.primitives import (
    pow as pow,
)
from wengert.program.file import load
from wengert.program.loops import fori, scan, while_loop
from wengert.program.program import Program
from wengert.program.record import record
from wengert.proof.check import check
from wengert.show.drawing import draw, draw_dot
from wengert.show.plot import plot, plot_history
from wengert.steps import steps
from wengert.value import Value
from wengert.value import engine as engine

if typing.TYPE_CHECKING:
    from wengert.custom import custom_rule
    from wengert.derive.calling import clear_cache
    from wengert.derive.implicit import implicit
    from wengert.derive.transforms import (
        grad,
        hessian,
        hvp,
        jacobian,
        jvp,
        linearize,
        value_and_grad,
        vjp,
    )
    from wengert.interop import jax as jax
    from wengert.interop import scipy as scipy
    from wengert.interop import torch as torch
    from wengert.learn.quiz import quiz
    from wengert.program.checkpoint import checkpoint
    from wengert.run.jit import jit
    from wengert.run.over import mean_over, sum_over
    from wengert.run.vectorize import vectorize
    from wengert.show.explorer.explorer import explore
    from wengert.show.sparsity import sparsity

__version__ = "0.1.0"

_TRANSFORMS = (
    "grad", "hessian", "hvp", "jacobian", "jvp", "linearize", "value_and_grad", "vjp",
)  # fmt: skip
_LATER = {  # loaded when first asked for
    "checkpoint": "wengert.program.checkpoint",
    "clear_cache": "wengert.derive.calling",
    "custom_rule": "wengert.custom",
    "explore": "wengert.show.explorer.explorer",
    "implicit": "wengert.derive.implicit",
    "jit": "wengert.run.jit",
    "vectorize": "wengert.run.vectorize",
    "mean_over": "wengert.run.over",
    "sum_over": "wengert.run.over",
    **dict.fromkeys(_TRANSFORMS, "wengert.derive.transforms"),
    "quiz": "wengert.learn.quiz",
    "jax": "wengert.interop.jax",
    "scipy": "wengert.interop.scipy",
    "torch": "wengert.interop.torch",
    "sparsity": "wengert.show.sparsity",
}


__getattr__ = _loader(globals(), _LATER)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


# Without abs, pow and sum: `from wengert import *` is to leave Python's own alone.
__all__ = [
    "CheckError",
    "DrawError",
    "ExpressionError",
    "GraphError",
    "LostDerivativeError",
    "ManyPathsWarning",
    "MissingExtraError",
    "NonFiniteError",
    "OperandError",
    "PathChanged",
    "Program",
    "ProgramError",
    "Value",
    "WengertError",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "check",
    "checkpoint",
    "clear_cache",
    "clip",
    "cos",
    "cosh",
    "custom_rule",
    "debug_nans",
    "digamma",
    "dot",
    "draw",
    "draw_dot",
    "equal",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "explore",
    "expm1",
    "floor",
    "fma",
    "fori",
    "gelu",
    "grad",
    "greater",
    "greater_equal",
    "hessian",
    "hvp",
    "hypot",
    "implicit",
    "jacobian",
    "jit",
    "jvp",
    "less",
    "less_equal",
    "lgamma",
    "linearize",
    "load",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logsumexp",
    "maximum",
    "mean",
    "mean_over",
    "minimum",
    "norm",
    "norm_cdf",
    "norm_pdf",
    "not_equal",
    "plot",
    "plot_history",
    "prod",
    "quiz",
    "record",
    "relu",
    "rint",
    "scan",
    "scope",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinh",
    "softmax",
    "softplus",
    "sparsity",
    "sqrt",
    "steps",
    "stop_gradient",
    "sum_over",
    "tan",
    "tanh",
    "trace",
    "trunc",
    "value_and_grad",
    "vectorize",
    "vjp",
    "where",
    "while_loop",
]
