"""SciPy's solvers on plain scalar functions, with exact derivatives.

Each function here takes what its namesake in `scipy.optimize` takes, without the derivatives: it
makes them itself, and hands all to SciPy. Gradients, Jacobians and Hessians are exact up to
rounding, and no evaluations are spent on differences.
"""

from typing import Any

import numpy as np

from wengert.dispatch import describe
from wengert.errors import OperandError
from wengert.interop.constraints import NonlinearConstraint as NonlinearConstraint
from wengert.interop.constraints import constrained
from wengert.interop.doors import scipy_optimize
from wengert.interop.exact import Objective, Vector
from wengert.interop.ipopt import IpoptProblem as IpoptProblem
from wengert.interop.paths import Paths
from wengert.interop.unknowns import Unknowns

__all__ = [
    "IpoptProblem",
    "NonlinearConstraint",
    "least_squares",
    "minimize",
    "root",
    "root_scalar",
]

WITHOUT_GRADIENT = ("nelder-mead", "powell", "cobyla", "cobyqa")
DENSE, PRODUCTS, SPARSE = True, "hvp", "sparse"
CURVATURE: dict[str, tuple[Any, ...]] = {  # in what forms a method takes the Hessian
    "newton-cg": (DENSE, PRODUCTS, SPARSE),
    "trust-constr": (DENSE, PRODUCTS, SPARSE),
    "trust-ncg": (DENSE, PRODUCTS, SPARSE),
    "trust-krylov": (DENSE, PRODUCTS, SPARSE),
    "trust-exact": (DENSE,),
    "dogleg": (DENSE,),
}
MULTIPLIES = ("trust-ncg", "trust-krylov")  # that take a sparse Hessian as its products
MANY = 1_000_000  # entries of a Jacobian, from which on it is asked whether it is sparse
THIN = 0.1  # the share of entries that a sparse Jacobian has at most


def minimize(
    fun: Any, x0: Any, args: Any = (), method: Any = None, bounds: Any = None,
    constraints: Any = (), hess: Any = True, tol: float | None = None, callback: Any = None,
    options: Any = None, **named: Any,
) -> Any:  # fmt: skip
    """The minimum of a function by SciPy's solver, with exact first and second derivatives.

    The function and its gradient are one program, which is run once at each point. Programs are
    made where the function first takes a path, and kept while the path holds.

    Args:
        fun: a plain function of the unknowns that gives one number.
        x0: where to start: numbers, arrays of any shape, and tuples, lists, dicts and records of
            them. A list or tuple of numbers is a vector, as it is for SciPy.
        args: further arguments of `fun`, which are fixed.
        method: any of SciPy's.
        bounds: as SciPy takes them; where x0 is no array, a structure like x0 with a pair
            (lower, upper) for each number or array, and None for no bound.
        constraints: `wg.scipy.NonlinearConstraint`s, dicts with "type" and "fun", which are plain
            functions of the unknowns too, and SciPy's own.
        hess: for methods that use it, the Hessian: True for an array `(n, n)`, "sparse" for a
            `scipy.sparse.csr_array`, "hvp" for its products with vectors, False for none; an
            object of SciPy's that updates an approximation is passed on.
        tol: SciPy's tolerance.
        callback: SciPy's callback; it is told the unknowns as x0 has them.
        options: the solver's options, a dict.
        named: further options of the solver, by name.

    Returns:
        SciPy's `OptimizeResult`, in which x has the structure of x0.

    Raises:
        OperandError: `fun` does not give one number, the method takes no such Hessian, or a
            derivative is given.
        MissingExtraError: SciPy is not installed.

    Source:
        scipy.optimize.minimize, of SciPy 1.11 and later.

    Examples:
        >>> import wengert as wg
        >>> def rosenbrock(p):
        ...     return (1.0 - p["a"]) ** 2 + 100.0 * (p["b"] - p["a"] ** 2) ** 2
        >>> result = wg.scipy.minimize(rosenbrock, {"a": -1.2, "b": 1.0}, method="trust-exact")
        >>> {name: round(number, 6) for name, number in result.x.items()}
        {'a': 1.0, 'b': 1.0}
    """
    optimize = scipy_optimize("wg.scipy.minimize")
    _refuse(named, "wg.scipy.minimize", ("jac", "hessp"), 'write hess="hvp" for products')
    unknowns = Unknowns(x0)
    objective = Objective(Paths(fun, unknowns, args, flat=False))
    chosen = method.lower() if isinstance(method, str) else method
    given: dict[str, Any] = {"fun": objective.alone}
    if chosen not in WITHOUT_GRADIENT:
        given = {"fun": objective.value, "jac": objective.gradient}
    result = optimize.minimize(
        **given, **_curvature(objective, chosen, hess), x0=unknowns.start, method=method,
        bounds=_bounds(optimize, unknowns, bounds), tol=tol,
        constraints=constrained(constraints, unknowns, chosen, hess),
        callback=unknowns.callback(callback), options={**(options or {}), **named} or None,
    )  # fmt: skip
    return unknowns.put_together(result)


def least_squares(
    fun: Any, x0: Any, sparse: bool | None = None, bounds: Any = None,
    method: str = "trf", args: Any = (), callback: Any = None, **named: Any,
) -> Any:  # fmt: skip
    """The least sum of squares of a function's numbers by SciPy's solver, with exact Jacobians.

    Args:
        fun: a plain function of the unknowns that gives the residuals, in any structure.
        x0: where to start, as for `wg.scipy.minimize`.
        sparse: whether the Jacobian is a `scipy.sparse.csr_array`; by default it is where it has
            more than a million entries of which less than a tenth can be other than 0.
        bounds: as SciPy takes them; where x0 is no array, a structure like x0 with a pair
            (lower, upper) for each number or array, and None for no bound.
        method: "trf", "dogbox" or "lm".
        args: further arguments of `fun`, which are fixed.
        callback: SciPy's callback; it is told the unknowns as x0 has them.
        named: what else `scipy.optimize.least_squares` takes, as `loss` and `x_scale`.

    Returns:
        SciPy's `OptimizeResult`, in which x has the structure of x0.

    Raises:
        OperandError: a derivative is given, or "lm" is asked for with a sparse Jacobian.
        MissingExtraError: SciPy is not installed.

    Source:
        scipy.optimize.least_squares.

    Examples:
        >>> import wengert as wg
        >>> points = [(0.0, 3.0), (1.0, 1.8195919791), (2.0, 1.1036383235)]
        >>> def residuals(p):
        ...     return [p["a"] * wg.exp(-p["k"] * t) - y for t, y in points]
        >>> fit = wg.scipy.least_squares(residuals, {"a": 1.0, "k": 1.0})
        >>> {name: round(number, 6) for name, number in fit.x.items()}
        {'a': 3.0, 'k': 0.5}
    """
    optimize = scipy_optimize("wg.scipy.least_squares")
    _refuse(named, "wg.scipy.least_squares", ("jac", "jac_sparsity"), "write sparse=True or False")
    unknowns = Unknowns(x0)
    residuals = Vector(Paths(fun, unknowns, args))
    if sparse and method == "lm":
        raise OperandError('The method "lm" takes a dense Jacobian: choose "trf" or "dogbox".')
    if sparse is None:
        sparse = method != "lm" and residuals.is_thin(unknowns.start, MANY, THIN)
    if callback is not None:
        named["callback"] = unknowns.callback(callback)
    if bounds is not None:
        named["bounds"] = unknowns.bounds(bounds)
    jac = residuals.sparse_jacobian if sparse else residuals.jacobian
    result = optimize.least_squares(residuals.value, unknowns.start, jac, method=method, **named)
    return unknowns.put_together(result)


def root(
    fun: Any, x0: Any, args: Any = (), method: str = "hybr", tol: float | None = None,
    callback: Any = None, options: Any = None, **named: Any,
) -> Any:  # fmt: skip
    """Where a function's n numbers are all 0, by SciPy's solver, with exact Jacobians.

    Args:
        fun: a plain function of the unknowns that gives as many numbers, in any structure.
        x0: where to start, as for `wg.scipy.minimize`.
        args: further arguments of `fun`, which are fixed.
        method: any of SciPy's; "hybr" and "lm" use the Jacobian.
        tol: SciPy's tolerance.
        callback: SciPy's callback.
        options: the solver's options, a dict.
        named: further options of the solver, by name.

    Returns:
        SciPy's `OptimizeResult`, in which x has the structure of x0.

    Raises:
        OperandError: a derivative is given.
        MissingExtraError: SciPy is not installed.

    Source:
        scipy.optimize.root.

    Examples:
        >>> import wengert as wg
        >>> def system(p):
        ...     x, y = p
        ...     return x + 0.5 * (x - y) ** 3 - 1.0, 0.5 * (y - x) ** 3 + y
        >>> wg.scipy.root(system, [0.0, 0.0]).x.round(6).tolist()
        [0.841164, 0.158836]
    """
    optimize = scipy_optimize("wg.scipy.root")
    _refuse(named, "wg.scipy.root", ("jac",), "it is made here")
    unknowns = Unknowns(x0)
    system = Vector(Paths(fun, unknowns, args))
    jac = {"jac": system.jacobian} if method in ("hybr", "lm") else {}
    result = optimize.root(
        system.value, unknowns.start, method=method, tol=tol,
        callback=unknowns.callback(callback), options={**(options or {}), **named} or None, **jac,
    )  # fmt: skip
    return unknowns.put_together(result)


def root_scalar(
    fun: Any, args: Any = (), method: str | None = None, bracket: Any = None,
    x0: float | None = None, **named: Any,
) -> Any:  # fmt: skip
    """Where a function of one number is 0, by SciPy's solver, with exact derivatives.

    Args:
        fun: a plain function of one number that gives one.
        args: further arguments of `fun`, which are fixed.
        method: any of SciPy's; "newton" uses f', which is the default with x0 alone, and "halley"
            f' and f''.
        bracket: an interval at whose ends the function has different signs.
        x0: where to start.
        named: what else `scipy.optimize.root_scalar` takes, as `xtol` and `maxiter`.

    Returns:
        SciPy's `RootResults`.

    Raises:
        OperandError: a derivative is given, or `fun` does not give one number.
        MissingExtraError: SciPy is not installed.

    Source:
        scipy.optimize.root_scalar.

    Examples:
        >>> import wengert as wg
        >>> float(wg.scipy.root_scalar(lambda x: wg.cos(x) - x, x0=1.0, method="halley").root)
        0.7390851332151607
    """
    optimize = scipy_optimize("wg.scipy.root_scalar")
    _refuse(named, "wg.scipy.root_scalar", ("fprime", "fprime2"), "they are made here")
    objective = Objective(Paths(fun, Unknowns(1.0), args, flat=False))
    if method is None and bracket is None and "x1" not in named:
        method = "newton"
    if method in ("newton", "halley"):
        named["fprime"] = lambda x: float(objective.gradient(np.array([x]))[0])
    if method == "halley":
        named["fprime2"] = lambda x: float(objective.hessian(np.array([x]))[0, 0])
    value = objective.value if method in ("newton", "halley") else objective.alone
    return optimize.root_scalar(
        lambda x: value(np.array([x])), method=method, bracket=bracket, x0=x0, **named
    )  # fmt: skip


# --- what SciPy is given --------------------------------------------------------------------------


def _curvature(objective: Objective, method: Any, hess: Any) -> dict[str, Any]:
    """The Hessian in the form asked for, if the method takes one.

    Raises:
        OperandError: the method does not take it in this form.
    """
    forms = CURVATURE["newton-cg"] if callable(method) else CURVATURE.get(method, ())
    if hess is False or (hess is DENSE and not forms):
        return {}
    if hess not in (DENSE, PRODUCTS, SPARSE):
        if not hasattr(hess, "initialize"):
            raise OperandError(
                'hess is True, False, "hvp", "sparse", or one of SciPy\'s approximations that are '
                f"updated, such as BFGS(), not {describe(hess)}."
            )
        return {"hess": hess}
    if hess not in forms:
        takers = ", ".join(name for name, taken in CURVATURE.items() if hess in taken)
        raise OperandError(
            f"The method {method or 'that SciPy chooses'} does not take hess={hess!r}; "
            f"these do: {takers}."
        )
    if hess == PRODUCTS:
        return {"hessp": objective.product}
    if hess == SPARSE and method in MULTIPLIES:
        return {"hessp": objective.sparse_product}
    return {"hess": objective.sparse_hessian if hess == SPARSE else objective.hessian}


def _bounds(optimize: Any, unknowns: Unknowns, bounds: Any) -> Any:
    found = unknowns.bounds(bounds)
    return found if found is bounds else optimize.Bounds(*found)


def _refuse(named: dict[str, Any], where: str, names: tuple[str, ...], advice: str) -> None:
    for name in names:
        if name in named:
            raise OperandError(f"{where} makes exact derivatives and takes no {name}: {advice}.")
