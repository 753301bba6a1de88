"""Optimal control, transcribed: an objective, and equations that tie each state to the next."""

from typing import Any

import numpy as np

from problems.problem import Array, Numbers, Problem

BETTS = "Betts, Practical Methods for Optimal Control and Estimation (2010)"

# --- a mass that is moved by one in one unit of time ----------------------------------------------
# N + 1 places, N + 1 velocities, N forces, each constant during its step.


def effort(x: Numbers) -> Any:
    n = (len(x) - 2) // 3
    total = 0.0
    for force in x[2 * n + 2 :]:
        total = total + force * force / n
    return total


def motion(x: Numbers) -> Array:
    """From rest at 0 to rest at 1, by the exact solution of each step."""
    n = (len(x) - 2) // 3
    h = 1.0 / n
    place, velocity, force = x[: n + 1], x[n + 1 : 2 * n + 2], x[2 * n + 2 :]
    defects = [place[0], velocity[0], place[n] - 1.0, velocity[n]]
    for k in range(n):
        reached = place[k] + h * velocity[k] + 0.5 * h * h * force[k]
        defects += [place[k + 1] - reached, velocity[k + 1] - velocity[k] - h * force[k]]
    return np.array(defects)


def double_integrator_at(n: int) -> Problem:
    """The best force falls linearly: 12·(½ - t) in the middle of each step, but for a factor."""
    cost = 12.0 / (1.0 - 1.0 / n**2)
    force = cost * (0.5 - (np.arange(n) + 0.5) / n)
    velocity = np.concatenate([[0.0], np.cumsum(force / n)])
    place = np.concatenate([[0.0], np.cumsum(velocity[:-1] / n + force / (2.0 * n * n))])
    return Problem(
        f"double integrator, {n} steps", "constrained", effort, np.zeros(3 * n + 2),
        BETTS + "; Bryson and Ho, Applied Optimal Control (1975)", at_start=0.0, minima=(cost,),
        solution=np.concatenate([place, velocity, force]), equalities=motion,
    )  # fmt: skip


# --- an oscillator that is brought to rest --------------------------------------------------------
# N + 1 times three numbers: velocity, place and control of each point of time.

TIME = 5.0


def unrest(x: Numbers) -> Any:
    """The integral of the squares of all three by the trapezoidal rule."""
    n = len(x) // 3 - 1
    total = 0.0
    for k in range(n + 1):
        velocity, place, control = x[3 * k : 3 * k + 3]
        share = 0.5 if k in (0, n) else 1.0
        total = total + share * (velocity * velocity + place * place + control * control)
    return total * (TIME / n)


def oscillation(x: Numbers) -> Array:
    """Van der Pol's equation with a force, collocated by the trapezoidal rule."""
    n = len(x) // 3 - 1
    half = 0.5 * TIME / n
    defects = [x[0], x[1] - 1.0]
    for k in range(n):
        now, after = x[3 * k : 3 * k + 3], x[3 * k + 3 : 3 * k + 6]
        for i, (before, behind) in enumerate(zip(_rates(now), _rates(after), strict=True)):
            defects.append(after[i] - now[i] - half * (before + behind))
    return np.array(defects)


def _rates(point: Numbers) -> tuple[Any, Any]:
    velocity, place, control = point
    return (1.0 - place * place) * velocity - place + control, velocity


def van_der_pol_at(n: int) -> Problem:
    return Problem(
        f"Van der Pol control, {n} steps", "constrained", unrest,
        np.array([0.0, 1.0, 0.0] * (n + 1)), BETTS, at_start=TIME, equalities=oscillation,
    )  # fmt: skip


ROWS = [double_integrator_at(10), van_der_pol_at(20)]
