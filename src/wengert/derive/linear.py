"""Systems of linear equations, solved in scalar arithmetic, so that recordings can hold them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.functions import where
from wengert.primitives import abs as absolute
from wengert.primitives import div, greater


class Factored:
    """A square matrix, factored by Gaussian elimination with partial pivoting.

    Rows are exchanged by choosing numbers, not by a decision in Python, so that what is recorded
    pivots for whatever numbers it meets. Of a singular matrix, the solutions are infinite or NaN.

    Args:
        matrix: its rows, of numbers of any kind, `(n, n)`.

    Source:
        Golub and Van Loan, Matrix Computations, 4th edition, section 3.4.

    Examples:
        >>> Factored([[0.0, 2.0], [4.0, 0.0]]).solution([2.0, 8.0])
        [2.0, 1.0]
    """

    def __init__(self, matrix: Sequence[Sequence[Any]]) -> None:
        self.rows = [list(row) for row in matrix]
        self.exchanges: list[list[Any]] = []  # per column, whether each row below came first
        for k in range(len(self.rows)):
            self.exchanges.append([self._exchange(k, i) for i in range(k + 1, len(self.rows))])
            self._eliminate(k)

    def _exchange(self, k: int, i: int) -> Any:
        upper, lower = self.rows[k], self.rows[i]
        larger = greater(absolute(lower[k]), absolute(upper[k]))
        for j in range(k, len(upper)):
            upper[j], lower[j] = _exchanged(larger, upper[j], lower[j])
        return larger

    def _eliminate(self, k: int) -> None:
        """Keep the factors below the pivot, where they belong to the rows as they stand now."""
        pivots = self.rows[k]
        for row in self.rows[k + 1 :]:
            row[k] = div(row[k], pivots[k])
            for j in range(k + 1, len(row)):
                row[j] = row[j] - row[k] * pivots[j]

    def solution(self, right: Sequence[Any]) -> list[Any]:
        """The solution for a right-hand side, `(n,)`."""
        x = list(right)
        for k, exchanges in enumerate(self.exchanges):
            for i, larger in enumerate(exchanges, k + 1):
                x[k], x[i] = _exchanged(larger, x[k], x[i])
            for i in range(k + 1, len(x)):
                x[i] = x[i] - self.rows[i][k] * x[k]
        for k in reversed(range(len(x))):
            for j in range(k + 1, len(x)):
                x[k] = x[k] - self.rows[k][j] * x[j]
            x[k] = div(x[k], self.rows[k][k])
        return x

    def inverse(self) -> Any:
        """The inverse, an array `(n, n)`."""
        columns = [self.solution(unit) for unit in np.eye(len(self.rows)).tolist()]
        return np.array(columns, dtype=object).T


def _exchanged(truth: Any, first: Any, second: Any) -> tuple[Any, Any]:
    """Both, the other way round where it is true."""
    return where(truth, second, first), where(truth, first, second)
