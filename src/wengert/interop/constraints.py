"""Constraints as their user writes them, made into SciPy's with exact derivatives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.dispatch import describe
from wengert.errors import OperandError
from wengert.interop.doors import scipy_optimize, scipy_sparse
from wengert.interop.exact import Vector
from wengert.interop.paths import Paths
from wengert.interop.unknowns import Unknowns
from wengert.program.structure import Floats

WITH_CURVATURE = "trust-constr"  # the one method that asks for second derivatives of constraints


@dataclass(frozen=True, eq=False)
class NonlinearConstraint:
    """A condition lb ≤ c(x) ≤ ub on a plain function, with exact derivatives.

    What solvers ask for is the Jacobian ∂c/∂x, `(m, n)`, and the Hessian of ⟨v, c(x)⟩ for given
    multipliers v.

    Args:
        fun: a function of the unknowns, which gives m numbers in any structure.
        lb: lower bounds, a number or `(m,)`; equal to `ub` for an equation, -inf for none.
        ub: upper bounds, likewise.
        sparse: whether both derivatives are `scipy.sparse.csr_array`s, which pays where each number
            depends on few unknowns. The method "trust-constr" takes them.
        keep_feasible: whether to keep to it at all iterations, as for SciPy.
        args: further arguments of `fun`, which are fixed.

    Source:
        scipy.optimize.NonlinearConstraint, whose jac and hess are not asked for here.

    Examples:
        >>> import numpy as np
        >>> import wengert as wg
        >>> disc = wg.scipy.NonlinearConstraint(lambda x: x[0] ** 2 + x[1] ** 2, -np.inf, 1.0)
        >>> result = wg.scipy.minimize(
        ...     lambda x: x[0] + x[1], [0.5, 0.0], method="SLSQP", constraints=disc
        ... )
        >>> bool(np.allclose(result.x, -np.sqrt(0.5), atol=1e-6))
        True
    """

    fun: Any
    lb: Any
    ub: Any
    sparse: bool = False
    keep_feasible: Any = False
    args: Any = ()


def constrained(constraints: Any, unknowns: Unknowns, method: Any, hess: Any) -> Any:
    """SciPy's constraints for those of the user.

    Args:
        constraints: one, or a sequence of them: of this module's, of SciPy's, which are left as
            they are, or dicts with "type", "fun" and perhaps "args", which get a "jac".
        unknowns: what is sought.
        method: the solver's name in lower case, or the solver.
        hess: what the solver is given as the objective's Hessian.

    Raises:
        OperandError: something else is among them.
    """
    return [_made(each, unknowns, method, hess) for each in several(constraints)]


def several(constraints: Any) -> list[Any]:
    """The constraints, if there is one or a sequence of them."""
    return list(constraints) if isinstance(constraints, Sequence) else [constraints]


def _made(constraint: Any, unknowns: Unknowns, method: Any, hess: Any) -> Any:
    if isinstance(constraint, Mapping):
        kind, fun = _read(constraint)
        args = constraint.get("args", ())
        if "jac" in constraint:
            return constraint
        if method != WITH_CURVATURE:
            vector = Vector(Paths(fun, unknowns, args))
            return {"type": kind, "fun": vector.value, "jac": vector.jacobian}
        highest = 0.0 if kind == "eq" else np.inf
        constraint = NonlinearConstraint(fun, 0.0, highest, sparse=hess == "sparse", args=args)
    if isinstance(constraint, NonlinearConstraint):
        return _scipys(constraint, unknowns, method, hess)
    if not hasattr(constraint, "lb"):
        raise OperandError(
            "A constraint is a wg.scipy.NonlinearConstraint, one of SciPy's, or a dict with "
            f'"type" and "fun", not {describe(constraint)}.'
        )
    return constraint


def _read(constraint: Mapping[str, Any]) -> tuple[str, Any]:
    kind = str(constraint.get("type", "")).lower()
    if kind not in ("eq", "ineq") or "fun" not in constraint:
        raise OperandError(
            'A dict that is a constraint has "type", which is "eq" or "ineq", and "fun"; '
            f"this one has {dict(constraint)!r}."
        )
    return kind, constraint["fun"]


def _scipys(constraint: NonlinearConstraint, unknowns: Unknowns, method: Any, hess: Any) -> Any:
    """A constraint of SciPy's; only one of its methods asks for more than the Jacobian."""
    optimize = scipy_optimize("wg.scipy.NonlinearConstraint")
    vector = Vector(Paths(constraint.fun, unknowns, constraint.args))
    further: dict[str, Any] = {"keep_feasible": constraint.keep_feasible}
    sparse = constraint.sparse and method == WITH_CURVATURE
    if method == WITH_CURVATURE and hess is not False:
        if sparse:
            further["hess"] = vector.sparse_hessian
        else:
            further["hess"] = _products(vector) if hess == "hvp" else vector.hessian
    jac = vector.sparse_jacobian if sparse else vector.jacobian
    return optimize.NonlinearConstraint(vector.value, constraint.lb, constraint.ub, jac, **further)


def _products(vector: Vector) -> Any:
    """The Hessian of the weighted sum as what multiplies vectors by it."""
    linear_operator = scipy_sparse("wg.scipy.NonlinearConstraint").linalg.LinearOperator

    def hessian(x: Floats, weights: Floats) -> Any:
        x, weights = np.array(x), np.array(weights)
        return linear_operator((len(x),) * 2, lambda v: vector.product(x, weights, v), dtype=float)

    return hessian
