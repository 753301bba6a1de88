"""Measured slopes of a subject, and the verdict on what transforms give for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite, nan

import numpy as np

from wengert.program.structure import Floats
from wengert.proof.bounds import Bounds
from wengert.proof.comparison import Comparison
from wengert.proof.judge import Judge, has_no_slope
from wengert.proof.numeric import FIRST, KINK, POOR, SMOOTH, WIDE, Array, Slope, better, slopes
from wengert.proof.replay import Replay, combined, replayed
from wengert.proof.subject import Direction, Quantity, Subject

Output = int | Floats  # the number of an output, or a weight for each: their sum


@dataclass(frozen=True, slots=True)
class _Measured:
    """A slope, and what bounds it."""

    direct: Slope
    second: Bounds
    kinks: str
    result: float


class Measure:
    """The slopes of a subject at its point.

    Args:
        subject: what is differentiated.
        outputs: the numbers of the outputs that are looked at.
        judge: who compares.
    """

    def __init__(self, subject: Subject, outputs: Sequence[int], judge: Judge) -> None:
        self.subject, self.outputs, self.judge = subject, outputs, judge
        self._values: tuple[Direction | None, dict[float, Floats]] = (None, {})
        self._known: dict[tuple[int, int | None, str], _Measured] = {}

    @cached_property
    def replay(self) -> Replay | None:
        """The second opinion."""
        return replayed(self.subject, self.outputs)

    def compared(
        self, given: Mapping[str, float], output: Output, direction: Direction
    ) -> list[Comparison]:
        """What transforms give for one derivative, against its slope and each other."""
        found = self._measured(output, direction)
        quantity = self.subject.outputs[output] if isinstance(output, int) else None
        name = (
            str(Quantity(self.subject.total).derived(direction.name))
            if quantity is None
            else str(quantity.derived(direction.name))
        )
        verdicts = {
            way: self._verdict(value, direction.start, found) for way, value in given.items()
        }
        wrong = [way for way, (verdict, _) in verdicts.items() if verdict == "wrong"]
        rows = []
        for way, value in given.items():
            verdict, reason = verdicts[way]
            if verdict == "wrong":
                reason = _joined(_others(way, wrong, given), reason)
            elif verdict != "right" and found.kinks:
                reason = _joined(_here(verdict, found.kinks), reason)
            numeric, bound = _shown(value, verdict, found)
            rows.append(Comparison(way, name, value, numeric, bound, verdict, reason))
        return rows

    def size(self, output: int, direction: Direction) -> float:
        """The sum of absolute products over all paths: what rounding is relative to."""
        size = self.replay.bounds(output, direction).size if self.replay else 0.0
        return size if isfinite(size) else 0.0

    # --- verdicts ---------------------------------------------------------------------------------

    def _verdict(self, value: float, data: float, found: _Measured) -> tuple[str, str]:
        verdict = self.judge(value, data, found.result, found.direct, found.second)
        if verdict[0] == "not filled":
            verdict = "wrong", ""
        side = _only_side(found.direct)
        if side and self.subject.left and verdict[0] in ("right", "undecided"):
            where, slope = side
            if abs(value - slope) <= 10.0 * self.judge.rtol * max(abs(value), abs(slope)):
                return "right", f"from the {where} alone: beyond, {self.subject.left[0]}"
        return verdict

    # --- slopes -----------------------------------------------------------------------------------

    def _measured(self, output: Output, direction: Direction) -> _Measured:
        if not isinstance(output, int):
            return self._of(output, direction)
        key = output, direction.unit, direction.name
        if key not in self._known:
            self._known[key] = self._of(output, direction)
        return self._known[key]

    def _of(self, output: Output, direction: Direction) -> _Measured:
        second, noise, kinks = self._second(output, direction)

        def measured(exponents: Array, scale: float) -> Slope:
            return self._slope(output, direction, exponents, scale, noise)

        direct = measured(FIRST, direction.start)
        nothing = direct.flat and second is not None and second.size == 0.0
        if not nothing and not self._certain(direct, second):
            direct = measured(WIDE, direction.start)
            if abs(direction.start) < 2.0**-8 and direction.unit is not None and not direct.sharp:
                direct = better(direct, measured(WIDE, 1.0))
        result = self._result(output, self._at(direction, direction.start))
        return _Measured(direct, second or _itself(direct), kinks, result)

    def _certain(self, direct: Slope, second: Bounds | None) -> bool:
        return self.judge.certain(direct, second or _itself(direct), ("", ""))

    def _second(self, output: Output, direction: Direction) -> tuple[Bounds | None, float, str]:
        """What the replay says: bounds, the rounding that arrives, and where the kinks are."""
        replay = self.replay
        if replay is None:
            return None, 0.0, ""
        if isinstance(output, int):
            kinks = replay.kinks(output, direction)
            return replay.bounds(output, direction), replay.rounding(output, direction), kinks
        parts = [(float(output[row]), replay.bounds(row, direction)) for row in self.outputs]
        noise = sum(
            abs(float(output[row])) * replay.rounding(row, direction) for row in self.outputs
        ) * (len(output) / len(self.outputs))
        kinks = " and ".join(
            filter(None, {replay.kinks(row, direction): 0 for row in self.outputs})
        )
        return (combined(parts) if len(parts) == len(output) else None), noise, kinks

    def _slope(
        self, output: Output, direction: Direction, exponents: Array, scale: float, noise: float
    ) -> Slope:
        def values(_: Array, lanes: Array) -> Array:
            return np.array(
                [[self._result(output, self._at(direction, t)) for t in lanes[0].tolist()]]
            )

        return slopes(values, np.array([direction.start]), exponents, noise, np.array([scale]))[0]

    def _at(self, direction: Direction, t: float) -> Floats:
        """All that the subject gives at a point, remembered for the other outputs."""
        if self._values[0] is not direction:
            self._values = direction, {}
        known = self._values[1]
        if t not in known:
            known[t] = self.subject.values(direction.point(self.subject.x, t))
        return known[t]

    @staticmethod
    def _result(output: Output, values: Floats) -> float:
        return float(values[output] if isinstance(output, int) else output @ values)


def _shown(value: float, verdict: str, found: _Measured) -> tuple[float, float]:
    """The number that a derivative is shown beside, and its error."""
    direct, second = found.direct, found.second
    if has_no_slope(verdict, direct, second) or verdict in ("not differentiable", "cannot check"):
        return nan, inf
    numeric, bound = direct.value, direct.error
    stopped = verdict == "right" and abs(value - numeric) > 1e-3 * abs(numeric) + bound
    poor = direct.kind != SMOOTH and not direct.flat
    if (stopped or poor) and second.known and not second.kinked:
        return second.middle, 0.5 * (second.high - second.low)
    return numeric, bound


def _itself(direct: Slope) -> Bounds:
    """Bounds where there is no second opinion: those of the slope."""
    low, high = direct.bounds
    unknown = not (isfinite(low) and isfinite(high))
    size = inf if unknown else max(abs(low), abs(high))
    return Bounds(low, high, size, direct.kind == KINK or unknown, unknown)


def _only_side(direct: Slope) -> tuple[str, float] | None:
    """The side that alone has a slope."""
    if direct.kind != POOR or isfinite(direct.left) == isfinite(direct.right):
        return None
    return ("left", direct.left) if isfinite(direct.left) else ("right", direct.right)


def _others(way: str, wrong: Sequence[str], given: Mapping[str, float]) -> str:
    """What the other transforms say of a wrong number."""
    right = [other for other in given if other not in wrong]
    if right:
        return (
            f"{' and '.join(right)} disagree{'s' * (len(right) == 1)}, and the slope agrees with it"
        )
    if len(given) > 1 and len({f"{value:.6e}" for value in given.values()}) == 1:
        return "all transforms give this"
    return "" if len(given) == 1 else "the transforms disagree"


def _here(verdict: str, kinks: str) -> str:
    return f"kink of {kinks}" if verdict == "kink" else f"no single slope: {kinks}"


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))
