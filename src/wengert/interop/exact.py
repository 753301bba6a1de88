"""What solvers ask of a function: its value and exact derivatives at a vector of unknowns.

The value and the gradient, or the value and the Jacobian, of the latest point are remembered,
because solvers ask for the two one after the other.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from wengert.derive import programs
from wengert.derive.calling import Transform
from wengert.derive.sparse import (
    compressed_hessian,
    compressed_jacobian,
    compressed_weighted_hessian,
)
from wengert.interop.paths import Paths
from wengert.program.program import Program
from wengert.program.structure import Floats

Compute = Callable[[Floats], Any]


def latest(compute: Compute) -> Compute:
    """A function of a point that remembers what it gave for the latest one."""
    known: list[Any] = [None, None]

    @wraps(compute)
    def remembered(x: Floats) -> Any:
        key = np.asarray(x, dtype=float).tobytes()
        if key != known[0]:
            known[:] = key, compute(x)
        return known[1]

    return remembered


# --- derivatives ----------------------------------------------------------------------------------


def weighted_hessian(program: Program, taken: int = 0) -> Program:
    """What takes x and weights, and gives the Hessian of ⟨weights, c(x)⟩ by x."""
    return programs.jacobian(programs.vjp(program, taken=taken), 0, mode="forward", taken=taken)


def weighted_product(program: Program, taken: int = 0) -> Program:
    """What takes x, weights and their tangents, and gives the tangent of Σ weights·∇c(x)."""
    return programs.jvp(programs.vjp(program, taken=taken), taken=taken, value=False)


GRADIENT = Transform("value_and_grad", programs.gradient, (("value", True),))
HESSIAN = Transform("hessian", programs.hessian)
PRODUCT = Transform("hvp", programs.hvp)
JACOBIAN = Transform("jacobian", programs.jacobian)
WEIGHTED = Transform("weighted_hessian", weighted_hessian)
WEIGHTED_PRODUCT = Transform("weighted_product", weighted_product)
SPARSE_HESSIAN = Transform("sparse_hessian", compressed_hessian)
SPARSE_JACOBIAN = Transform("sparse_jacobian", compressed_jacobian)
SPARSE_WEIGHTED = Transform("sparse_weighted_hessian", compressed_weighted_hessian)


class Objective:
    """A function that gives one number.

    Args:
        paths: its programs.
    """

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self._slope = latest(lambda x: paths(GRADIENT, x))
        self._sparse = latest(lambda x: paths(SPARSE_HESSIAN, x))

    def alone(self, x: Floats) -> float:
        """The value, for solvers that ask for nothing else."""
        return _number(self.paths(None, x))

    def value(self, x: Floats) -> float:
        """The value, computed together with the gradient."""
        return _number(self._slope(x)[0])

    def gradient(self, x: Floats) -> Floats:
        """The gradient, `(n,)`; the caller may change it."""
        slope: Floats = self._slope(x)[1].copy()
        return slope

    def hessian(self, x: Floats) -> Floats:
        """The Hessian, `(n, n)`."""
        curvature: Floats = self.paths(HESSIAN, x)
        return curvature

    def product(self, x: Floats, v: Floats) -> Floats:
        """The Hessian times a vector, `(n,)`."""
        (product,) = self.paths(PRODUCT, x, (np.asarray(v, float).ravel(),))
        return product  # type: ignore[no-any-return]

    def sparse_hessian(self, x: Floats) -> Any:
        """The Hessian as a `scipy.sparse.csr_array`."""
        return self._sparse(x)

    def sparse_product(self, x: Floats, v: Floats) -> Floats:
        """The sparse Hessian times a vector, `(n,)`."""
        product: Floats = self._sparse(x) @ v
        return product


class Vector:
    """A function that gives m numbers.

    Args:
        paths: its programs.
    """

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self._value = latest(lambda x: paths(None, x))
        self._jacobian = latest(lambda x: paths(JACOBIAN, x))

    def value(self, x: Floats) -> Floats:
        """The m numbers; the caller may change them."""
        numbers: Floats = self._value(x).copy()
        return numbers

    def jacobian(self, x: Floats) -> Floats:
        """The Jacobian, `(m, n)`; the caller may change it."""
        slopes: Floats = self._jacobian(x).copy()
        return slopes

    def hessian(self, x: Floats, weights: Floats) -> Floats:
        """The Hessian of the weighted sum of the m numbers, `(n, n)`."""
        (curvature,) = self.paths(WEIGHTED, x, np.asarray(weights, float))
        return curvature  # type: ignore[no-any-return]

    def product(self, x: Floats, weights: Floats, v: Floats) -> Floats:
        """That Hessian times a vector, `(n,)`."""
        weights = np.asarray(weights, float)
        tangents = np.asarray(v, float).ravel(), np.zeros(len(weights))
        (product,) = self.paths(WEIGHTED_PRODUCT, x, weights, tangents)
        return product  # type: ignore[no-any-return]

    def sparse_jacobian(self, x: Floats) -> Any:
        """The Jacobian as a `scipy.sparse.csr_array`."""
        return self.paths(SPARSE_JACOBIAN, x)

    def sparse_hessian(self, x: Floats, weights: Floats) -> Any:
        """The Hessian of the weighted sum as a `scipy.sparse.csr_array`."""
        return self.paths(SPARSE_WEIGHTED, x, np.asarray(weights, float))

    def is_thin(self, x: Floats, many: int, share: float) -> bool:
        """Whether a Jacobian of so many entries is 0 by structure but for a share of them."""
        entries = len(x) * len(self.value(x))
        if entries < many:
            return False
        return bool(self.sparse_jacobian(x).nnz <= share * entries)


def _number(value: Any) -> float:
    return float(np.asarray(value).item())
