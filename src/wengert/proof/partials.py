"""Whether the partials of a row are the slopes of its value, at points of its domain."""

from collections.abc import Iterator, Sequence
from math import isfinite

import numpy as np

from wengert.dispatch import Interval, Primitive
from wengert.errors import CheckError
from wengert.operand import local_partials
from wengert.proof.numeric import SAFETY, SMOOTH, Slope, derivative

POINTS = 16  # of the domain
RTOL = 1e-5  # the relative error up to which a partial is right, beyond that of the slope


def check_partials(row: Primitive) -> None:
    """Compare a row's partials with numerical derivatives of its value.

    Args:
        row: any row; the points are taken from its domain, the same ones each time.

    Raises:
        CheckError: a partial is another one, or there is an operand by which the row has no slope
            at any of the points.
    """
    points = list(samples(row.domain))
    for k, operand in enumerate(row.operands):
        known = 0
        for point in points:
            slope = _slope(row, k, point)
            if slope is None:
                continue
            known += 1
            found = float(local_partials(row, row.scalar(*point), point)[k])
            if not _agrees(found, slope):
                raise CheckError(
                    f"The partial of {row.name} by {operand} is wrong at {_at(row, point)}: the "
                    f"rule gives {found:.10g}, and the slope of the function is "
                    f"{slope.value:.10g}."
                )
        if not known:
            raise CheckError(
                f"The partial of {row.name} by {operand} cannot be checked: at {POINTS} points of "
                f"the domain {_domain(row)} the function has no slope there. Give the domain= in "
                "which it is smooth, or check=False."
            )


def samples(domain: Sequence[Interval]) -> Iterator[tuple[float, ...]]:
    """Points of a domain, spread evenly in each operand and independent of each other."""
    rng = np.random.default_rng(0)
    columns = []
    for low, high in domain:
        places = (rng.permutation(POINTS) + rng.uniform(0.1, 0.9, POINTS)) / POINTS
        columns.append((low + (high - low) * places).tolist())
    yield from zip(*columns, strict=True)


def _slope(row: Primitive, k: int, point: tuple[float, ...]) -> Slope | None:
    """The slope by one operand; None where it is not known well enough to compare with."""

    def along(x: float) -> float:
        return row.scalar(*point[:k], x, *point[k + 1 :])

    slope = derivative(along, point[k])
    size = max(abs(slope.value), abs(along(point[k])) * 1e-3)
    flat = slope.flat and isfinite(along(point[k]))
    sharp = slope.kind == SMOOTH and SAFETY * slope.error <= 1e-3 * size
    return slope if flat or sharp else None


def _agrees(found: float, slope: Slope) -> bool:
    size = max(abs(found), abs(slope.value))
    return isfinite(found) and abs(found - slope.value) <= RTOL * size + SAFETY * slope.error


def _at(row: Primitive, point: tuple[float, ...]) -> str:
    pairs = zip(row.operands, point, strict=True)
    return ", ".join(f"{operand} = {x:.6g}" for operand, x in pairs)


def _domain(row: Primitive) -> str:
    return ", ".join(f"({low:g}, {high:g})" for low, high in row.domain)
