"""The check of a function: every transform against measured slopes, and against each other.

A check of order two is one of order one again, of the gradient in place of the function.
"""

from collections.abc import Callable, Sequence
from math import isqrt
from typing import Any

import numpy as np

from wengert.derive.calling import Transformed, recorded
from wengert.dispatch import describe
from wengert.errors import OperandError
from wengert.program.program import Program
from wengert.program.structure import Floats
from wengert.proof.candidates import (
    eager_entries,
    forward_entries,
    pullback,
    pushforward,
    reverse_entries,
)
from wengert.proof.comparison import Comparison, FunctionReport
from wengert.proof.judge import Judge
from wengert.proof.measure import Measure
from wengert.proof.subject import Direction, Subject

MODES = ("forward", "reverse")
EAGER = 10  # outputs of which `backward` is called
DIRECTIONS = 2  # random ones
EXACT = 1e-9  # how closely two exact ways to one number agree, relative to what is added up in it


def check_function(
    function: Any, args: Sequence[Any], order: int, mode: str | None, judge: Judge, most: int,
    seed: int,
) -> FunctionReport:  # fmt: skip
    """The check of a function's derivatives at a point; see `wengert.check`."""
    if order not in (1, 2, 3):
        raise OperandError(f"check() takes the order 1, 2 or 3, not {order!r}.")
    if mode not in (None, *MODES):
        raise OperandError(f'The mode is "forward", "reverse" or None, not {mode!r}.')
    program = _program(function, args)
    base = Subject.of(program, args)
    random = np.random.default_rng(seed)
    eager = program if isinstance(function, Transformed) else function
    checks = [
        _Check(subject, modes, whole, judge, most, random)
        for subject, modes, whole in _subjects(base, order, mode, random)
    ]
    with np.errstate(all="ignore"):
        rows = [row for k, each in enumerate(checks) for row in each.rows(None if k else eager)]
        faults = {str(fault): fault for each in checks for fault in each.faults()}
    notes = dict.fromkeys(note for each in checks for note in each.notes(seed))
    return FunctionReport(tuple(rows), tuple(faults.values()), tuple(notes))


def _program(function: Any, args: Sequence[Any]) -> Program:
    if isinstance(function, Program):
        function.bound(args, {})  # says which arguments it takes
        return function
    if not callable(function):
        raise OperandError(f"check() takes a Value or a function, not {describe(function)}.")
    program, captured = recorded(function, args)
    if captured:
        raise OperandError(
            "check() takes plain numbers, and inside a recording there are none. Check the "
            "function outside of it."
        )
    return program


def _subjects(
    base: Subject, order: int, mode: str | None, random: "np.random.Generator"
) -> list[tuple[Subject, tuple[str, ...], bool]]:
    """What is differentiated, by which modes, and whether entry by entry or along directions."""
    modes: tuple[str, ...] = MODES if mode is None else (mode,)
    found: list[tuple[Subject, tuple[str, ...], bool]] = [(base, modes, True)]
    if order >= 2 and mode != "forward":
        gradient = base.gradient(_weights(len(base.outputs), random))
        found.append((gradient, modes, True))
        if order == 3 and mode is None:
            found.append((gradient.along(_direction("u", base, random)), modes, False))
        elif order == 3:
            again = gradient.gradient(_weights(len(gradient.outputs), random))
            found.append((again, modes, False))
    if order >= 2 and mode != "reverse":
        tangent = base.along(_direction("u", base, random))
        found.append((tangent, ("forward",), mode is not None))
        if order == 3 and mode is not None:
            found.append((tangent.along(_direction("v", base, random)), modes, False))
    return found


def _weights(count: int, random: "np.random.Generator") -> Floats:
    """Numbers of either sign, none small."""
    return np.asarray(random.uniform(0.5, 1.5, count) * random.choice([-1.0, 1.0], count))


def _direction(name: str, subject: Subject, random: "np.random.Generator") -> Direction:
    """A random direction, each part of the size of the input that it moves."""
    _, exponents = np.frexp(np.where(np.isfinite(subject.x) & (subject.x != 0.0), subject.x, 1.0))
    return Direction(name, _weights(len(subject.names), random) * np.ldexp(1.0, exponents))


class _Check:
    """The check of one subject.

    Args:
        subject: what is differentiated.
        modes: by what.
        whole: entry by entry, or only along random directions.
        judge: who compares.
        most: how many entries at most.
        random: where choices come from.
    """

    def __init__(
        self, subject: Subject, modes: Sequence[str], whole: bool, judge: Judge, most: int,
        random: "np.random.Generator",
    ) -> None:  # fmt: skip
        self.subject, self.modes, self.whole, self.judge = subject, modes, whole, judge
        m, n = len(subject.outputs), len(subject.names)
        square = subject.how[:1] == ("reverse",)  # a gradient: its Jacobian is symmetric
        height = min(m, max(1, isqrt(most)))
        width = min(n, max(1, isqrt(most) if square else most // max(1, height)))
        height = min(m, width if square else max(1, most // max(1, width)))
        self.columns = _some(n, width, random)
        self.outputs = self.columns if square else _some(m, height, random)
        self.square = square
        self.random = random
        self.measure = Measure(subject, self.outputs, judge)
        self.wrong = False

    def rows(self, eager: Callable[..., Any] | None) -> list[Comparison]:
        """All comparisons."""
        found: list[Comparison] = []
        if not self.columns or not self.outputs:
            return found
        if self.whole:
            values = self._entries(eager)
            found += self._compared(values)
            if self.square:
                found += self._symmetric(values)
        for k in range(DIRECTIONS):
            found += self._along(_direction(f"v{k + 1}", self.subject, self.random))
        self.wrong = any(not row.ok for row in found)
        return found

    def faults(self) -> Sequence[Any]:
        """The rows to blame, where something is wrong."""
        replay = self.measure.replay
        return replay.faults(self.judge.rtol) if self.wrong and replay else ()

    def notes(self, seed: int) -> list[str]:
        """What was left out."""
        subject, notes = self.subject, []
        total = len(subject.outputs) * len(subject.names)
        looked_at = len(self.outputs) * len(self.columns)
        if self.whole and looked_at < total:
            notes.append(
                f"{looked_at:,} of {total:,} entries of order {len(subject.how) + 1} were "
                f"compared, chosen at random (seed={seed}); most= takes more. The random "
                "directions cover all of them."
            )
        if self.measure.replay is None:
            notes.append(
                "The program is too long to look at its operations one by one, so there is no "
                "second opinion."
            )
        return notes

    # --- entry by entry ---------------------------------------------------------------------------

    def _entries(self, eager: Callable[..., Any] | None) -> dict[str, Floats]:
        ways = {"forward": forward_entries, "reverse": reverse_entries}
        values = {
            self.subject.called(mode): ways[mode](self.subject, self.outputs, self.columns)
            for mode in self.modes
        }
        if eager is not None and "reverse" in self.modes:
            few = self.outputs[:EAGER]
            values["backward()"] = eager_entries(self.subject, eager, few, self.columns)
        return values

    def _compared(self, values: dict[str, Floats]) -> list[Comparison]:
        found = []
        for k, column in enumerate(self.columns):
            direction = self._unit(column)
            for i, row in enumerate(self.outputs):
                given = {
                    way: float(matrix[i, k]) for way, matrix in values.items() if i < len(matrix)
                }
                found += self.measure.compared(given, row, direction)
        return found

    def _unit(self, column: int) -> Direction:
        vector = np.zeros(len(self.subject.names))
        vector[column] = 1.0
        start = float(self.subject.x[column])
        return Direction(self.subject.names[column], vector, column, start)

    def _symmetric(self, values: dict[str, Floats]) -> list[Comparison]:
        """For each transform, the two entries that differ most from each other."""
        found = []
        for way, matrix in values.items():
            apart = np.abs(matrix - matrix.T)
            apart[np.isnan(apart)] = 0.0
            i, k = np.unravel_index(int(np.argmax(apart)), apart.shape)
            row, column = self.outputs[int(i)], self.columns[int(k)]
            size = float(np.nanmax(np.abs(matrix), initial=0.0))
            room = self.measure.size(row, self._unit(column))
            found.append(
                self._identity(way, "H = Hᵀ", float(matrix[i, k]), float(matrix[k, i]), size, room)
            )
        return found

    # --- along directions -------------------------------------------------------------------------

    def _along(self, direction: Direction) -> list[Comparison]:
        """J·v against slopes along v, Jᵀ·w against those of ⟨w, f⟩, and each against the other."""
        subject, found = self.subject, []
        weights = _weights(len(subject.outputs), self.random)
        sides, sizes = {}, [0.0]
        if "forward" in self.modes:
            pushed = pushforward(subject)(direction.vector)
            way = f"jvp, {subject.called('forward')}" if subject.how else "jvp"
            for row in self.outputs[:EAGER]:
                found += self.measure.compared({way: float(pushed[row])}, row, direction)
            sides["forward"] = float(weights @ pushed)
            sizes.append(float(np.abs(weights) @ np.abs(pushed)))
        if "reverse" in self.modes:
            pulled = pullback(subject)(weights)
            way = f"vjp, {subject.called('reverse')}" if subject.how else "vjp"
            sides["reverse"] = float(pulled @ direction.vector)
            sizes.append(float(np.abs(pulled) @ np.abs(direction.vector)))
            if np.isfinite(pulled).all():  # else a part of the sum has overflowed
                found += self.measure.compared({way: sides["reverse"]}, weights, direction)
        if len(sides) == 2:
            room = sum(self.measure.size(row, direction) for row in self.outputs)
            found.append(
                self._identity(
                    "jvp, vjp",
                    "⟨w, Jv⟩ = ⟨Jᵀw, v⟩",
                    sides["forward"],
                    sides["reverse"],
                    max(sizes),
                    room,
                )
            )
        return found

    def _identity(
        self, way: str, name: str, left: float, right: float, size: float, paths: float
    ) -> Comparison:
        """Two numbers that are the same but for rounding."""
        allowed = EXACT * size + 1e-13 * paths + self.judge.atol
        if not np.isfinite([left, right]).all():
            verdict = "undecided" if np.isfinite([left, right]).any() else "cannot check"
            return Comparison(way, name, left, right, 0.0, verdict, "not finite")
        verdict = "right" if abs(left - right) <= allowed else "wrong"
        reason = "" if verdict == "right" else "the two sides disagree"
        return Comparison(way, name, left, right, allowed, verdict, reason)


def _some(count: int, size: int, random: "np.random.Generator") -> list[int]:
    """Some of the numbers below `count`, in order."""
    return (
        sorted(random.choice(count, size, replace=False).tolist())
        if size < count
        else list(range(count))
    )
