"""Problems for Ipopt: a function, constraints and bounds, with exact sparse derivatives.

Ipopt asks once where the entries of the Jacobian and of the Lagrangian's Hessian are, and then for
their values. The class here answers with plain arrays, and knows nothing of the package cyipopt
until a problem is handed to it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.dispatch import describe
from wengert.errors import OperandError
from wengert.interop.constraints import NonlinearConstraint, several
from wengert.interop.doors import cyipopt
from wengert.interop.exact import Objective, Vector
from wengert.interop.paths import Paths, fixed
from wengert.interop.unknowns import Unknowns
from wengert.program.address import Integers
from wengert.program.structure import Floats, structure_of

INFINITE = 1e20  # beyond, Ipopt takes a bound for none


class IpoptProblem:
    """What Ipopt calls: min f(x) under cl ≤ c(x) ≤ cu and lb ≤ x ≤ ub.

    The entries of the Jacobian ∂c/∂x and of the lower triangle of σ·∇²f + λ·∇²c are those that can
    be other than 0 by structure.

    Args:
        fun: a plain function of the unknowns that gives one number.
        x0: where to start: numbers, arrays and structures of them.
        constraints: `wg.scipy.NonlinearConstraint`s, or one.
        bounds: as `wg.scipy.minimize` takes them, but for objects of SciPy's.
        args: further arguments of `fun`, which are fixed.

    Attributes:
        n: how many unknowns there are.
        m: how many constraints there are.
        x0: where to start, `(n,)`.
        lb: the lower bounds of the unknowns, `(n,)`.
        ub: the upper bounds, `(n,)`.
        cl: the lower bounds of the constraints, `(m,)`.
        cu: the upper bounds, `(m,)`.

    Source:
        Wächter and Biegler, On the implementation of an interior-point filter line-search algorithm
        for large-scale nonlinear programming, Mathematical Programming 106(1), 2006; the methods
        are those that cyipopt.Problem calls.

    Examples:
        >>> import wengert as wg
        >>> circle = wg.scipy.NonlinearConstraint(lambda x: x[0] ** 2 + x[1] ** 2, 2.0, 2.0)
        >>> problem = wg.scipy.IpoptProblem(lambda x: x[0] + x[1], [1.0, 1.0], circle)
        >>> problem.gradient([1.0, 1.0]).tolist(), problem.jacobian([3.0, 4.0]).tolist()
        ([1.0, 1.0], [6.0, 8.0])
        >>> [places.tolist() for places in problem.hessianstructure()]
        [[0, 1], [0, 1]]
        >>> problem.hessian([3.0, 4.0], [0.5], 1.0).tolist()
        [1.0, 1.0]
    """

    def __init__(
        self, fun: Any, x0: Any, constraints: Any = (), bounds: Any = None, args: Any = ()
    ) -> None:
        self.unknowns = Unknowns(x0)
        self.x0, self.n = self.unknowns.start, len(self.unknowns.start)
        self.lb, self.ub = _limits(self.unknowns.bounds(bounds), self.n)
        conditions = _conditions(constraints)

        def all_conditions(x: Any) -> Any:
            return [each.fun(x, *fixed(each.args)) for each in conditions]

        def lagrangian(x: Any) -> Any:
            return fun(x, *fixed(args)), all_conditions(x)

        self._objective = Objective(Paths(fun, self.unknowns, args, flat=False))
        self._constraints = Vector(Paths(all_conditions, self.unknowns))
        self._lagrangian = Vector(Paths(lagrangian, self.unknowns))
        at_start = all_conditions(self.unknowns.tree(self.x0))
        sizes = [structure_of(each, where="the constraint").size for each in at_start]
        self.m = sum(sizes)
        self.cl = _joined([each.lb for each in conditions], sizes)
        self.cu = _joined([each.ub for each in conditions], sizes)
        self._slopes = Entries(self._constraints.sparse_jacobian(self.x0))
        weights = np.ones(1 + self.m)
        self._curvature = Entries(self._lagrangian.sparse_hessian(self.x0, weights), lower=True)

    def objective(self, x: Any) -> float:
        """The value f(x)."""
        return self._objective.value(x)

    def gradient(self, x: Any) -> Floats:
        """The gradient ∇f(x), `(n,)`."""
        return self._objective.gradient(x)

    def constraints(self, x: Any) -> Floats:
        """The constraints c(x), `(m,)`."""
        return self._constraints.value(x)

    def jacobianstructure(self) -> tuple[Integers, Integers]:
        """The rows and the columns of the Jacobian's entries."""
        return self._slopes.rows, self._slopes.columns

    def jacobian(self, x: Any) -> Floats:
        """The entries of the Jacobian of the constraints."""
        return self._slopes.values(self._constraints.sparse_jacobian(x))

    def hessianstructure(self) -> tuple[Integers, Integers]:
        """The rows and the columns of the entries of the Hessian's lower triangle."""
        return self._curvature.rows, self._curvature.columns

    def hessian(self, x: Any, lagrange: Any, obj_factor: float) -> Floats:
        """The entries of the lower triangle of obj_factor·∇²f + lagrange·∇²c."""
        weights = np.concatenate([[obj_factor], np.asarray(lagrange, float)])
        return self._curvature.values(self._lagrangian.sparse_hessian(x, weights))

    def problem(self) -> Any:
        """The `cyipopt.Problem`.

        Raises:
            MissingExtraError: cyipopt is not installed.
        """
        return cyipopt("wg.scipy.IpoptProblem.problem()").Problem(
            n=self.n, m=self.m, problem_obj=self, lb=self.lb, ub=self.ub, cl=self.cl, cu=self.cu
        )

    def solve(self, **options: Any) -> tuple[Any, Any]:
        """Ipopt's solution, with the structure of x0, and what Ipopt says about it.

        Args:
            options: Ipopt's, by name.

        Raises:
            MissingExtraError: cyipopt is not installed.
        """
        problem = self.problem()
        for name, setting in options.items():
            problem.add_option(name, setting)
        x, info = problem.solve(self.x0)
        return self.unknowns.tree(x), info


class Entries:
    """Where the entries of a sparse matrix stand, which is fixed.

    Args:
        matrix: a `scipy.sparse.csr_array` with all entries that there are.
        lower: whether only those of the lower triangle count.

    Attributes:
        rows: the row of each entry.
        columns: the column of each entry.
    """

    def __init__(self, matrix: Any, lower: bool = False) -> None:
        self.lower, self.width = lower, matrix.shape[1]
        self._places, _ = self._listed(matrix)
        self.rows: Integers
        self.columns: Integers
        self.rows, self.columns = np.divmod(self._places, max(self.width, 1))

    def values(self, matrix: Any) -> Floats:
        """The values of the entries; those that a matrix lacks are 0.

        Raises:
            OperandError: it has others.
        """
        places, values = self._listed(matrix)
        if len(places) == len(self._places) and (places == self._places).all():
            return values
        if not np.isin(places, self._places).all():
            raise OperandError(
                "A derivative has entries that were not there at x0, where the functions take "
                "another path, and Ipopt asks only once where entries are. Write the branch with "
                "wg.where, which records both ways."
            )
        found = np.zeros(len(self._places))
        found[np.searchsorted(self._places, places)] = values
        return found

    def _listed(self, matrix: Any) -> tuple[Integers, Floats]:
        rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        kept = rows >= matrix.indices if self.lower else np.full(len(rows), True)
        places = (rows * self.width + matrix.indices)[kept]
        return places.astype(np.int64), matrix.data[kept]


def _conditions(constraints: Any) -> list[NonlinearConstraint]:
    conditions = several(constraints)
    for each in conditions:
        if not isinstance(each, NonlinearConstraint):
            raise OperandError(
                f"Constraints for Ipopt are wg.scipy.NonlinearConstraints, not {describe(each)}."
            )
    return conditions


def _joined(limits: Sequence[Any], sizes: Sequence[int]) -> Floats:
    """The bounds of all constraints, one after the other."""
    pieces = [np.broadcast_to(limit, size) for limit, size in zip(limits, sizes, strict=True)]
    return _finite(np.concatenate([np.empty(0), *pieces]))


def _limits(bounds: Any, n: int) -> tuple[Floats, Floats]:
    """The lower and upper bounds of n unknowns, from either of the forms that there are."""
    low: Any
    high: Any
    if bounds is None:
        low, high = -np.inf, np.inf
    elif hasattr(bounds, "lb"):
        low, high = bounds.lb, bounds.ub
    elif isinstance(bounds, tuple) and isinstance(bounds[0], np.ndarray):
        low, high = bounds
    else:
        low = [-np.inf if pair[0] is None else pair[0] for pair in bounds]
        high = [np.inf if pair[1] is None else pair[1] for pair in bounds]
    return _finite(np.broadcast_to(low, n)), _finite(np.broadcast_to(high, n))


def _finite(limits: Floats) -> Floats:
    finite: Floats = np.clip(limits.astype(float), -INFINITE, INFINITE)
    return finite
