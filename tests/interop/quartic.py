"""A function to be minimised, of any two numbers."""

from typing import Any


def quartic(x: Any) -> Any:
    """Convex, with its minimum of 0 at (1, 2)."""
    return (x[0] - 1.0) ** 4 + (x[0] - 1.0) ** 2 + (x[1] - 2.0 * x[0]) ** 2
