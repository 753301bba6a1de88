"""SciPy's minimisers on a problem, led by its derivatives through Values."""

from typing import Any

import numpy as np
from scipy import optimize

from problems.derivatives import gradient, jacobian
from problems.problem import Problem


def least_squares_minimum(row: Problem) -> float:
    """The sum of squares that a trust-region method ends at.

    Not MINPACK's Levenberg-Marquardt: with `x_scale="jac"`, where SciPy 1.17's "lm" ends depends
    on what was in memory before the call.
    """
    result = optimize.least_squares(
        row.function, np.array(row.start), lambda x: jacobian(row.function, x),
        method="trf", x_scale="jac", ftol=1e-15, xtol=1e-15, gtol=1e-15, max_nfev=5000,
    )  # fmt: skip
    return 2.0 * float(result.cost)


def constrained_minimum(row: Problem) -> float:
    """The objective that sequential quadratic programming ends at."""
    conditions: list[dict[str, Any]] = [
        {"type": kind, "fun": function, "jac": lambda x, f=function: jacobian(f, x)}
        for kind, function in (("eq", row.equalities), ("ineq", row.inequalities))
        if len(function(row.start))
    ]
    result = optimize.minimize(
        row.value, np.array(row.start), jac=lambda x: gradient(row, x), method="SLSQP",
        bounds=row.bounds or None, constraints=conditions,
        options={"ftol": 1e-15, "maxiter": 500},
    )  # fmt: skip
    return float(result.fun)
