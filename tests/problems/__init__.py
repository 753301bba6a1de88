"""Classic problems with what is known of them: rows that tests and benchmarks share."""

from problems import constrained, control, least_squares, models, stiff
from problems.problem import Problem

ROWS: list[Problem] = [
    *least_squares.ROWS, *constrained.ROWS, *models.ROWS, *stiff.ROWS, *control.ROWS,
]  # fmt: skip
PROBLEMS = {row.name: row for row in ROWS}
