"""The verdict on a derivative, by two numerical ones.

One is a slope of the whole, measured; the other multiplies measured slopes of the operations one at
a time. What the second allows is not called wrong, for the first may have stepped over a bend; nor
is the first believed that there is a kink, if the second knows the slope.
"""

from math import inf, isfinite

from wengert.proof.bounds import Bounds
from wengert.proof.numeric import KINK, SAFETY, SMOOTH, Slope


class Judge:
    """Compares a derivative with the two numerical ones.

    Args:
        rtol: how far from the numerical derivative one may be, relative to the larger.
        atol: the same, absolute.
        result: what the number that is differentiated is called.
    """

    def __init__(self, rtol: float, atol: float, result: str = "root") -> None:
        self.rtol, self.atol, self.result = rtol, atol, result

    def __call__(
        self, grad: float, data: float, root: float, direct: Slope, second: Bounds
    ) -> tuple[str, str]:
        """A verdict and a remark.

        Args:
            grad: the derivative in question.
            data: the number that it is the derivative with respect to.
            root: the number that it is the derivative of.
            direct: the numerical derivative.
            second: what the chain rule makes of numerical derivatives, one operation at a time.
        """
        if not isfinite(data) and not direct.flat:
            return "not differentiable", f"its data is {data!r}"
        if not isfinite(root):
            return "cannot check", f"the {self.result} is {root!r}"
        if not isfinite(grad) and second.unsure:
            return "not differentiable", "an operation on the way has no slope here"
        within = self._within(grad, second.low, second.high, second.size)
        precise = second.known and self._precise(second.high - second.low, grad, second)
        if direct.kind == SMOOTH and self._agrees(grad, direct):
            if self._sharp(direct, grad) or (within and (precise or grad == 0.0)):
                return "right", ""
            if within or not precise:
                return "undecided", _too_poor(direct, second)
        if direct.flat and grad == 0.0 and within:
            return "right", ""
        stepped_over = precise and not second.kinked and not within  # a bend close by
        if direct.kind == KINK and self._within(grad, *direct.bounds, 0.0) and not stepped_over:
            return "kink", f"slopes {direct.left:.6g} on the left, {direct.right:.6g} on the right"
        if within:
            return self._inside(precise, direct, second)
        if self._sharp(direct, grad) or precise or direct.kind == KINK:
            return ("not filled", "not filled yet") if grad == 0.0 else ("wrong", "")
        if second.known and second.kinked:
            return "wrong", f"beyond all slopes, which are {second}"
        return "undecided", _too_poor(direct, second)

    def certain(self, direct: Slope, second: Bounds, verdict: tuple[str, str]) -> bool:
        """Whether finer and wider nudges could not change the verdict."""
        if verdict[0] == "right":
            return direct.kind != KINK
        low, high = direct.bounds
        agree = low <= second.high and second.low <= high
        thin = second.known and self._precise(second.high - second.low, 0.0, second)
        return direct.kind == SMOOTH and self._sharp(direct, 0.0) and thin and agree

    def _inside(self, precise: bool, direct: Slope, second: Bounds) -> tuple[str, str]:
        if precise and not second.kinked:
            return "right", ""
        if second.kinked and second.known:
            return "kink", f"any slope from {second} is possible"
        if direct.diverges:
            return "not differentiable", "the slopes grow without limit towards this point"
        if not second.known:
            return "undecided", "the numerical slopes do not settle"
        return "undecided", _too_poor(direct, second)

    def _agrees(self, grad: float, slope: Slope) -> bool:
        size = max(abs(grad), abs(slope.value))
        return (
            isfinite(grad)
            and abs(grad - slope.value) <= self.rtol * size + self.atol + SAFETY * slope.error
        )

    def _sharp(self, slope: Slope, grad: float) -> bool:
        size = max(abs(grad) if isfinite(grad) else 0.0, abs(slope.value))
        return slope.kind == SMOOTH and SAFETY * slope.error <= 5.0 * self.rtol * size + self.atol

    def _within(self, grad: float, low: float, high: float, size: float) -> bool:
        if low == -inf and high == inf:
            return True
        room = self.rtol * max(abs(grad), min(abs(low), abs(high))) + 1e-14 * size + self.atol
        return isfinite(grad) and low - room <= grad <= high + room

    def _precise(self, width: float, grad: float, second: Bounds) -> bool:
        size = max(abs(grad) if isfinite(grad) else 0.0, abs(second.low), abs(second.high))
        return width <= 5.0 * self.rtol * size + 1e-11 * second.size + self.atol


def has_no_slope(verdict: str, direct: Slope, second: Bounds) -> bool:
    """Whether, at a kink, there is no one slope to show beside a derivative with this verdict."""
    return direct.kind == KINK and (verdict != "wrong" or second.kinked or not second.known)


def _too_poor(direct: Slope, second: Bounds) -> str:
    error = min(SAFETY * direct.error, second.high - second.low)
    if not isfinite(error):
        return "no numerical derivative was found"
    return f"the numerical derivative is known to ±{error:.0e} only"
